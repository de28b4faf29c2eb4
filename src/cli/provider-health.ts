// How a provider is doing, in words: from the health that the admin API answers with it.
import { formatMs, plain, shorten } from './words.ts'

/** What these words are made of; null: no gateway runs there; undefined: one of an earlier version. */
export type ProviderHealth =
  | {
      readonly state: 'well' | 'degraded' | 'down' | 'unknown'
      readonly latency_p50_ms: number | null
      readonly credentials: readonly { readonly name: string; readonly state: 'well' | 'rejected' | 'unknown' }[]
      readonly targets: readonly TargetHealth[]
    }
  | null
  | undefined

type TargetHealth = {
  readonly credential: string
  readonly model: string
  readonly config: string | null
  readonly state: 'closed' | 'open' | 'half_open' | 'cooling' | 'rejected'
  readonly since: string | null
  readonly until: string | null
  readonly last_failure: { readonly class: string; readonly at: string } | null
}

const nameWidth = 32

/** For a table. */
export function healthWords(health: ProviderHealth, nowMs: number): string {
  if (health === null || health === undefined) return '-'
  if (health.state === 'unknown') return 'not asked lately'
  if (health.state === 'well') return health.latency_p50_ms === null ? 'well' : `well, ${formatMs(health.latency_p50_ms)}`
  const [first = '', ...others] = troublesOf(health, nowMs)
  return `${health.state}: ${first}${others.length === 0 ? '' : `; ${others.length} more`}`
}

/** What is wrong, one thing a line; with why and since when. */
export function healthLines(health: ProviderHealth, nowMs: number): string[] {
  return health === null || health === undefined ? [] : troublesOf(health, nowMs, true)
}

function troublesOf({ credentials, targets }: NonNullable<ProviderHealth>, nowMs: number, inFull = false): string[] {
  const rejected = new Set(credentials.flatMap((one) => (one.state === 'rejected' ? one.name : [])))
  const about = (target: TargetHealth): string => (inFull ? whyAndSince(target, nowMs) : '')
  const name = (text: string): string => (inFull ? plain(text) : shorten(plain(text), nameWidth))
  const ofCredentials = [...rejected].map((credential) => {
    const target = targets.find((one) => one.credential === credential && one.state !== 'closed')
    return `key ${name(credential)} refused or used up${target === undefined ? '' : `${when(target, nowMs)}${about(target)}`}`
  })
  const ofModels = targets
    .filter(({ credential, state }) => state !== 'closed' && !rejected.has(credential))
    .map((target) => {
      const where = `${inFull ? ` with key ${plain(target.credential)}` : ''}${target.config === null ? '' : ` in ${plain(target.config)}`}`
      return `${name(target.model)}${where} ${stateWords[target.state]}${when(target, nowMs)}${about(target)}`
    })
  return [...ofCredentials, ...ofModels]
}

const stateWords: Record<TargetHealth['state'], string> = {
  closed: 'well',
  open: 'fails',
  half_open: 'is being tried',
  cooling: 'is told to wait',
  rejected: 'is not allowed',
}

function when({ until }: TargetHealth, nowMs: number): string {
  return until === null ? '' : `, again in ${formatMs(Math.max(0, Date.parse(until) - nowMs))}`
}

function whyAndSince({ last_failure: failure, since }: TargetHealth, nowMs: number): string {
  const why = failure === null ? undefined : `last: ${failure.class}`
  const lasted = since === null ? undefined : `for ${formatMs(Math.max(0, nowMs - Date.parse(since)))}`
  const words = [why, lasted].filter((one) => one !== undefined).join(', ')
  return words === '' ? '' : ` (${words})`
}
