// What a request costs over real sockets: service tiers, tiers, fees, and usage that cannot be believed.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { providerOf } from '#test/client-scripts.ts'
import { sseAnswer } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  const price = {
    input_per_million_usd: '2',
    output_per_million_usd: '8',
    search_usd: '0.01',
    tiers: [{ above_input_tokens: 1000, input_per_million_usd: '4', output_per_million_usd: '12' }],
    service_tiers: { flex: { multiplier: '0.5' }, priority: { multiplier: '2' } },
  }
  const custom = [{ id: 'm', price }, { id: 'unpriced' }]
  const own = { ...providerOf('openai-chat', upstream.origin), models: { custom } }
  const searching = { ...providerOf('openai-responses', upstream.origin), models: { custom } }
  turnpike = await startTest({}, { declared: { providers: { own, searching } } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})
beforeEach(() => upstream.clear())

type Line = { readonly item: string; readonly units: number; readonly rate?: string; readonly unit_usd: string }
type Detail = {
  readonly cost_usd: string | null
  readonly cost_source: string
  readonly cost_lines: Line[]
  readonly tokens: { readonly input: number | null; readonly output: number | null }
}

const words = 'The quick brown fox jumps over the lazy dog, again and again, until it is tired of it.'

function answer(
  usage: JsonObject | undefined,
  more: JsonObject = {},
  content = words,
): { status: number; headers: Record<string, string>; body: string } {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  const body = { id: 'c1', object: 'chat.completion', created: 1, model: 'm', choices, ...(usage === undefined ? {} : { usage }), ...more }
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

async function ask(more: JsonObject = {}, headers: Record<string, string> = {}): Promise<Detail> {
  const body = { model: 'own/m', messages: [{ role: 'user', content: 'Say it.' }], ...more }
  const response = await turnpike.post('/v1/chat/completions', body, { headers })
  await response.text()
  assert.equal(response.status, 200)
  return (await turnpike.record(response.headers.get('x-turnpike-request-id')!)) as unknown as Detail
}

const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }

test('the tier of the answer counts, else the one that was asked for, and the lines say so', async () => {
  upstream.enqueue(answer(usage, { service_tier: 'flex' }))
  const flex = await ask()
  assert.deepEqual([flex.cost_usd, flex.cost_source], ['0.00014', 'computed'])
  assert.deepEqual(flex.cost_lines.map(({ item, rate, unit_usd: each }) => [item, rate, each]), [['input', 'flex', '0.000001'], ['output', 'flex', '0.000004']]) // prettier-ignore
  upstream.enqueue(answer(usage))
  assert.equal((await ask({ service_tier: 'priority' })).cost_usd, '0.00056')
  upstream.enqueue(answer(usage, { service_tier: 'default' }))
  const plain = await ask({ service_tier: 'priority' })
  assert.deepEqual([plain.cost_usd, plain.cost_lines[0]!.rate], ['0.00028', undefined])
})

test("the tier that a config asks for counts as the client's own, that of the target that answered", async () => {
  const target = (tier: string) => ({ provider: '@own', override_params: { service_tier: tier } })
  const config = { strategy: { mode: 'fallback' }, targets: [target('priority'), target('flex')] }
  const headers = { 'x-turnpike-config': JSON.stringify(config) }
  upstream.enqueue(answer(usage))
  assert.equal((await ask({}, headers)).cost_usd, '0.00056')
  upstream.enqueue({ status: 500 }, answer(usage))
  assert.equal((await ask({ service_tier: 'priority' }, headers)).cost_usd, '0.00014')
  // Without a usage, words are counted, and cost the same each.
  upstream.enqueue({ status: 500 }, answer(undefined))
  const counted = await ask({}, headers)
  assert.equal(counted.cost_source, 'estimated')
  assert.deepEqual(counted.cost_lines.map(({ rate }) => rate), ['flex', 'flex']) // prettier-ignore
})

test('above the tier the whole request costs more, and searches are fees', async () => {
  upstream.enqueue(answer({ prompt_tokens: 1001, completion_tokens: 10, server_tool_use: { web_search_requests: 2 } }))
  const { cost_usd: cost, cost_lines: lines } = await ask()
  assert.equal(cost, '0.024124')
  assert.deepEqual(lines.map(({ item, units, rate }) => [item, units, rate]), [['input', 1001, 'above 1,000 input tokens'], ['output', 10, 'above 1,000 input tokens'], ['web_search', 2, 'above 1,000 input tokens']]) // prettier-ignore
})

const searched = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'm',
  status: 'completed',
  tools: [{ type: 'web_search' }],
  output: [
    { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
    { type: 'web_search_call', id: 'ws_2', status: 'completed', action: { type: 'open_page', url: 'https://example.com' } },
    { type: 'web_search_call', id: 'ws_3', status: 'completed', action: { type: 'search', query: 'r' } },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: words, annotations: [] }],
    },
  ],
  usage: { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
}

for (const stream of [false, true])
  for (const [client, path, said] of [
    ['responses', '/v1/responses', { input: 'Say it.' }],
    ['chat', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Say it.' }] }],
  ] as const)
    test(`searches that OpenAI tells only as items of its answer are fees, for a client of ${client}${stream ? ', as a stream' : ''}`, async () => {
      const events = [
        { type: 'response.created', response: { ...searched, status: 'in_progress', output: [], usage: null } },
        ...searched.output.map((item, output_index) => ({ type: 'response.output_item.done', output_index, item })),
        { type: 'response.completed', response: searched },
      ]
      upstream.enqueue(
        stream
          ? sseAnswer(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`))
          : { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(searched) },
      )
      const heard = await turnpike.post(path, { model: 'searching/m', stream, ...said })
      const text = await heard.text()
      assert.equal(heard.status, 200, text)
      const record = (await turnpike.record(heard.headers.get('x-turnpike-request-id')!)) as unknown as Detail
      assert.deepEqual(
        record.cost_lines.map(({ item, units }) => [item, units]),
        [['input', 100], ['output', 10], ['web_search', 2]],
      ) // prettier-ignore
      assert.equal(record.cost_usd, '0.02028')
    })

test('usage that cannot be is counted instead, and marked', async () => {
  for (const said of [
    undefined,
    { prompt_tokens: -100, completion_tokens: -10 },
    { prompt_tokens: 'many', completion_tokens: null },
    { prompt_tokens: 9e15, completion_tokens: 10 },
    { prompt_tokens: 100, completion_tokens: 1e300 },
    { prompt_tokens: 100, completion_tokens: 0 },
    { prompt_tokens: 0, completion_tokens: 0 },
    { prompt_tokens: 100, completion_tokens: -10 },
  ] as (JsonObject | undefined)[]) {
    upstream.enqueue(answer(said))
    const { cost_source: source, cost_usd: cost, tokens } = await ask()
    assert.equal(source, 'estimated', JSON.stringify(said))
    assert.ok(tokens.output! > 15 && tokens.output! < 40, `${tokens.output} tokens of output: ${JSON.stringify(said)}`)
    assert.ok(tokens.input! > 5 && tokens.input! <= 100, `${tokens.input} tokens of input: ${JSON.stringify(said)}`)
    assert.ok(Number(cost) > 0.00015 && Number(cost) < 0.001, `${cost}: ${JSON.stringify(said)}`)
  }
  upstream.enqueue(answer({ prompt_tokens: 100, completion_tokens: 0 }, {}, ''))
  const empty = await ask()
  assert.deepEqual([empty.cost_source, empty.cost_usd], ['computed', '0.0002'])
})

test('usage on two chunks is the whole so far each time: the last one counts, once', async () => {
  const chunk = (more: JsonObject): string =>
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], ...more })}\n\n`
  const said = (completion: number): JsonObject => ({
    usage: { prompt_tokens: 100, completion_tokens: completion, total_tokens: 100 + completion },
  })
  for (const last of [20, 10]) {
    upstream.enqueue(
      sseAnswer([
        chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: words }, finish_reason: null }], ...said(10) }),
        chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...said(last) }),
        chunk(said(last)),
        'data: [DONE]\n\n',
      ]),
    )
    const { cost_usd: cost, tokens } = await ask({ stream: true, stream_options: { include_usage: true } })
    assert.deepEqual([tokens.input, tokens.output, cost], [100, last, last === 20 ? '0.00036' : '0.00028'])
  }
})

test('what the provider says it billed wins over what its tokens would cost, and no sum that nobody bills', async () => {
  upstream.enqueue(answer({ ...usage, cost: 0.0125 }))
  const stated = await ask()
  assert.deepEqual([stated.cost_usd, stated.cost_source, stated.cost_lines.length], ['0.0125', 'provider', 2])
  for (const cost of [-1, 1e30]) {
    upstream.enqueue(answer({ ...usage, cost }))
    assert.deepEqual([(await ask()).cost_usd], ['0.00028'], String(cost))
  }
})

test('a client is told one cost, and not a sum that nobody bills', async () => {
  const counts = '"prompt_tokens": 100, "completion_tokens": 10'
  const whole = answer(usage)
  for (const text of [
    `{${counts}, "cost": -3 }`,
    `{ "cost" : null , ${counts}}`,
    `{"prompt_tokens":100,"cost":1e30,"completion_tokens":10}`,
    `{${counts}}`,
    `{${counts}, "of": {"cost": 7}}`,
  ]) {
    upstream.enqueue({ ...whole, body: whole.body.replace(JSON.stringify(usage), text) })
    const heard = await turnpike.post('/v1/chat/completions', { model: 'own/m', messages: [{ role: 'user', content: 'Say it.' }] })
    const body = await heard.text()
    const said = (JSON.parse(body) as { usage: JsonObject }).usage
    assert.deepEqual([said['cost'], said['prompt_tokens'], said['completion_tokens']], [0.00028, 100, 10], body)
    assert.equal(body.match(/"cost"\s*:/g)?.length, text.includes('"of"') ? 2 : 1, body)
  }
  upstream.enqueue(
    sseAnswer([
      `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n`,
      `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{${counts},"cost":1e30}}\n\n`,
      'data: [DONE]\n\n',
    ]),
  )
  const stream = await turnpike.post('/v1/chat/completions', {
    model: 'own/m',
    stream: true,
    messages: [{ role: 'user', content: 'Say it.' }],
  })
  assert.match(await stream.text(), /"cost":0\.00028\}/)
})

test('what has no price has no cost, whatever it says', async () => {
  upstream.enqueue(answer(usage, { service_tier: 'flex' }))
  const { cost_usd: cost, cost_source: source } = await ask({ model: 'own/unpriced' })
  assert.deepEqual([cost, source], [null, 'unpriced'])
})
