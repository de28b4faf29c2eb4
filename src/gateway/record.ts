// What is written about a request: reserve, progress and finish records, and the price of its usage.
import type { GatewayKey, Snapshot } from '#config'
import { bytesPerToken, type Arrival, type Inspected, type Refusal } from '#inspection'
import {
  billedCounts,
  freePrice,
  priceAt,
  usageCounts,
  usdNumber,
  type Finish,
  type Note,
  type Price,
  type StreamEvent,
  type Usage,
  type UsageCounts,
} from '#ir'
import { isObject, type ByteCollector, type Failure, type FailureKind } from '#kernel'
import { priceUsage, type PricedUsage, type RateState } from '#ledger'
import type { Plan, PlannedTarget } from '#routing'
import type { AttemptRecord, CacheState, FinishRecord, Outcome, ProgressRecord, ReserveRecord } from '#store'
import { createSseParser, type StreamDecoder, type WireCodec } from '#wires'
import { tierAsked } from './asked.ts'
import type { Try } from './attempt.ts'
import type { GatewayDeps } from './port.ts'

/** What a client hears of its limits. */
export type ToldSpending = { readonly clamp: { readonly value: number } | undefined; rates(nowMs: number): RateState }

/** What of an exchange is told: to the journal, and to the client in the head of its answer. */
export interface Told {
  readonly deps: GatewayDeps
  readonly arrival: Arrival
  readonly codec: WireCodec
  /** undefined: the body was refused before anything was known of it. */
  readonly inspected: Inspected | undefined
  readonly plan: Plan
  readonly reserved: ReserveRecord | undefined
  /** Of the latest attempt. */
  readonly target: PlannedTarget | undefined
  readonly attempts: readonly AttemptRecord[]
  readonly tries: number
  readonly notes: readonly Note[]
  readonly headIsOurs: boolean
  readonly servedModel: string | undefined
  readonly pricedUsage: Priced | undefined
  readonly spending: ToldSpending | undefined
  readonly cached: { readonly state: CacheState } | undefined
  readonly hit: { readonly provider: string } | undefined
  readonly kept: ByteCollector
  readonly sent: SentContent
  readonly storesPayloads: boolean
  readonly status: number
  readonly responseBytes: number
  /** `performance.now()` of the first dispatch and of the first byte for the client; 0 before. */
  readonly dispatchedMs: number
  readonly firstWriteMs: number
}

/** A usage, its counts and what they cost. */
export type Priced = PricedUsage & {
  readonly usage: Usage
  /** The usage as the provider wrote it, where it was read from a whole answer. */
  readonly text: string | undefined
  readonly counts: UsageCounts
}

/** Nobody charges for counting tokens. */
function priceOf(arrival: Arrival, target: PlannedTarget): Price | undefined {
  return arrival.operation === 'count-tokens' ? freePrice : priceOfTarget(target, arrival.atMs)
}

/** In force when the request came. */
export function priceOfTarget({ model }: PlannedTarget, atMs: number): Price | undefined {
  if (model.free === true) return freePrice
  return model.price === undefined ? undefined : priceAt(model.price, atMs)
}

/** No model reads or writes as much; a bill with such a number would be nonsense, and would not fit into a ledger. */
const mostTokens = 1_000_000_000
const mostCalls = 1_000_000

/** `estimated`: the counts are ours. undefined: they are impossible, which is as good as none. */
export function priceAnswer(
  exchange: Pick<Told, 'arrival' | 'inspected' | 'plan' | 'reserved'>,
  usage: Usage,
  target: PlannedTarget,
  text: string | undefined,
  estimated = false,
): Priced | undefined {
  if (usage.input.total > mostTokens || usage.output.total > mostTokens) return undefined
  if (usage.hosted !== undefined && Object.values(usage.hosted).some((calls) => calls > mostCalls)) return undefined
  const tier = tierOf(exchange, target)
  const counts = usageCounts(usage, tier === '' ? undefined : tier)
  const { costNanoUsd, costSource, lines, price, providerCostNanoUsd } = priceUsage({
    counts: billedCounts(usage, counts),
    price: priceOfTarget(target, exchange.arrival.atMs),
    providerCost: usage.cost,
    estimated,
  })
  return { usage, text, counts, costNanoUsd, costSource, lines, price, providerCostNanoUsd }
}

/** That a request asks its target for; '' without one. What was written down of the first target is not looked for again. */
function tierOf({ inspected, plan, reserved }: Pick<Told, 'inspected' | 'plan' | 'reserved'>, target: PlannedTarget): string {
  return reserved !== undefined && plan.steps[0]?.target === target ? reserved.serviceTier : (tierAsked(inspected, target) ?? '')
}

/** The provider says that nothing was read, or nothing written: where an answer has words all the same, they are counted. What is free may say so. */
export function isDoubtful({ counts, costNanoUsd, costSource }: Priced): boolean {
  if (counts.input > 0 && counts.output > 0) return false
  return costSource === 'unpriced' || (costSource === 'computed' && (costNanoUsd !== 0n || counts.input + counts.output === 0))
}

/** Nobody charges for an answer that was kept. */
export function freeAnswer(usage: Usage): Priced {
  return {
    usage,
    text: undefined,
    counts: usageCounts(usage),
    costNanoUsd: 0n,
    costSource: 'computed',
    lines: [],
    price: undefined,
    providerCostNanoUsd: undefined,
  }
}

/** What the client may be told that the answer costs. undefined: it has no price, or its words are counted first. */
export function toldCost({ arrival, pricedUsage }: Pick<Told, 'arrival' | 'pricedUsage'>): bigint | undefined {
  if (pricedUsage === undefined || (arrival.operation === 'generate' && isDoubtful(pricedUsage))) return undefined
  return pricedUsage.costNanoUsd
}

/** The same in USD. */
export function toldCostUsd(exchange: Pick<Told, 'arrival' | 'pricedUsage'>): number | undefined {
  const cost = toldCost(exchange)
  return cost === undefined ? undefined : usdNumber(cost)
}

/** Whose request it is, and who pays for it: a user's wallet, else the team's; '' is nobody's, and the instance's own. */
function payersOf({ userId, teamId }: GatewayKey, snapshot: Snapshot): Pick<ReserveRecord, 'user' | 'team' | 'wallet'> {
  if (userId === undefined && teamId === undefined) return nobody
  const user = userId === undefined ? undefined : snapshot.users.get(userId)
  const team = snapshot.teams.get(teamId ?? user?.teamId ?? '')
  const payer = user?.prepaid === true ? user : team?.prepaid === true ? team : undefined
  return { user: userId ?? '', team: team?.id ?? teamId ?? '', wallet: payer === undefined ? '' : `wallet:${payer.id}` }
}

const keyMetadata = new WeakMap<object, string>()

/** Of the key and of the request, as JSON. Money is counted by it: what the key says of itself, its requests cannot talk away. */
function metadataText({ metadata }: GatewayKey, inspected: Inspected | undefined): string {
  const own = inspected?.metadata ?? ''
  if (metadata === undefined) return own
  if (own !== '') return JSON.stringify({ ...(JSON.parse(own) as Record<string, string>), ...metadata })
  let text = keyMetadata.get(metadata)
  if (text === undefined) keyMetadata.set(metadata, (text = JSON.stringify(metadata)))
  return text
}

const nobody = { user: '', team: '', wallet: '' } as const

export function reserveRecord(exchange: Told): ReserveRecord {
  const { arrival, inspected, plan } = exchange
  const { user, team, wallet } = payersOf(arrival.key, exchange.deps.snapshot())
  const first = plan.steps[0]?.target
  const tier = tierAsked(inspected, first) ?? ''
  return {
    id: arrival.id,
    atMs: arrival.atMs,
    keyId: arrival.key.id,
    keyName: arrival.key.name,
    kind: inspected?.kind ?? 'user',
    session: inspected?.session ?? '',
    trace: inspected?.trace ?? '',
    client: (arrival.headers['user-agent'] ?? '').slice(0, 128),
    wire: arrival.wire,
    endpoint: arrival.endpoint,
    modelAsked: (inspected?.model ?? '').slice(0, 256),
    stream: inspected?.stream ?? false,
    provider: first?.provider.slug ?? '',
    modelTarget: first?.model.id ?? '',
    requestBytes: arrival.bodyEnd - arrival.bodyStart,
    metadata: metadataText(arrival.key, inspected),
    price: first === undefined ? undefined : priceOf(arrival, first),
    configSlug: plan.config === undefined ? '' : (plan.config.slug ?? 'inline'),
    configVersion: plan.config?.version ?? 0,
    user,
    team,
    wallet,
    serviceTier: tier,
  }
}

/** Characters of an average token in an answer's text; Anthropic sends 5 tokens a piece in the median, OpenAI one. */
const charactersPerToken = 4.5

/** About how many tokens a stream of the client's wire has brought. Each byte is read once: a long answer's progress costs what is new. */
export class SentContent {
  tokens = 0
  #readBytes = 0
  readonly #parser = createSseParser()
  readonly #decoder: StreamDecoder

  constructor(codec: WireCodec) {
    this.#decoder = codec.egress.createStreamDecoder({})
  }

  /** `sent` is all of it, from the first byte. */
  read(sent: Buffer): void {
    // A frame that is not whole yet outlives the buffer it came in.
    const fresh = Buffer.from(sent.subarray(this.#readBytes))
    this.#readBytes = sent.length
    try {
      this.#parser.push(fresh, (frame) => {
        if (frame.data !== undefined) for (const event of this.#decoder.push(frame)) this.tokens += tokensIn(event)
      })
    } catch {
      // Words that our own decoder refuses: they passed all the same, and count nothing.
    }
  }
}

/** A piece of content is at least one token, and a long one as many as its text is likely to be. */
function tokensIn(event: StreamEvent): number {
  if (event.type === 'part-start') return event.part.type === 'tool-call' ? 1 : 0
  if (event.type !== 'part-delta') return 0
  return Math.max(1, Math.floor(event.text.length / charactersPerToken))
}

/** Half-way truth: what the provider has said, else what the text so far is likely to be. */
export function progressRecord(exchange: Told): ProgressRecord {
  const said = exchange.pricedUsage?.counts
  exchange.sent.read(exchange.kept.bytes())
  const input = said?.input ?? Math.ceil((exchange.arrival.bodyEnd - exchange.arrival.bodyStart) / bytesPerToken)
  const output = Math.max(said?.output ?? 0, exchange.sent.tokens)
  return {
    id: exchange.arrival.id,
    atMs: Date.now(),
    responseBytes: exchange.responseBytes,
    usage: said === undefined ? countsOf(input, output, tierAsked(exchange.inspected, exchange.target)) : { ...said, output },
    estimated: true,
  }
}

function countsOf(input: number, output: number, serviceTier: string | undefined): UsageCounts {
  return {
    input,
    fresh: input,
    cacheRead: undefined,
    cacheWrite: undefined,
    cacheWrite1h: undefined,
    inputAudio: undefined,
    output,
    reasoning: undefined,
    outputAudio: undefined,
    ...(serviceTier === undefined ? {} : { serviceTier }),
  }
}

export function attemptRecord(attempt: Try, reason: string, failure: Failure | undefined, totalMs: number): AttemptRecord {
  const { provider, model, credential, route } = attempt.target
  return {
    provider: provider.slug,
    model: model.id,
    credential: credential.name,
    status: attempt.status,
    errorClass: failure?.kind ?? '',
    errorMessage: (failure?.details.upstream?.message ?? failure?.message ?? '').slice(0, 500),
    startedAtMs: attempt.startedAtMs,
    headMs: attempt.headMs,
    firstTokenMs: attempt.contentMs,
    totalMs,
    reason,
    route,
  }
}

/** Of an answer that began and never told all of its usage, or none: what it is likely to be. */
export function estimatedAnswer(exchange: Told): Priced | undefined {
  const { target, pricedUsage } = exchange
  if (target === undefined) return pricedUsage
  const said = pricedUsage?.counts
  const input = said?.input ?? Math.ceil((exchange.arrival.bodyEnd - exchange.arrival.bodyStart) / bytesPerToken)
  const output = Math.max(said?.output ?? 0, sentTokens(exchange))
  const usage: Usage =
    pricedUsage === undefined
      ? { input: { total: input, fresh: input }, output: { total: output }, raw: {} }
      : { ...pricedUsage.usage, output: { ...pricedUsage.usage.output, total: output } }
  return priceAnswer(exchange, usage, target, '', true)
}

function sentTokens(exchange: Told): number {
  if (exchange.inspected?.stream !== true) return Math.ceil(keptText(exchange).length / charactersPerToken)
  exchange.sent.read(exchange.kept.bytes())
  return exchange.sent.tokens
}

export type Ending = {
  readonly outcome: Outcome
  readonly failure: Failure | undefined
  readonly finish: Finish | undefined
  /** `performance.now()` of the last word. */
  readonly endedMs: number
  /** Small ones, kept inside the record. */
  readonly bodies: FinishRecord['bodies']
  /** Text to count when the provider told no usage; '' otherwise. */
  readonly kept: string
}

export function finishRecord(exchange: Told, ending: Ending): FinishRecord {
  const { arrival, attempts, pricedUsage } = exchange
  const last = attempts.at(-1)
  const first = exchange.plan.steps[0]?.target
  const target = last === undefined ? undefined : exchange.target
  const answered = last !== undefined && last.errorClass === ''
  const begun = exchange.reserved ?? reserveRecord(exchange)
  const tier = target === undefined ? begun.serviceTier : tierOf(exchange, target)
  // One literal, not a spread of the other record: this is built for every request.
  return {
    id: begun.id,
    atMs: begun.atMs,
    keyId: begun.keyId,
    keyName: begun.keyName,
    kind: begun.kind,
    session: begun.session,
    trace: begun.trace,
    client: begun.client,
    wire: begun.wire,
    endpoint: begun.endpoint,
    modelAsked: begun.modelAsked,
    stream: begun.stream,
    requestBytes: begun.requestBytes,
    metadata: begun.metadata,
    configSlug: begun.configSlug,
    configVersion: begun.configVersion,
    user: begun.user,
    team: begun.team,
    wallet: begun.wallet,
    provider: exchange.hit?.provider ?? last?.provider ?? first?.provider.slug ?? '',
    modelTarget: last?.model ?? first?.model.id ?? '',
    // What is counted later may yet be in another tier.
    price: target === undefined ? undefined : ((ending.kept === '' ? pricedUsage?.price : undefined) ?? priceOf(arrival, target)),
    serviceTier: tier,
    status: exchange.status,
    outcome: ending.outcome,
    errorCode: ending.failure === undefined ? '' : ending.failure.kind,
    errorClass: last !== undefined && !answered ? last.errorClass : (ending.failure?.kind ?? ''),
    modelServed:
      answered || pricedUsage !== undefined || exchange.responseBytes > 0 ? (exchange.servedModel ?? (answered ? last.model : '')) : '',
    lane: target === undefined ? 'none' : target.lane === 'pass' && !exchange.headIsOurs ? 'pass' : 'translate',
    cache: exchange.cached?.state ?? 'disabled',
    attempts,
    usage: pricedUsage?.counts,
    usageRaw: pricedUsage === undefined ? '' : (pricedUsage.text ?? JSON.stringify(pricedUsage.usage.raw)),
    costSource: pricedUsage?.costSource ?? (exchange.hit === undefined ? 'unpriced' : 'computed'),
    costNanoUsd: exchange.hit === undefined ? pricedUsage?.costNanoUsd : 0n,
    costLines: pricedUsage?.lines ?? [],
    providerCostNanoUsd: pricedUsage?.providerCostNanoUsd,
    finishReason: ending.finish?.raw ?? ending.finish?.reason ?? '',
    notes: exchange.notes,
    responseBytes: exchange.responseBytes,
    overheadUs: exchange.dispatchedMs === 0 ? 0 : Math.round((exchange.dispatchedMs - arrival.readyMs) * 1000),
    firstTokenMs: exchange.firstWriteMs === 0 ? undefined : exchange.firstWriteMs - arrival.readyMs,
    totalMs: ending.endedMs - arrival.readyMs,
    headers: exchange.deps.headersText(arrival.headers),
    payloads: exchange.inspected !== undefined && exchange.storesPayloads ? 'full' : 'none',
    bodies: ending.bodies,
    kept: ending.kept,
  }
}

/** The words of an answer that never told its usage, from the bytes that were sent; in the client's wire or as plain text. */
export function keptText(exchange: Told): string {
  const bytes = exchange.kept.bytes()
  const decoder = exchange.codec.egress.createStreamDecoder({})
  let text = ''
  const read = (data: string, event: string | undefined): void => {
    for (const one of decoder.push(event === undefined ? { data } : { event, data })) {
      if (one.type === 'part-delta') text += one.text
      else if (one.type === 'part-start' && one.part.type === 'tool-call') text += one.part.name
    }
  }
  try {
    if (exchange.inspected?.stream === true) {
      const parser = createSseParser()
      parser.push(bytes, (frame) => {
        if (frame.data !== undefined) read(frame.data, frame.event)
      })
    } else {
      const document: unknown = JSON.parse(bytes.toString('utf8'))
      if (isObject(document))
        for (const part of exchange.codec.egress.decodeResponse(document, {}).parts)
          text += part.type === 'tool-call' ? part.name + part.args : 'text' in part ? part.text : ''
    }
  } catch {
    // An answer that was cut in the middle of a frame: what could be read counts.
  }
  return text
}

/** A request that was refused before it could be inspected: who, where, and why. */
export function refusalRecord(refusal: Refusal, failure: Failure, headers: string): FinishRecord {
  return {
    id: refusal.id,
    atMs: refusal.atMs,
    keyId: refusal.keyId,
    keyName: refusal.keyName,
    kind: 'user',
    session: '',
    trace: '',
    client: (refusal.headers['user-agent'] ?? '').slice(0, 128),
    wire: refusal.wire,
    endpoint: refusal.endpoint.slice(0, 256),
    modelAsked: '',
    stream: false,
    provider: '',
    modelTarget: '',
    requestBytes: 0,
    metadata: '',
    price: undefined,
    configSlug: '',
    configVersion: 0,
    user: '',
    team: '',
    wallet: '',
    serviceTier: '',
    status: failure.status,
    outcome: outcomeOf(failure),
    errorCode: failure.kind,
    errorClass: failure.kind,
    modelServed: '',
    lane: 'none',
    cache: 'disabled',
    attempts: [],
    usage: undefined,
    usageRaw: '',
    costSource: 'unpriced',
    costNanoUsd: undefined,
    costLines: [],
    providerCostNanoUsd: undefined,
    finishReason: '',
    notes: [],
    responseBytes: 0,
    overheadUs: 0,
    firstTokenMs: undefined,
    totalMs: 0,
    headers,
    payloads: 'none',
    bodies: undefined,
    kept: '',
  }
}

const limits: ReadonlySet<FailureKind> = new Set([
  'budget_exceeded',
  'budget_reserved',
  'insufficient_balance',
  'loop_detected',
  'rate_limit_exceeded',
])

export function outcomeOf(failure: Failure): Outcome {
  if (failure.kind === 'client_closed') return 'cancelled'
  if (failure.status === 401 || failure.status === 403 || limits.has(failure.kind)) return 'denied'
  return failure.fault === 'client' ? 'client_error' : 'upstream_error'
}
