// The official `@anthropic-ai/sdk`, unmodified, against Turnpike: helpers, tools, typed errors and aborts, with providers of both wires.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { z } from 'zod'
import type { JsonObject } from '#kernel'
import { faults, rateLimited, sseAnswer, wireScripts } from '#test/scripts.ts'
import { pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, cut, type ScriptedUpstream } from '#test/upstream.ts'
import { askForWeather, resultsIn, weatherCalls, weatherIn, weatherResults, weatherSchema } from '#test/weather.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let client: Anthropic

before(async () => {
  upstream = await createUpstream()
  const more = { timeouts: { idle_ms: 300 } }
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin, more },
    claude: { wire: 'anthropic-messages', origin: upstream.origin, models: [pricedModel], more },
  })
  client = new Anthropic({ baseURL: turnpike.url, apiKey: testKey, maxRetries: 0 })
})

beforeEach(() => upstream.clear())

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const messages = [{ role: 'user' as const, content: 'Say hello.' }]
/** 12 tokens at 2 USD a million and 5 at 10. */
const costUsd = 0.000074

async function recordOf(session: string): Promise<JsonObject> {
  const records = (await turnpike.records()).filter((record) => record['session'] === session)
  assert.equal(records.length, 1)
  return records[0]!
}

for (const [provider, slug] of [
  ['anthropic-messages', 'claude'],
  ['openai-chat', 'chat'],
] as const) {
  const script = wireScripts[provider]
  const model = `${slug}/model-1`
  const body = { model, messages, max_tokens: 100 }

  test(`${provider} provider: a plain message has its text, usage with cost, and the id of its record`, async () => {
    upstream.enqueue(script.json({ model: 'model-1-2026-01-01', usage: { input: 12, output: 5, cacheRead: 0 } }))
    const { data, response, request_id } = await client.messages.create(body).withResponse()
    assert.deepEqual(
      data.content.map((block) => block.type === 'text' && block.text),
      ['Hello, world!'],
    )
    assert.equal(data.stop_reason, 'end_turn')
    assert.equal(data.type, 'message')
    assert.equal(data.role, 'assistant')
    assert.equal(data.model, 'model-1-2026-01-01')
    assert.deepEqual([data.usage.input_tokens, data.usage.output_tokens], [12, 5])
    assert.equal((data.usage as unknown as JsonObject)['cost'], costUsd)
    const id = response.headers.get('x-turnpike-request-id')!
    assert.equal((data as unknown as JsonObject)['_request_id'], id)
    assert.equal(request_id, id)
    const record = await turnpike.record(id)
    assert.equal(record['outcome'], 'ok')
    assert.equal(Number(record['cost_usd']), costUsd)
    assert.match(String(record['client']), /Anthropic\/JS/)
  })

  test(`${provider} provider: a stream is iterated to its end, usage with cost in message_delta`, async () => {
    upstream.enqueue(script.sse())
    let text = ''
    let stop: string | null = null
    let usage: JsonObject | undefined
    const types: string[] = []
    for await (const event of await client.messages.create({ ...body, stream: true })) {
      types.push(event.type)
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
      if (event.type !== 'message_delta') continue
      stop = event.delta.stop_reason
      usage = event.usage as unknown as JsonObject
    }
    assert.equal(text, 'Hello, world!')
    assert.equal(stop, 'end_turn')
    assert.deepEqual([usage!['output_tokens'], usage!['cost']], [5, costUsd])
    assert.equal(types[0], 'message_start')
    assert.equal(types.at(-1), 'message_stop')
  })

  test(`${provider} provider: the stream helper tells every text and the final message`, async () => {
    upstream.enqueue(script.sse())
    const stream = client.messages.stream(body)
    const deltas: string[] = []
    stream.on('text', (delta) => deltas.push(delta))
    const message = await stream.finalMessage()
    assert.equal(await stream.finalText(), 'Hello, world!')
    assert.deepEqual(deltas, ['Hello', ', ', 'world!'])
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [12, 5])
    assert.equal(message.stop_reason, 'end_turn')
    assert.ok(stream.request_id)
    assert.equal((await turnpike.record(stream.request_id))['outcome'], 'ok')
  })

  test(`${provider} provider: the stream helper puts the input of parallel tool calls together`, async () => {
    upstream.enqueue(script.sse({ toolCalls: weatherCalls }))
    const stream = client.messages.stream({ ...body, tools: [{ name: 'weather', input_schema: { ...weatherSchema, required: ['city'] } }] })
    const json: string[] = []
    stream.on('inputJson', (delta) => json.push(delta))
    const message = await stream.finalMessage()
    assert.deepEqual(
      message.content.map((block) => block.type === 'tool_use' && [block.id, block.name, block.input]),
      weatherCalls.map(({ id, name, args }) => [id, name, args]),
    )
    assert.equal(json.join(''), weatherCalls.map(({ args }) => JSON.stringify(args)).join(''))
    assert.equal(message.stop_reason, 'tool_use')
  })

  for (const stream of [false, true]) {
    test(`${provider} provider: the tool runner calls both tools and brings their results back (${stream ? 'stream' : 'whole'})`, async () => {
      askForWeather(upstream, provider, stream)
      const asked: string[] = []
      const weather = betaTool({
        name: 'weather',
        description: 'The weather in a city.',
        inputSchema: weatherSchema,
        run: ({ city }) => {
          asked.push(city)
          return weatherIn(city)
        },
      })
      const last = await client.beta.messages.toolRunner({ ...body, tools: [weather], stream })
      assert.deepEqual(
        last.content.map((block) => block.type === 'text' && block.text),
        ['Warm in both.'],
      )
      assert.deepEqual(
        asked.toSorted((a, b) => a.localeCompare(b)),
        ['Paris', 'Rome'],
      )
      assert.equal(upstream.received.length, 2)
      assert.deepEqual(resultsIn(upstream.received[1]!), weatherResults)
    })
  }

  test(`${provider} provider: parse asks for the schema and reads the answer by it`, async () => {
    const shape = z.object({ city: z.string(), degrees: z.number() })
    upstream.enqueue(script.json({ text: ['{"city":"Paris",', '"degrees":21}'] }))
    const parsed = await client.messages.parse({ ...body, output_config: { format: zodOutputFormat(shape) } })
    assert.deepEqual(parsed.parsed_output, { city: 'Paris', degrees: 21 })
    const received = upstream.received[0]!.json()
    const schema =
      provider === 'openai-chat'
        ? (received['response_format'] as { json_schema: { schema: JsonObject } }).json_schema.schema
        : (received['output_config'] as { format: { schema: JsonObject } }).format.schema
    assert.deepEqual(schema['required'], ['city', 'degrees'])
  })

  test(`${provider} provider: tokens are counted`, async () => {
    upstream.route('/v1/messages/count_tokens', { headers: { 'content-type': 'application/json' }, body: '{"input_tokens":2095}' })
    const { input_tokens: count } = await client.messages.countTokens({ model, messages, system: 'You are brief.' })
    // A provider of this wire counts itself; for the other the gateway estimates: about a token a word.
    if (provider === 'anthropic-messages') {
      assert.equal(count, 2095)
      assert.equal(upstream.received[0]!.json()['model'], 'model-1')
    } else {
      assert.ok(count >= 5 && count <= 30, String(count))
      assert.equal(upstream.received.length, 0)
    }
  })

  test(`${provider} provider: what went wrong upstream is a typed error in our words`, async () => {
    upstream.enqueue(rateLimited(script, 'seconds', 7000))
    await assert.rejects(client.messages.create(body), (error) => {
      assert.ok(error instanceof InternalServerError)
      assert.equal(error.status, 503)
      assert.equal(error.type, 'overloaded_error')
      assert.equal(error.headers.get('retry-after'), '7')
      assert.equal(error.requestID, error.headers.get('x-turnpike-request-id'))
      const said = (error.error as { error: JsonObject }).error
      assert.equal(said['code'], 'all_targets_failed')
      assert.deepEqual(said['attempts'], [{ target: slug, class: 'rate_limited' }])
      return true
    })
    upstream.enqueue(rateLimited(script, 'seconds', 120_000))
    await assert.rejects(client.messages.create(body), (error) => {
      assert.ok(error instanceof RateLimitError)
      assert.equal(error.headers.get('retry-after'), '120')
      return true
    })
    upstream.enqueue(script.error(400, 'temperature is out of range'))
    await assert.rejects(client.messages.create(body), (error) => {
      assert.ok(error instanceof BadRequestError)
      assert.equal(error.type, 'invalid_request_error')
      assert.match(error.message, /temperature is out of range/)
      return true
    })
    upstream.enqueue(script.contextTooLong())
    await assert.rejects(client.messages.create(body), (error) => {
      assert.ok(error instanceof BadRequestError)
      assert.match(error.message, /prompt is too long: \d+ tokens > \d+ maximum/)
      return true
    })
  })

  test(`${provider} provider: the SDK's own retries get through a short failure`, async () => {
    upstream.enqueue(rateLimited(script, 'milliseconds', 1), script.json())
    const patient = new Anthropic({ baseURL: turnpike.url, apiKey: testKey, maxRetries: 1 })
    assert.equal((await patient.messages.create(body)).stop_reason, 'end_turn')
  })

  // What comes after the last content: message_delta and message_stop; finish, usage and the terminator.
  const closingFrames = provider === 'openai-chat' ? 3 : 2
  for (const [name, answer] of [
    ['is cut', faults.cutsAfterContent(script)],
    ['goes silent', faults.stallsAfterContent(script)],
    ['sends an error', faults.errorAfterContent(script)],
    ['ends early', faults.endsEarly(script)],
    ['is cut right before its end', sseAnswer(script.frames().slice(0, -closingFrames), cut())],
  ] as const) {
    test(`${provider} provider: a stream that ${name} throws, and never ends cleanly`, async () => {
      upstream.enqueue(answer)
      let text = ''
      await assert.rejects(
        async () => {
          for await (const event of await client.messages.create({ ...body, stream: true })) {
            if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
            assert.ok(event.type !== 'message_stop' && event.type !== 'message_delta', event.type)
          }
        },
        (error) => error instanceof APIError && /not complete/.test(error.message),
      )
      assert.match(text, /^Hello/)
      upstream.enqueue(answer)
      await assert.rejects(client.messages.stream(body).finalMessage(), APIError)
    })
  }

  test(`${provider} provider: an abort in the middle stops the provider within a second, and the record says cancelled`, async () => {
    upstream.enqueue(faults.stallsAfterContent(script))
    const session = `abort-anthropic-${slug}`
    const stream = client.messages.stream(body, { headers: { 'x-turnpike-session-id': session } })
    let left = 0
    stream.once('text', () => {
      left = performance.now()
      stream.controller.abort()
    })
    await assert.rejects(stream.finalMessage(), APIUserAbortError)
    const received = await upstream.next()
    await received.aborted
    assert.ok(performance.now() - left < 1000)
    assert.equal((await recordOf(session))['outcome'], 'cancelled')
  })

  test(`${provider} provider: an abort before the answer stops the provider too`, async () => {
    upstream.enqueue(faults.silent())
    const session = `abort-early-anthropic-${slug}`
    const controller = new AbortController()
    const asked = client.messages.create(body, { signal: controller.signal, headers: { 'x-turnpike-session-id': session } })
    const received = await upstream.next()
    const left = performance.now()
    controller.abort()
    await assert.rejects(asked, APIUserAbortError)
    await received.aborted
    assert.ok(performance.now() - left < 1000)
    assert.equal((await recordOf(session))['outcome'], 'cancelled')
  })

  test(`${provider} provider: the model is listed and retrieved under its names`, async () => {
    const names: string[] = []
    for await (const listed of client.models.list()) names.push(listed.id)
    assert.ok(names.includes(model))
    assert.ok(names.includes(`@${model}`))
    assert.ok(names.includes('model-1'))
    assert.equal((await client.models.retrieve(model)).id, model)
    await assert.rejects(client.models.retrieve(`${slug}/model-11`), NotFoundError)
  })
}

test('a wrong key is an AuthenticationError, with the id of its record', async () => {
  const stranger = new Anthropic({ baseURL: turnpike.url, apiKey: 'tp-nobody-0123456789', maxRetries: 0 })
  const ask = { model: 'claude/model-1', messages, max_tokens: 9 }
  for (const asked of [() => stranger.messages.create(ask), () => stranger.messages.countTokens({ model: 'chat/model-1', messages })]) {
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof AuthenticationError)
      assert.equal(error.type, 'authentication_error')
      assert.ok(error.requestID)
      return true
    })
  }
  assert.equal(upstream.received.length, 0)
})

test('a bearer token of the SDK is a gateway key too', async () => {
  upstream.enqueue(wireScripts['anthropic-messages'].json())
  const bearer = new Anthropic({ baseURL: turnpike.url, apiKey: null, authToken: testKey, maxRetries: 0 })
  assert.equal((await bearer.messages.create({ model: 'claude/model-1', messages, max_tokens: 9 })).stop_reason, 'end_turn')
})

test('an unknown model is a NotFoundError that names the nearest', async () => {
  await assert.rejects(client.messages.create({ model: 'model-2', messages, max_tokens: 9 }), (error) => {
    assert.ok(error instanceof NotFoundError)
    assert.equal(error.type, 'not_found_error')
    assert.match(error.message, /model-1/)
    return true
  })
})

test('a bad body is a BadRequestError that names the field', async () => {
  const ask = { model: 'chat/model-1', messages, max_tokens: 9, temperature: 'hot' as unknown as number }
  await assert.rejects(client.messages.create(ask), (error) => {
    assert.ok(error instanceof BadRequestError)
    assert.equal(error.type, 'invalid_request_error')
    assert.match(error.message, /temperature/)
    return true
  })
})

test('a base URL that ends with /v1 is told so', async () => {
  const lost = new Anthropic({ baseURL: `${turnpike.url}/v1`, apiKey: testKey, maxRetries: 0 })
  await assert.rejects(lost.messages.create({ model: 'claude/model-1', messages, max_tokens: 9 }), (error) => {
    assert.ok(error instanceof NotFoundError)
    assert.match(error.message, /Did you mean \/v1\/messages\?/)
    return true
  })
})
