// The filters of `requests list` and `requests tail`, as options and as what the admin API calls them.
import type { Command } from 'commander'
import { nearestNames } from '#kernel'
import type { CostSource, Outcome, RequestKind } from '#store'
import type { Query } from './admin-client.ts'
import { misused } from './failure.ts'
import { parseDuration, parseMoment } from './words.ts'

const outcomes = ['ok', 'client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied'] as const satisfies readonly Outcome[]
const requestKinds = ['user', 'heartbeat', 'cron', 'compaction', 'probe'] as const satisfies readonly RequestKind[]
const costSources = ['computed', 'provider', 'estimated', 'unpriced'] as const satisfies readonly CostSource[]
const cacheStates = ['HIT', 'MISS', 'REFRESH', 'DISABLED'] as const
const yesOrNo = ['true', 'false'] as const

export type FilterOptions = {
  readonly since?: string
  readonly until?: string
  readonly model?: string
  readonly provider?: string
  readonly outcome?: string
  readonly key?: string
  readonly session?: string
  readonly trace?: string
  readonly kind?: string
  readonly status?: string
  readonly minCost?: string
  readonly minTime?: string
  readonly metadata?: readonly string[]
  readonly search?: string
  readonly modelAsked?: string
  readonly modelServed?: string
  readonly client?: string
  readonly wire?: string
  readonly endpoint?: string
  readonly stream?: string
  readonly error?: string
  readonly attempts?: string
  readonly fallback?: string
  readonly cache?: string
  readonly config?: string
  readonly costSource?: string
  readonly minTokens?: string
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--model <name>', 'as asked for or as served')
    .option('--model-asked <name>', 'as asked for')
    .option('--model-served <name>', 'as served')
    .option('--provider <slug>', 'provider that answered')
    .option('--outcome <outcome>', outcomes.join(', '))
    .option('--key <name>', 'gateway key, by id or name')
    .option('--session <id>', 'one session')
    .option('--trace <id>', 'one trace')
    .option('--kind <kind>', requestKinds.join(', '))
    .option('--status <code>', 'HTTP status that the client got, or a class of them, like 4xx')
    .option('--error <code>', 'code or class of the error')
    .option('--attempts <n>', 'so many tries')
    .option('--fallback <true|false>', 'whether another target than the first one answered')
    .option('--client <name>', 'user agent')
    .option('--wire <wire>', 'format the client spoke, like openai-chat')
    .option('--endpoint <path>', 'path the client asked, like /v1/messages')
    .option('--stream <true|false>', 'whether the client asked for a stream')
    .option('--cache <state>', cacheStates.join(', '))
    .option('--config <slug>', 'routing config that decided; inline for those that came with their requests')
    .option('--cost-source <source>', costSources.join(', '))
    .option('--min-cost <usd>', 'at least this much, like 0.05')
    .option('--min-tokens <n>', 'at least so many, input and output together')
    .option('--min-time <duration>', 'took at least so long, like 500ms or 10s')
    .option('--metadata <key=value>', 'metadata of the client (repeatable)', (value: string, all: string[] | undefined) => [
      ...(all ?? []),
      value,
    ])
    .option('--search <text>', 'part of a session, metadata, model, provider, client, key or error; or the beginning of an id or trace')
}

/** Throws a misuse that names the option. */
export function queryOf(options: FilterOptions, nowMs: number): Query {
  return {
    from: moment('--since', options.since, nowMs),
    to: moment('--until', options.until, nowMs),
    model: options.model,
    provider: options.provider,
    outcome: oneOf('--outcome', options.outcome, outcomes),
    key: options.key,
    session: options.session,
    trace: options.trace,
    kind: oneOf('--kind', options.kind, requestKinds),
    status: matching('--status', options.status, /^[1-5](\d\d|xx)$/i, 'an HTTP status like 503, or a class of them like 4xx'),
    model_asked: options.modelAsked,
    model_served: options.modelServed,
    client: options.client,
    wire: options.wire,
    endpoint: options.endpoint,
    stream: oneOf('--stream', options.stream, yesOrNo),
    error: options.error,
    attempts: matching('--attempts', options.attempts, /^\d{1,3}$/, 'a number like 2'),
    fallback: oneOf('--fallback', options.fallback, yesOrNo),
    cache: oneOf('--cache', options.cache?.toUpperCase(), cacheStates),
    config: options.config,
    cost_source: oneOf('--cost-source', options.costSource, costSources),
    min_tokens: matching('--min-tokens', options.minTokens, /^\d{1,15}$/, 'a number like 100000'),
    min_cost_usd: matching('--min-cost', options.minCost?.replace(/^\$/, ''), /^\d{1,9}(\.\d{1,12})?$/, 'an amount of USD like 0.05'),
    min_ms: duration('--min-time', options.minTime),
    q: options.search,
    ...metadataOf(options.metadata ?? []),
  }
}

function metadataOf(pairs: readonly string[]): Query {
  const query = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw misused(`--metadata takes key=value, not '${pair}'.`)
    query.set(`metadata.${pair.slice(0, at)}`, pair.slice(at + 1))
  }
  return Object.fromEntries(query)
}

function moment(option: string, text: string | undefined, nowMs: number): string | undefined {
  if (text === undefined) return undefined
  const found = parseMoment(text, nowMs)
  if (found === undefined)
    throw misused(`${option} takes a duration back from now (90s, 15m, 1h, 7d) or a date (2026-11-21, 2026-11-21T12:00Z), not '${text}'.`)
  return found
}

function duration(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms === undefined) throw misused(`${option} takes a duration like 500ms, 10s or 2m, not '${text}'.`)
  return String(ms)
}

function matching(option: string, text: string | undefined, form: RegExp, what: string): string | undefined {
  if (text !== undefined && !form.test(text)) throw misused(`${option} takes ${what}, not '${text}'.`)
  return text
}

function oneOf(option: string, text: string | undefined, known: readonly string[]): string | undefined {
  if (text === undefined || known.includes(text)) return text
  const [nearest] = nearestNames(text, known, 1)
  throw misused(`${option} takes one of ${known.join(', ')}, not '${text}'.${nearest === undefined ? '' : ` Did you mean '${nearest}'?`}`)
}

/** A whole number in a range; throws a misuse that names the option. */
export function countOption(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw misused(`${option} takes a number from ${min} to ${max}, not '${text}'.`)
  return value
}
