// The official `openai` package, unmodified, against Turnpike: helpers, tools, typed errors and aborts, with providers of both wires.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import OpenAI, { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { z } from 'zod'
import type { JsonObject } from '#kernel'
import { faults, rateLimited, sseAnswer, wireScripts } from '#test/scripts.ts'
import { pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, cut, type ScriptedUpstream } from '#test/upstream.ts'
import { askForWeather, resultsIn, weatherCalls, weatherIn, weatherResults, weatherSchema } from '#test/weather.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let client: OpenAI

before(async () => {
  upstream = await createUpstream()
  const more = { timeouts: { idle_ms: 300 } }
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin, more },
    claude: {
      wire: 'anthropic-messages',
      origin: upstream.origin,
      models: [pricedModel, { ...pricedModel, id: 'claude-sonnet-4-5' }],
      more,
    },
  })
  client = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: testKey, maxRetries: 0 })
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
  ['openai-chat', 'chat'],
  ['anthropic-messages', 'claude'],
] as const) {
  const script = wireScripts[provider]
  const model = `${slug}/model-1`
  const body = { model, messages, max_tokens: 100 }

  test(`${provider} provider: a plain completion has its text, usage with cost, and the id of its record`, async () => {
    upstream.enqueue(script.json({ model: 'model-1-2026-01-01' }))
    const { data, response, request_id } = await client.chat.completions.create(body).withResponse()
    assert.equal(data.choices[0]!.message.content, 'Hello, world!')
    assert.equal(data.choices[0]!.finish_reason, 'stop')
    assert.equal(data.object, 'chat.completion')
    assert.equal(data.model, 'model-1-2026-01-01')
    assert.deepEqual([data.usage!.prompt_tokens, data.usage!.completion_tokens, data.usage!.total_tokens], [12, 5, 17])
    assert.equal((data.usage as unknown as JsonObject)['cost'], costUsd)
    const id = response.headers.get('x-turnpike-request-id')!
    assert.equal((data as unknown as JsonObject)['_request_id'], id)
    assert.equal(request_id, id)
    const record = await turnpike.record(id)
    assert.equal(record['outcome'], 'ok')
    assert.equal(Number(record['cost_usd']), costUsd)
    assert.match(String(record['client']), /OpenAI\/JS/)
  })

  test(`${provider} provider: a stream is iterated to its end, usage with cost in the last chunk`, async () => {
    upstream.enqueue(script.sse())
    let text = ''
    let finish: string | null = null
    let usage: JsonObject | undefined
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      assert.equal(chunk.object, 'chat.completion.chunk')
      text += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
      if (chunk.usage) usage = chunk.usage as unknown as JsonObject
    }
    assert.equal(text, 'Hello, world!')
    assert.equal(finish, 'stop')
    assert.deepEqual([usage!['prompt_tokens'], usage!['completion_tokens'], usage!['cost']], [12, 5, costUsd])
  })

  test(`${provider} provider: the stream helper tells every event and the final message`, async () => {
    upstream.enqueue(script.sse())
    const stream = client.chat.completions.stream({ ...body, stream_options: { include_usage: true } })
    const deltas: string[] = []
    const done: string[] = []
    stream.on('content.delta', ({ delta }) => deltas.push(delta))
    stream.on('content.done', ({ content }) => done.push(content))
    assert.equal(await stream.finalContent(), 'Hello, world!')
    assert.equal((await stream.finalMessage()).content, 'Hello, world!')
    assert.deepEqual(
      deltas.filter((delta) => delta !== ''),
      ['Hello', ', ', 'world!'],
    )
    assert.deepEqual(done, ['Hello, world!'])
    assert.equal((await stream.totalUsage()).total_tokens, 17)
    assert.equal((await stream.finalChatCompletion()).choices[0]!.finish_reason, 'stop')
  })

  test(`${provider} provider: the stream helper puts the arguments of parallel tool calls together`, async () => {
    upstream.enqueue(script.sse({ toolCalls: weatherCalls }))
    const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { ...weatherSchema } } }]
    const stream = client.chat.completions.stream({ ...body, tools })
    const done: unknown[] = []
    stream.on('tool_calls.function.arguments.done', (event) => done.push([event.index, event.name, event.arguments]))
    const message = await stream.finalMessage()
    assert.deepEqual(
      message.tool_calls?.map((call) => call.type === 'function' && [call.id, call.function.name, JSON.parse(call.function.arguments)]),
      weatherCalls.map(({ id, name, args }) => [id, name, args]),
    )
    assert.deepEqual(
      done,
      weatherCalls.map(({ name, args }, index) => [index, name, JSON.stringify(args)]),
    )
  })

  for (const stream of [false, true]) {
    test(`${provider} provider: runTools calls both tools and brings their results back (${stream ? 'stream' : 'whole'})`, async () => {
      askForWeather(upstream, provider, stream)
      const asked: string[] = []
      const tools = [
        {
          type: 'function' as const,
          function: {
            name: 'weather',
            description: 'The weather in a city.',
            parameters: { ...weatherSchema, required: ['city'] },
            parse: (text: string) => JSON.parse(text) as { city: string },
            function: ({ city }: { city: string }) => {
              asked.push(city)
              return weatherIn(city)
            },
          },
        },
      ]
      const runner = stream
        ? client.chat.completions.runTools({ ...body, tools, stream })
        : client.chat.completions.runTools({ ...body, tools })
      assert.equal(await runner.finalContent(), 'Warm in both.')
      assert.deepEqual(asked, ['Paris', 'Rome'])
      assert.equal(upstream.received.length, 2)
      assert.deepEqual(resultsIn(upstream.received[1]!), weatherResults)
    })
  }

  test(`${provider} provider: parse asks for the schema and reads the answer by it`, async () => {
    const shape = z.object({ city: z.string(), degrees: z.number() })
    upstream.enqueue(script.json({ text: ['{"city":"Paris",', '"degrees":21}'] }))
    // Which models take a schema is told from their names.
    const able = provider === 'openai-chat' ? model : `${slug}/claude-sonnet-4-5`
    const parsed = await client.chat.completions.parse({ ...body, model: able, response_format: zodResponseFormat(shape, 'weather') })
    assert.deepEqual(parsed.choices[0]!.message.parsed, { city: 'Paris', degrees: 21 })
    const received = upstream.received[0]!.json()
    const schema =
      provider === 'openai-chat'
        ? (received['response_format'] as { json_schema: { schema: JsonObject } }).json_schema.schema
        : (received['output_config'] as { format: { schema: JsonObject } }).format.schema
    assert.deepEqual(schema['required'], ['city', 'degrees'])
  })

  test(`${provider} provider: what went wrong upstream is a typed error in our words`, async () => {
    upstream.enqueue(rateLimited(script, 'seconds', 7000))
    await assert.rejects(client.chat.completions.create(body), (error) => {
      assert.ok(error instanceof InternalServerError)
      assert.equal(error.status, 503)
      assert.equal(error.code, 'all_targets_failed')
      assert.equal(error.headers.get('retry-after'), '7')
      assert.equal(error.requestID, error.headers.get('x-turnpike-request-id'))
      assert.deepEqual((error.error as JsonObject)['attempts'], [{ target: slug, class: 'rate_limited' }])
      return true
    })
    upstream.enqueue(rateLimited(script, 'seconds', 120_000))
    await assert.rejects(client.chat.completions.create(body), (error) => {
      assert.ok(error instanceof RateLimitError)
      assert.equal(error.code, 'all_targets_failed')
      assert.equal(error.headers.get('retry-after'), '120')
      return true
    })
    upstream.enqueue(script.error(400, 'temperature is out of range'))
    await assert.rejects(client.chat.completions.create({ ...body, temperature: 9 }), (error) => {
      assert.ok(error instanceof BadRequestError)
      assert.match(error.message, /temperature is out of range/)
      return true
    })
    upstream.enqueue(script.contextTooLong())
    await assert.rejects(client.chat.completions.create(body), (error) => {
      assert.ok(error instanceof BadRequestError)
      assert.equal(error.code, 'context_length_exceeded')
      assert.match(error.message, /maximum context length is \d+ tokens\. However, your messages resulted in \d+ tokens/)
      return true
    })
  })

  test(`${provider} provider: the SDK's own retries get through a short failure`, async () => {
    upstream.enqueue(rateLimited(script, 'milliseconds', 1), script.json())
    const patient = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: testKey, maxRetries: 1 })
    assert.equal((await patient.chat.completions.create(body)).choices[0]!.message.content, 'Hello, world!')
  })

  // What comes after the last content: finish, usage and the terminator; message_delta and message_stop.
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
          for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
            text += chunk.choices[0]?.delta.content ?? ''
            assert.equal(chunk.choices[0]?.finish_reason ?? null, null)
          }
        },
        (error) => error instanceof APIError && /not complete/.test(error.message),
      )
      assert.match(text, /^Hello/)
      upstream.enqueue(answer)
      await assert.rejects(client.chat.completions.stream(body).finalMessage(), APIError)
    })
  }

  test(`${provider} provider: an abort in the middle stops the provider within a second, and the record says cancelled`, async () => {
    upstream.enqueue(faults.stallsAfterContent(script))
    const session = `abort-openai-${slug}`
    const stream = await client.chat.completions.create({ ...body, stream: true }, { headers: { 'x-turnpike-session-id': session } })
    const received = await upstream.next()
    let left = 0
    for await (const chunk of stream) {
      if ((chunk.choices[0]?.delta.content ?? '') === '') continue
      left = performance.now()
      stream.controller.abort()
    }
    await received.aborted
    assert.ok(performance.now() - left < 1000)
    assert.equal((await recordOf(session))['outcome'], 'cancelled')
  })

  test(`${provider} provider: an abort before the answer stops the provider too`, async () => {
    upstream.enqueue(faults.silent())
    const session = `abort-early-openai-${slug}`
    const controller = new AbortController()
    const asked = client.chat.completions.create(body, { signal: controller.signal, headers: { 'x-turnpike-session-id': session } })
    const received = await upstream.next()
    const left = performance.now()
    controller.abort()
    await assert.rejects(asked, OpenAI.APIUserAbortError)
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
    const one = await client.models.retrieve(model)
    assert.equal(one.id, model)
    assert.equal(one.object, 'model')
    await assert.rejects(client.models.retrieve(`${slug}/model-11`), NotFoundError)
  })
}

test('a wrong key is an AuthenticationError, with the id of its record', async () => {
  const stranger = new OpenAI({ baseURL: `${turnpike.url}/v1`, apiKey: 'tp-nobody-0123456789', maxRetries: 0 })
  for (const ask of [() => stranger.chat.completions.create({ model: 'chat/model-1', messages }), () => stranger.models.list()]) {
    await assert.rejects(ask, (error) => {
      assert.ok(error instanceof AuthenticationError)
      assert.equal(error.code, 'invalid_api_key')
      assert.ok(error.requestID)
      return true
    })
  }
  assert.equal(upstream.received.length, 0)
})

test('an unknown model is a NotFoundError that names the nearest', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'model-2', messages }), (error) => {
    assert.ok(error instanceof NotFoundError)
    assert.equal(error.code, 'model_not_found')
    assert.equal(error.param, 'model')
    assert.match(error.message, /"model-1"/)
    return true
  })
})

test('a bad body is a BadRequestError that names the field', async () => {
  await assert.rejects(
    client.chat.completions.create({ model: 'claude/model-1', messages, temperature: 'hot' as unknown as number }),
    (error) => {
      assert.ok(error instanceof BadRequestError)
      assert.equal(error.code, 'invalid_request')
      assert.equal(error.param, 'temperature')
      return true
    },
  )
})

test('a base URL without /v1 is told so', async () => {
  const lost = new OpenAI({ baseURL: turnpike.url, apiKey: testKey, maxRetries: 0 })
  await assert.rejects(lost.chat.completions.create({ model: 'chat/model-1', messages }), (error) => {
    assert.ok(error instanceof NotFoundError)
    assert.match(error.message, /\/v1\/chat\/completions/)
    return true
  })
})
