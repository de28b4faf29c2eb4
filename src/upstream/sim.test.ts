// What each model of the built-in simulator does, on both wires.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isObject, type Failure, type JsonObject, type JsonValue } from '#kernel'
import type { Upstream, UpstreamCall } from './port.ts'
import { exampleArguments } from './sim-arguments.ts'
import { createSim, simModels, type SimDeps } from './sim.ts'

/** A clock whose timers run when the test says. */
function manualTimers() {
  let nowMs = 0
  let timers: { at: number; run: () => void }[] = []
  return {
    setTimer(run: () => void, ms: number) {
      const timer = { at: nowMs + ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    /** Runs what is due until `ms` later, and what that makes due. */
    pass(ms: number) {
      const until = nowMs + ms
      for (;;) {
        const next = timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        timers = timers.filter((timer) => timer !== next)
        nowMs = next.at
        next.run()
      }
      nowMs = until
    },
    get waiting() {
      return timers.length
    },
  }
}

type Answer = {
  status: number
  headers: Readonly<Record<string, string>>
  chunks: string[]
  ending: 'end' | Failure | undefined
  call: UpstreamCall
}

function ask(sim: Upstream, path: string, body: JsonObject | string, onData?: (answer: Answer) => void): Answer {
  const answer: Answer = { status: 0, headers: {}, chunks: [], ending: undefined, call: undefined as unknown as UpstreamCall }
  answer.call = sim.send(
    {
      origin: 'sim:',
      path,
      method: 'POST',
      headers: [],
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      connectMs: 1000,
      allowPrivateNetwork: true,
    },
    {
      head(status, headers) {
        assert.equal(answer.status, 0, 'one head')
        Object.assign(answer, { status, headers })
      },
      data(chunk) {
        assert.ok(answer.status > 0 && answer.ending === undefined, 'data between head and end')
        answer.chunks.push(chunk.toString())
        onData?.(answer)
      },
      end() {
        assert.equal(answer.ending, undefined, 'one ending')
        answer.ending = 'end'
      },
      error(failure) {
        assert.equal(answer.ending, undefined, 'one ending')
        answer.ending = failure
      },
    },
  )
  return answer
}

function setup(deps: SimDeps = {}) {
  const timers = manualTimers()
  return { timers, sim: createSim({ setTimer: timers.setTimer, nowMs: () => 1_780_000_000_000, ...deps }) }
}

/** One answer, all timers run. */
function answered(path: string, body: JsonObject | string, ms = 0): Answer {
  const { sim, timers } = setup()
  const answer = ask(sim, path, body)
  timers.pass(ms)
  return answer
}

const whole = (answer: Answer) => JSON.parse(answer.chunks.join('')) as JsonObject

function frames(answer: Answer): JsonObject[] {
  return answer.chunks
    .join('')
    .split('\n\n')
    .map((frame) => /^data: (.*)$/m.exec(frame)?.[1] ?? '')
    .filter((data) => data !== '' && data !== '[DONE]')
    .map((data) => JSON.parse(data) as JsonObject)
}

const at = (value: JsonValue | undefined, ...path: (string | number)[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((v, key) => (Array.isArray(v) ? v[key as number] : isObject(v) ? v[key] : undefined), value)

const chatPath = '/v1/chat/completions'
const messagesPath = '/v1/messages'
const user = (content: JsonValue): JsonObject => ({ role: 'user', content })

/** What differs between the wires, so that each behaviour is tested on both. */
const wires = [
  {
    name: 'chat',
    path: chatPath,
    body: (model: string, more: JsonObject = {}): JsonObject => ({ model, messages: [user('one two  three')], ...more }),
    text: (body: JsonObject) => at(body, 'choices', 0, 'message', 'content'),
    finish: (body: JsonObject) => at(body, 'choices', 0, 'finish_reason'),
    usage: (body: JsonObject) => [at(body, 'usage', 'prompt_tokens'), at(body, 'usage', 'completion_tokens')],
    words: (events: JsonObject[]) =>
      events.map((event) => at(event, 'choices', 0, 'delta', 'content')).filter((piece) => piece !== undefined && piece !== ''),
    complete: (answer: Answer) => answer.chunks.at(-1) === 'data: [DONE]\n\n',
    isError: (body: JsonObject) =>
      typeof at(body, 'error', 'message') === 'string' && typeof at(body, 'error', 'type') === 'string' && body['type'] === undefined,
    finishes: { stop: 'stop', length: 'length', tool: 'tool_calls' },
    tools: (schema: JsonObject): JsonObject => ({
      tools: [
        { type: 'function', function: { name: 'look', parameters: schema } },
        { type: 'function', function: { name: 'other' } },
      ],
    }),
    call: (body: JsonObject) => ({
      name: at(body, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'name'),
      args: JSON.parse(String(at(body, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments'))) as JsonValue,
    }),
    streamedCall: (events: JsonObject[]) => {
      const calls = events.map((event) => at(event, 'choices', 0, 'delta', 'tool_calls', 0)).filter((call) => call !== undefined)
      return {
        name: at(calls[0], 'function', 'name'),
        args: JSON.parse(calls.map((call) => String(at(call, 'function', 'arguments'))).join('')) as JsonValue,
      }
    },
    withResult: (body: JsonObject) => [
      user('go'),
      at(body, 'choices', 0, 'message')!,
      { role: 'tool', tool_call_id: at(body, 'choices', 0, 'message', 'tool_calls', 0, 'id')!, content: 'sunny' },
      user('internal words'),
    ],
  },
  {
    name: 'messages',
    path: messagesPath,
    body: (model: string, more: JsonObject = {}): JsonObject => ({
      model,
      max_tokens: 100,
      messages: [user([{ type: 'text', text: 'one two  three' }])],
      ...more,
    }),
    text: (body: JsonObject) => at(body, 'content', 0, 'text'),
    finish: (body: JsonObject) => body['stop_reason'],
    usage: (body: JsonObject) => [at(body, 'usage', 'input_tokens'), at(body, 'usage', 'output_tokens')],
    words: (events: JsonObject[]) => events.map((event) => at(event, 'delta', 'text')).filter((piece) => piece !== undefined),
    complete: (answer: Answer) => answer.chunks.at(-1)?.startsWith('event: message_stop\n') === true,
    isError: (body: JsonObject) =>
      body['type'] === 'error' && typeof at(body, 'error', 'message') === 'string' && typeof at(body, 'error', 'type') === 'string',
    finishes: { stop: 'end_turn', length: 'max_tokens', tool: 'tool_use' },
    tools: (schema: JsonObject): JsonObject => ({
      tools: [
        { type: 'web_search_20250305', name: 'web_search' },
        { name: 'look', input_schema: schema },
        { name: 'other', input_schema: {} },
      ],
    }),
    call: (body: JsonObject) => ({ name: at(body, 'content', 0, 'name'), args: at(body, 'content', 0, 'input') }),
    streamedCall: (events: JsonObject[]) => ({
      name: events.map((event) => at(event, 'content_block', 'name')).find((name) => name !== undefined),
      args: JSON.parse(events.map((event) => at(event, 'delta', 'partial_json') ?? '').join('')) as JsonValue,
    }),
    withResult: (body: JsonObject) => [
      user('go'),
      { role: 'assistant', content: body['content']! },
      user([{ type: 'tool_result', tool_use_id: at(body, 'content', 0, 'id')!, content: 'sunny' }]),
      user('internal words'),
    ],
  },
] as const

for (const wire of wires) {
  describe(`the simulator on the ${wire.name} wire`, () => {
    test('echoes the last user text and counts words', () => {
      const answer = answered(wire.path, wire.body('echo'))
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/json')
      const body = whole(answer)
      assert.equal(wire.text(body), 'one two  three')
      assert.equal(wire.finish(body), wire.finishes.stop)
      assert.deepEqual(wire.usage(body), [3, 3])
      assert.equal(body['model'], 'echo')
      assert.equal(answer.ending, 'end')
    })

    test('echoes what the user of an agent said, without what the agent added', () => {
      const context = '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\n"Active exec sessions:\\nnone"\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>'
      const said = user('[Sat 2026-11-21 19:17 UTC] hi\n\nRuntime: agent=main | session=agent:main:main | sessionId=3ca5211b | host=vm')
      for (const turns of [[said, user(context)], [user(`[Sat 2026-11-21 19:17 UTC] hi${context}`)]]) {
        const body = JSON.stringify(whole(answered(wire.path, wire.body('echo', { messages: turns }))))
        assert.ok(body.includes('[Sat 2026-11-21 19:17 UTC] hi"'), body)
      }
    })

    test('streams the echo word by word and says that it is complete', () => {
      const answer = answered(wire.path, wire.body('echo', { stream: true }))
      assert.equal(answer.headers['content-type'], 'text/event-stream')
      assert.deepEqual(wire.words(frames(answer)), ['one ', 'two  ', 'three'])
      assert.ok(wire.complete(answer))
      assert.equal(answer.ending, 'end')
    })

    test('says the same each time', () => {
      for (const stream of [true, false]) {
        assert.deepEqual(
          answered(wire.path, wire.body('echo', { stream })).chunks,
          answered(wire.path, wire.body('echo', { stream })).chunks,
        )
      }
    })

    test('stops at the output cap, with the finish that says so', () => {
      const body = whole(answered(wire.path, wire.body('echo', { max_tokens: 2 })))
      assert.equal(wire.text(body), 'one two  ')
      assert.equal(wire.finish(body), wire.finishes.length)
      assert.deepEqual(wire.usage(body), [3, 2])
    })

    test('answers any failing status in the shape of the wire, 429 with Retry-After', () => {
      for (const status of [400, 401, 403, 404, 429, 500, 503, 529]) {
        for (const stream of [true, false]) {
          const answer = answered(wire.path, wire.body(`status-${status}`, { stream }))
          assert.equal(answer.status, status)
          assert.ok(wire.isError(whole(answer)))
          assert.equal(answer.headers['retry-after'] !== undefined, status === 429)
        }
      }
    })

    test('does not know other models, and names its own', () => {
      for (const model of ['gpt-5', 'status-200', 'status-999', 'flaky-900', '__proto__', '']) {
        const answer = answered(wire.path, wire.body(model))
        assert.equal(answer.status, 404)
        assert.ok(wire.isError(whole(answer)))
        assert.match(answer.chunks.join(''), /echo, slow, tool/)
      }
    })

    test('refuses a body that is not a JSON object', () => {
      for (const body of ['{', '[]', '']) assert.equal(answered(wire.path, body).status, 400)
    })

    test('slow says its first word after three seconds and drips the rest', () => {
      const { sim, timers } = setup()
      const answer = ask(sim, wire.path, wire.body('slow', { stream: true }))
      timers.pass(2_999)
      assert.equal(answer.status, 200)
      assert.deepEqual(wire.words(frames(answer)), [])
      timers.pass(1)
      assert.deepEqual(wire.words(frames(answer)), ['one '])
      timers.pass(200)
      assert.deepEqual(wire.words(frames(answer)), ['one ', 'two  '])
      timers.pass(200)
      assert.ok(wire.complete(answer))
    })

    test('slow takes as long without a stream, and never more than 13 seconds', () => {
      const { sim, timers } = setup()
      const short = ask(sim, wire.path, wire.body('slow'))
      timers.pass(3_399)
      assert.equal(short.status, 0)
      timers.pass(1)
      assert.equal(wire.text(whole(short)), 'one two  three')
      const text = 'word '.repeat(5_000)
      const long = ask(sim, wire.path, wire.body('slow', { stream: true, max_tokens: 9_999, messages: [user(text)] }))
      timers.pass(13_000)
      assert.equal(long.ending, 'end')
      assert.equal(wire.words(frames(long)).join(''), text)
    })

    test('cut dies after content, in the middle of a body without a stream', () => {
      const streamed = answered(wire.path, wire.body('cut', { stream: true }))
      assert.equal((streamed.ending as Failure).kind, 'cut')
      assert.ok(wire.words(frames(streamed)).length > 0)
      assert.ok(!wire.complete(streamed))
      const half = answered(wire.path, wire.body('cut'))
      assert.equal((half.ending as Failure).kind, 'cut')
      assert.throws(() => whole(half))
    })

    test('stall sends the head and no content, and stays silent', () => {
      for (const stream of [true, false]) {
        const answer = answered(wire.path, wire.body('stall', { stream }), 3_600_000)
        assert.equal(answer.status, 200)
        assert.equal(answer.ending, undefined)
        assert.equal(answer.chunks.length > 0, stream)
        assert.deepEqual(wire.words(frames(answer)), [])
      }
    })

    test('error-in-stream fails in-band after content, or inside a 200', () => {
      const streamed = answered(wire.path, wire.body('error-in-stream', { stream: true }))
      assert.ok(wire.words(frames(streamed)).length > 0)
      assert.ok(wire.isError(frames(streamed).at(-1)!))
      assert.ok(!wire.complete(streamed))
      assert.equal(streamed.ending, 'end')
      const body = answered(wire.path, wire.body('error-in-stream'))
      assert.equal(body.status, 200)
      assert.ok(wire.isError(whole(body)))
    })

    test('cut-before-content and error-before-content fail the same way, while nothing has been said', () => {
      for (const stream of [true, false]) {
        const cut = answered(wire.path, wire.body('cut-before-content', { stream }))
        assert.equal((cut.ending as Failure).kind, 'cut')
        assert.deepEqual([cut.status, cut.chunks.length > 0], [200, stream])
        assert.deepEqual(wire.words(frames(cut)), [])
      }
      const streamed = answered(wire.path, wire.body('error-before-content', { stream: true }))
      assert.deepEqual(wire.words(frames(streamed)), [])
      assert.ok(wire.isError(frames(streamed).at(-1)!))
      const body = answered(wire.path, wire.body('error-before-content'))
      assert.equal(body.status, 200)
      assert.ok(wire.isError(whole(body)))
    })

    test('tool calls the first tool with what its schema requires, then answers with text', () => {
      const schema: JsonObject = {
        type: 'object',
        properties: { place: { type: 'string' }, days: { type: 'integer', minimum: 3 }, extra: { type: 'boolean' } },
        required: ['place', 'days'],
      }
      const body = whole(answered(wire.path, wire.body('tool', wire.tools(schema))))
      assert.deepEqual(wire.call(body), { name: 'look', args: { place: 'example', days: 3 } })
      assert.equal(wire.finish(body), wire.finishes.tool)
      const streamed = answered(wire.path, wire.body('tool', { ...wire.tools(schema), stream: true }))
      assert.deepEqual(wire.streamedCall(frames(streamed)), { name: 'look', args: { place: 'example', days: 3 } })
      assert.ok(wire.complete(streamed))
      const after = whole(answered(wire.path, wire.body('tool', { ...wire.tools(schema), messages: wire.withResult(body) })))
      assert.equal(wire.text(after), 'internal words')
      assert.equal(wire.text(whole(answered(wire.path, wire.body('tool')))), 'one two  three')
    })

    test('flaky-30 fails thirty of a hundred requests, spread out, the same way each time', () => {
      const statuses = () => {
        const { sim, timers } = setup()
        return Array.from({ length: 100 }, () => {
          const answer = ask(sim, wire.path, wire.body('flaky-30'))
          timers.pass(0)
          return answer.status
        })
      }
      const first = statuses()
      assert.equal(first.filter((status) => status === 500).length, 30)
      assert.equal(first.filter((status) => status === 200).length, 70)
      assert.equal(first[0], 200)
      assert.doesNotMatch(first.join(), /500,500,500/)
      assert.deepEqual(statuses(), first)
    })
  })
}

describe('a call of the simulator', () => {
  const streaming: JsonObject = { model: 'echo', stream: true, messages: [user('a b c d e f')] }

  test('says nothing before send has returned', () => {
    const { sim } = setup({ setTimer: (run, ms) => manualTimers().setTimer(run, ms) })
    assert.equal(ask(sim, chatPath, streaming).status, 0)
  })

  test('says nothing after an abort, also one from within data', () => {
    const { sim, timers } = setup()
    const answer = ask(sim, chatPath, streaming, (so) => so.chunks.length === 2 && so.call.abort())
    timers.pass(1_000)
    assert.equal(answer.chunks.length, 2)
    assert.equal(answer.ending, undefined)
    assert.equal(timers.waiting, 0)
  })

  test('holds back while it is paused and goes on where it was', () => {
    const { sim, timers } = setup()
    const answer = ask(sim, chatPath, streaming, (so) => so.chunks.length === 2 && so.call.pause())
    timers.pass(1_000)
    assert.equal(answer.chunks.length, 2)
    answer.call.resume()
    timers.pass(0)
    assert.equal(answer.ending, 'end')
    assert.equal(
      frames(answer)
        .map((event) => at(event, 'choices', 0, 'delta', 'content') ?? '')
        .join(''),
      'a b c d e f',
    )
  })

  test('fails with the gateway when the simulator is closed, and leaves no timer', async () => {
    const { sim, timers } = setup()
    const stalled = ask(sim, chatPath, { ...streaming, model: 'stall' })
    const slow = ask(sim, chatPath, { ...streaming, model: 'slow' })
    timers.pass(10)
    await sim.close()
    assert.equal((stalled.ending as Failure).kind, 'connect_failed')
    assert.equal((slow.ending as Failure).kind, 'connect_failed')
    assert.equal(timers.waiting, 0)
    const late = ask(sim, chatPath, streaming)
    timers.pass(0)
    assert.equal((late.ending as Failure).kind, 'connect_failed')
  })

  test('runs on real timers when none are given', async () => {
    const sim = createSim()
    await new Promise<void>((resolve, reject) => {
      sim.send(
        {
          origin: 'sim:',
          path: chatPath,
          method: 'POST',
          headers: [],
          body: Buffer.from(JSON.stringify(streaming)),
          connectMs: 1,
          allowPrivateNetwork: true,
        },
        { head: (status) => assert.equal(status, 200), data() {}, end: resolve, error: reject },
      )
    })
    await sim.close()
  })

  test('sends chat usage at the end of a stream only when asked', () => {
    const usages = (more: JsonObject) =>
      frames(answered(chatPath, { ...streaming, ...more })).filter((event) => event['usage'] !== undefined)
    assert.equal(usages({}).length, 0)
    assert.deepEqual(
      usages({ stream_options: { include_usage: true } }).map((event) => event['usage']),
      [{ prompt_tokens: 6, completion_tokens: 6, total_tokens: 12 }],
    )
  })

  test('counts the tokens of a messages request', () => {
    assert.deepEqual(whole(answered('/v1/messages/count_tokens', { model: 'echo', system: 'be kind', messages: [user('one two')] })), {
      input_tokens: 4,
    })
  })

  test('knows no other path', () => {
    assert.equal(answered('/v1/completions', { model: 'echo' }).status, 404)
  })

  test('behaves as told for every listed model', () => {
    for (const model of simModels) {
      const answer = model === 'embed' ? answered('/v1/embeddings', { model, input: 'a' }) : answered(chatPath, { ...streaming, model })
      assert.notEqual(answer.status, 404, model)
    }
  })

  test('makes the same vectors for the same texts, and says what is wrong with others', () => {
    const asked = { model: 'embed', input: ['a b', 'a b', 'c'], dimensions: 4 }
    const { data, usage } = whole(answered('/v1/embeddings', asked)) as { data: { embedding: number[] }[]; usage: JsonObject }
    assert.deepEqual(data[0]!.embedding, data[1]!.embedding)
    assert.notDeepEqual(data[0]!.embedding, data[2]!.embedding)
    assert.equal(data[2]!.embedding.length, 4)
    assert.deepEqual(usage, { prompt_tokens: 5, total_tokens: 5 })
    assert.equal(answered('/v1/embeddings', { model: 'embed', input: [] }).status, 400)
    assert.equal(answered('/v1/embeddings', { model: 'embed', input: 'a', dimensions: 100_000 }).status, 400)
    assert.equal(answered('/v1/embeddings', { model: 'echo', input: 'a' }).status, 404)
    assert.equal(answered('/v1/embeddings', { model: 'status-503', input: 'a' }).status, 503)
    assert.notEqual(answered('/v1/embeddings', { model: 'cut', input: 'a' }).ending, 'end')
  })
})

describe('example arguments', () => {
  const cases: [string, JsonObject, JsonValue][] = [
    [
      'take what the schema offers',
      {
        properties: { a: { enum: ['x', 'y'] }, b: { const: 4 }, c: { default: [] }, d: { examples: ['e'] } },
        required: ['a', 'b', 'c', 'd'],
      },
      { a: 'x', b: 4, c: [], d: 'e' },
    ],
    [
      'keep to bounds',
      {
        properties: {
          a: { type: 'number', maximum: 0.5, multipleOf: 0.25 },
          b: { type: 'integer', exclusiveMinimum: 7 },
          c: { type: 'string', minLength: 9 },
          d: { type: 'string', maxLength: 2 },
        },
        required: ['a', 'b', 'c', 'd'],
      },
      { a: 0.25, b: 8, c: 'examplexx', d: 'ex' },
    ],
    [
      'nest, repeat and refer',
      {
        $defs: { p: { type: 'object', properties: { n: { type: ['null', 'string'] } }, required: ['n'] } },
        properties: { list: { type: 'array', minItems: 2, items: { $ref: '#/$defs/p' } } },
        required: ['list'],
      },
      { list: [{ n: 'example' }, { n: 'example' }] },
    ],
    [
      'choose the first alternative',
      {
        properties: {
          a: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
          b: { allOf: [{ properties: { x: { type: 'string' } } }, { required: ['x'] }] },
        },
        required: ['a', 'b'],
      },
      { a: true, b: { x: 'example' } },
    ],
    ['are an object whatever the schema says', { type: 'string' }, {}],
    ['require a name that is no property', { required: ['__proto__x', 'toString'] }, { __proto__x: 'example', toString: 'example' }],
  ]
  for (const [title, schema, expected] of cases) test(title, () => assert.deepEqual(exampleArguments(schema), expected))

  test('end even for a schema that contains itself', () => {
    const schema: JsonObject = { properties: { child: { $ref: '#' } }, required: ['child'] }
    assert.ok(isObject(exampleArguments(schema)['child']!))
  })
})
