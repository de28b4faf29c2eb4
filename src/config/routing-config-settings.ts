// What a config says about each of its targets, added to what the configs around it say.
import type { JsonObject } from '#kernel'
import type { BreakerRule, CacheRule, RetryRule, RoutingTimeouts } from './routing-config.ts'
import { breakerIn, cacheIn, one, portkeyBreakerIn, requestTimeoutIn, retryIn, timeoutsIn } from './routing-config-rules.ts'
import {
  copiedObject,
  fault,
  given,
  listIn,
  quoted,
  textIn,
  textsIn,
  type Members,
  type Remarks,
  type Written,
} from './routing-config-values.ts'

/** What a target has from the configs around it. */
export type Inherited = {
  readonly overrides: JsonObject
  readonly defaults: JsonObject
  readonly dropped: readonly string[]
  readonly model?: string
  readonly retry?: RetryRule
  readonly cache?: CacheRule
  readonly timeouts: RoutingTimeouts
  readonly requestTimeoutMs?: number
  readonly breaker?: BreakerRule
  readonly customHost?: string
  readonly forwardHeaders?: readonly string[]
}

export const nothingInherited: Inherited = { overrides: {}, defaults: {}, dropped: [], timeouts: {} }

/** `override_params`, `default_params` and `drop_params` are added to what is inherited; everything else replaces it. */
export function ownSettings(members: Members, strategyBreaker: BreakerRule | undefined, inherited: Inherited, remarks: Remarks): Inherited {
  const params = (key: string) => {
    const written = members.get(key)
    return written === undefined ? {} : withoutStream(written, copiedObject(written), remarks)
  }
  const { model: overridden, ...overrides } = params('override_params')
  const { model: byDefault, ...defaults } = params('default_params')
  if (byDefault !== undefined)
    remarks.warnings.push(`${members.get('default_params')!.path}.model does nothing: every request names a model.`)
  const plain = members.get('model')
  if (plain !== undefined && overridden !== undefined && plain.value !== overridden)
    remarks.warnings.push(`${plain.path} does nothing: override_params.model is another model.`)
  const named =
    overridden === undefined
      ? (plain ?? modelOfProvider(members))
      : { path: `${members.get('override_params')!.path}.model`, value: overridden }
  const model = named === undefined ? inherited.model : textIn(named, 256)
  const retry = members.has('retry') ? retryIn(members.get('retry')!, remarks) : inherited.retry
  const cache = members.has('cache') ? cacheIn(members.get('cache')!, remarks) : inherited.cache
  const { timeouts, requestTimeoutMs } = timesIn(members, inherited, remarks)
  const breaker = breakerOf(members, remarks)
  if (breaker !== undefined && strategyBreaker !== undefined)
    remarks.warnings.push(`${(members.get('breaker') ?? members.get('cb_config'))!.path} does nothing: the strategy has its own.`)
  const forwardHeaders = members.has('forward_headers') ? forwardedIn(members.get('forward_headers')!, remarks) : inherited.forwardHeaders
  const customHost = members.has('custom_host') ? hostIn(members.get('custom_host')!) : inherited.customHost
  return {
    overrides: { ...inherited.overrides, ...overrides },
    defaults: { ...inherited.defaults, ...defaults },
    dropped: [...new Set([...inherited.dropped, ...droppedIn(members.get('drop_params'), remarks)])],
    timeouts,
    ...(model === undefined ? {} : { model }),
    ...(retry === undefined ? {} : { retry }),
    ...(cache === undefined ? {} : { cache }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
    ...given('breaker', strategyBreaker ?? breaker ?? inherited.breaker),
    ...(customHost === undefined ? {} : { customHost }),
    ...given('forwardHeaders', forwardHeaders),
  }
}

/** Portkey's guides write `"provider": "@slug/model"` as well: both in one. */
function modelOfProvider(members: Members): Written | undefined {
  const provider = members.get('provider')
  if (typeof provider?.value !== 'string' || ['virtual_key', 'targets', 'options'].some((key) => members.has(key))) return undefined
  const slash = provider.value.indexOf('/')
  return slash < 0 ? undefined : { path: provider.path, value: provider.value.slice(slash + 1) }
}

/** `request_timeout` is a setting of its own, as Portkey has it, and a member of `timeouts`; the one that is nearest counts. */
function timesIn(members: Members, inherited: Inherited, remarks: Remarks): Pick<Inherited, 'timeouts' | 'requestTimeoutMs'> {
  const own = members.get('timeouts')
  const request = members.get('request_timeout')
  const timeouts = own === undefined ? inherited.timeouts : timeoutsIn(own)
  if (request === undefined) return { timeouts, ...given('requestTimeoutMs', inherited.requestTimeoutMs) }
  if (own !== undefined && timeouts.totalMs !== undefined)
    throw fault(request.path, `says the same as ${own.path}.request_timeout; keep one of them.`)
  const { totalMs: _, ...others } = timeouts
  return { timeouts: others, ...given('requestTimeoutMs', requestTimeoutIn(request, remarks)) }
}

/** A client that asked for a stream cannot read a whole answer, nor the reverse. */
function withoutStream({ path }: Written, params: JsonObject, { warnings }: Remarks): JsonObject {
  if (!('stream' in params)) return params
  warnings.push(`${path}.stream does nothing: whether it streams is for each request to say.`)
  const { stream: _, ...rest } = params
  return rest
}

function droppedIn(written: Written | undefined, { warnings }: Remarks): readonly string[] {
  if (written === undefined) return []
  const names = textsIn(written)
  const model = names.indexOf('model')
  if (model >= 0) throw fault(`${written.path}[${model}]`, 'is "model", which no request can do without.')
  if (names.includes('stream')) warnings.push(`${written.path} cannot drop stream: whether it streams is for each request to say.`)
  for (const [index, name] of names.entries()) {
    if (!partOfRequest.test(name))
      throw fault(
        `${written.path}[${index}]`,
        `is ${quoted(name)}, which is no path such as seed, messages[2] or tools[*].function.strict.`,
      )
  }
  return names.filter((name) => name !== 'stream')
}

/** A field, and what is in it: members, items by their place, or each of them. */
const partOfRequest = /^[^.[\]]+(?:\.[^.[\]]+|\[(?:\d{1,9}|\*)\])*$/

/** Credentials of the gateway itself among them, and what it says of its own request. */
const neverForwarded =
  /^(?:authorization|proxy-.*|cookie|x-api-key|api-key|x-goog-api-key|x-turnpike-.*|x-portkey-.*|host|user-agent|accept|accept-encoding|content-.*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect)$/
const mostForwarded = 64

/** undefined: none, also where a config around this one has some. */
function forwardedIn(written: Written, { warnings }: Remarks): readonly string[] | undefined {
  const names = new Set<string>()
  for (const item of listIn(written)) {
    const name = textIn(item, 256).trim().toLowerCase()
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw fault(item.path, 'is not the name of a header, such as x-tenant-id.')
    if (neverForwarded.test(name)) warnings.push(`${item.path} does nothing: ${quoted(name)} of a client goes to no provider.`)
    else names.add(name)
  }
  if (names.size > mostForwarded) throw fault(written.path, `names ${names.size} headers, and at most ${mostForwarded} are allowed.`)
  return names.size === 0 ? undefined : [...names]
}

function hostIn(written: Written): string {
  const text = textIn(written)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isBase =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    url.search === ''
  if (!isBase)
    throw fault(written.path, 'is not an http or https address without a user, query or fragment, such as https://models.example.com/v1.')
  return text
}

export function breakerOf(members: Members, remarks: Remarks): BreakerRule | undefined {
  const written = one(members, 'breaker', 'cb_config')
  if (written === undefined) return undefined
  return members.has('breaker') ? breakerIn(written, remarks) : portkeyBreakerIn(written, remarks)
}
