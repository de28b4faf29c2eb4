// The OpenClaw of this machine: where it is, where its files are, and its own commands, run as its service would run them.
import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Environment } from '#config'
import { CliFailure } from './failure.ts'

/** What OpenClaw said, and how it ended. */
export type OpenClawAnswer = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

export interface OpenClaw {
  /** The file that was found. */
  readonly binary: string
  readonly version: string
  readonly configFile: string
  /** Where `.env` is, which OpenClaw and its service read. */
  readonly stateFolder: string
  /** Why OpenClaw refuses its own configuration, in its words, a place and a reason each; none when it takes it. */
  readonly trouble: readonly string[]
  /** A value of the configuration, secrets masked; undefined when nothing is written there. */
  get(place: string): Promise<JsonValue | undefined>
  /**
   * Secrets of the configuration that do not resolve, from the place to the variable's name, where it is one. `bare`: with no `.env`, so that
   * every variable that a place names is among them.
   */
  unresolved(options?: { readonly bare?: string }): Promise<ReadonlyMap<string, string | undefined>>
  /** Changes the configuration through `config patch`; `check` writes nothing. Throws with OpenClaw's own words. */
  patch(patch: JsonObject, options: { readonly check: boolean; readonly replace: readonly string[] }): Promise<void>
}

export type OpenClawOptions = { readonly openclawBin?: string; readonly openclawHome?: string }

/** The oldest version of the line that this was written and tested with. */
const oldest = [2026, 9, 0] as const
const commandMs = 60_000

/**
 * What a service is started with. The rest of this shell is left out: a key that was only exported here would look as if it were there.
 */
const serviceVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|XDG_\w+|OPENCLAW_\w+|NODE_\w+|HOMEDRIVE|HOMEPATH|USERPROFILE|APPDATA|LOCALAPPDATA|SystemRoot|ComSpec|PATHEXT)$/i

/** Finds it on the PATH (or where the option says). Throws a sentence when it is missing, too old, or doesn't run. */
export async function findOpenClaw(env: Environment, { openclawBin, openclawHome }: OpenClawOptions): Promise<OpenClaw> {
  const binary = openclawBin === undefined ? onPath('openclaw', env) : path.resolve(openclawBin)
  if (binary === undefined) {
    throw new CliFailure(
      'OpenClaw is not installed: there is no openclaw on the PATH. Install it with: npm install -g openclaw; or say where it is with --openclaw-bin.',
    )
  }
  const service = Object.fromEntries(Object.entries(env).filter(([name]) => serviceVariables.test(name)))
  const base = { ...service, NO_COLOR: '1', ...(openclawHome === undefined ? {} : { OPENCLAW_HOME: path.resolve(openclawHome) }) }
  const run = (args: readonly string[], more: { readonly stdin?: string; readonly env?: Environment } = {}) =>
    runOpenClaw(binary, args, { ...base, ...more.env }, more.stdin)

  const said = await run(['--version'])
  const version = /OpenClaw (\d+\.\d+\.\d+\S*)/.exec(said.stdout)?.[1]
  if (said.exitCode !== 0 || version === undefined)
    throw new CliFailure(`${binary} does not run as OpenClaw: ${words(said) || `it ended with ${said.exitCode}`}`)
  if (isOlder(version))
    throw new CliFailure(`OpenClaw ${version} is too old: ${oldest.join('.')} or newer is needed. Update it with: openclaw update`)

  const json = async (args: readonly string[], more?: { readonly env: Environment }) => {
    const answer = await run([...args, '--json'], more)
    const value = parse(answer.stdout)
    if (value === undefined)
      throw new CliFailure(`openclaw ${args.join(' ')} failed: ${words(answer) || `it ended with ${answer.exitCode}`}`)
    return { value, exitCode: answer.exitCode, answer }
  }
  const verdict = (await json(['config', 'validate'])).value
  const configFile = isObject(verdict) ? text(verdict['path']) : ''
  if (configFile === '')
    throw new CliFailure(`openclaw config validate does not say where its configuration is: ${issuesOf(verdict).join('; ')}`)

  return {
    binary,
    version,
    configFile,
    stateFolder: stateFolderOf(base, configFile),
    trouble: isValid(verdict) ? [] : issuesOf(verdict),
    async get(place) {
      const { value, exitCode, answer } = await json(['config', 'get', place])
      if (exitCode === 0) return value
      const message = errorMessage(value) ?? words(answer)
      if (/valid but unset/.test(message)) return undefined
      throw new CliFailure(`openclaw config get ${place} failed: ${[message, ...issuesOf(value)].join(' ')}`)
    },
    async unresolved({ bare } = {}) {
      const elsewhere = bare === undefined ? undefined : { env: { OPENCLAW_STATE_DIR: bare, OPENCLAW_CONFIG_PATH: configFile } }
      const { value } = await json(['secrets', 'audit'], elsewhere)
      const findings = isObject(value) && Array.isArray(value['findings']) ? value['findings'].filter(isObject) : []
      return new Map(
        findings
          .filter((finding) => finding['code'] === 'REF_UNRESOLVED')
          .map((finding) => [text(finding['jsonPath']), /\benv:[\w-]+:([A-Za-z_]\w*)/.exec(text(finding['message']))?.[1]]),
      )
    },
    async patch(patch, { check, replace }) {
      const args = ['config', 'patch', '--stdin', ...replace.flatMap((place) => ['--replace-path', place]), ...(check ? ['--dry-run'] : [])]
      const answer = await run(args, { stdin: JSON.stringify(patch) })
      if (answer.exitCode !== 0) throw new CliFailure(`OpenClaw refuses the change: ${words(answer)}`)
    },
  }
}

function onPath(name: string, env: Environment): string | undefined {
  const endings = process.platform === 'win32' ? ['.cmd', '.exe'] : ['']
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    for (const ending of endings) {
      const file = path.join(folder, name + ending)
      if (folder !== '' && isExecutable(file)) return file
    }
  }
  return undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function runOpenClaw(binary: string, args: readonly string[], env: Environment, stdin = ''): Promise<OpenClawAnswer> {
  // A script without the right to be run is run by this Node: `--openclaw-bin node_modules/openclaw/openclaw.mjs`.
  const isScript = /\.[cm]?js$/.test(binary)
  const command = isScript ? process.execPath : binary
  const rest = isScript ? [binary, ...args] : args
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { env: { ...env }, timeout: commandMs, killSignal: 'SIGKILL', shell: /\.cmd$/i.test(binary) })
    const written = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (part: string) => (written[stream] += part))
    // It may end without having read everything.
    child.stdin.on('error', () => {}).end(stdin)
    child.once('error', (error) => reject(new CliFailure(`${binary} cannot be started: ${error.message}`)))
    child.once('close', (exitCode, signal) => {
      if (signal !== null) reject(new CliFailure(`openclaw ${args.slice(0, 2).join(' ')} did not end within ${commandMs / 1000} seconds.`))
      else resolve({ exitCode: exitCode ?? 1, ...written })
    })
  })
}

function isOlder(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number)
  for (const [place, least] of oldest.entries()) {
    const part = parts[place] ?? 0
    if (part !== least) return part < least
  }
  return false
}

/** `OPENCLAW_STATE_DIR`, else the folder of a configuration whose place was not said, else what the home has by default. */
function stateFolderOf(env: Environment, configFile: string): string {
  const said = env['OPENCLAW_STATE_DIR']?.trim()
  if (said !== undefined && said !== '') return path.resolve(said)
  const configPath = env['OPENCLAW_CONFIG_PATH']?.trim()
  if (configPath === undefined || configPath === '') return path.dirname(configFile)
  const profile = env['OPENCLAW_PROFILE']?.trim()
  return path.join(
    env['OPENCLAW_HOME'] ?? env['HOME'] ?? '',
    profile === undefined || profile === '' ? '.openclaw' : `.openclaw-${profile}`,
  )
}

function parse(stdout: string): JsonValue | undefined {
  try {
    return JSON.parse(stdout) as JsonValue
  } catch {
    return undefined
  }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function errorMessage(value: JsonValue): string | undefined {
  const error = isObject(value) ? value['error'] : undefined
  return isObject(error) && typeof error['message'] === 'string' ? error['message'] : undefined
}

/** A configuration that was never written has nothing wrong in it. */
function isValid(verdict: JsonValue): boolean {
  return (isObject(verdict) && verdict['valid'] === true) || errorMessage(verdict) === 'file not found'
}

function issuesOf(value: JsonValue): string[] {
  const issues = isObject(value) && Array.isArray(value['issues']) ? value['issues'].filter(isObject) : []
  const said = issues.map((issue) => `${text(issue['path'])}: ${text(issue['message'])}`)
  return said.length > 0 ? said : [errorMessage(value)].filter((message) => message !== undefined)
}

/** Its complaint on one line, without its advice about itself. */
function words({ stdout, stderr }: OpenClawAnswer): string {
  return `${stderr}\n${stdout}`
    .split('\n')
    .map((line) => line.replace(/^\[openclaw\] (Reason: )?/, '').trim())
    .filter((line) => line !== '' && !/^(The CLI command failed\.|Debug:|Try:|Help:)/.test(line))
    .join(' ')
    .slice(0, 600)
}
