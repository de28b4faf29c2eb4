// A gateway key as options say it and as it is shown.
import { Option, type Command } from 'commander'
import type { KeyCreated, KeyView } from '#control'
import { allPages, type AdminClient } from './admin-client.ts'
import { CliFailure, misused } from './failure.ts'
import type { Typed } from './context.ts'
import { pairs, printFields, several } from './instance-options.ts'
import { addLimitOptions, budgetWords, limitBody, rateWords, type LimitOptions } from './limit-fields.ts'
import type { Terminal } from './terminal.ts'
import { formatTime, parseDuration, plain } from './words.ts'

export type KeyOptions = LimitOptions & {
  readonly name?: string
  readonly type?: string
  readonly user?: string
  readonly team?: string
  readonly models?: string[]
  readonly expires?: string
  readonly client?: string
  readonly streamUsage?: string
  readonly metadata?: Record<string, string>
  /** false: none. */
  readonly config?: string | false
  readonly configOverride?: boolean
  readonly loopGuard?: string
}

/** The options that `create` and `update` have in common. */
export function addKeyOptions(command: Command): Command {
  return addLimitOptions(command)
    .addOption(new Option('--type <type>', 'who uses it').choices(['user', 'service']))
    .option('--user <user>', 'whose it is: id or name of a user, or any label; none: nobody')
    .option('--team <team>', 'id or name of the team it belongs to; none: of no team')
    .option('--models <names>', 'models it may ask for, with * for anything: openai/*,claude-*', several)
    .option('--expires <when>', 'when it stops: 30d, 12h, or a date; never: it does not')
    .addOption(new Option('--client <client>', 'the client it is for').choices(['openclaw', 'none']))
    .addOption(new Option('--stream-usage <when>', 'usage at the end of streams').choices(['always', 'on_request']))
    .option('--metadata <key=value>', 'kept on every record of its requests; several times for several', pairs)
    .option('--config <slug>', 'routing config of its requests that name none')
    .option('--no-config', 'no routing config of its own')
    .option('--config-override', 'its requests may name another routing config, or bring one')
    .option('--no-config-override', 'its requests may not')
    .addOption(
      new Option('--loop-guard <mode>', 'what is done to a session that runs in circles').choices(['off', 'observe', 'enforce', 'default']),
    )
}

/** The body for what was said but its owners; nothing for what wasn't. */
export function keyBody(options: KeyOptions, nowMs: number): object {
  const { name, type, models, expires, client, streamUsage, metadata, config, configOverride, loopGuard } = options
  return {
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(models === undefined ? {} : { models }),
    ...(expires === undefined ? {} : { expires_at: expiryOf(expires, nowMs) }),
    ...(client === undefined ? {} : { client: client === 'none' ? null : client }),
    ...(streamUsage === undefined ? {} : { stream_usage: streamUsage }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(config === undefined ? {} : { config: config === false ? null : config }),
    ...(configOverride === undefined ? {} : { allow_config_override: configOverride }),
    ...(loopGuard === undefined ? {} : { loop_guard: loopGuard === 'default' ? null : { mode: loopGuard } }),
    ...limitBody(options),
  }
}

/** `30d` from now, a date, or `never`. */
function expiryOf(text: string, nowMs: number): string | null {
  if (text === 'never') return null
  const aheadMs = parseDuration(text)
  const at = new Date(aheadMs !== undefined ? nowMs + aheadMs : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN)
  if (Number.isNaN(at.getTime())) throw misused(`--expires takes a duration (30d, 12h), a date (2027-01-31) or never, not '${text}'.`)
  if (at.getTime() <= nowMs) throw misused(`--expires names a time that is past: ${at.toISOString()}.`)
  return at.toISOString()
}

/** The key of an id, a name that only one usable key has, or the beginning of either an id or the key itself. */
export async function findKey(client: AdminClient, wanted: string, typed: Typed): Promise<KeyView> {
  const data = await allPages<KeyView>(client, 'keys')
  const exact = data.find(({ id }) => id === wanted)
  if (exact !== undefined) return exact
  const active = data.filter(({ state }) => state !== 'revoked')
  const ways: ((key: KeyView) => boolean)[] = [
    ({ name }) => name === wanted,
    // A whole key was pasted: its ends are known.
    ({ prefix, last4 }) => prefix !== null && last4 !== null && wanted.startsWith(prefix) && wanted.endsWith(last4),
    ({ id }) => wanted.length >= 6 && id.startsWith(wanted),
  ]
  for (const keys of [active, data]) {
    for (const way of ways) {
      const found = keys.filter(way)
      if (found.length === 1) return found[0]!
      if (found.length > 1) {
        const ids = found.map(({ id, name }) => `${id} (${plain(name)})`).join(', ')
        throw new CliFailure(`Several keys are meant by '${nameOf(wanted)}': ${ids}; write the id.`)
      }
    }
  }
  throw new CliFailure(`There is no key whose id or name is '${nameOf(wanted)}'. See: ${typed('keys list')}`)
}

/** What was pasted may be a whole key: it is not repeated. */
function nameOf(wanted: string): string {
  return wanted.length > 24 ? `${plain(wanted.slice(0, 8))}...` : plain(wanted)
}

/** `tp-abc...wxyz`; what is declared as a hash has no ends to show. */
export function endsOf({ prefix, last4 }: { readonly prefix: string | null; readonly last4: string | null }): string {
  return prefix === null ? '(a hash)' : `${prefix}...${last4 ?? ''}`
}

export function printKey(terminal: Terminal, key: KeyView): void {
  printFields(terminal, [
    ['id', key.id],
    ['name', plain(key.name)],
    ['state', key.state + (key.revoked_at === null ? '' : ` at ${formatTime(key.revoked_at)}`)],
    ['key', endsOf(key)],
    ['type', key.type],
    ['user', key.user === undefined ? undefined : plain(key.user)],
    ['team', key.team],
    ['budgets', budgetWords(key.budgets)],
    ['rates', rateWords(key.rate_limits)],
    ['models', key.models === undefined ? 'all' : plain(key.models.join(', '))],
    ['expires', key.expires_at === null ? 'never' : formatTime(key.expires_at)],
    ['client', key.client],
    ['stream usage', key.stream_usage],
    ['config', key.config],
    ['other configs', key.allow_config_override ? undefined : 'refused'],
    ['loop guard', key.loop_guard === undefined ? undefined : loopGuardWords(key.loop_guard)],
    ['metadata', key.metadata === undefined ? undefined : plain(JSON.stringify(key.metadata))],
    ['from', key.origin === 'file' ? 'turnpike.yaml: change it there' : undefined],
    ['created', key.created_at === null ? undefined : formatTime(key.created_at)],
    ...key.previous.map((old) => ['also accepted', `${endsOf(old)} until ${formatTime(old.accepted_until)}`] as const),
  ])
}

function loopGuardWords({ mode, repeats, requests, window_seconds: seconds }: NonNullable<KeyView['loop_guard']>): string {
  const limits = [
    ...(repeats === undefined ? [] : [`${repeats} equal calls in a row`]),
    ...(requests === undefined ? [] : [`${requests} requests`]),
    ...(seconds === undefined ? [] : [`within ${seconds} s`]),
  ]
  return [mode, ...limits].join(', ')
}

/** The one time that a key is seen: alone on stdout, so that `$(turnpike keys create ...)` is the key. */
export function printNewKey(terminal: Terminal, created: KeyCreated, what: string): void {
  terminal.remark(`${what} Copy it now: it is shown this once, and only its hash is kept.`)
  terminal.line(terminal.paint('bold', created.key))
}
