// The command line: its commands, and how their failures become one sentence and an exit code.
import { text as readAll } from 'node:stream/consumers'
import { Command, CommanderError } from 'commander'
import { ConfigError, environment } from '#config'
import type { AdminClient } from './admin-client.ts'
import { accountsCommand } from './accounts.ts'
import { aliasesCommand } from './aliases.ts'
import { auditCommand } from './audit.ts'
import { backupCommand } from './backup.ts'
import { configsCommand } from './configs.ts'
import { connectToHome, type OpenHome } from './connection.ts'
import type { CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { doctorCommand } from './doctor.ts'
import { drillCommand } from './drill.ts'
import { initCommand } from './init.ts'
import { keysCommand } from './keys.ts'
import { ledgerCommand } from './ledger.ts'
import { modelsCommand } from './models.ts'
import { openClawCommand } from './openclaw.ts'
import { ownersCommand } from './owners.ts'
import { createPrompts } from './prompts.ts'
import { providersCommand } from './providers.ts'
import { requestsCommand } from './requests.ts'
import { restoreCommand } from './restore.ts'
import { createTerminal } from './terminal.ts'
import { upCommand, type StartGateway } from './up.ts'
import { packageVersion } from './version.ts'

const intro = 'A self-hosted AI gateway: one OpenAI-compatible address for every model, with a record of every request and its cost.'
const examples = `
Examples:
  turnpike init                    first steps: a provider, a key, what to type next
  turnpike up                      start the gateway on 127.0.0.1:8640
  turnpike providers add openai    add an account and test it
  turnpike keys create --name ci   a key for a client
  turnpike requests list           what happened
  turnpike requests show           the newest request in full
  turnpike doctor                  what is wrong, and how to put it right

Exit codes: 0 done, 1 failed, 2 misused.
`

export type ProgramContext = CliContext & { readonly start: StartGateway }

function createProgram(context: ProgramContext): Command {
  const program = new Command('turnpike')
    .description(intro)
    .version(context.version, '-v, --version', 'print the version')
    .addHelpText('after', examples)
    .addCommand(upCommand(context))
    .addCommand(initCommand(context))
    .addCommand(doctorCommand(context))
    .addCommand(providersCommand(context))
    .addCommand(keysCommand(context))
    .addCommand(ownersCommand(context, 'users'))
    .addCommand(ownersCommand(context, 'teams'))
    .addCommand(modelsCommand(context))
    .addCommand(aliasesCommand(context))
    .addCommand(configsCommand(context))
    .addCommand(drillCommand(context))
    .addCommand(requestsCommand(context))
    .addCommand(openClawCommand(context))
    .addCommand(accountsCommand(context))
    .addCommand(ledgerCommand(context))
    .addCommand(auditCommand(context))
    .addCommand(backupCommand(context))
    .addCommand(restoreCommand(context))
  inEveryCommand(program, (command) =>
    command
      .exitOverride()
      .helpCommand(false)
      .configureOutput({
        writeOut: (text) => context.terminal.line(text.trimEnd()),
        writeErr: (text) => context.terminal.remark(text.trimEnd()),
      })
      .showHelpAfterError(`(see: ${pathOf(command)} --help)`)
      .helpOption('-h, --help', 'print this'),
  )
  return program
}

function inEveryCommand(command: Command, change: (command: Command) => void): void {
  change(command)
  for (const child of command.commands) inEveryCommand(child, change)
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** Runs a command line (without node and script) and resolves to its exit code; what it connected to is closed by then. */
export async function runProgram(context: ProgramContext, args: readonly string[]): Promise<number> {
  const clients = new Set<AdminClient>()
  const connect: CliContext['connect'] = async (options) => {
    const client = await context.connect(options)
    clients.add(client)
    return client
  }
  try {
    await createProgram({ ...context, connect }).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    return exitCodeOf(error, context.terminal.remark)
  } finally {
    for (const client of clients) await client.close()
  }
}

export async function main(args: readonly string[]): Promise<void> {
  let serves = false
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (serves) return
    // The reader of a pipe may leave first (`| head`): nothing more to say, and no failure.
    if (code === 'EPIPE') process.exit(0)
    terminal.remark(`turnpike: The output cannot be written: ${code === 'ENOSPC' ? 'the disk is full' : (code ?? message)}.`)
    process.exit(1)
  })
  // Whoever reads the log may go away, or its disk be full: no reason to stop.
  process.stderr.on('error', () => {})
  // From source the command is not on the PATH; npm finds it (and the right Node).
  const command = process.argv[1]?.endsWith('.ts') === true ? 'npm run -s turnpike --' : 'turnpike'
  const terminal = createTerminal(process.stdout, process.stderr)
  // Questions are asked on stderr; whoever pipes either end or runs in CI gets none.
  const isPerson = process.stdin.isTTY && process.stderr.isTTY && process.stdout.isTTY
  const version = packageVersion()
  const openHome: OpenHome = async (settings) => (await import('./open-home.ts')).openHome(settings, version)
  process.exitCode = await runProgram(
    {
      terminal,
      prompts: isPerson && environment()['CI'] === undefined ? createPrompts() : undefined,
      readStdin: () => readAll(process.stdin),
      env: environment(),
      version,
      nowMs: () => Date.now(),
      command,
      connect: (options) => connectToHome({ command, remark: terminal.remark, openHome }, options),
      // Loaded here, so that the other commands don't wait for a whole gateway.
      start: async (settings) => {
        const gateway = await (await import('#main')).startTurnpike({ settings, version })
        serves = true
        return gateway
      },
    },
    args,
  )
  // What failed may have left a handle open; nobody waits for it.
  if (process.exitCode !== 0) setTimeout(() => process.exit(), 2000).unref()
}

/** Says what went wrong, unless it was said, and returns the exit code. */
function exitCodeOf(error: unknown, say: (text: string) => void): number {
  // Help that was asked for ends with 0; help shown because a command is missing, and every wrong argument, is misuse.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof CliFailure) {
    say(`turnpike: ${error.message}`)
    return error.exitCode
  }
  if (error instanceof ConfigError) {
    say(`turnpike: ${error.message}`)
    return error.subject.startsWith('--') ? 2 : 1
  }
  say(`turnpike failed in a way that it should not: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  return 1
}
