// What conditions see of a request, and what a request needs of a model.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '#kernel'
import {
  byMain,
  caught,
  createPlanning,
  fallback,
  inline,
  order,
  plainBody,
  planningOf,
  rule,
  serving,
  to,
  type Planning,
} from '#test/planning.ts'

describe('conditions', () => {
  const when = (query: JsonObject, more: JsonObject = { default: 'other' }): JsonObject => ({
    strategy: { mode: 'conditional', conditions: [rule(query, 'wanted')], ...more },
    targets: [to('a', { name: 'wanted' }), to('b', { name: 'other' })],
  })
  const matches = (query: JsonObject, request: Parameters<Planning['plan']>[0] = {}, planning = planningOf(when(query))): boolean =>
    order(planning.plan({ ...request, headers: { ...byMain.headers, ...request.headers } }))[0] === 'a'

  const rows: readonly (readonly [string, JsonObject, Parameters<Planning['plan']>[0]])[] = [
    ['metadata', { 'metadata.plan': 'paid' }, { headers: { 'x-turnpike-metadata': '{"plan":"paid"}' } }],
    ["the key's metadata", { 'metadata.team': 'blue' }, { key: { metadata: { team: 'blue' } } }],
    ['a small field', { 'params.max_tokens': { $lte: 100 } }, { body: { ...plainBody, max_tokens: 50 } }],
    [
      'a field at any depth',
      { 'params.tools[0].function.name': 'look' },
      { body: { ...plainBody, tools: [{ type: 'function', function: { name: 'look' } }] } },
    ],
    ['the conversation', { 'params.messages.0.role': 'user' }, {}],
    ['the model', { 'params.model': { $regex: '^m$' } }, {}],
    ['whether it streams', { 'params.stream': true }, { body: { ...plainBody, stream: true } }],
    ['the path', { 'url.pathname': { $contains: 'completions' } }, {}],
    ['a header', { 'headers.user-agent': { $regex: 'curl' } }, { headers: { 'user-agent': 'curl/8' } }],
    ['what started it', { 'request.kind': 'probe' }, { body: { ...plainBody, max_tokens: 1 } }],
    [
      'its size',
      { 'request.input_tokens': { $gt: 1000 } },
      { body: { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(9000) }] } },
    ],
    ['the key', { 'key.name': 'test', 'key.id': 'key-1' }, {}],
    ["the key's client", { 'key.client': 'openclaw' }, { key: { client: 'openclaw' } }],
    ["the key's metadata by its place", { 'key.metadata.team': 'blue' }, { key: { metadata: { team: 'blue' } } }],
    ['a provider', { 'provider.a.available': true }, {}],
    ['a provider that there is not', { 'provider.nobody.available': { $exists: false } }, {}],
    ['any of several', { $or: [{ 'metadata.x': 'y' }, { 'key.name': 'test' }] }, {}],
    ['what is missing', { 'params.temperature': { $exists: false } }, {}],
    ['what there is no budget of', { 'budget.remaining_usd': { $exists: false } }, {}],
  ]
  for (const [title, query, request] of rows)
    test(`see ${title}`, () => {
      assert.ok(matches(query, request))
      assert.ok(!matches({ $not: query }, request), 'and the opposite is not so')
    })

  test('see no credential, and no header that is not listed', () => {
    const headers = { authorization: 'Bearer x', 'x-api-key': 'x', cookie: 'x', 'x-turnpike-api-key': 'x', 'x-forwarded-for': 'x' }
    for (const name of Object.keys(headers)) assert.ok(!matches({ [`headers.${name}`]: { $exists: true } }, { headers }), name)
  })

  test("a provider's latency and availability are what its attempts have shown", () => {
    const planning = planningOf(when({ 'provider.c.latency_p50': { $gt: 300 }, 'provider.c.available': true }))
    const { vitals } = planning.plan({ headers: inline(to('c')) }).steps[0]!.target
    assert.ok(!matches({}, {}, planning))
    for (let i = 0; i < 20; i++) {
      vitals.began(planning.nowMs)
      vitals.ended((planning.nowMs += 500), { failure: undefined, firstTokenMs: 500, totalMs: 500 })
    }
    assert.ok(matches({}, {}, planning))
  })

  test('the first that matches decides, and the reason says which', () => {
    const config = {
      strategy: {
        mode: 'conditional',
        conditions: [rule({ 'metadata.x': 'y' }, 'one'), rule({ 'key.name': 'test' }, 'two'), rule({ 'params.model': 'm' }, 'three')],
      },
      targets: [to('a', { name: 'one' }), to('b', { name: 'two' }), to('c', { name: 'three' })],
    }
    const { steps } = planningOf(config).plan(byMain)
    assert.deepEqual(
      steps.map(({ target, reason }) => [target.provider.slug, reason]),
      [['b', 'condition 2 matches']],
    )
  })

  test('no match and no default: a 400 that says so', () => {
    const failure = caught(() => planningOf(when({ 'metadata.x': 'y' }, {})).plan(byMain))
    assert.deepEqual([failure.kind, failure.status], ['invalid_request', 400])
    assert.match(failure.message, /none of its conditions matches, and it has no default/)
  })

  test('a group without a match does not stop those beside it', () => {
    const plan = planningOf(fallback(when({ 'metadata.x': 'y' }, {}), to('c'))).plan(byMain)
    assert.deepEqual(order(plan), ['c'])
    assert.deepEqual(
      plan.skipped.map(({ route }) => route),
      ['config.targets[0]'],
    )
  })
})

describe('what a request needs', () => {
  const talker = { id: 'm', capabilities: [] }
  const worker = { id: 'm', capabilities: ['tools'] }
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }]

  test('a model that takes no tools is skipped where another takes them', () => {
    const planning = createPlanning({
      providers: { a: serving(talker), b: serving(worker), c: serving('m') },
      configs: { main: fallback(to('a'), to('b'), to('c')) },
    })
    assert.deepEqual(order(planning.plan(byMain)), ['a', 'b', 'c'])
    const plan = planning.plan({ ...byMain, body: { ...plainBody, tools } })
    assert.deepEqual(order(plan), ['b', 'c'])
    assert.deepEqual(plan.skipped, [{ provider: 'a', reason: 'm takes no tools, and the request has some', route: 'config.targets[0]' }])
    assert.deepEqual(order(planning.plan({ body: { ...plainBody, tools } })), ['b', 'c'], 'without a config, too')
    assert.deepEqual(order(planning.plan({ ...byMain, body: { ...plainBody, tools: [] } })), ['a', 'b', 'c'])
  })

  test('it is asked where nobody else can be', () => {
    const planning = createPlanning({ providers: { a: serving(talker) }, configs: { main: to('a') } })
    assert.deepEqual(order(planning.plan({ ...byMain, body: { ...plainBody, tools } })), ['a'])
  })

  test('images, by the catalog; a text that only speaks of them is none', () => {
    // https://platform.openai.com/docs/models: gpt-3.5-turbo takes text only, gpt-4o images too.
    const openai = { vendor: 'openai', credentials: [{ name: 'main', value: 'sk-provider-1234567' }] }
    const planning = createPlanning({
      providers: { openai },
      configs: {
        main: fallback(
          to('openai', { override_params: { model: 'gpt-3.5-turbo' } }),
          to('openai', { override_params: { model: 'gpt-4o' } }),
        ),
      },
    })
    const models = (content: unknown): string[] =>
      planning
        .plan({ ...byMain, body: { model: 'x', messages: [{ role: 'user', content }] } as JsonObject })
        .steps.map(({ target }) => target.model.id)
    assert.deepEqual(models([{ type: 'image_url', image_url: { url: 'https://x.test/a.png' } }]), ['gpt-4o'])
    assert.deepEqual(models('write {"type":"image_url"} into the file'), ['gpt-3.5-turbo', 'gpt-4o'])
  })

  test('a prompt that is surely too long for one goes to the one with the larger window', () => {
    const window = (size: number): JsonObject => ({ id: 'm', context_window: size })
    const planning = createPlanning({
      providers: { a: serving(window(1000)), b: serving(window(100_000)) },
      configs: { main: fallback(to('a'), to('b')) },
    })
    const sized = (bytes: number): JsonObject => ({ model: 'm', messages: [{ role: 'user', content: 'word '.repeat(bytes / 5) }] })
    assert.deepEqual(order(planning.plan({ ...byMain, body: sized(5000) })), ['a', 'b'], 'it may fit')
    assert.equal(
      planning.plan({ ...byMain, body: sized(5000) }),
      planning.plan({ ...byMain, body: sized(50) }),
      'nothing was to be planned',
    )
    const plan = planning.plan({ ...byMain, body: sized(60_000) })
    assert.deepEqual(order(plan), ['b'])
    assert.match(plan.skipped[0]!.reason, /at least \d+ tokens, and m takes 1000/)
    assert.deepEqual(order(planning.plan({ ...byMain, body: sized(6_000_000) })), ['a', 'b'], 'none of them can, so each says so itself')
  })
})
