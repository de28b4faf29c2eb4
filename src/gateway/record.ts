// What is written about a request: reserve, progress and finish records.
import type { GatewayKey, Snapshot } from '#config'
import { bytesPerToken, type Inspected, type Refusal } from '#inspection'
import type { Finish, Note, UsageCounts } from '#ir'
import type { Failure, FailureKind } from '#kernel'
import type { RateState } from '#ledger'
import type { AttemptRecord, CacheState, FinishRecord, Outcome, ProgressRecord, ReserveRecord } from '#store'
import { priceOf, tierOf, type Billed } from './answer-cost.ts'
import { tierAsked } from './asked.ts'
import type { Try } from './try.ts'
import type { GatewayDeps } from './port.ts'

/** What a client hears of its limits. */
export type ToldSpending = { readonly clamp: { readonly value: number } | undefined; rates(nowMs: number): RateState }

/** What of an exchange is told: to the journal, and to the client in the head of its answer. */
export interface Told extends Billed {
  readonly deps: GatewayDeps
  readonly attempts: readonly AttemptRecord[]
  readonly tries: number
  readonly notes: readonly Note[]
  readonly headIsOurs: boolean
  readonly servedModel: string | undefined
  readonly spending: ToldSpending | undefined
  readonly cached: { readonly state: CacheState } | undefined
  readonly hit: { readonly provider: string } | undefined
  readonly storesPayloads: boolean
  readonly status: number
  readonly responseBytes: number
  /** `performance.now()` of the first dispatch and of the first byte for the client; 0 before. */
  readonly dispatchedMs: number
  readonly firstWriteMs: number
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
