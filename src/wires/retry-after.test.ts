// How long a provider asks to wait, in every form there is, and in forms that lie.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import { decodeError } from './provider-errors.ts'
import { codecOf, providerCodecOf } from './registry.ts'
import { retryAfterMs } from './retry-after.ts'

const now = 'Sun, 22 Nov 2026 10:00:00 GMT'
const dayMs = 86_400_000
const nowSeconds = Date.parse(now) / 1000

type Row = readonly [what: string, headers: Readonly<Record<string, string>>, waitMs: number | undefined]

const headers: readonly Row[] = [
  ['seconds', { 'retry-after': '20' }, 20_000],
  ['fractions of seconds', { 'retry-after': '0.5' }, 500],
  ['seconds with their unit', { 'retry-after': '20s' }, 20_000],
  ['the header twice', { 'retry-after': '20, 30' }, 20_000],
  ['milliseconds, which are more exact', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1500],
  ['an HTTP date', { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT', date: now }, 30_000],
  ['an HTTP date of RFC 850', { 'retry-after': 'Sunday, 22-Nov-26 10:00:30 GMT', date: now }, 30_000],
  ['an HTTP date as asctime writes it', { 'retry-after': 'Sun Nov 22 10:00:30 2026', date: now }, 30_000],
  ['an RFC 3339 date', { 'retry-after': '2026-11-22T10:00:30Z', date: now }, 30_000],
  ['a Unix time', { 'retry-after': String(nowSeconds + 30), date: now }, 30_000],
  ["OpenAI's limits", { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '8.64s' }, 8640],
  [
    "OpenAI's limits, of which one is not reached",
    {
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1h0m0s',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '6m0s',
    },
    360_000,
  ],
  [
    "OpenAI's limits, both reached",
    {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '17ms',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1.5s',
    },
    1500,
  ],
  [
    "Anthropic's limits",
    {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-11-22T10:00:12Z',
      'anthropic-ratelimit-tokens-remaining': '8000',
      'anthropic-ratelimit-tokens-reset': '2026-11-22T10:01:00Z',
      date: now,
    },
    12_000,
  ],
  ['seconds until a reset', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '24' }, 24_000],
  ['a reset in Unix seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowSeconds + 7), date: now }, 7000],
  ['a reset in Unix milliseconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String((nowSeconds + 7) * 1000), date: now }, 7000],
  ['limits that are not reached', { 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '8.64s' }, undefined],

  ['a date in the past: now', { 'retry-after': 'Sun, 22 Nov 2026 09:00:00 GMT', date: now }, 0],
  ['zero', { 'retry-after': '0' }, 0],
  ['a negative number', { 'retry-after': '-5' }, undefined],
  ['a negative number of milliseconds, and seconds beside it', { 'retry-after-ms': '-1', 'retry-after': '3' }, 3000],
  ['a year: a day', { 'retry-after': '31536000' }, dayMs],
  ['a date in a hundred years: a day', { 'retry-after': 'Sun, 22 Nov 2126 10:00:00 GMT', date: now }, dayMs],
  ['more digits than a number has: a day', { 'retry-after-ms': '999999999999999' }, dayMs],
  ['infinity', { 'retry-after': 'Infinity' }, undefined],
  ['an exponent', { 'retry-after': '1e3', 'retry-after-ms': '1e999' }, undefined],
  ['hexadecimal', { 'retry-after': '0x10' }, undefined],
  ['words', { 'retry-after': 'soon' }, undefined],
  ['words in which V8 would read a date', { 'retry-after': 'in about 7', date: now }, undefined],
  ['a date that is none', { 'retry-after': 'Sun, 99 Nov 2026 99:00:00 GMT', date: now }, undefined],
  ['a date, and none of the answer to compare it with', { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT' }, undefined],
  ['a date, and nonsense to compare it with', { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT', date: 'today' }, undefined],
  ['nothing', { 'retry-after': '' }, undefined],
]

for (const [what, said, waitMs] of headers) {
  test(`a provider says ${what}`, () => assert.equal(retryAfterMs(said, '', undefined), waitMs))
}

test("a date is read in Greenwich's time, wherever the gateway runs", () => {
  const zone = process.env['TZ']
  process.env['TZ'] = 'Asia/Tokyo'
  try {
    assert.equal(retryAfterMs({ 'retry-after': 'Sun Nov 22 10:00:30 2026', date: now }, '', undefined), 30_000)
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

for (const [words, waitMs] of [
  ['Rate limit reached. Please try again in 6ms.', 6],
  ['Rate limit reached. Please try again in 1.2s. Visit the site.', 1200],
  ['Please try again in 1m3.5s.', 63_500],
  ['Please try again in 2h0m.', 7_200_000],
  ['Please try again in 7m12s', 432_000],
  ['Please retry after 26 seconds.', 26_000],
  ['Please retry in 34.074824224s.', 34_075],
  ['Try again in 3 minutes 20 seconds', 200_000],
  ['Try again in 500 milliseconds', 500],
  ['Please try again in 400 days.', dayMs],
  ['Please try again in -5 seconds.', undefined],
  ['Please try again later.', undefined],
  ['Please try again in 20 sheep.', undefined],
] as const) {
  test(`a provider writes: ${words}`, () => assert.equal(retryAfterMs({}, words, undefined), waitMs))
}

const retryInfo = (retryDelay: unknown): JsonObject => ({
  error: { code: 429, details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: retryDelay as string }] },
})

for (const [delay, waitMs] of [
  ['34.4s', 34_400],
  ['0s', 0],
  ['31536000s', dayMs],
  ['-5s', undefined],
  ['soon', undefined],
  ['', undefined],
  [7, undefined],
] as const) {
  test(`Google's RetryInfo says ${JSON.stringify(delay)}`, () => {
    assert.equal(retryAfterMs({}, '', retryInfo(delay)), waitMs)
    assert.equal(retryAfterMs({}, '', [retryInfo(delay)]), waitMs, 'in an array too')
  })
}

test('OpenRouter repeats the headers of the limit in its body', () => {
  const body = (remaining: string): JsonObject => ({
    error: {
      message: 'Rate limit exceeded: free-models-per-min.',
      code: 429,
      metadata: {
        headers: { 'X-RateLimit-Limit': '16', 'X-RateLimit-Remaining': remaining, 'X-RateLimit-Reset': `${(nowSeconds + 20) * 1000}` },
      },
    },
  })
  assert.equal(retryAfterMs({ date: now }, '', body('0')), 20_000)
  assert.equal(retryAfterMs({ date: now }, '', body('3')), undefined)
})

test('every wire reads the header of its providers', () => {
  const said = { 'retry-after': '20', 'content-type': 'application/json' }
  for (const wire of [
    'openai-chat',
    'openai-responses',
    'anthropic-messages',
    'gemini',
    'bedrock-converse',
    'cohere-chat',
    'ollama-chat',
  ] as const) {
    const failure = providerCodecOf(wire).egress.decodeError(429, said, '{"error":{"message":"slow down"},"message":"slow down"}')
    assert.deepEqual([wire, failure.details.retryAfterMs], [wire, 20_000])
  }
})

test('what a provider says becomes what a client hears, a day at most', () => {
  const failure = decodeError(429, { 'retry-after': '31536000' }, '{}')
  assert.equal(failure.details.retryAfterMs, dayMs)
  const body = JSON.stringify(codecOf('gemini').ingress.encodeError(failure, 'id'))
  assert.match(body, /"retryDelay":"86400s"/)
})
