// Settings: command line over environment over the config file over defaults, checked, frozen.
import { existsSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { nearestNames } from '#kernel'
import { ConfigError, didYouMean } from './config-error.ts'
import { readDeclared, readDeclaredSettings, type DeclaredSettings } from './declared.ts'
import { environment, type Environment } from './environment.ts'

export type Logging = 'full' | 'metadata' | 'off'
export type LogLevel = (typeof logLevels)[number]

export type Settings = {
  /** Absolute. */
  readonly home: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Without a trailing slash; undefined: from host and port. */
  readonly publicUrl: string | undefined
  /** undefined: the one in the home. */
  readonly adminToken: string | undefined
  /** Reads metrics, and opens nothing else; undefined: only the admin token does. */
  readonly metricsToken: string | undefined
  /** undefined: the one in the home. Encrypts what the control store keeps of providers' secrets. */
  readonly masterKey: string | undefined
  /** Absolute; undefined: nothing is declared. */
  readonly configPath: string | undefined
  readonly logging: Logging
  readonly retentionDays: number
  readonly logMaxBytes: number
  /** Of answers in memory; 0: none are kept. */
  readonly cacheMaxBytes: number
  readonly logLevel: LogLevel
  /** IANA name: in which days, weeks and months of budgets begin. */
  readonly timeZone: string
  /** What decided each; a stored setting counts where it is `default`. */
  readonly origins: Readonly<Record<SettingName, SettingOrigin>>
}

/** `environment`: a variable or an option of the command line. */
export type SettingOrigin = 'environment' | 'file' | 'default'
/** The settings that can change while it runs. */
export type RunningSettings = Pick<Settings, 'logLevel' | 'logging' | 'retentionDays' | 'logMaxBytes' | 'timeZone'>

/** What the command line says, by the setting's name; undefined: not said. */
export type SettingOverrides = { readonly [Setting in keyof typeof rows]?: string | undefined }

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const loggingModes = ['full', 'metadata', 'off'] as const

type Row = { readonly variable: string; readonly secret?: boolean }
const rows = {
  home: { variable: 'TURNPIKE_HOME' },
  host: { variable: 'TURNPIKE_HOST' },
  port: { variable: 'TURNPIKE_PORT' },
  publicUrl: { variable: 'TURNPIKE_PUBLIC_URL' },
  adminToken: { variable: 'TURNPIKE_ADMIN_TOKEN', secret: true },
  metricsToken: { variable: 'TURNPIKE_METRICS_TOKEN', secret: true },
  masterKey: { variable: 'TURNPIKE_MASTER_KEY', secret: true },
  config: { variable: 'TURNPIKE_CONFIG' },
  logging: { variable: 'TURNPIKE_LOGGING' },
  retentionDays: { variable: 'TURNPIKE_RETENTION_DAYS' },
  logMaxBytes: { variable: 'TURNPIKE_LOG_MAX_BYTES' },
  cacheMaxBytes: { variable: 'TURNPIKE_CACHE_MAX_BYTES' },
  logLevel: { variable: 'TURNPIKE_LOG_LEVEL' },
  timeZone: { variable: 'TURNPIKE_TIME_ZONE' },
} as const satisfies Record<string, Row>

type Name = keyof typeof rows
export type SettingName = Name

const defaults = {
  home: '~/.turnpike',
  host: '127.0.0.1',
  port: 8640,
  publicUrl: undefined,
  adminToken: undefined,
  metricsToken: undefined,
  masterKey: undefined,
  config: undefined,
  logging: 'full',
  retentionDays: 30,
  logMaxBytes: 2_000_000_000,
  cacheMaxBytes: 64 * 2 ** 20,
  logLevel: 'info',
  timeZone: 'UTC',
} as const satisfies Record<Name, string | number | undefined>

const running: { readonly [Setting in keyof RunningSettings]: (written: Written) => RunningSettings[Setting] } = {
  logLevel: (written: Written) => parseOneOf(written, logLevels),
  logging: (written: Written) => parseOneOf(written, loggingModes),
  retentionDays: (written: Written) => parseWhole(written, 1, 36_500, 'whole days from 1 to 36500'),
  logMaxBytes: parseSize,
  timeZone: parseTimeZone,
}

const names = Object.keys(rows) as readonly Name[]

/** Names of this prefix that are not settings of the gateway: the tests' own, and the gateway key of a client that starts it (OpenClaw). */
const notOurs = new Set(['TURNPIKE_CORPUS', 'TURNPIKE_API_KEY'])
const defaultFileName = 'turnpike.yaml'

/** A setting as it was written, and where: `TURNPIKE_PORT`, `--port`, `turnpike.yaml: settings.port`. */
type Written = { readonly text: string; readonly where: string }

/**
 * Reads the settings. `overrides` are the command line's. Throws `ConfigError`, one sentence, on an unknown `TURNPIKE_*` variable, a
 * bad value, or a config file that was named and cannot be read. An empty variable counts as not set. `asClient`: of the config file
 * nothing but its settings is looked at, since the environment that the rest needs may be the gateway's alone.
 */
export function readSettings({
  overrides = {},
  env = environment(),
  asClient = false,
}: { readonly overrides?: SettingOverrides; readonly env?: Environment; readonly asClient?: boolean } = {}): Settings {
  refuseUnknownVariables(env)
  const said = (name: Name, file: DeclaredSettings | undefined): Written | undefined => {
    const flag = overrides[name]
    if (flag !== undefined) return { text: notEmpty(flag, `--${kebab(name)}`), where: `--${kebab(name)}` }
    const { variable } = rows[name]
    const text = env[variable]
    if (text !== undefined && text !== '') return { text, where: variable }
    const declared = file?.[name as keyof DeclaredSettings]
    return declared === undefined ? undefined : { text: String(declared), where: `settings.${snake(name)} in the config file` }
  }

  const home = expandHome(said('home', undefined)?.text ?? defaults.home)
  const configPath = configFile(home, said('config', undefined))
  const file =
    configPath === undefined ? undefined : asClient ? readDeclaredSettings(configPath, env) : readDeclared(configPath, env).settings
  const read = <T>(name: Name, fallback: T, parse: (written: Written) => T): T => {
    const written = said(name, file)
    return written === undefined ? fallback : parse(written)
  }
  const originOf = (name: Name): SettingOrigin =>
    said(name, undefined) !== undefined ? 'environment' : said(name, file) === undefined ? 'default' : 'file'

  return Object.freeze({
    home,
    host: read('host', defaults.host, parseHost),
    port: read('port', defaults.port, (written) => parseWhole(written, 0, 65_535, 'a port from 0 to 65535 (0: any free one)')),
    publicUrl: read<string | undefined>('publicUrl', defaults.publicUrl, parsePublicUrl),
    adminToken: read<string | undefined>('adminToken', defaults.adminToken, parseAdminToken),
    metricsToken: read<string | undefined>('metricsToken', defaults.metricsToken, parseMetricsToken),
    masterKey: read<string | undefined>('masterKey', defaults.masterKey, parseMasterKey),
    configPath,
    logging: read<Logging>('logging', defaults.logging, running.logging),
    retentionDays: read('retentionDays', defaults.retentionDays, running.retentionDays),
    logMaxBytes: read('logMaxBytes', defaults.logMaxBytes, running.logMaxBytes),
    cacheMaxBytes: read('cacheMaxBytes', defaults.cacheMaxBytes, (written) => (written.text === '0' ? 0 : parseSize(written))),
    logLevel: read<LogLevel>('logLevel', defaults.logLevel, running.logLevel),
    timeZone: read<string>('timeZone', defaults.timeZone, running.timeZone),
    origins: Object.freeze(Object.fromEntries(names.map((name) => [name, originOf(name)])) as Record<Name, SettingOrigin>),
  })
}

/** One row of the list of settings. */
export type ListedSetting = {
  /** `log_level` */
  readonly name: string
  readonly variable: string
  /** null: none, or a secret. */
  readonly value: string | number | null
  readonly default: string | number | null
  readonly origin: SettingOrigin
  /** Of those that can change while it runs. */
  readonly key: keyof RunningSettings | undefined
}

/** All settings, in README's order; secrets without their values. */
export function listSettings(settings: Settings): readonly ListedSetting[] {
  return names.map((name) => ({
    name: snake(name),
    variable: rows[name].variable,
    value: 'secret' in rows[name] ? null : (settings[name === 'config' ? 'configPath' : name] ?? null),
    default: defaults[name] ?? null,
    origin: settings.origins[name],
    key: name in running ? (name as keyof RunningSettings) : undefined,
  }))
}

/** Checks a value for a setting that can change while it runs, as it is checked at the start. Throws `ConfigError`. */
export function parseRunningSetting<Key extends keyof RunningSettings>(key: Key, value: string | number): RunningSettings[Key] {
  return running[key]({ text: String(value), where: snake(key) })
}

/** Checks an admin token wherever it came from: 32 characters or more, without white space. Returns it. */
export function parseAdminToken({ text, where }: Written): string {
  if (/\s/.test(text)) throw new ConfigError(where, `${where} contains white space; write the admin token without it.`)
  if (text.length < 32) {
    throw new ConfigError(
      where,
      `${where} has ${text.length} characters and needs at least 32; ${path.isAbsolute(where) ? 'remove the file' : 'leave it out'} to have one generated in the home.`,
    )
  }
  return text
}

function parseMetricsToken({ text, where }: Written): string {
  if (/\s/.test(text)) throw new ConfigError(where, `${where} contains white space; write the token without it.`)
  if (text.length < 16) throw new ConfigError(where, `${where} has ${text.length} characters and needs at least 16.`)
  return text
}

/** Checks a master key wherever it came from: 32 characters or more, on one line. Returns it. */
export function parseMasterKey({ text, where }: Written): string {
  if (/\s/.test(text)) throw new ConfigError(where, `${where} contains white space; write the master key without it.`)
  if (text.length < 32) {
    throw new ConfigError(
      where,
      `${where} has ${text.length} characters and needs at least 32; 'openssl rand -base64 32' makes one, and without the setting one is generated in the home.`,
    )
  }
  return text
}

function refuseUnknownVariables(env: Environment): void {
  const known = Object.values(rows).map(({ variable }) => variable as string)
  for (const variable of Object.keys(env)) {
    if (!variable.startsWith('TURNPIKE_') || notOurs.has(variable) || known.includes(variable)) continue
    throw new ConfigError(
      variable,
      `${variable} is not a setting of this version.${didYouMean(nearestNames(variable, known, 1)) || ' Unset it.'}`,
    )
  }
}

function configFile(home: string, written: Written | undefined): string | undefined {
  if (written !== undefined) {
    const named = expandHome(written.text)
    if (!existsSync(named))
      throw new ConfigError(named, `${written.where} names ${named}, which does not exist; create it or leave the setting out.`)
    return named
  }
  const usual = path.join(home, defaultFileName)
  return existsSync(usual) ? usual : undefined
}

function expandHome(text: string): string {
  const expanded = text === '~' || text.startsWith('~/') ? path.join(os.homedir(), text.slice(1)) : text
  return path.resolve(expanded)
}

/** `--home "$UNSET"` would otherwise be the folder in which somebody happens to be. */
function notEmpty(text: string, where: string): string {
  if (text === '') throw new ConfigError(where, `${where} is empty; give it a value, or leave it out.`)
  return text
}

function bad({ text, where }: Written, expected: string): ConfigError {
  return new ConfigError(where, `${where} is ${JSON.stringify(text.slice(0, 200))}, which is not ${expected}.`)
}

function parseHost(written: Written): string {
  if (/^\w+:\/\//.test(written.text)) throw bad(written, 'a host: write the name or address alone, without http://')
  if (!/^[A-Za-z0-9.:_%-]+$/.test(written.text) || /^[^:]+:\d+$/.test(written.text)) {
    throw bad(written, 'a host name or address to listen on, such as 127.0.0.1 or 0.0.0.0 (the port is a setting of its own)')
  }
  return written.text
}

function parseWhole(written: Written, min: number, max: number, expected: string): number {
  const value = /^\d{1,15}$/.test(written.text) ? Number(written.text) : Number.NaN
  if (!(value >= min && value <= max)) throw bad(written, expected)
  return value
}

function parsePublicUrl(written: Written): string {
  const url = URL.parse(written.text)
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    // A URL may carry a password: not repeated.
    throw new ConfigError(
      written.where,
      `${written.where} is not the http or https address at which clients reach this gateway, such as https://ai.example.com.`,
    )
  }
  if (url.pathname !== '/') throw bad(written, 'an address without a path: this version is served from /')
  return url.origin
}

function parseOneOf<T extends string>(written: Written, choices: readonly T[]): T {
  const choice = choices.find((one) => one === written.text)
  if (choice === undefined) throw bad(written, `one of ${choices.join(', ')}`)
  return choice
}

/** Offsets such as +01:00 have no daylight saving, and are mostly not meant: names alone. */
function parseTimeZone(written: Written): string {
  const refuse = () => bad(written, 'the IANA name of a time zone, such as Europe/Berlin or UTC')
  if (!/^[A-Za-z]/.test(written.text)) throw refuse()
  try {
    return new Intl.DateTimeFormat('en', { timeZone: written.text }).resolvedOptions().timeZone === '' ? 'UTC' : written.text
  } catch {
    throw refuse()
  }
}

const units = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['tb', 1e12],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
  ['tib', 2 ** 40],
])

function parseSize(written: Written): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(written.text)
  const unit = match === null ? undefined : units.get(match[2]!.toLowerCase())
  const bytes = match === null || unit === undefined ? Number.NaN : Math.floor(Number(match[1]) * unit)
  if (!(bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER)) throw bad(written, 'a size such as 2GB, 500MB or a number of bytes')
  return bytes
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
