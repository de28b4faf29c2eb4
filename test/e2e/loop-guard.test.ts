// A session that runs in circles is stopped at the door, on every wire, and nobody else is.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { clientScripts, hear, providerOf, type Heard } from '#test/client-scripts.ts'
import { toolRounds, type Call } from '#test/tool-rounds.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

const keys = {
  /** OpenClaw's, with lower thresholds. */
  claw: { client: 'openclaw', loop_guard: { mode: 'enforce', repeats: 5 } },
  defaults: { client: 'openclaw' },
  watched: { loop_guard: { mode: 'observe', repeats: 5, requests: 4 } },
  busy: { loop_guard: { mode: 'enforce', requests: 6, window_seconds: 60 } },
  off: { client: 'openclaw', loop_guard: { mode: 'off', repeats: 2 } },
  plain: {},
}
type KeyName = keyof typeof keys
const valueOf = (name: KeyName) => `tp-loop-${name}-0123456789abcdef`

before(async () => {
  upstream = await createUpstream()
  for (const wire of clientWireNames) {
    const { path, json } = clientScripts[wire]
    upstream.route(path.replace('/gemini:', '/m:'), json())
  }
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: Object.fromEntries(
          clientWireNames.map((wire) => [wire, { ...providerOf(wire, upstream.origin), models: { custom: [{ id: 'm' }] } }]),
        ),
        keys: Object.entries(keys).map(([name, more]) => ({ name, value: valueOf(name as KeyName), ...more })),
      },
    },
  )
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const exec: Call = ['exec', { command: 'echo again' }]

/** A conversation in which the tool was called so many times, as OpenClaw sends it: its own context is the last message. */
function conversation(wire: ClientWire, rounds: number, call: Call = exec): JsonObject[] {
  const { calls, results, said } = toolRounds[wire]
  const history = Array.from({ length: rounds }, (_, n) => [...calls([call], `c${n}`), ...results([call], `c${n}`)])
  return [said('user', 'Go.'), ...history.flat(), said('user', '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>')]
}

async function ask(wire: ClientWire, turns: JsonObject[], key: KeyName, session: string): Promise<Heard> {
  const model = `${wire}/m`
  const body = {
    'openai-chat': { model, messages: turns },
    'openai-responses': { model, input: turns },
    'anthropic-messages': { model, max_tokens: 100, messages: turns },
    gemini: { contents: turns },
  }[wire]
  const path = wire === 'gemini' ? `/v1beta/models/${encodeURIComponent(model)}:generateContent` : clientScripts[wire].path
  const headers = { authorization: `Bearer ${valueOf(key)}`, ...(session === '' ? {} : { 'x-session-affinity': session }) }
  return hear(await turnpike.post(path, body, { headers }))
}

/** The refusal as a client of the wire reads it. */
function refusalIn(wire: ClientWire, { body }: Heard): { message: unknown; code: unknown; type: unknown } {
  const { error } = JSON.parse(body) as { error: JsonObject }
  if (wire !== 'gemini') return { message: error['message'], code: error['code'], type: error['type'] }
  const [info] = error['details'] as JsonObject[]
  return { message: error['message'], code: info!['reason'], type: error['status'] }
}

const types: Readonly<Record<ClientWire, string>> = {
  'openai-chat': 'requests',
  'openai-responses': 'requests',
  'anthropic-messages': 'rate_limit_error',
  gemini: 'RESOURCE_EXHAUSTED',
}

for (const wire of clientWireNames) {
  test(`${wire}: a runaway is stopped at its fifth tool call, other sessions go on, and another call lets it go`, async () => {
    const session = `runaway-${wire}`
    for (let rounds = 0; rounds < 5; rounds++) {
      const heard = await ask(wire, conversation(wire, rounds), 'claw', `${session}:${rounds}`)
      assert.equal(heard.status, 200, heard.body)
      const { notes } = await turnpike.record(heard.id)
      const expected = { code: 'observed', path: 'session', why: `the same tool call ${rounds} times in a row; a session is stopped at 5` }
      assert.deepEqual(notes, rounds < 3 ? [] : [expected])
    }
    const called = upstream.received.length
    const stopped = await ask(wire, conversation(wire, 5), 'claw', session)
    assert.equal(stopped.status, 429)
    assert.equal(stopped.headers.get('retry-after'), '600')
    assert.deepEqual(refusalIn(wire, stopped), {
      message: 'This session repeated the same tool call 5 times. Try again in 10 minutes.',
      code: wire === 'gemini' ? 'LOOP_DETECTED' : 'loop_detected',
      type: types[wire],
    })
    const record = await turnpike.record(stopped.id)
    assert.deepEqual([record['outcome'], record['status'], record['session']], ['denied', 429, session])
    assert.ok(isObject(record['error']) && record['error']['code'] === 'loop_detected')
    assert.equal((await ask(wire, conversation(wire, 5), 'claw', session)).status, 429, 'tried again')
    assert.equal(upstream.received.length, called, 'nobody was asked')

    assert.equal((await ask(wire, conversation(wire, 5), 'claw', `${session}-other`)).status, 200)
    assert.equal((await ask(wire, conversation(wire, 5), 'defaults', session)).status, 200)
    const elsewhere = [...conversation(wire, 5), ...conversation(wire, 1, ['exec', { command: 'echo else' }]).slice(1)]
    assert.equal((await ask(wire, elsewhere, 'claw', session)).status, 200)
  })
}

test('the default is 25, for keys of OpenClaw and no others', async () => {
  for (let rounds = 0; rounds <= 25; rounds++) {
    const turns = conversation('openai-chat', rounds)
    const guarded = await ask('openai-chat', turns, 'defaults', 'long')
    assert.equal(guarded.status, rounds < 25 ? 200 : 429, `${rounds}`)
    for (const key of ['off', 'plain'] as const) {
      const heard = await ask('openai-chat', turns, key, 'long')
      assert.equal(heard.status, 200)
      assert.deepEqual((await turnpike.record(heard.id))['notes'], [])
    }
  }
})

test('a client that tries again, or whose conversation is only long, is no loop', async () => {
  for (let again = 0; again < 8; again++)
    assert.equal((await ask('openai-chat', conversation('openai-chat', 3), 'claw', 'retry')).status, 200)
  for (let rounds = 0; rounds < 8; rounds++) {
    const turns = Array.from({ length: rounds }, (_, n) => conversation('openai-chat', 1, ['exec', { n }])).flat()
    assert.equal((await ask('openai-chat', [...turns, ...conversation('openai-chat', 0)], 'claw', 'long')).status, 200)
  }
})

test('what only observes says what it would have done', async () => {
  let last: Heard | undefined
  for (let rounds = 0; rounds < 10; rounds++) last = await ask('openai-chat', conversation('openai-chat', rounds), 'watched', 'observed')
  assert.equal(last?.status, 200)
  const { notes } = await turnpike.record(last.id)
  assert.deepEqual(notes, [
    { code: 'observed', path: 'session', why: 'the same tool call 9 times in a row; only observed; the threshold is 5' },
  ])
})

test('too many requests in the window stop a session, too', async () => {
  const heard: Heard[] = []
  for (let n = 0; n < 8; n++) heard.push(await ask('openai-chat', conversation('openai-chat', 0), 'busy', 'hurried'))
  assert.deepEqual(
    heard.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200, 429, 429],
  )
  assert.equal(refusalIn('openai-chat', heard[6]!).message, 'This session made more than 6 requests in 1 minute. Try again in 10 minutes.')
  assert.ok(Number(heard[7]?.headers.get('retry-after')) > 590)
})

test('sessions that nobody named are never stopped: they may be many', async () => {
  for (let rounds = 0; rounds < 8; rounds++)
    assert.equal((await ask('openai-chat', conversation('openai-chat', rounds), 'claw', '')).status, 200)
  for (let n = 0; n < 8; n++) assert.equal((await ask('openai-chat', conversation('openai-chat', 0), 'busy', '')).status, 200)
})
