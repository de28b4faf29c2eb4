// What a provider is sent with a request, and the verdict that a client hears when every target failed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Provider } from '#config'
import type { Arrival } from '#inspection'
import type { Wire } from '#ir'
import { Failure, failureTable, type FailureDetails, type FailureKind } from '#kernel'
import type { Lane, PlannedTarget } from '#routing'
import { allFailed, requestHeaders } from './heads.ts'

const failure = (kind: FailureKind, details?: FailureDetails) => new Failure(kind, `It was ${kind}.`, details)
const verdict = (...failures: Failure[]) =>
  allFailed(
    failures.map((one, index) => ({ target: `p${index}`, failure: one })),
    failures[0]!,
  )
const seconds = (count: number): FailureDetails => ({ retryAfterMs: count * 1000 })

describe('when every target failed', () => {
  test('and the first recovers within a minute, it is a 503 with that time', () => {
    const said = verdict(failure('overloaded'), failure('rate_limited', seconds(60)))
    assert.deepEqual([said.kind, said.status, said.details.retryAfterMs], ['all_targets_failed', 503, 60_000])
    assert.match(said.message, /60 seconds/)
  })

  test('and none recovers within a minute, it is a 429, which says that it is a limit', () => {
    const said = verdict(failure('rate_limited', seconds(61)), failure('account_exhausted', seconds(3600)))
    assert.deepEqual([said.status, said.details.retryAfterMs], [429, 61_000])
    assert.match(said.message, /61 seconds/)
  })

  test('the soonest of them counts, and never less than a second', () => {
    assert.equal(verdict(failure('rate_limited', seconds(90)), failure('overloaded', seconds(3))).details.retryAfterMs, 3000)
    assert.equal(verdict(failure('rate_limited', { retryAfterMs: 6 })).details.retryAfterMs, 1000)
  })

  test('and nobody said when to come back, it is a 503 with a few seconds', () => {
    const said = verdict(failure('provider_error'), failure('connect_failed'))
    assert.equal(said.status, 503)
    assert.ok(said.details.retryAfterMs! >= 1000 && said.details.retryAfterMs! <= 10_000)
  })

  test('each target is named with the class of its failure', () => {
    const said = verdict(failure('credential_rejected'), failure('cut'))
    assert.deepEqual(said.details.attempts, [
      { target: 'p0', class: 'credential_rejected' },
      { target: 'p1', class: 'cut' },
    ])
    assert.match(said.message, /p0 \(credential_rejected\), p1 \(cut\)/)
  })

  test('of a thousand that failed, ten are in the sentence and all beside it', () => {
    const said = verdict(...Array.from({ length: 1000 }, () => failure('cut')))
    assert.match(said.message, /p9 \(cut\) and 990 more\. Try again/)
    assert.equal(said.details.attempts?.length, 1000)
  })

  test("an operator's account is never the client's: 401, 402 and 403 of a provider are a 503", () => {
    for (const kind of ['credential_rejected', 'account_exhausted'] as const) assert.equal(verdict(failure(kind)).status, 503)
  })

  test('in time only, it is a 408 that says in which phase', () => {
    const said = verdict(failure('first_token_timeout'), failure('idle_timeout'))
    assert.deepEqual([said.kind, said.status], ['timeout', 408])
    assert.match(said.message, /first token/)
    assert.equal(said.details.attempts?.length, 2)
    assert.match(verdict(failure('total_timeout')).message, /total time/)
    assert.equal(verdict(failure('first_token_timeout'), failure('cut')).kind, 'all_targets_failed', 'one failed otherwise')
    assert.equal(verdict(failure('connect_timeout')).kind, 'all_targets_failed', 'no connection is no slow answer')
  })

  test('one target that blames the request, or a defect of ours, is said as it is', () => {
    for (const kind of ['request_refused', 'context_length_exceeded', 'internal_error'] as const) {
      const only = failure(kind)
      assert.equal(verdict(only), only)
    }
    assert.equal(verdict(failure('request_refused'), failure('cut')).kind, 'all_targets_failed')
  })
})

test('no verdict has a word that OpenClaw takes for billing, whatever the providers said', () => {
  const billing = /credit|balance|quota|billing|payment|insufficient/i
  const prose = 'You exceeded your current quota, please check your plan and billing details; your credit balance is too low.'
  for (const kind of Object.keys(failureTable) as FailureKind[]) {
    const { fault } = failureTable[kind]
    if (fault !== 'provider' && fault !== 'credential') continue
    // The sentences of attempts are the gateway's own; the provider's words are kept beside them for the record.
    const failed = new Failure(kind, 'The provider failed.', { upstream: { status: 402, code: 'insufficient_quota', message: prose } })
    for (const said of [verdict(failed), verdict(failed, failure('cut')), verdict(failure('cut'), failed)]) {
      assert.doesNotMatch(said.message, billing, kind)
      assert.doesNotMatch(JSON.stringify(said.details.attempts), billing, kind)
      assert.equal(said.details.upstream, undefined, kind)
    }
  }
})

describe('a provider is sent', () => {
  function target(
    auth: Provider['auth'],
    wire: Wire = 'openai-chat',
    lane: Lane = 'pass',
    headers: Record<string, string> = {},
  ): PlannedTarget {
    return {
      provider: { auth, headers, dialect: {} },
      credential: { name: 'main', secret: 's3cret' },
      wire,
      lane,
    } as unknown as PlannedTarget
  }
  const sent = (to: PlannedTarget, headers: Record<string, string> = {}, stream = false) => {
    const flat = requestHeaders(to, { headers } as Arrival, stream)
    assert.equal(flat.length % 2, 0)
    const names = flat.filter((_, index) => index % 2 === 0)
    assert.equal(new Set(names).size, names.length, 'each header once')
    return new Map(names.map((name, index) => [name, flat[index * 2 + 1]]))
  }

  test('its credential as it wants it', () => {
    assert.equal(sent(target('bearer')).get('authorization'), 'Bearer s3cret')
    assert.equal(sent(target('x-api-key')).get('x-api-key'), 's3cret')
    assert.ok(![...sent(target('none')).values()].some((value) => value?.includes('s3cret')))
  })

  test("nothing of the client's: no cookie, no key, no session", () => {
    const client = { authorization: 'Bearer tp-client', cookie: 'a=b', 'x-turnpike-session-id': 's', 'x-forwarded-for': '10.0.0.1' }
    const values = [...sent(target('bearer'), client).values()].join(' ')
    assert.doesNotMatch(values, /tp-client|a=b|10\.0\.0\.1/)
  })

  test('the headers of its row, and what kind of answer is wanted', () => {
    const to = target('bearer', 'openai-chat', 'pass', { 'http-referer': 'https://example.test' })
    assert.equal(sent(to).get('http-referer'), 'https://example.test')
    assert.equal(sent(to).get('accept'), 'application/json')
    assert.equal(sent(to, {}, true).get('accept'), 'text/event-stream')
  })

  test("Anthropic's version always, its betas where the bytes pass and the client asked for them", () => {
    const client = { 'anthropic-version': '2099-01-01', 'anthropic-beta': 'context-1m' }
    const passing = sent(target('x-api-key', 'anthropic-messages'), client)
    assert.deepEqual([passing.get('anthropic-version'), passing.get('anthropic-beta')], ['2099-01-01', 'context-1m'])
    const translated = sent(target('x-api-key', 'anthropic-messages', 'translate'), client)
    assert.deepEqual([translated.get('anthropic-version'), translated.get('anthropic-beta')], ['2023-06-01', undefined])
    assert.equal(sent(target('x-api-key', 'anthropic-messages')).get('anthropic-version'), '2023-06-01')
    assert.equal(sent(target('bearer'), client).get('anthropic-version'), undefined)
  })
})

test('a request that the stop of the gateway cut is told so, whatever failed before', () => {
  const stopping = failure('draining')
  assert.equal(verdict(stopping), stopping)
  assert.equal(verdict(failure('provider_error'), stopping), stopping)
})
