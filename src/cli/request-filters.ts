// The filters of `requests list` and `requests tail`, as options and as what the admin API calls them.
import type { Command } from 'commander'
import { nearestNames } from '#kernel'
import type { Outcome, RequestKind } from '#store'
import type { Query } from './admin-client.ts'
import { misused } from './failure.ts'
import { parseDuration, parseMoment } from './words.ts'

const outcomes = ['ok', 'client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied'] as const satisfies readonly Outcome[]
const requestKinds = ['user', 'heartbeat', 'cron', 'compaction', 'probe'] as const satisfies readonly RequestKind[]

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
}

export function addFilterOptions(command: Command): Command {
  return command
    .option('--model <name>', 'as asked for or as served')
    .option('--provider <slug>', 'provider that answered')
    .option('--outcome <outcome>', outcomes.join(', '))
    .option('--key <name>', 'gateway key, by id or name')
    .option('--session <id>', 'one session')
    .option('--trace <id>', 'one trace')
    .option('--kind <kind>', requestKinds.join(', '))
    .option('--status <code>', 'HTTP status that the client got')
    .option('--min-cost <usd>', 'at least this much, like 0.05')
    .option('--min-time <duration>', 'took at least so long, like 500ms or 10s')
    .option('--metadata <key=value>', 'metadata of the client (repeatable)', (value: string, all: string[] | undefined) => [
      ...(all ?? []),
      value,
    ])
    .option('--search <text>', 'part of an id, session, model, client or key name')
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
    status: matching('--status', options.status, /^[1-5]\d\d$/, 'an HTTP status like 503'),
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
