// `turnpike up`: settings, start, greeting, and an end that lets running requests finish.
import { Command } from 'commander'
import { readSettings, type Environment, type Settings, type Snapshot } from '#config'
import { isOwnKey } from '#telemetry'
import { homeOption, reachableHost, type CliContext } from './context.ts'
import { CliFailure, explainHome, systemCode } from './failure.ts'
import { exampleModel } from './example-model.ts'
import { greetingJson, greetingLines, type Started } from './greeting.ts'
import { createSignalReader, exitCodes, watchTerminal, type StopSignal } from './stop-signals.ts'
import { probeNeighbour, removeInstanceNote, writeInstanceNote } from './instance.ts'

/** A gateway that serves, as `#main` gives it. */
export type Running = {
  /** The real one. */
  readonly port: number
  readonly firstKey: string | undefined
  readonly snapshot: Snapshot
  /** Takes a `turnpike.yaml` that has changed; whatever comes of it is logged. */
  reload(read: () => Settings): Promise<void>
  /** Refuses new requests, lets running ones end within the deadline, writes everything. */
  close(deadlineMs: number): Promise<void>
}

export type StartGateway = (settings: Settings) => Promise<Running>

type UpOptions = {
  readonly home?: string
  readonly host?: string
  readonly port?: string
  readonly config?: string
  readonly logLevel?: string
  readonly json?: true
}

/** As long as a request may take by default; a second signal ends it at once. */
const drainMs = 600_000
const examples = `
Examples:
  turnpike up
  OPENAI_API_KEY=sk-... turnpike up --port 9000
  turnpike up --home ./scratch --port 0 --json     any free port, told as JSON

Every option is also a setting of the environment (TURNPIKE_HOME, TURNPIKE_HOST, TURNPIKE_PORT, TURNPIKE_CONFIG,
TURNPIKE_LOG_LEVEL) and of turnpike.yaml. Ctrl-C lets running requests finish; a second one stops at once. SIGHUP reads turnpike.yaml again.
`

export function upCommand({ terminal, version, command, env, start }: CliContext & { readonly start: StartGateway }): Command {
  return new Command('up')
    .description('start the gateway')
    .option('--home <folder>', 'where all state is kept (default: ~/.turnpike)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port to listen on, 0 for any free one (default: 8640)')
    .option('--config <file>', 'declared providers, keys and settings (default: turnpike.yaml in the home)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .option('--json', 'print one JSON line once it serves')
    .addHelpText('after', examples)
    .action(async ({ json, ...overrides }: UpOptions) => {
      const settings = readSettings({ overrides })
      const running = await start(settings).catch((error: unknown) =>
        explainStart(error, settings, `${command} up${homeOption(overrides.home)}`),
      )
      // Before the greeting: whoever reads it may send a signal at once.
      const ended = obeySignals(running, settings, terminal.remark, () => readSettings({ overrides }))
      const localUrl = `http://${reachableHost(settings.host)}:${running.port}`
      await writeInstanceNote(settings.home, { url: localUrl, pid: process.pid, version }).catch((error: unknown) => {
        // It serves all the same.
        terminal.remark(
          `The note for other commands cannot be written (${systemCode(error) ?? String(error)}): they look at port ${settings.port}.`,
        )
      })
      const started = {
        url: settings.publicUrl ?? localUrl,
        home: settings.home,
        version,
        firstKey: running.firstKey,
        providers: providersOf(running.snapshot),
        exampleModel: exampleModel(running.snapshot),
        typed: (words: string) => `${command} ${words}${homeOption(overrides.home)}`,
      }
      if (json === true) terminal.line(greetingJson(started))
      else for (const line of greetingLines(started, (text) => terminal.paint('bold', text))) terminal.line(line)
      for (const variable of await ownKeysIn(env))
        terminal.remark(`${variable} holds a key of Turnpike, which is for its clients: no provider is made of it.`)
      await ended
    })
}

/** The variables of vendors in which a client of a gateway has its key. */
async function ownKeysIn(env: Environment): Promise<string[]> {
  const { vendors } = await import('#catalog')
  const variables = [...vendors.values()].flatMap(({ registeredBy }) => registeredBy)
  return [...new Set(variables)].filter((variable) => isOwnKey(env[variable]?.trim() ?? ''))
}

function providersOf({ providers }: Snapshot): Started['providers'] {
  return [...providers.values()].map(({ slug, credentials, simulated }) => {
    // A credential that was found in the environment is named after its variable.
    const names = credentials.map(({ name }) => name).join(', ')
    return { slug, simulated, source: simulated ? 'built in: free, without network' : names === '' ? 'without a key' : `key: ${names}` }
  })
}

/** SIGHUP has the file read again. Resolves when another signal has ended the gateway in good order. */
function obeySignals(running: Running, settings: Settings, remark: (text: string) => void, read: () => Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    const meaningOf = createSignalReader(() => performance.now())
    const isTerminalGone = watchTerminal()
    const onHangUp = (): void => {
      if (!isTerminalGone()) {
        void running.reload(read)
        return
      }
      // Nobody hears any more, and a word said all the same must not end it before its records are written.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
      onSignal('SIGHUP')
    }
    const onSignal = (signal: StopSignal): void => {
      const meaning = meaningOf(signal)
      if (meaning === 'echo') return
      if (meaning === 'force') {
        remark(`Stopped at once by a second signal (${signal}); what was unfinished is recorded at the next start.`)
        process.exit(exitCodes[signal])
      }
      remark(`${signal}: new requests are refused, running ones may finish. Once more to stop at once.`)
      running
        .close(drainMs)
        .then(() => removeInstanceNote(settings.home, process.pid))
        .then(() => {
          remark('Stopped.')
          process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onHangUp)
          resolve()
        })
        .catch(reject)
    }
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangUp)
  })
}

/** Says in one sentence why it did not start, where the system's own words would not. */
async function explainStart(error: unknown, { host, port, home }: Settings, up: string): Promise<never> {
  const code = systemCode(error)
  if (code === 'EADDRINUSE') {
    const other = port < 65_535 ? port + 1 : port - 1
    const neighbour = await probeNeighbour(`http://${reachableHost(host)}:${port}`)
    const who =
      neighbour?.kind === 'turnpike' ? `another turnpike${neighbour.version === '' ? '' : ` (${neighbour.version})`}` : 'another program'
    throw new CliFailure(`Port ${port} of ${host} is taken by ${who}. Stop it, or choose another port: ${up} --port ${other}`)
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    throw new CliFailure(
      `This machine has no address ${host} to listen on; choose another with --host (127.0.0.1 for this machine alone, 0.0.0.0 for every network).`,
    )
  }
  if (code === 'EACCES' && port > 0 && port < 1024) {
    throw new CliFailure(`This user may not listen on port ${port}; choose one from 1024 up: ${up} --port 8640`)
  }
  throw explainHome(error, home)
}
