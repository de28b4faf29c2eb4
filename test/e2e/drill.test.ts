// Drills on a whole gateway: what each failing target means for a client, before it happens; and that nothing leaves the machine.
// Every exchange with the admin API is held against the OpenAPI document that the gateway serves.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Drill, DrillRun } from '#drill'
import type { JsonObject } from '#kernel'
import { createCheckedAdmin, type CheckedAdmin } from '#test/openapi-check.ts'
import { adminToken, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let admin: CheckedAdmin

before(async () => {
  upstream = await createUpstream()
  const { origin } = upstream
  const two = { credentials: [{ name: 'first', value: 'sk-1' }, { name: 'second', value: 'sk-2' }] } // prettier-ignore
  turnpike = await startTest({
    main: { wire: 'openai-chat', origin, more: two },
    claude: { wire: 'anthropic-messages', origin },
    last: { wire: 'openai-chat', origin, models: [{ id: 'spare' }] },
  })
  admin = await createCheckedAdmin(turnpike.url, adminToken)
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

async function drill(body: JsonObject): Promise<Drill> {
  const answer = await admin.ask('POST', '/configs/drill', body)
  assert.equal(answer.status, 200, answer.text)
  return answer.json as unknown as Drill
}

const chain = {
  strategy: { mode: 'fallback' },
  targets: [{ provider: '@main' }, { provider: '@claude' }, { provider: '@last', override_params: { model: 'spare' } }],
}
const faults = ['429', '500', 'stall', 'cut', 'error'] as const
const classes = { '429': 'rate_limited', '500': 'provider_error', stall: 'first_token_timeout', cut: 'cut', error: 'error_in_stream' }
const runOf = ({ runs }: Drill, fault: DrillRun['fault'], failing: number): DrillRun =>
  runs.find((run) => run.fault === fault && run.failing === failing)!

test('each target of a chain fails in turn, in every way, and the next one answers; the last row is what a client gets of nobody', async () => {
  const done = await drill({ config: chain })
  const asked = done.model
  assert.deepEqual(
    done.targets.map(({ target, provider, model, credentials }) => [target, provider, model, credentials.length]),
    [
      ['config.targets[0]', 'main', asked, 2],
      ['config.targets[1]', 'claude', asked, 1],
      ['config.targets[2]', 'last', 'spare', 1],
    ],
  )
  assert.deepEqual([done.covered, done.stream, done.runs.length], [true, true, 15])
  for (const fault of faults) {
    for (const failing of [1, 2]) {
      const { attempts, answered_by: answered, client } = runOf(done, fault, failing)
      assert.equal(answered, failing + 1, `${fault} ${failing}`)
      const { provider, model } = done.targets[failing]!
      assert.deepEqual(client, { status: 200, provider, model, text: 'Is anybody there?', error: null, retry_after: null })
      assert.deepEqual(attempts.at(-1), { target: failing + 1, class: '' })
      assert.ok(attempts.slice(0, -1).every((attempt) => attempt.class === classes[fault]))
    }
    const nobody = runOf(done, fault, 3)
    assert.equal(nobody.answered_by, null)
    assert.equal(nobody.client.status, fault === 'stall' ? 408 : 503)
    assert.equal(nobody.client.error?.code, fault === 'stall' ? 'timeout' : 'all_targets_failed')
  }
  assert.match(
    runOf(done, '500', 3).client.error!.message,
    /^Every target failed: main \(provider_error\), claude \(provider_error\), last /,
  )
  // A 429 is tried with the other credential first; anything else is the provider's own trouble.
  const targetsOf = (fault: DrillRun['fault']) => runOf(done, fault, 1).attempts.map(({ target }) => target)
  assert.deepEqual([targetsOf('429'), targetsOf('500')], [[1, 1, 2], [1, 2]]) // prettier-ignore
  // Two silences of a minute; of the last target, what is left of the ten minutes.
  assert.deepEqual([1, 2, 3].map((failing) => runOf(done, 'stall', failing).after_ms), [60_000, 120_000, 600_000]) // prettier-ignore
  assert.equal(runOf(done, 'cut', 2).after_ms, 0)
})

test('nothing leaves the machine, nothing is recorded, and nobody is thought ill of', async () => {
  await drill({ config: chain })
  assert.equal(upstream.connections, 0)
  assert.deepEqual(await turnpike.records(), [])
  const providers = await admin.ask('GET', '/providers')
  assert.ok(!/"(?:open|cooling|rejected|half_open)"/.test(providers.text), providers.text)
})

describe('a chain without cover is told', () => {
  test('where there is one target only', async () => {
    const done = await drill({ config: { provider: '@main' } })
    assert.equal(done.covered, false)
    assert.ok(done.runs.every(({ answered_by: answered }) => answered === null))
  })

  test('where the next target is only for other failures', async () => {
    const done = await drill({ config: { ...chain, strategy: { mode: 'fallback', on_status_codes: [429] } } })
    assert.equal(done.covered, false)
    assert.deepEqual(faults.map((fault) => runOf(done, fault, 1).answered_by), [2, null, 2, 2, 2]) // prettier-ignore
  })

  test('where silence lasts as long as the request may', async () => {
    const body = { model: 'model-1', messages: [{ role: 'user', content: 'Not a stream.' }] }
    const done = await drill({ config: chain, request: { body }, faults: ['stall'] })
    const [first] = done.runs
    assert.deepEqual([done.covered, first!.answered_by, first!.after_ms, first!.client.status], [false, null, 600_000, 408])
    assert.match(first!.client.error!.message, /deadline passed while main/)
    const targets = chain.targets.map((target) => ({ ...target, timeouts: { first_token_ms: 7000 } }))
    const patient = await drill({ config: { ...chain, targets }, request: { body }, faults: ['stall'] })
    assert.deepEqual(patient.runs.map(({ answered_by: answered, after_ms: after }) => [answered, after]), [[2, 7000], [3, 14_000], [null, 21_000]]) // prettier-ignore
    assert.match(patient.runs[2]!.client.error!.message, /main sent no content within 7 s/)
  })
})

test('tries at one target are made and waited for on paper, however long a provider may ask to wait', async () => {
  const targets = [
    { ...chain.targets[1], retry: { attempts: 2, on_status_codes: [429], use_retry_after_headers: true } },
    chain.targets[2]!,
  ]
  const { runs } = await drill({ config: { ...chain, targets }, faults: ['429', '500', 'cut'] })
  const first = runs.filter(({ failing }) => failing === 1)
  assert.deepEqual(
    first.map(({ attempts }) => attempts.map(({ target }) => target)),
    [
      [1, 1, 1, 2],
      [1, 2],
      [1, 1, 1, 2],
    ],
  )
  // Half of 500 ms, and half of a second.
  assert.deepEqual(first.map(({ after_ms: after }) => after), [750, 0, 750]) // prettier-ignore
})

test('chains inside of other strategies are drilled as the request would meet them', async () => {
  const pair = {
    strategy: { mode: 'loadbalance' },
    targets: [
      { provider: '@main', weight: 1 },
      { provider: '@claude', weight: 1 },
    ],
  }
  const nested = { strategy: { mode: 'fallback' }, targets: [pair, chain.targets[2]!] }
  const conditional = {
    // oxlint-disable-next-line unicorn/no-thenable -- a target's name, by Portkey's word
    strategy: { mode: 'conditional', conditions: [{ query: { 'metadata.tier': { $eq: 'paid' } }, then: 'best' }], default: 'cheap' },
    targets: [
      { name: 'best', ...nested },
      { name: 'cheap', ...chain.targets[2] },
    ],
  }
  const body = { model: 'model-1', stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  const paid = await drill({ config: conditional, request: { body, headers: { 'x-turnpike-metadata': '{"tier":"paid"}' } } })
  assert.deepEqual([paid.covered, paid.targets.length], [true, 3])
  assert.deepEqual(paid.targets.map(({ provider }) => provider).toSorted(), ['claude', 'last', 'main'])
  const free = await drill({ config: conditional, request: { body } })
  assert.deepEqual([free.covered, free.targets.map(({ target }) => target)], [false, ['config.targets[1]']])
})

describe('the sample request', () => {
  const turn = { role: 'user', content: 'A question of mine' }
  const samples: Readonly<Record<string, JsonObject>> = {
    '/v1/chat/completions': { model: 'model-1', stream: true, messages: [turn] },
    '/v1/responses': { model: 'model-1', stream: true, input: [turn] },
    '/v1/messages': { model: 'model-1', stream: true, max_tokens: 50, messages: [turn] },
    '/v1beta/models/model-1:streamGenerateContent': { contents: [{ role: 'user', parts: [{ text: turn.content }] }] },
  }
  for (const [endpoint, streamed] of Object.entries(samples)) {
    test(`may come at ${endpoint}, streamed or not`, async () => {
      const { stream: _, ...whole } = streamed
      const other = endpoint.replace(':streamGenerate', ':generate')
      for (const [path, body] of [
        [endpoint, streamed],
        [other, whole],
      ] as const) {
        // prettier-ignore
        const done = await drill({ config: chain, request: { endpoint: path, body }, faults: ['429', '500', 'cut', 'error'] })
        assert.ok(done.covered)
        for (const { client, failing } of done.runs) {
          if (failing < 3) assert.deepEqual([client.status, client.text, client.error], [200, turn.content, null])
          else assert.deepEqual([client.status, client.error?.code], [503, 'all_targets_failed'])
        }
      }
    })
  }

  test('goes by a stored config, the one of its key, or none', async () => {
    assert.equal((await admin.ask('PUT', '/configs/spare', { config: chain.targets[2]! })).status, 201)
    const bySlug = await drill({ slug: 'spare', faults: ['500'] })
    assert.deepEqual([bySlug.config, bySlug.model], [{ slug: 'spare', version: 1 }, 'spare'])
    const key = await admin.ask('POST', '/keys', { name: 'with config', config: 'spare' })
    assert.equal(key.status, 201)
    const request = { body: { model: 'model-1', messages: [turn] } }
    const ofKey = await drill({ request: { ...request, key: 'with config' }, faults: ['500'] })
    assert.deepEqual([ofKey.config?.slug, ofKey.targets.length], ['spare', 1])
    const plain = await drill({ request, faults: ['500'] })
    assert.deepEqual([plain.config, plain.targets.map(({ provider }) => provider)], [null, ['main', 'claude']])
  })

  test('that would be refused, or is none, is refused with its reason', async () => {
    const leaf = (n: number) => ({ provider: '@main', override_params: { model: `m${n}` } })
    const many = { strategy: { mode: 'fallback' }, targets: Array.from({ length: 33 }, (_, n) => leaf(n)) }
    const wrong: readonly (readonly [JsonObject, number, RegExp])[] = [
      [{}, 400, /needs `config`, `slug`, or a `request` with a body/],
      [{ slug: 'spare', config: {} }, 400, /has both/],
      [{ slug: 'nothing-there' }, 404, /nothing-there/],
      [{ config: { stratgy: {} } }, 400, /stratgy/],
      [{ config: { provider: '@nobody' } }, 400, /nobody/],
      [{ config: chain, faults: ['flood'] }, 400, /faults/],
      [{ config: chain, request: { body: { messages: [] } } }, 400, /model/],
      [{ config: chain, request: { endpoint: '/v1/embeddings', body: { model: 'x', input: 'y' } } }, 400, /drill is a conversation/],
      [{ config: many }, 400, /33 targets/],
    ]
    for (const [body, status, message] of wrong) {
      const answer = await admin.ask('POST', '/configs/drill', body)
      assert.equal(answer.status, status, answer.text)
      assert.match((answer.json['error'] as { message: string }).message, message)
    }
  })
})
