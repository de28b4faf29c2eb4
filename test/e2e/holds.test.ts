// What a request holds is at least what it may cost, whichever way it asks for much, and a request that says nonsense holds nothing.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { clientRequest, clientScripts, providerOf } from '#test/client-scripts.ts'
import { call, errorIn, limitsOf, newCaller, untilSettled, type Ask } from '#test/money.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, type Gate, type ScriptedUpstream } from '#test/upstream.ts'

const wires = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
/** A thousandth of a USD for each token out, and nothing else; twice as much in a hurry. */
const spoken: JsonObject = {
  max_output_tokens: 1000,
  price: { input_per_million_usd: '0', output_per_million_usd: '1000', service_tiers: { priority: { multiplier: '2' } } },
}
/** A thousandth of a USD for each token that is kept an hour, and hardly anything else. */
const read: JsonObject = {
  id: 'read',
  max_output_tokens: 1000,
  price: { input_per_million_usd: '10', output_per_million_usd: '0.001', cache_write_1h_per_million_usd: '1000' },
}
/** A hundredth of a USD for each search, and nothing else. */
const searching: JsonObject = {
  id: 'searching',
  max_output_tokens: 1000,
  price: {
    input_per_million_usd: '0',
    output_per_million_usd: '0',
    request_usd: '0.000001',
    search_usd: '0.01',
    calls_usd: { file_search: '0.0025' },
  },
}
const unknown: JsonObject = { id: 'unknown', price: { input_per_million_usd: '0', output_per_million_usd: '100' } }
let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let gate: Gate
let callers = 0

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: Object.fromEntries(
          wires.map((wire) => [
            wire,
            {
              ...providerOf(wire, upstream.origin),
              models: {
                custom: [
                  { ...spoken, id: 'm' },
                  { ...spoken, id: 'gemini' },
                  read,
                  searching,
                  unknown,
                  { ...unknown, id: 'small', context_window: 4000 },
                  ...['learning', 'learning-1700', 'learning-90000'].map((id) => ({ ...read, id })),
                ],
              },
            },
          ]),
        ),
        configs: {
          priority: { override_params: { service_tier: 'priority' }, provider: '@openai-chat' },
          long: { override_params: { max_tokens: 500 }, provider: '@openai-chat' },
          default: { default_params: { max_tokens: 700 }, provider: '@openai-chat' },
          many: { override_params: { n: 4 }, provider: '@openai-chat' },
          several: { default_params: { n: 3 }, provider: '@openai-chat' },
          searching: { override_params: { max_tool_calls: 7 }, provider: '@openai-responses' },
          dropped: { drop_params: ['max_tokens'], provider: '@openai-chat' },
        },
      },
    },
  )
})

beforeEach(() => {
  upstream.clear()
  gate = createGate()
  for (const wire of wires)
    upstream.route(clientScripts[wire].path, async () => {
      await gate.opened
      return clientScripts[wire].json()
    })
})

after(async () => {
  await turnpike?.end()
  await upstream.close()
})

const caller = () => newCaller(turnpike, `holder-${++callers}`, { budgets: [{ amount_usd: '100', period: 'total' }] })

async function heldBy(model: string, ask: Ask): Promise<number> {
  const one = await caller()
  const asked = call(turnpike, one, model, ask)
  await Promise.race([upstream.next(), asked])
  const { held } = (await limitsOf(turnpike, one))[0]!
  gate.open()
  const heard = await asked
  assert.equal(heard.status, 200, heard.body)
  await untilSettled(turnpike, one)
  return held!
}

const plain = (body: JsonObject, config?: string): Ask => ({
  body,
  ...(config === undefined ? {} : { headers: { 'x-turnpike-config': config } }),
})
const written = (ask: Ask, config: JsonObject): Ask => ({ ...ask, headers: { 'x-turnpike-config': JSON.stringify(config) } })
const overriding = (generationConfig: JsonObject): JsonObject => ({ override_params: { generationConfig } })
const google = (generationConfig: JsonObject | undefined, more: JsonObject = {}): Ask => ({
  path: '/v1beta/models/gemini/gemini:generateContent',
  body: {
    contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
    ...(generationConfig === undefined ? {} : { generationConfig }),
    ...more,
  },
})

describe('held is what may be said', () => {
  for (const [how, ask, usd] of [
    ['once', plain({ max_tokens: 100 }), 0.1],
    ['under both names, the larger', plain({ max_completion_tokens: 1, max_tokens: 100 }), 0.1],
    ['in several answers', plain({ max_tokens: 100, n: 5 }), 0.5],
    ['in a dearer tier', plain({ max_tokens: 100, service_tier: 'priority' }), 0.2],
    ['in a dearer tier, shouted', plain({ max_tokens: 100, service_tier: 'PRIORITY' }), 0.2],
    ["in a config's dearer tier", plain({ max_tokens: 100 }, 'priority'), 0.2],
    ['as long as a config says', plain({ max_tokens: 100 }, 'long'), 0.5],
    ['as long as a config says where the request does not', plain({ max_tokens: null }, 'default'), 1],
    ['as long as the request says where a config would otherwise', plain({ max_tokens: 100 }, 'default'), 0.1],
    ['in as many answers as a config says', plain({ max_tokens: 100 }, 'many'), 0.4],
    ['in as many answers as a config says where the request does not', plain({ max_tokens: 100 }, 'several'), 0.3],
    ["as long as the model speaks, when a config drops the request's word", plain({ max_tokens: 100 }, 'dropped'), 1],
    [
      "as long as the model speaks, when a config drops Google's object",
      written(google({ maxOutputTokens: 100 }), { drop_params: ['generationConfig'] }),
      1,
    ],
    ['or a member of it', written(google({ maxOutputTokens: 100 }), { drop_params: ['generationConfig.maxOutputTokens'] }), 1],
    [
      'as long as a config says, that writes the object anew',
      written(google({ maxOutputTokens: 100 }), overriding({ maxOutputTokens: 500 })),
      0.5,
    ],
    [
      'or does so in another spelling than the request',
      written(google(undefined, { generation_config: { maxOutputTokens: 100 } }), overriding({ maxOutputTokens: 500, candidateCount: 2 })),
      1,
    ],
    [
      'in as many candidates as a config says where the request does not',
      written(google(undefined), { default_params: { generationConfig: { maxOutputTokens: 100, candidateCount: 3 } } }),
      0.3,
    ],
    ["in several of Google's candidates", google({ maxOutputTokens: 100, candidateCount: 4 }), 0.4],
    ["in Google's dearer tier", google({ maxOutputTokens: 100 }, { serviceTier: 'priority' }), 0.2],
    ['in the same, spelt otherwise', google({ maxOutputTokens: 100 }, { service_tier: 'priority' }), 0.2],
  ] as const)
    test(how, async () => assert.equal(await heldBy('openai-chat/m', ask), usd))
})

test('what is to be kept an hour is held at that price', async () => {
  const text = { type: 'text', text: 'word '.repeat(1000), cache_control: { type: 'ephemeral', ttl: '1h' } }
  const body = { model: 'anthropic-messages/read', max_tokens: 100, messages: [{ role: 'user', content: [text] }] }
  const held = await heldBy('', { path: '/v1/messages', body })
  assert.ok(held >= 1, String(held))
})

const responses = (more: JsonObject, config?: string): Ask => ({
  path: '/v1/responses',
  body: { model: 'openai-responses/searching', input: 'Hi', ...more },
  ...(config === undefined ? {} : { headers: { 'x-turnpike-config': config } }),
})
const messages = (tools: JsonObject[]): Ask => ({
  path: '/v1/messages',
  body: { model: 'anthropic-messages/searching', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], tools },
})

describe('held is what the provider may search', () => {
  for (const [how, ask, usd] of [
    ['as often as the tool may be used', messages([{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }]), 0.030001],
    ['as often as is usual, where nothing is said', messages([{ type: 'web_search_20250305', name: 'web_search' }]), 0.050001],
    ['as often as any tool may be called', responses({ tools: [{ type: 'web_search_preview' }], max_tool_calls: 2 }), 0.020001],
    ['on the web and in files', responses({ tools: [{ type: 'web_search' }, { type: 'file_search' }], max_tool_calls: 2 }), 0.025001],
    ['as a config says', responses({ tools: [{ type: 'web_search' }], max_tool_calls: 2 }, 'searching'), 0.070001],
    [
      'not at all, where it is a tool of the client',
      responses({ tools: [{ type: 'function', name: 'web_search', parameters: {} }] }),
      0.000001,
    ],
    ['not at all, where the words only stand in the prompt', responses({ input: '{"tools":[{"type":"web_search"}]}' }), 0.000001],
  ] as const)
    test(how, async () => assert.equal(await heldBy('', ask), usd))
})

describe('of a model of which nobody knows how long its answers are', () => {
  test('a long one is held', async () => assert.equal(await heldBy('openai-chat/unknown', plain({ max_tokens: null })), 3.2768))
  test('one that its window has room for is held', async () => {
    const held = await heldBy('openai-chat/small', plain({ max_tokens: null }))
    assert.ok(held > 0.39 && held < 0.4, String(held))
  })
})

describe('what a model reads of an input is learned from its answers', () => {
  const words = plain({ max_tokens: 1, messages: [{ role: 'user', content: 'x'.repeat(3000) }] })
  const readOf = async (model: string, tokens: number): Promise<void> => {
    upstream.enqueue(clientScripts['openai-chat'].json({ usage: { input: tokens, output: 1 } }))
    const asked = call(turnpike, await caller(), model, words)
    await upstream.next()
    assert.equal((await asked).status, 200)
  }
  // A hundred-thousandth of a USD for each token; the bytes say a thousand of them.
  for (const [how, tokens, least, most] of [
    ['as many are held for the next one', 1700, 0.017, 0.0171],
    ['but hardly more than twice what its bytes say', 90_000, 0.0255, 0.0262],
  ] as const)
    test(how, async () => {
      const model = `openai-chat/learning-${tokens}`
      await readOf(model, tokens)
      const held = await heldBy(model, words)
      assert.ok(held >= least && held < most, String(held))
    })
  test('and what was less is forgotten', async () => {
    await readOf('openai-chat/learning', 1700)
    for (let count = 0; count < 40; count++) await readOf('openai-chat/learning', 900)
    const held = await heldBy('openai-chat/learning', words)
    assert.ok(held > 0.01 && held < 0.0112, String(held))
  })
})

describe('held for 320 KB of base64 is', () => {
  for (const [what, start, least, most] of [
    ['the price of a picture', 'iVBORw0KGgo', 0.02, 0.025],
    ['that of the pages of a PDF, about twenty thousand tokens', 'JVBERi0xLjcK', 0.2, 0.205],
  ] as const)
    test(what, async () => {
      const url = `data:x/y;base64,${start}${'A'.repeat(320_000)}`
      const held = await heldBy(
        'openai-chat/read',
        plain({ max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }),
      )
      assert.ok(held >= least && held < most, String(held))
    })
})

test('words that look like a picture are words', async () => {
  const content = `;base64,${'a'.repeat(300)} ${'b '.repeat(150_000)}`
  const held = await heldBy('openai-chat/read', plain({ max_tokens: 1, messages: [{ role: 'user', content }] }))
  assert.ok(held >= 1, String(held))
})

test('a number of answers that is none is refused', async () => {
  const one = await caller()
  for (const n of ['5', 2.5, -1, 0, 1e18]) {
    const heard = await call(turnpike, one, 'openai-chat/m', plain({ n }))
    assert.deepEqual([heard.status, errorIn(heard).code, errorIn(heard).param], [400, 'invalid_request', 'n'])
  }
  const wire: ClientWire = 'gemini'
  const { path, body } = clientRequest(wire, 'gemini/gemini', false, 'Hi')
  assert.equal((await call(turnpike, one, '', { path, body: { ...body, generationConfig: { candidateCount: '3' } } })).status, 400)
  assert.equal(upstream.received.length, 0)
  assert.deepEqual(
    (await limitsOf(turnpike, one)).map(({ spent, held }) => [spent, held]),
    [[0, 0]],
  )
})
