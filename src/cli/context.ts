// What every command gets: where to write, whom to ask, what time it is, and the way to the admin API.
import type { Environment } from '#config'
import type { AdminClient } from './admin-client.ts'
import { homeOption, type ConnectionOptions } from './connection.ts'
import type { Prompts } from './prompts.ts'
import type { Terminal } from './terminal.ts'

export { homeOption, reachableHost, type ConnectionOptions } from './connection.ts'

/** How to type a command that goes to the same home: `turnpike keys list --home X`. */
export type Typed = (words: string) => string

export function typedFor({ command }: Pick<CliContext, 'command'>, { home }: ConnectionOptions): Typed {
  return (words) => `${command} ${words}${homeOption(home)}`
}

export type CliContext = {
  readonly terminal: Terminal
  /** undefined: nobody is there to answer (a pipe, a script); what is missing is then misuse. */
  readonly prompts: Prompts | undefined
  /** All of stdin, for a secret that is piped in. */
  readonly readStdin: () => Promise<string>
  readonly env: Environment
  readonly version: string
  /** How this command line was begun, for sentences that say what to run next: `turnpike`, or what npm needs in a clone. */
  readonly command: string
  readonly nowMs: () => number
  /** The admin API of a home, found anew at each call: the instance may have been restarted on another port. Closed when the command ends. */
  readonly connect: (options: ConnectionOptions) => Promise<AdminClient>
}
