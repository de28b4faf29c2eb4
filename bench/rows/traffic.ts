// A month of a busy team's requests, made up: which keys, models and sessions there are, and one request after the other.
import { newRequestId } from '#kernel'
import type { Price } from '#ir'
import type { AttemptRecord, FinishRecord, Outcome, RequestKind } from '#store'

/** What rows are filtered by: a few hits far back, and nothing else has these. */
export const needle = {
  key: 'night-audit',
  session: 'agent:audit:quarterly-7f3a',
  trace: 'feedc0de00000000000000000000beef',
  client: 'AuditBot/0.9',
  endpoint: '/v1/audit/completions',
  model: 'vendor-11/model-retired',
  provider: 'provider-retired',
  status: 418,
  error: 'teapot',
  team: 'archaeology',
  costNanoUsd: 61_000_000_000n,
  totalMs: 1_900_000,
  tokens: 3_000_000,
  attempts: 9,
} as const

const counts = { models: 40, providers: 12, keys: 200, sessions: 5000, clients: 24, users: 3000 }
const teams = ['platform', 'search', 'support', 'billing', 'mobile', 'web', 'data', 'ml', 'security', 'growth', 'legal', 'research']

type Key = {
  readonly id: string
  readonly name: string
  readonly client: string
  readonly wire: string
  readonly models: readonly number[]
}
type Failed = { readonly outcome: Outcome; readonly status: number; readonly code: string; readonly errorClass: string }

const failures: readonly (Failed & { readonly share: number })[] = [
  { share: 0.3, outcome: 'upstream_error', status: 503, code: 'all_targets_failed', errorClass: 'rate_limited' },
  { share: 0.08, outcome: 'upstream_error', status: 503, code: 'all_targets_failed', errorClass: 'server_error' },
  { share: 0.07, outcome: 'upstream_error', status: 408, code: 'timeout', errorClass: 'timeout' },
  { share: 0.15, outcome: 'client_error', status: 400, code: 'invalid_request', errorClass: 'invalid_request' },
  { share: 0.1, outcome: 'client_error', status: 404, code: 'model_not_found', errorClass: 'model_not_found' },
  { share: 0.2, outcome: 'cancelled', status: 499, code: 'client_closed', errorClass: 'client_closed' },
  { share: 0.08, outcome: 'interrupted', status: 200, code: 'interrupted', errorClass: 'stream_cut' },
  { share: 0.02, outcome: 'denied', status: 401, code: 'invalid_api_key', errorClass: 'invalid_api_key' },
]

/** Requests in the order of their arrival, `total` of them from `fromMs` to `toMs`; the same for the same seed but for their ids. */
export function* traffic(total: number, fromMs: number, toMs: number, seed: number): Generator<FinishRecord> {
  const random = randomFrom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!
  const common = (limit: number): number => Math.floor(random() ** 2.5 * limit)
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  /** Median 1, a tail as latencies and prompts have it. */
  const skewed = (sigma: number): number => Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))

  const prices = Array.from({ length: counts.models }, (_, index) => priceOf(index))
  const providersOf = Array.from({ length: counts.models }, (_, model) =>
    [model, model * 5 + 1, model * 7 + 3].slice(0, 1 + (model % 3)).map((provider) => `provider-${provider % counts.providers}`),
  )
  const keys: readonly Key[] = Array.from({ length: counts.keys }, (_, index) => ({
    id: `key_${index.toString(36).padStart(4, '0')}`,
    name: `${pick(teams)}-${index}`,
    client: `client-${common(counts.clients)}/1.${index % 7}`,
    wire: index % 5 === 0 ? 'anthropic-messages' : 'openai-chat',
    models: Array.from({ length: 1 + (index % 4) }, () => common(counts.models)),
  }))
  const sessions = Array.from({ length: counts.sessions }, (_, index) => ({
    name: index % 3 === 0 ? `agent:main:${hex(12)}` : `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    key: common(counts.keys),
    metadata:
      random() < 0.4
        ? JSON.stringify({ team: pick(teams), env: pick(['prod', 'prod', 'prod', 'staging', 'dev']), user: `u${below(counts.users)}` })
        : '',
    trace: '',
  }))
  const needles = new Set(Array.from({ length: 20 }, (_, index) => Math.floor(total * (0.05 + index * 0.02))))

  for (let index = 0; index < total; index++) {
    const atMs = Math.floor(fromMs + ((toMs - fromMs) * index) / total)
    // About sixty sessions are alive at a time, the newest ones most.
    const newest = Math.floor((index / total) * (counts.sessions - 1))
    const session = sessions[Math.max(0, newest - Math.floor(-30 * Math.log(1 - random())))]!
    if (random() < 0.3 || session.trace === '') session.trace = hex(32)
    const key = keys[session.key]!
    const model = pick(key.models)
    const price = model % 20 === 19 ? undefined : prices[model]!
    const failed = random() < 0.03 ? failureAt(random()) : undefined
    const sent = failed?.outcome !== 'denied'
    const answered = failed === undefined || failed.outcome === 'interrupted'
    const input = Math.round(3000 * skewed(1.3))
    const cached = random() < 0.6 ? Math.round(input * random()) : undefined
    const output = answered ? Math.round(350 * skewed(1)) : 0
    const totalMs = 4000 * skewed(0.9)
    const retried = random()
    const tries = !sent ? 0 : retried < 0.965 ? 1 : retried < 0.995 ? 2 : 3
    const providers = providersOf[model]!
    const name = `vendor-${model % 10}/model-${model}`
    const cost = price === undefined || !answered ? undefined : (BigInt(input) * price.input + BigInt(output) * price.output) / 1000n
    const request: FinishRecord = {
      id: newRequestId(atMs),
      atMs,
      keyId: key.id,
      keyName: key.name,
      kind: kindAt(random()),
      session: session.name,
      trace: random() < 0.6 ? session.trace : '',
      client: key.client,
      wire: key.wire,
      endpoint: key.wire === 'openai-chat' ? '/v1/chat/completions' : '/v1/messages',
      modelAsked: name,
      stream: random() < 0.8,
      provider: providers[0]!,
      modelTarget: `model-${model}`,
      requestBytes: input * 4,
      metadata: session.metadata,
      price,
      configSlug: '',
      configVersion: 0,
      user: '',
      team: '',
      wallet: '',
      serviceTier: '',
      status: failed?.status ?? 200,
      outcome: failed?.outcome ?? 'ok',
      errorCode: failed?.code ?? '',
      errorClass: failed?.errorClass ?? '',
      modelServed: answered ? `model-${model}-2026` : '',
      lane: !sent ? 'none' : 'pass',
      cache: 'disabled',
      attempts: Array.from({ length: tries }, (_, number) =>
        attemptOf(providers[number % providers.length]!, `model-${model}`, atMs, number === tries - 1 && failed === undefined, totalMs),
      ),
      usage: answered
        ? {
            input,
            fresh: input - (cached ?? 0),
            cacheRead: cached,
            cacheWrite: undefined,
            cacheWrite1h: undefined,
            inputAudio: undefined,
            output,
            reasoning: undefined,
            outputAudio: undefined,
          }
        : undefined,
      usageRaw: answered ? JSON.stringify({ prompt_tokens: input, completion_tokens: output, total_tokens: input + output }) : '',
      costSource: price === undefined ? 'unpriced' : random() < 0.03 ? 'estimated' : 'computed',
      costNanoUsd: cost,
      costLines:
        price === undefined || !answered
          ? []
          : [
              { item: 'input', units: input, picoUsdPerUnit: price.input },
              { item: 'output', units: output, picoUsdPerUnit: price.output },
            ],
      providerCostNanoUsd: undefined,
      finishReason: answered ? 'stop' : '',
      notes: [],
      responseBytes: output * 5,
      overheadUs: 250 * skewed(0.4),
      firstTokenMs: answered ? totalMs * 0.2 : undefined,
      totalMs,
      headers: '{"accept":"application/json"}',
      payloads: 'none',
      bodies: undefined,
      kept: '',
    }
    yield needles.has(index) ? needleOf(request) : request
  }
}

function needleOf(request: FinishRecord): FinishRecord {
  const attempt = attemptOf(needle.provider, 'model-retired', request.atMs, false, 100)
  const { tokens, totalMs, costNanoUsd } = needle
  return {
    ...request,
    keyId: 'key_audit',
    keyName: needle.key,
    session: needle.session,
    trace: needle.trace,
    client: needle.client,
    endpoint: needle.endpoint,
    modelAsked: needle.model,
    modelServed: 'model-retired',
    provider: needle.provider,
    status: needle.status,
    outcome: 'client_error',
    errorCode: needle.error,
    errorClass: needle.error,
    metadata: JSON.stringify({ team: needle.team }),
    attempts: Array.from({ length: needle.attempts }, () => attempt),
    usage: { ...zeroUsage, input: tokens, fresh: tokens },
    costNanoUsd,
    totalMs,
  }
}

const zeroUsage = {
  input: 0,
  fresh: 0,
  cacheRead: undefined,
  cacheWrite: undefined,
  cacheWrite1h: undefined,
  inputAudio: undefined,
  output: 0,
  reasoning: undefined,
  outputAudio: undefined,
}

function attemptOf(provider: string, model: string, atMs: number, ok: boolean, totalMs: number): AttemptRecord {
  return {
    provider,
    model,
    credential: 'default',
    status: ok ? 200 : 429,
    errorClass: ok ? '' : 'rate_limited',
    errorMessage: ok ? '' : 'Rate limit reached for requests per minute',
    startedAtMs: atMs,
    headMs: totalMs * 0.18,
    firstTokenMs: ok ? totalMs * 0.2 : undefined,
    totalMs,
    reason: ok ? 'the first in order' : 'failed, another target is left',
    route: '',
  }
}

function failureAt(share: number): Failed {
  let left = share
  for (const failure of failures) {
    left -= failure.share
    if (left <= 0) return failure
  }
  return failures[0]!
}

function kindAt(share: number): RequestKind {
  if (share < 0.7) return 'user'
  if (share < 0.85) return 'heartbeat'
  if (share < 0.9) return 'cron'
  return share < 0.95 ? 'compaction' : 'probe'
}

function priceOf(model: number): Price {
  const input = BigInt(50_000 * (1 + model * 2))
  const output = input * 4n
  return {
    version: `bench-${model}`,
    input,
    output,
    cacheRead: input / 10n,
    cacheWrite: input,
    cacheWrite1h: input * 2n,
    reasoning: output,
    inputAudio: input,
    outputAudio: output,
    request: 0n,
  }
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
