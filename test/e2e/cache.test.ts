// The response cache over real sockets: what is answered from it, what is asked again, who shares with whom, and what it costs.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { fold, usageCounts } from '#ir'
import type { ClientWire } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { clientRequest, clientScripts, eventsIn, hear, looksComplete, providerOf, textIn, type Heard } from '#test/client-scripts.ts'
import { chat, messages, sseAnswer, type Saying } from '#test/scripts.ts'
import { pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, cut, waitFor, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { codecOf } from '#wires'

const otherKey = 'tp-other-0123456789abcdef'
const providerWires = ['openai-chat', 'anthropic-messages'] as const
type ProviderWire = (typeof providerWires)[number]

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
/** No two tests ask the same. */
let question = 0

const leaf = (provider: ProviderWire) => ({ provider: `@${provider}`, override_params: { model: 'model-1' } })
const cache = (more: JsonObject = {}): JsonObject => ({ mode: 'simple', max_age: 60, ...more })

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: Object.fromEntries(
          providerWires.map((wire) => [wire, { ...providerOf(wire, upstream.origin), models: { custom: [pricedModel] } }]),
        ),
        keys: [
          { name: 'test', value: testKey },
          { name: 'other', value: otherKey },
        ],
        configs: {
          ...Object.fromEntries(providerWires.map((wire) => [wire, { cache: cache(), targets: [leaf(wire)] }])),
          tools: { cache: cache({ tools: true }), targets: [leaf('openai-chat')] },
          shared: { cache: cache({ namespace: 'team' }), targets: [leaf('openai-chat')] },
          flight: { cache: cache({ single_flight: true }), targets: [leaf('openai-chat')] },
          plain: { targets: [leaf('openai-chat')] },
          embeds: { cache: cache(), targets: [{ provider: '@openai-chat' }] },
        },
      },
    },
  )
})

beforeEach(() => {
  upstream.clear()
  question++
  for (const wire of providerWires)
    upstream.route(clientScripts[wire].path, ({ body }) => answerTo(wire, JSON.parse(body.toString()) as JsonObject))
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const answerTo = (wire: ProviderWire, { stream }: JsonObject, saying: Saying = {}): Answer =>
  stream === true ? clientScripts[wire].sse(saying) : clientScripts[wire].json(saying)

type Ask = {
  readonly wire?: ClientWire
  readonly stream?: boolean
  readonly config?: string
  readonly headers?: Record<string, string>
  readonly more?: JsonObject
  readonly signal?: AbortSignal
}

async function ask({
  wire = 'openai-chat',
  stream = false,
  config = 'openai-chat',
  headers = {},
  more = {},
  signal,
}: Ask = {}): Promise<Heard> {
  const { path, body } = clientRequest(wire, 'some-model', stream, `Question ${question}`)
  return hear(
    await turnpike.post(path, { ...body, ...more }, {
      headers: { 'x-turnpike-config': config, ...headers },
      ...(signal === undefined ? {} : { signal }),
    }), // prettier-ignore
  )
}

const stateOf = ({ headers }: Heard) => headers.get('x-turnpike-cache')

async function states(...asked: Ask[]): Promise<(string | null)[]> {
  const found: (string | null)[] = []
  for (const one of asked) found.push(stateOf(await ask(one)))
  return found
}

/** What a client of the wire reads. */
function read(wire: ClientWire, { body }: Heard, stream: boolean) {
  const response = stream ? fold(eventsIn(wire, body)) : codecOf(wire).egress.decodeResponse(JSON.parse(body) as JsonObject, {})
  const { usage, parts, finish, id, model } = response
  return { id, model, parts, reason: finish.reason, counts: usage === undefined ? undefined : usageCounts(usage) }
}

for (const wire of Object.keys(clientScripts) as ClientWire[])
  for (const provider of providerWires)
    for (const first of [false, true])
      test(`${wire} from ${provider}: what was answered ${first ? 'as a stream' : 'whole'} is answered again, whole and as a stream, for nothing`, async () => {
        const miss = await ask({ wire, stream: first, config: provider })
        assert.equal(stateOf(miss), 'MISS')
        const original = read(wire, miss, first)
        assert.equal(original.parts.length, 1)
        assert.match(miss.body, /"cost":0\.0+[1-9]/)
        for (const stream of [false, true, false]) {
          const hit = await ask({ wire, stream, config: provider })
          assert.deepEqual([hit.status, hit.whole, stateOf(hit)], [200, true, 'HIT'])
          assert.deepEqual(read(wire, hit, stream), original)
          assert.match(hit.body, /"cost":0[,}]/)
          if (stream) assert.ok(looksComplete(wire, hit.body))
          else assert.equal(hit.headers.get('x-turnpike-cost'), '0')
          assert.equal(hit.headers.get('x-turnpike-attempts'), '0')
          assert.equal(hit.headers.get('x-turnpike-provider'), provider)
        }
        assert.equal(upstream.received.length, 1)
      })

test('bytes that passed are given again as they were, but for their cost', async () => {
  const [miss, hit] = [await ask(), await ask()]
  assert.match(miss.body, /"cost":0\.\d+/)
  assert.equal(hit.body, miss.body.replace(/"cost":[\d.e-]+/, '"cost":0'))
})

test('the record of a hit has no attempt and no cost, the tokens of the answer, and both bodies', async () => {
  const miss = await ask()
  const hit = await ask()
  const stream = await ask({ stream: true })
  const first = await turnpike.record(miss.id)
  assert.equal(first['cache'], 'MISS')
  for (const { id, body } of [hit, stream]) {
    const record = await turnpike.record(id)
    assert.deepEqual(
      [record['cache'], record['attempts'], record['cost_usd'], record['cost_source'], record['outcome'], record['status'], record['lane']],
      ['HIT', 0, '0', 'computed', 'ok', 200, 'none'],
    )
    assert.deepEqual(record['tokens'], first['tokens'])
    assert.deepEqual(record['model'], first['model'])
    assert.equal(record['provider'], 'openai-chat')
    assert.equal((record['config'] as JsonObject)['slug'], 'openai-chat')
    assert.deepEqual(record['attempt_list'], [])
    assert.equal((await turnpike.payload(id, 'response')).toString(), body)
    assert.match((await turnpike.payload(id, 'request')).toString(), new RegExp(`Question ${question}`))
  }
  const found = (await turnpike.records()).filter((row) => row['cache'] === 'HIT')
  assert.ok(found.length >= 2)
})

test('an answer whose usage nobody told costs nothing the second time, and nobody counts it', async () => {
  upstream.enqueue(chat.json({ usage: null }))
  await ask()
  for (const stream of [false, true]) {
    const record = await turnpike.record((await ask({ stream })).id)
    assert.deepEqual([record['cache'], record['cost_usd'], record['cost_source']], ['HIT', '0', 'computed'])
    assert.deepEqual(record['tokens'], { input: null, cached: null, output: null, reasoning: null })
  }
})

test('a refresh asks anew and replaces what was kept; one that fails leaves it', async () => {
  await ask()
  upstream.enqueue(chat.json({ text: ['New.'] }), chat.error(500))
  const refresh = { headers: { 'x-turnpike-cache-force-refresh': 'true' } }
  const fresh = await ask(refresh)
  assert.equal(stateOf(fresh), 'REFRESH')
  assert.equal((await turnpike.record(fresh.id))['cache'], 'REFRESH')
  assert.match((await ask()).body, /New\./)
  const failed = await ask(refresh)
  assert.deepEqual([failed.status, stateOf(failed)], [503, 'REFRESH'])
  const kept = await ask()
  assert.equal(stateOf(kept), 'HIT')
  assert.match(kept.body, /New\./)
})

test('an answer is too old after its max_age', async (context) => {
  assert.deepEqual(await states({}, {}), ['MISS', 'HIT'])
  const now = performance.now.bind(performance)
  context.mock.method(performance, 'now', () => now() + 61_000)
  assert.deepEqual(await states({}, {}), ['MISS', 'HIT'])
})

test('what one key was told is never told to another, and a namespace divides what one key was told', async () => {
  const other = { headers: { authorization: `Bearer ${otherKey}` } }
  const inA = { headers: { 'x-turnpike-cache-namespace': 'a' } }
  const inB = { headers: { 'x-portkey-cache-namespace': 'b' } }
  assert.deepEqual(await states({}, other, inA, inB), ['MISS', 'MISS', 'MISS', 'MISS'])
  assert.deepEqual(await states({}, other, inA, inB), ['HIT', 'HIT', 'HIT', 'HIT'])
  assert.equal(upstream.received.length, 4)
})

test('a config that names a namespace shares among its keys, and only those of this config', async () => {
  const other = { authorization: `Bearer ${otherKey}` }
  assert.deepEqual(await states({ config: 'shared' }, { config: 'shared', headers: other }), ['MISS', 'HIT'])
  assert.deepEqual(await states({ config: 'openai-chat' }, { config: 'tools' }), ['MISS', 'MISS'])
  const inline = JSON.stringify({ cache: cache({ namespace: 'team' }), targets: [leaf('openai-chat')] })
  assert.deepEqual(await states({ config: inline }, { config: inline, headers: other }, { config: inline }), ['MISS', 'MISS', 'HIT'])
})

test('without a rule nothing is cached, and an own provider key or x-turnpike-debug: false keep a request out', async () => {
  assert.deepEqual(await states({ config: 'plain' }, { config: 'plain' }), ['DISABLED', 'DISABLED'])
  const debug = { headers: { 'x-turnpike-debug': 'false' } }
  assert.deepEqual(await states(debug, debug, {}), ['DISABLED', 'DISABLED', 'MISS'])
})

test('a request with tools is cached where the rule says so, with its calls', async () => {
  const more = { tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }] }
  const toolCalls = [{ id: 'call_1', name: 'look', args: { at: 'the "moon"' } }]
  upstream.route(chat.path, ({ body }) => answerTo('openai-chat', JSON.parse(body.toString()) as JsonObject, { toolCalls }))
  assert.deepEqual(await states({ more }, { more }), ['DISABLED', 'DISABLED'])
  const miss = await ask({ more, config: 'tools' })
  const hit = await ask({ more, config: 'tools', stream: true })
  assert.deepEqual([stateOf(miss), stateOf(hit)], ['MISS', 'HIT'])
  assert.deepEqual(read('openai-chat', hit, true), read('openai-chat', miss, false))
})

test('errors, and answers that were cut short, filtered, refused or broken off, are asked for again', async () => {
  const refusal = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: null, refusal: 'No.' }, finish_reason: 'stop' }] }) // prettier-ignore
  const frames = chat.frames()
  const answers: readonly (readonly [Answer, boolean])[] = [
    [chat.error(400), false],
    [chat.error(429), false],
    [chat.json({ finish: 'length' }), false],
    [chat.sse({ finish: 'length' }), true],
    [chat.json({ finish: 'content_filter' }), false],
    [chat.sse({ finish: 'content_filter' }), true],
    [{ headers: { 'content-type': 'application/json' }, body: refusal }, false],
    [sseAnswer(frames.slice(0, 3), cut()), true],
    [sseAnswer([...frames.slice(0, 3), chat.errorFrame()]), true],
    [chat.json({ text: [''] }), false],
    [{ headers: { 'content-type': 'application/json' }, body: '{"choices":[' }, false],
  ]
  for (const [answer, stream] of answers) {
    question++
    upstream.enqueue(answer)
    await ask({ stream })
    assert.equal(stateOf(await ask()), 'MISS', JSON.stringify(answer).slice(0, 300))
  }
  assert.equal(upstream.received.length, 2 * answers.length)
})

test('an answer whose client left is not kept', async () => {
  const gate = createGate()
  upstream.enqueue(sseAnswer(chat.frames().slice(0, 3), waitFor(gate), write(chat.frames().slice(3).join(''))))
  const leaving = new AbortController()
  const asked = ask({ stream: true, signal: leaving.signal })
  await upstream.next()
  leaving.abort()
  await assert.rejects(asked)
  gate.open()
  assert.equal(stateOf(await ask()), 'MISS')
})

test('twenty that ask the same at once are one call, whole or as a stream, and pay for one', async () => {
  const gate = createGate()
  upstream.route(chat.path, async ({ body }) => {
    await gate.opened
    return answerTo('openai-chat', JSON.parse(body.toString()) as JsonObject)
  })
  const asked = Array.from({ length: 20 }, (_, at) => ask({ config: 'flight', stream: at % 2 === 1 }))
  await upstream.next()
  // Each of them has its record's id before it waits: this one comes behind them.
  await ask({ config: 'flight', headers: { 'x-turnpike-request-timeout': '300' } })
  gate.open()
  const heard = await Promise.all(asked)
  assert.equal(heard.filter((one) => stateOf(one) === 'HIT').length, 19)
  assert.equal(heard.filter((one) => stateOf(one) === 'MISS').length, 1)
  const texts = heard.map((one, at) => JSON.stringify(read('openai-chat', one, at % 2 === 1)))
  assert.equal(new Set(texts).size, 1)
  assert.equal(upstream.received.length, 1)
  const rows = await Promise.all(heard.map(({ id }) => turnpike.record(id)))
  assert.equal(rows.filter(({ cost_usd: cost }) => cost !== '0').length, 1)
})

test('who waits for another one waits no longer than its own request may take', async () => {
  const gate = createGate()
  upstream.enqueue(async () => {
    await gate.opened
    return chat.json()
  })
  const first = ask({ config: 'flight' })
  await upstream.next()
  const started = performance.now()
  for (const stream of [false, true]) {
    const late = await ask({ config: 'flight', stream, headers: { 'x-turnpike-request-timeout': '200' } })
    assert.equal(late.status, 408)
    assert.match(late.body, /timeout/)
    const record = await turnpike.record(late.id)
    assert.deepEqual([record['outcome'], record['attempts'], record['cache']], ['upstream_error', 0, 'MISS'])
  }
  assert.ok(performance.now() - started < 5000)
  gate.open()
  assert.equal(stateOf(await first), 'MISS')
  assert.equal(upstream.received.length, 1)
})

test('when the one that asks fails, those that wait ask themselves; when its client leaves, one of them asks for all', async () => {
  const failing = createGate()
  upstream.enqueue(async () => {
    await failing.opened
    return chat.error(400, 'No.')
  })
  const first = ask({ config: 'flight' })
  await upstream.next()
  const waiting = [1, 2, 3].map(() => ask({ config: 'flight' }))
  await ask({ config: 'flight', headers: { 'x-turnpike-request-timeout': '200' } })
  failing.open()
  assert.equal((await first).status, 400)
  assert.deepEqual((await Promise.all(waiting)).map(({ status }) => status), [200, 200, 200]) // prettier-ignore
  assert.equal(upstream.received.length, 4)

  question++
  const gate = createGate()
  upstream.clear()
  upstream.route(chat.path, async () => {
    await gate.opened
    return chat.json()
  })
  const leaving = new AbortController()
  const left = ask({ config: 'flight', signal: leaving.signal })
  await upstream.next()
  const others = [1, 2, 3].map(() => ask({ config: 'flight' }))
  await ask({ config: 'flight', headers: { 'x-turnpike-request-timeout': '200' } })
  leaving.abort()
  await assert.rejects(left)
  await upstream.next()
  gate.open()
  const heard = await Promise.all(others)
  assert.equal(heard.filter((one) => stateOf(one) === 'HIT').length, 2)
  assert.equal(upstream.received.length, 2)
})

test('a long wait for another one is kept alive, and its stream ends as one answer', async (context) => {
  const gate = createGate()
  upstream.enqueue(async () => {
    await gate.opened
    return chat.json()
  })
  const first = ask({ config: 'flight' })
  await upstream.next()
  const second = turnpike.post(
    '/v1/chat/completions',
    clientRequest('openai-chat', 'some-model', true, `Question ${question}`).body,
    { headers: { 'x-turnpike-config': 'flight' } },
  ) // prettier-ignore
  await ask({ config: 'flight', headers: { 'x-turnpike-request-timeout': '200' } })
  const now = performance.now.bind(performance)
  context.mock.method(performance, 'now', () => now() + 11_000)
  // Its head comes while it waits.
  const head = await second
  assert.equal(head.status, 200)
  gate.open()
  await first
  const heard = await hear(head)
  assert.equal(textIn(eventsIn('openai-chat', heard.body)), 'Hello, world!')
  assert.equal(heard.body.match(/"role":"assistant"/g)?.length, 1)
  assert.equal((await turnpike.record(heard.id))['cache'], 'HIT')
})

test('vectors are cached, and cost nothing the second time', async () => {
  upstream.route('/v1/embeddings', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5, 1] }],
      model: 'model-1',
      usage: { prompt_tokens: 3, total_tokens: 3 },
    }),
  })
  const embed = async (input: string) =>
    hear(
      await turnpike.post(
        '/v1/embeddings',
        { model: 'model-1', input, encoding_format: 'float' },
        { headers: { 'x-turnpike-config': 'embeds' } },
      ),
    )
  const [miss, hit, other] = [await embed('a'), await embed('a'), await embed('b')]
  assert.deepEqual([miss, hit, other].map(stateOf), ['MISS', 'HIT', 'MISS'])
  assert.equal(hit.body, miss.body.replace(/"cost":[\d.e-]+/, '"cost":0'))
  assert.equal((await turnpike.record(hit.id))['cost_usd'], '0')
})

test('a stream that a client wants as an array is answered from the cache as an array', async () => {
  const body = clientRequest('gemini', 'some-model', true, `Question ${question}`).body
  const asArray = async () =>
    hear(await turnpike.post('/v1beta/models/some-model:streamGenerateContent', body, { headers: { 'x-turnpike-config': 'openai-chat' } }))
  const [miss, hit] = [await asArray(), await asArray()]
  assert.deepEqual([stateOf(miss), stateOf(hit)], ['MISS', 'HIT'])
  const textOf = ({ body }: Heard) => {
    const chunks = JSON.parse(body) as { candidates?: { content?: { parts?: { text?: string }[] } }[] }[]
    return chunks.map(({ candidates }) => candidates?.[0]?.content?.parts?.map(({ text }) => text ?? '').join('') ?? '').join('')
  }
  assert.equal(textOf(hit), 'Hello, world!')
  assert.equal(textOf(miss), textOf(hit))
})

test('a gateway that stops lets nobody wait for an answer that does not come', async () => {
  const stopping = await startTest(
    { p: { wire: 'openai-chat', origin: upstream.origin } },
    { declared: { configs: { c: { cache: cache({ single_flight: true }), targets: [{ provider: '@p' }] } } } },
  )
  upstream.route(chat.path, () => new Promise<Answer>(() => undefined))
  const one = async (stream: boolean) =>
    hear(await stopping.post('/v1/chat/completions', clientRequest('openai-chat', 'model-1', stream, 'Wait.').body, { headers: { 'x-turnpike-config': 'c' } })) // prettier-ignore
  const asked = [one(false), one(false), one(true)]
  await upstream.next()
  await stopping.post('/v1/chat/completions', clientRequest('openai-chat', 'model-1', false, 'Wait.').body, {
    headers: { 'x-turnpike-config': 'c', 'x-turnpike-request-timeout': '200' },
  })
  const started = performance.now()
  await stopping.close(100)
  rmSync(stopping.homePath, { recursive: true })
  assert.ok(performance.now() - started < 5000)
  assert.deepEqual((await Promise.all(asked)).map(({ status }) => status), [503, 503, 503]) // prettier-ignore
  assert.equal(upstream.received.length, 1)
})

test('the cache stays within its bytes, and 0 turns it off', async () => {
  for (const [cacheMaxBytes, expected] of [
    ['100KB', ['MISS', 'HIT', 'MISS', 'MISS']],
    ['0', ['DISABLED', 'DISABLED', 'DISABLED', 'DISABLED']],
  ] as const) {
    const small = await startTest(
      { p: { wire: 'openai-chat', origin: upstream.origin } },
      { overrides: { cacheMaxBytes }, declared: { configs: { c: { cache: cache(), targets: [{ provider: '@p' }] } } } },
    )
    const one = async (text: string) =>
      (
        await hear(
          await small.post('/v1/chat/completions', clientRequest('openai-chat', 'model-1', false, text).body, {
            headers: { 'x-turnpike-config': 'c' },
          }),
        )
      ).headers // prettier-ignore
        .get('x-turnpike-cache')
    try {
      upstream.route(chat.path, () => chat.json({ text: ['x'.repeat(10_000)] }))
      const found = [await one('first'), await one('first')]
      for (let at = 0; at < 10; at++) await one(`other ${at}`)
      found.push(await one('first'))
      upstream.route(chat.path, () => chat.json({ text: ['x'.repeat(20_000)] }))
      await one('large')
      found.push(await one('large'))
      assert.deepEqual(found, expected)
    } finally {
      await small.end()
    }
  }
})

test('a new version of a config begins anew', async () => {
  const admin = async (body: JsonObject) => {
    const response = await fetch(`${turnpike.url}/api/v1/configs/versioned`, {
      method: 'PUT',
      headers: { authorization: `Bearer test-admin-token-0123456789abcdef`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    assert.ok(response.ok, await response.text())
  }
  await admin({ config: { cache: cache(), targets: [leaf('openai-chat')] } })
  assert.deepEqual(await states({ config: 'versioned' }, { config: 'versioned' }), ['MISS', 'HIT'])
  await admin({ config: { cache: cache({ max_age: 90 }), targets: [leaf('openai-chat')] } })
  assert.deepEqual(await states({ config: 'versioned' }, { config: 'versioned' }), ['MISS', 'HIT'])
})

test('a change of what a config does to a request is another answer, also where the config is only named as a model', async () => {
  const put = async (slug: string, config: JsonObject) => {
    const response = await fetch(`${turnpike.url}/api/v1/configs/${slug}`, {
      method: 'PUT',
      headers: { authorization: `Bearer test-admin-token-0123456789abcdef`, 'content-type': 'application/json' },
      body: JSON.stringify({ config }),
    })
    assert.ok(response.ok, await response.text())
  }
  const inner = (temperature: number): JsonObject => ({
    targets: [{ ...leaf('openai-chat'), model: 'model-1', override_params: { temperature } }],
  })
  await put('cache-inner', inner(0.1))
  await put('cache-outer', { cache: cache(), targets: [{ model: 'cache-inner' }] })
  assert.deepEqual(await states({ config: 'cache-outer' }, { config: 'cache-outer' }), ['MISS', 'HIT'])
  await put('cache-inner', inner(0.2))
  assert.deepEqual(await states({ config: 'cache-outer' }, { config: 'cache-outer' }), ['MISS', 'HIT'])
})

test('a translated answer whose wire says more than the client can read is kept as the client got it', async () => {
  upstream.route(messages.path, ({ body }) =>
    answerTo('anthropic-messages', JSON.parse(body.toString()) as JsonObject, { text: ['Grüße ', '🛃'] }),
  )
  const stream = await ask({ config: 'anthropic-messages', stream: true })
  const whole = await ask({ config: 'anthropic-messages' })
  assert.equal(stateOf(whole), 'HIT')
  assert.deepEqual(read('openai-chat', whole, false), read('openai-chat', stream, true))
  const { usage } = JSON.parse(whole.body) as JsonObject
  assert.ok(isObject(usage) && usage['cost'] === 0)
})
