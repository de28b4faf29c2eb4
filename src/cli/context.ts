// What every command gets: where to write, what time it is, and the way to the running instance.
import { readAdminToken, readSettings, type Settings } from '#config'
import { createAdminClient, type AdminClient } from './admin-client.ts'
import { CliFailure } from './failure.ts'
import { readInstanceNote } from './instance.ts'
import type { Terminal } from './terminal.ts'

export type CliContext = {
  readonly terminal: Terminal
  readonly version: string
  /** How this command line was begun, for sentences that say what to run next: `turnpike`, or what npm needs in a clone. */
  readonly command: string
  readonly nowMs: () => number
  /** The instance of a home, found anew at each call: it may have been restarted on another port. */
  readonly connect: (options: ConnectionOptions) => Promise<AdminClient>
}

export type ConnectionOptions = { readonly home?: string }

export async function connectToInstance(command: string, { home }: ConnectionOptions): Promise<AdminClient> {
  const settings = readSettings({ overrides: { home } })
  const note = await readInstanceNote(settings.home)
  const howToStart = `${command} up${homeOption(home)}`
  const adminToken = readAdminToken(settings)
  if (adminToken === undefined) {
    throw new CliFailure(`No turnpike has been started with the home ${settings.home} yet. Start it with: ${howToStart}`)
  }
  return createAdminClient(note?.url ?? usualUrl(settings), adminToken, howToStart)
}

/** ` --home X` where a home was named. */
export function homeOption(home: string | undefined): string {
  return home === undefined ? '' : ` --home ${home}`
}

/** Where an instance is with these settings, when none has left a note. */
function usualUrl({ host, port }: Settings): string {
  return `http://${reachableHost(host)}:${port}`
}

/** An address that this machine can connect to, for one that was listened on; IPv6 in brackets. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
