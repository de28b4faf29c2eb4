// Records for tests of the journal and the store: samples with everything in them, and arbitrary ones.
import fc from 'fast-check'
import type { Price } from '#ir'
import type { AttemptRecord, FinishRecord, ProgressRecord, ReserveRecord, UsageCounts } from '#store'

export const samplePrice: Price = {
  version: 'catalog 2026-11, openai/gpt',
  input: 150_000n,
  output: 600_000n,
  cacheRead: 75_000n,
  cacheWrite: 150_000n,
  cacheWrite1h: 300_000n,
  reasoning: 600_000n,
  inputAudio: 150_000n,
  outputAudio: 600_000n,
  request: 0n,
}

export function usageOf(input: number, output: number): UsageCounts {
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
  }
}

export function sampleReserve(id: string, changes: Partial<ReserveRecord> = {}): ReserveRecord {
  return {
    id,
    atMs: 1_790_000_000_000,
    keyId: 'key_1',
    keyName: 'laptop',
    kind: 'user',
    session: 'session-1',
    trace: '',
    client: 'OpenAI/JS 6.1.0',
    wire: 'openai-chat',
    endpoint: '/v1/chat/completions',
    modelAsked: 'gpt-5-mini',
    stream: false,
    provider: 'openai',
    modelTarget: 'gpt-5-mini',
    requestBytes: 400,
    metadata: '',
    price: samplePrice,
    configSlug: '',
    configVersion: 0,
    user: '',
    team: '',
    wallet: '',
    serviceTier: '',
    ...changes,
  }
}

export function sampleAttempt(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    provider: 'openai',
    model: 'gpt-5-mini',
    credential: 'default',
    status: 200,
    errorClass: '',
    errorMessage: '',
    startedAtMs: 1_790_000_000_001,
    headMs: 200.5,
    firstTokenMs: 210.25,
    totalMs: 400,
    reason: 'the only target',
    route: '',
    ...changes,
  }
}

/** 100 input tokens at 0.15 and 20 output tokens at 0.60 USD per million: 27,000 nano-USD. */
export function sampleFinish(id: string, changes: Partial<FinishRecord> = {}): FinishRecord {
  return {
    ...sampleReserve(id),
    status: 200,
    outcome: 'ok',
    errorCode: '',
    errorClass: '',
    modelServed: 'gpt-5-mini-2025',
    lane: 'pass',
    cache: 'disabled',
    attempts: [sampleAttempt()],
    usage: usageOf(100, 20),
    usageRaw: '{"prompt_tokens":100,"completion_tokens":20}',
    costSource: 'computed',
    costNanoUsd: 27_000n,
    costLines: [
      { item: 'input', units: 100, picoUsdPerUnit: 150_000n },
      { item: 'output', units: 20, picoUsdPerUnit: 600_000n },
    ],
    providerCostNanoUsd: undefined,
    finishReason: 'stop',
    notes: [],
    responseBytes: 640,
    overheadUs: 180,
    firstTokenMs: 210.25,
    totalMs: 401.5,
    headers: '{"accept":"*/*"}',
    payloads: 'full',
    bodies: undefined,
    kept: '',
    ...changes,
  }
}

/** Well-formed, as everything read from UTF-8 is. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.toWellFormed()),
)
const count = fc.integer({ min: 0, max: 2 ** 40 })
const milliseconds = fc.double({ min: 0, max: 1e9, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
const rate = fc.bigInt({ min: 0n, max: 2n ** 70n })

const rates = {
  input: rate,
  output: rate,
  cacheRead: rate,
  cacheWrite: rate,
  cacheWrite1h: rate,
  reasoning: rate,
  inputAudio: rate,
  outputAudio: rate,
  request: rate,
}
const longRates = { ...rates, inputImage: rate, outputImage: rate, calls: fc.dictionary(fc.string({ maxLength: 8 }), rate, { maxKeys: 3 }) }
const plainNames = [...(Object.keys(rates) as (keyof typeof rates)[]), 'version' as const]

const price: fc.Arbitrary<Price> = fc.oneof(
  fc.record({ version: text, ...rates }),
  fc
    .record(
      {
        version: text,
        ...longRates,
        rate: text,
        cases: fc.array(
          fc.record(
            {
              aboveInput: count,
              serviceTier: text,
              region: text,
              price: fc.record({ version: fc.constant(''), ...longRates, rate: text }, { requiredKeys: plainNames }),
            },
            { requiredKeys: ['price'] },
          ),
          { maxLength: 3 },
        ),
      },
      { requiredKeys: plainNames },
    )
    // All rates of a row are of one version.
    .map((one) => ({
      ...one,
      ...(one.cases === undefined ? {} : { cases: one.cases.map((each) => ({ ...each, price: { ...each.price, version: one.version } })) }),
    })),
)

const tokens = {
  input: count,
  fresh: count,
  cacheRead: maybe(count),
  cacheWrite: maybe(count),
  cacheWrite1h: maybe(count),
  inputAudio: maybe(count),
  output: count,
  reasoning: maybe(count),
  outputAudio: maybe(count),
}
const word = fc.string({ minLength: 1, maxLength: 8 })
const usage: fc.Arbitrary<UsageCounts> = fc.oneof(
  fc.record(tokens),
  fc.record({
    ...tokens,
    inputImage: maybe(count),
    outputImage: maybe(count),
    hosted: maybe(fc.dictionary(word, count, { maxKeys: 3 })),
    serviceTier: maybe(word),
    // One of them is there, or none would be.
    region: word,
  }),
)

const reserveFields = {
  id: fc.string({ minLength: 1, maxLength: 30 }),
  atMs: count,
  keyId: text,
  keyName: text,
  kind: fc.constantFrom('user' as const, 'heartbeat' as const, 'cron' as const, 'compaction' as const, 'probe' as const),
  session: text,
  trace: text,
  client: text,
  wire: text,
  endpoint: text,
  modelAsked: text,
  stream: fc.boolean(),
  provider: text,
  modelTarget: text,
  requestBytes: count,
  metadata: text,
  price: maybe(price),
  configSlug: text,
  configVersion: count,
  user: text,
  team: text,
  wallet: text,
  serviceTier: text,
}

export const anyReserve: fc.Arbitrary<ReserveRecord> = fc.record(reserveFields)

export const anyProgress: fc.Arbitrary<ProgressRecord> = fc.record({
  id: reserveFields.id,
  atMs: count,
  responseBytes: count,
  usage,
  estimated: fc.boolean(),
})

/** Buffers, as they are read back. */
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

export const anyFinish: fc.Arbitrary<FinishRecord> = fc.record({
  ...reserveFields,
  status: fc.integer({ min: 0, max: 599 }),
  outcome: fc.constantFrom(
    'ok' as const,
    'client_error' as const,
    'upstream_error' as const,
    'interrupted' as const,
    'cancelled' as const,
    'denied' as const,
  ),
  errorCode: text,
  errorClass: text,
  modelServed: text,
  lane: fc.constantFrom('pass' as const, 'translate' as const, 'none' as const),
  cache: fc.constantFrom('disabled' as const, 'miss' as const, 'hit' as const, 'refresh' as const),
  attempts: fc.array(
    fc.record({
      provider: text,
      model: text,
      credential: text,
      status: count,
      errorClass: text,
      errorMessage: text,
      startedAtMs: count,
      headMs: maybe(milliseconds),
      firstTokenMs: maybe(milliseconds),
      totalMs: milliseconds,
      reason: text,
      route: text,
    }),
    { maxLength: 4 },
  ),
  usage: maybe(usage),
  usageRaw: text,
  costSource: fc.constantFrom('computed' as const, 'provider' as const, 'estimated' as const, 'unpriced' as const),
  costNanoUsd: maybe(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n })),
  costLines: fc.array(
    fc.record({ item: text, units: count, picoUsdPerUnit: rate, rate: word }, { requiredKeys: ['item', 'units', 'picoUsdPerUnit'] }),
    { maxLength: 4 },
  ),
  providerCostNanoUsd: maybe(rate),
  finishReason: text,
  notes: fc.array(fc.record({ code: text, path: text, why: text }), { maxLength: 3 }),
  responseBytes: count,
  overheadUs: milliseconds,
  firstTokenMs: maybe(milliseconds),
  totalMs: milliseconds,
  headers: text,
  payloads: fc.constantFrom('full' as const, 'none' as const),
  bodies: maybe(fc.record({ request: anyBytes, response: anyBytes })),
  kept: fc.oneof(text, fc.string({ minLength: 3000, maxLength: 5000 })),
})
