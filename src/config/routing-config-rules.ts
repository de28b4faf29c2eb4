// What a config says about retries, the cache, time, breakers and stickiness; each of ours, and in the forms that Portkey has.
import type { BreakerRule, CacheRule, RetryRule, RoutingTimeouts, Stickiness } from './routing-config.ts'
import { checkContextPath } from './routing-config-conditions.ts'
import {
  fault,
  flagIn,
  kindOf,
  listIn,
  membersOf,
  numberIn,
  statusCodesIn,
  textIn,
  wholeIn,
  wordIn,
  type Members,
  type Remarks,
  type Written,
} from './routing-config-values.ts'

const mostAttempts = 5
const dayMs = 86_400_000

const retryKeys = new Set(['attempts', 'count', 'on_status_codes', 'use_retry_after_header', 'use_retry_after_headers'])
/** Portkey's, with the 529 of an overloaded Anthropic. */
const retriedCodes: ReadonlySet<number> = new Set([429, 500, 502, 503, 504, 529])

/** undefined: no retries, also where a target above has some. */
export function retryIn(written: Written, { warnings }: Remarks): RetryRule | undefined {
  // A bare number is how Portkey's first configs wrote it.
  const members = typeof written.value === 'number' ? new Map([['attempts', written]]) : membersOf(written, retryKeys)
  const attempts = one(members, 'attempts', 'count')
  if (attempts === undefined) throw fault(`${written.path}.attempts`, `is missing: write how many, up to ${mostAttempts}.`)
  let times = wholeIn(attempts, 0, Number.MAX_SAFE_INTEGER)
  if (times > mostAttempts) {
    warnings.push(`${attempts.path} is ${times}; ${mostAttempts} are made at most.`)
    times = mostAttempts
  }
  const header = one(members, 'use_retry_after_header', 'use_retry_after_headers')
  const usesRetryAfter = header !== undefined && flagIn(header)
  const onStatusCodes = codesUnlessEmpty(members.get('on_status_codes'), warnings, 'the usual ones are retried') ?? retriedCodes
  return times === 0 ? undefined : { attempts: times, onStatusCodes, usesRetryAfter }
}

/** Of two names for one thing. */
export function one(members: Members, name: string, other: string): Written | undefined {
  const [first, second] = [members.get(name), members.get(other)]
  if (first !== undefined && second !== undefined) throw fault(second.path, `says the same as ${first.path}; keep one of them.`)
  return first ?? second
}

/** An empty list, which Portkey's examples have, says nothing. */
export function codesUnlessEmpty(written: Written | undefined, warnings: string[], then: string): ReadonlySet<number> | undefined {
  if (written === undefined) return undefined
  const codes = statusCodesIn(written)
  if (codes.size > 0) return codes
  warnings.push(`${written.path} is empty, so ${then}.`)
  return undefined
}

const cacheKeys = new Set(['mode', 'max_age', 'namespace', 'tools', 'single_flight', 'force_refresh'])
const leastAgeSeconds = 60
const mostAgeSeconds = 7_776_000
const usualAgeSeconds = 604_800

/** undefined: no cache, also where a target above has one. */
export function cacheIn(written: Written, remarks: Remarks): CacheRule | undefined {
  const { value, path } = written
  if (value === false) return undefined
  const members =
    typeof value === 'string'
      ? new Map([['mode', written]])
      : value === true
        ? new Map([['mode', { path, value: 'simple' }]])
        : membersOf(written, cacheKeys)
  const mode = members.get('mode')
  if (mode === undefined) throw fault(`${path}.mode`, 'is missing: write "simple".')
  // Its superset, with Portkey: a hit of the simple one is always one of it.
  if (wordIn(mode, ['simple', 'semantic']) === 'semantic')
    remarks.warnings.push(`${mode.path} is "semantic", which is not there yet: only the very same request is answered from the cache.`)
  const refresh = members.get('force_refresh')
  if (refresh !== undefined)
    remarks.warnings.push(`${refresh.path} does nothing: it is for one request, in its header x-turnpike-cache-force-refresh.`)
  const flag = (name: string) => {
    const said = members.get(name)
    return said !== undefined && flagIn(said)
  }
  const namespace = members.get('namespace')
  return {
    maxAgeMs: 1000 * ageSeconds(members.get('max_age'), remarks),
    ...(namespace === undefined ? {} : { namespace: textIn(namespace, 128) }),
    tools: flag('tools'),
    singleFlight: flag('single_flight'),
  }
}

function ageSeconds(written: Written | undefined, { warnings }: Remarks): number {
  if (written === undefined) return usualAgeSeconds
  const { path, value } = written
  const digits = typeof value === 'string' && /^\d{1,12}$/.test(value)
  const seconds = wholeIn({ path, value: digits ? Number(value) : value }, leastAgeSeconds, Number.MAX_SAFE_INTEGER, ' seconds')
  if (seconds <= mostAgeSeconds) return seconds
  warnings.push(`${path} is ${seconds} seconds; ${mostAgeSeconds} (90 days) is the most.`)
  return mostAgeSeconds
}

const timeoutKeys = new Set(['connect_ms', 'first_token_ms', 'idle_ms', 'request_timeout', 'floor_bytes_per_second'])

export function timeoutsIn(written: Written): RoutingTimeouts {
  const members = membersOf(written, timeoutKeys)
  const ms = (name: string) => {
    const said = members.get(name)
    return said === undefined ? undefined : wholeIn(said, 1, dayMs, ' ms')
  }
  const floor = members.get('floor_bytes_per_second')
  return defined({
    connectMs: ms('connect_ms'),
    firstTokenMs: ms('first_token_ms'),
    idleMs: ms('idle_ms'),
    totalMs: ms('request_timeout'),
    floor: floor === undefined ? undefined : numberIn(floor, 1, 1_000_000_000, ' bytes per second'),
  })
}

/** Portkey's `request_timeout`; its 0 is none. */
export function requestTimeoutIn(written: Written, { warnings }: Remarks): number | undefined {
  const ms = wholeIn(written, 0, dayMs, ' ms')
  if (ms > 0) return ms
  warnings.push(`${written.path} is 0, so the provider's own counts.`)
  return undefined
}

const usualRule: BreakerRule = { errorRate: 0.5, minRequests: 10, windowMs: 60_000, coolMs: 30_000 }
const breakerKeys = new Set(['error_rate', 'min_requests', 'failures', 'window_ms', 'cool_ms', 'on_status_codes'])

export function breakerIn(written: Written, { warnings }: Remarks): BreakerRule {
  const members = membersOf(written, breakerKeys)
  const number = (name: string, read: (said: Written) => number) => {
    const said = members.get(name)
    return said === undefined ? undefined : read(said)
  }
  return ruleOf({
    errorRate: number('error_rate', (said) => aboveZero(said, numberIn(said, 0, 1))),
    minRequests: number('min_requests', (said) => wholeIn(said, 1, 1_000_000)),
    failures: number('failures', (said) => wholeIn(said, 1, 1_000_000)),
    windowMs: number('window_ms', (said) => wholeIn(said, 1000, dayMs, ' ms')),
    coolMs: number('cool_ms', (said) => wholeIn(said, 100, dayMs, ' ms')),
    onStatusCodes: codesUnlessEmpty(members.get('on_status_codes'), warnings, 'the usual failures count'),
  })
}

const portkeyBreakerKeys = new Set([
  'failure_threshold',
  'failure_threshold_percentage',
  'minimum_requests',
  'cooldown_interval',
  'failure_status_codes',
])
/** Portkey raises shorter ones. */
const leastCooldownMs = 30_000

export function portkeyBreakerIn(written: Written, { warnings }: Remarks): BreakerRule {
  const members = membersOf(written, portkeyBreakerKeys)
  const number = (name: string, read: (said: Written) => number) => {
    const said = members.get(name)
    return said === undefined ? undefined : read(said)
  }
  return ruleOf({
    errorRate: number('failure_threshold_percentage', (said) => aboveZero(said, numberIn(said, 0, 100)) / 100),
    minRequests: number('minimum_requests', (said) => wholeIn(said, 1, 1_000_000)),
    failures: number('failure_threshold', (said) => wholeIn(said, 1, 1_000_000)),
    windowMs: undefined,
    coolMs: number('cooldown_interval', (said) => {
      const ms = wholeIn(said, 0, dayMs, ' ms')
      if (ms < leastCooldownMs)
        warnings.push(`${said.path} is ${ms} ms; ${leastCooldownMs} is the least. A breaker takes any: breaker.cool_ms.`)
      return Math.max(ms, leastCooldownMs)
    }),
    onStatusCodes: codesUnlessEmpty(members.get('failure_status_codes'), warnings, 'the usual failures count'),
  })
}

function aboveZero({ path }: Written, share: number): number {
  if (share > 0) return share
  throw fault(path, 'is 0: it would open without a failure.')
}

type Said = { [K in keyof BreakerRule]-?: BreakerRule[K] | undefined }

/** Where only a number of failures is said, no smaller share of them opens it. */
function ruleOf({ errorRate, minRequests, failures, windowMs, coolMs, onStatusCodes }: Said): BreakerRule {
  const onlyCounted = failures !== undefined && errorRate === undefined
  return {
    errorRate: errorRate ?? (onlyCounted ? 1 : usualRule.errorRate),
    minRequests: minRequests ?? (onlyCounted ? failures : usualRule.minRequests),
    windowMs: windowMs ?? usualRule.windowMs,
    coolMs: coolMs ?? usualRule.coolMs,
    ...defined({ failures, onStatusCodes }),
  }
}

const stickyKeys = new Set(['enabled', 'hash_fields', 'ttl'])
const usualTtlSeconds = 3600
const mostTtlSeconds = 2_592_000

export function stickyIn(written: Written): Stickiness | false {
  const { value } = written
  if (value === false) return false
  if (value === true) return { ttlMs: 1000 * usualTtlSeconds }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault(written.path, `is ${kindOf(value)}, which is not an object, true or false.`)
  const members = membersOf(written, stickyKeys)
  const enabled = members.get('enabled')
  const fields = members.get('hash_fields')
  const ttl = members.get('ttl')
  const hashFields = fields === undefined ? [] : listIn(fields).map((field) => checkContextPath(textIn(field), field.path))
  const ttlMs = 1000 * (ttl === undefined ? usualTtlSeconds : numberIn(ttl, 1, mostTtlSeconds, ' seconds'))
  if (enabled !== undefined && !flagIn(enabled)) return false
  return { ...(hashFields.length === 0 ? {} : { hashFields }), ttlMs }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>
}
