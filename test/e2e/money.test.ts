// What a key may spend, over sockets: no crowd passes a budget, long answers are shortened to fit, and what is charged is what was produced.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { clientRequest, clientScripts, providerOf, type Heard } from '#test/client-scripts.ts'
import {
  accountOf,
  administer,
  call,
  errorIn,
  flatModel,
  limitsOf,
  longModel,
  newCaller,
  untilRefused,
  untilSettled,
  type Caller,
} from '#test/money.ts'
import { chat } from '#test/scripts.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, cut, stall, waitFor, write, type Answer, type Gate, type ScriptedUpstream } from '#test/upstream.ts'

const wires = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
const secondModel: JsonObject = { ...flatModel, id: 'shared' }

let upstream: ScriptedUpstream
let spare: ScriptedUpstream
let turnpike: TestTurnpike
let running = 0
let most = 0
let callers = 0

before(async () => {
  upstream = await createUpstream()
  spare = await createUpstream()
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: {
          ...Object.fromEntries(
            wires.map((wire) => [wire, { ...providerOf(wire, upstream.origin), models: { custom: [longModel, pricedModel, flatModel] } }]),
          ),
          limited: {
            ...providerOf('openai-chat', upstream.origin),
            models: { custom: [secondModel] },
            budgets: [{ amount_usd: '0.08', period: 'total' }],
            priority: 1,
          },
          spare: { ...providerOf('openai-chat', spare.origin), models: { custom: [secondModel] }, priority: 2 },
          unpriced: { ...providerOf('openai-chat', spare.origin), models: { custom: [{ id: 'mystery' }] } },
        },
        configs: { kept: { cache: { mode: 'simple', max_age: 60 }, targets: [{ provider: '@openai-chat' }] } },
      },
    },
  )
})

beforeEach(() => {
  running = 0
  most = 0
  for (const one of [upstream, spare]) {
    one.clear()
    for (const wire of wires) one.route(pathOf(wire), ({ url, body }) => answerTo(wire, url, JSON.parse(body.toString()) as JsonObject))
  }
})

/** After each of them nothing is held, and what the limits have counted is what the ledger has booked. */
afterEach(async () => {
  for (const caller of made.splice(0)) await untilSettled(turnpike, caller)
})

after(async () => {
  await turnpike.end()
  await upstream.close()
  await spare.close()
})

const made: Caller[] = []

async function caller(more: JsonObject = {}): Promise<Caller> {
  const one = await newCaller(turnpike, `caller-${++callers}`, more)
  made.push(one)
  return one
}

const budget = (usd: string, period: JsonObject[string] = 'total', more: JsonObject = {}): JsonObject => ({
  budgets: [{ amount_usd: usd, period, ...more }],
})

function pathOf(wire: ClientWire): string | RegExp {
  return wire === 'gemini' ? /^\/v1beta\/models\// : clientScripts[wire].path
}

function answerTo(wire: ClientWire, url: string, { stream }: JsonObject): Answer {
  return stream === true || url.includes('streamGenerateContent') ? clientScripts[wire].sse() : clientScripts[wire].json()
}

/** Answers wait until the gate opens, and count how many of them wait. */
function gated(gate: Gate, answer: Answer, at: ScriptedUpstream = upstream): void {
  at.route(chat.path, async () => {
    most = Math.max(most, ++running)
    await gate.opened
    running--
    return answer
  })
}

/** The same answer, by a provider that says it wrote nothing. */
function withoutOutput(answer: JsonObject): JsonObject {
  const counts = /^(completion_tokens|output_tokens|candidatesTokenCount|thoughtsTokenCount|reasoning_tokens)$/
  return JSON.parse(JSON.stringify(answer, (name, value: unknown) => (counts.test(name) ? 0 : value))) as JsonObject
}

function codes(heard: readonly Heard[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of heard) {
    const name = one.status === 200 ? 'ok' : errorIn(one).code
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

async function untilAsked(at: ScriptedUpstream, count: number): Promise<void> {
  while (at.received.length < count) await at.next()
}

describe('a crowd', () => {
  test('of 64 finds exactly 10 answers in a budget of ten equal requests', async () => {
    const one = await caller(budget('0.1'))
    const gate = createGate()
    gated(gate, chat.json())
    const asked = Array.from({ length: 64 }, () => call(turnpike, one, 'openai-chat/flat'))
    await untilRefused(asked, 54)
    await untilAsked(upstream, 10)
    const [limit] = await limitsOf(turnpike, one)
    assert.deepEqual({ spent: limit!.spent, held: limit!.held, left: limit!.left }, { spent: 0, held: 0.1, left: 0 })
    gate.open()
    const heard = await Promise.all(asked)
    assert.deepEqual(codes(heard), { ok: 10, budget_reserved: 54 })
    assert.equal(most, 10)
    for (const each of heard.filter(({ status }) => status === 429)) {
      const seconds = Number(each.headers.get('retry-after'))
      assert.ok(seconds >= 1 && seconds <= 5, String(seconds))
      assert.match(
        errorIn(each).message,
        /^What is left of the budget of \$0\.10 for key 'caller-\d+' is held by running requests; try again in \d seconds?\.$/,
      )
    }
    const over = await call(turnpike, one, 'openai-chat/flat')
    assert.equal(over.status, 402)
    assert.deepEqual(errorIn(over).code, 'budget_exceeded')
    assert.equal(
      errorIn(over).message,
      `Workspace spending limit of $0.10 reached for key '${one.name}'. It stays until it is raised. This usage limit never resets by itself.`,
    )
    assert.equal(over.headers.get('retry-after'), null)
    assert.equal((await accountOf(turnpike, one))['usage'], 0.1)
    assert.equal(upstream.received.length, 10)
  })

  test('of 64 runs ten at once at most where answers may be long, and what they leave is used one by one', async () => {
    // At most 1000 tokens out at 10 USD a million, and a few dozen in: ten of them, and not eleven.
    const one = await caller(budget('0.1015'))
    const gate = createGate()
    gated(gate, chat.json({ usage: { input: 12, output: 400 } }))
    const body = { max_tokens: 1000 }
    const asked = Array.from({ length: 64 }, () => call(turnpike, one, 'openai-chat/model-1', { body }))
    await untilRefused(asked, 54)
    gate.open()
    assert.deepEqual(codes(await Promise.all(asked)), { ok: 10, budget_reserved: 54 })
    assert.equal(most, 10)
    const cost = 0.000024 + 0.004
    let answered = 10
    for (;;) {
      const heard = await call(turnpike, one, 'openai-chat/model-1', { body })
      if (heard.status !== 200) {
        assert.equal(errorIn(heard).code, 'budget_exceeded')
        break
      }
      answered++
    }
    const [limit] = await limitsOf(turnpike, one)
    assert.equal(limit!.spent, Number((answered * cost).toFixed(9)))
    assert.ok(limit!.spent <= 0.1015 && limit!.left < 0.0102 && limit!.left >= 0, JSON.stringify(limit))
    assert.equal(answered, 23)
  })

  test('with budgets of its keys, users, team and provider passes none of them', async () => {
    const { id: team } = await administer(turnpike, 'POST', '/teams', { name: `team-${++callers}`, ...budget('0.15') })
    const users = await Promise.all(
      ['a', 'b'].map((name) =>
        administer(turnpike, 'POST', '/users', { name: `${name}-${callers}`, team: team!, ...budget('0.1', 'month') }),
      ),
    )
    const crowd: Caller[] = []
    for (const { id } of [users[0]!, users[0]!, users[1]!, users[1]!])
      crowd.push(await caller({ type: 'user', user: id!, ...budget('0.06', 'day') }))
    const gates = [createGate(), createGate()]
    gated(gates[0]!, chat.json())
    gated(gates[1]!, chat.json(), spare)
    const asked = Array.from({ length: 32 }, () => crowd.map((one) => call(turnpike, one, 'shared'))).flat()
    await untilRefused(asked, asked.length - 15)
    await Promise.all([untilAsked(upstream, 8), untilAsked(spare, 7)])
    for (const gate of gates) gate.open()
    const heard = await Promise.all(asked)
    const { ok, ...refused } = codes(heard)
    assert.equal(ok, 15)
    assert.deepEqual(Object.keys(refused), ['budget_reserved'])
    assert.deepEqual([upstream.received.length, spare.received.length], [8, 7], 'the provider that is used up is passed over')
    const limits = await Promise.all(crowd.map((one) => limitsOf(turnpike, one, 3)))
    for (const one of limits.flat()) assert.ok(one.spent <= one.limit && one.held === 0, JSON.stringify(one))
    const spentBy = (kind: string, of: typeof limits): number[] => of.map((one) => one.find(({ owner }) => owner.kind === kind)!.spent)
    const sum = (amounts: readonly number[]): number => Number(amounts.reduce((all, one) => all + one, 0).toFixed(9))
    assert.equal(sum(spentBy('key', limits)), 0.15)
    assert.equal(sum(spentBy('user', [limits[0]!, limits[2]!])), 0.15)
    assert.deepEqual(spentBy('team', limits), [0.15, 0.15, 0.15, 0.15])
    const last = await Promise.all(crowd.map((one) => call(turnpike, one, 'shared')))
    assert.deepEqual(codes(last), { budget_exceeded: 4 })
    assert.ok(
      last.some((one) => errorIn(one).message.startsWith(`Workspace spending limit of $0.15 reached for team 'team-${callers - 4}'.`)),
    )
  })
})

describe('a long answer is shortened to half of what is left', () => {
  /** Where each wire says how long an answer may be. */
  const lengthIn = (wire: ClientWire, sent: JsonObject): unknown => {
    if (wire === 'gemini') return (sent['generationConfig'] as JsonObject)['maxOutputTokens']
    return wire === 'openai-responses' ? sent['max_output_tokens'] : (sent['max_completion_tokens'] ?? sent['max_tokens'])
  }
  const asking = (wire: ClientWire, most: number): JsonObject => {
    if (wire === 'gemini') return { generationConfig: { maxOutputTokens: most } }
    return wire === 'openai-responses' ? { max_output_tokens: most } : { max_tokens: most }
  }
  for (const wire of wires)
    for (const to of wires)
      for (const stream of [false, true])
        test(`${wire} to ${to}${stream ? ', as a stream' : ''}`, async () => {
          const one = await caller(budget('0.1'))
          const { path, body } = clientRequest(wire, `${to}/long`, stream, 'Hi')
          const ask = (length: number): Promise<Heard> => call(turnpike, one, '', { path, body: { ...body, ...asking(wire, length) } })
          const heard = await ask(50_000)
          assert.equal(heard.status, 200, heard.body)
          const said = /^max_tokens=(\d+)$/.exec(heard.headers.get('x-turnpike-clamped') ?? '')
          assert.ok(said !== null, 'the answer says so')
          assert.equal(lengthIn(to, JSON.parse(upstream.received[0]!.body.toString()) as JsonObject), Number(said[1]))
          // Half of 0.1 USD, less the input: at 10 USD a million.
          assert.ok(Number(said[1]) <= 5000 && Number(said[1]) > 4900, said[1])
          const short = await ask(100)
          assert.equal(short.headers.get('x-turnpike-clamped'), null)
          assert.equal(lengthIn(to, JSON.parse(upstream.received[1]!.body.toString()) as JsonObject), 100)
        })

  const sentTo = (index: number): JsonObject => JSON.parse(upstream.received[index]!.body.toString()) as JsonObject

  test("also where it is written as Google's other spelling, and never said twice", async () => {
    const one = await caller(budget('0.1'))
    const { path } = clientRequest('gemini', 'gemini/long', false, 'Hi')
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]
    const long = { max_output_tokens: 50_000 }
    const heard = await call(turnpike, one, '', { path, body: { contents, generation_config: long } })
    const most = Number(heard.headers.get('x-turnpike-clamped')?.slice('max_tokens='.length))
    assert.ok(most > 4900 && most <= 5000, heard.body)
    assert.deepEqual([sentTo(0)['generation_config'], sentTo(0)['generationConfig']], [{ max_output_tokens: most }, undefined])
    const both = await call(turnpike, one, '', {
      path,
      body: { contents, generation_config: long, generationConfig: { maxOutputTokens: 10 } },
    })
    assert.equal(both.status, 400)
    assert.match(both.body, /generation_config/)
  })

  test('by as much as several answers together may cost', async () => {
    const one = await caller(budget('0.1'))
    await call(turnpike, one, 'openai-chat/long', { body: { n: 4, max_tokens: 50_000 } })
    assert.ok(Number(sentTo(0)['max_tokens']) > 1200 && Number(sentTo(0)['max_tokens']) <= 1250, JSON.stringify(sentTo(0)))
    const { path, body } = clientRequest('gemini', 'gemini/long', false, 'Hi')
    await call(turnpike, one, '', { path, body: { ...body, generationConfig: { candidateCount: 4, maxOutputTokens: 50_000 } } })
    const said = Number((sentTo(1)['generationConfig'] as JsonObject)['maxOutputTokens'])
    assert.ok(said > 1200 && said <= 1250, String(said))
  })

  test('whichever of two fields says more', async () => {
    const one = await caller(budget('0.1'))
    const heard = await call(turnpike, one, 'openai-chat/long', { body: { max_completion_tokens: 10, max_tokens: 50_000 } })
    assert.ok(heard.headers.has('x-turnpike-clamped'))
    assert.ok(Number(sentTo(0)['max_tokens']) <= 5000 && sentTo(0)['max_completion_tokens'] === 10, JSON.stringify(sentTo(0)))
  })

  test('where it says no length, too, and never below 1,024 tokens', async () => {
    const one = await caller(budget('0.02'))
    const body = { max_tokens: null }
    const heard = await call(turnpike, one, 'openai-chat/long', { body })
    assert.equal(heard.status, 200, heard.body)
    assert.equal(heard.headers.get('x-turnpike-clamped'), 'max_tokens=1024')
    const sent = JSON.parse(upstream.received[0]!.body.toString()) as JsonObject
    assert.equal(sent['max_completion_tokens'] ?? sent['max_tokens'], 1024)
    const poor = await caller(budget('0.01'))
    const refused = await call(turnpike, poor, 'openai-chat/long', { body })
    assert.equal(refused.status, 402)
  })
})

describe('what is charged', () => {
  const tokens = (count: number): string => 'word '.repeat(count)

  test('of a stream that is cut is what was produced, and of one that its client leaves', async () => {
    const one = await caller(budget('1'))
    const frames = chat.frames({ text: Array.from({ length: 20 }, () => tokens(10)) }).slice(0, 12)
    upstream.enqueue({ headers: { 'content-type': 'text/event-stream' }, body: [...frames.map(write), cut()] })
    const body = { stream: true }
    const broken = await call(turnpike, one, 'openai-chat/long', { body })
    assert.equal(broken.status, 200)
    await untilSettled(turnpike, one)
    const afterCut = (await limitsOf(turnpike, one))[0]!.spent
    // About 11 pieces of ten words each, at ten USD a million.
    assert.ok(afterCut > 0.0008 && afterCut < 0.002, String(afterCut))

    upstream.enqueue({ headers: { 'content-type': 'text/event-stream' }, body: [...frames.map(write), stall()] })
    const leaving = new AbortController()
    const { path } = clientRequest('openai-chat', 'x', true, 'Hi')
    const response = await fetch(turnpike.url + path, {
      method: 'POST',
      body: JSON.stringify({ model: 'openai-chat/long', stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
      headers: { authorization: `Bearer ${one.key}`, 'content-type': 'application/json' },
      signal: leaving.signal,
    })
    let heard = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) {
      heard += decoder.decode(chunk, { stream: true })
      if (heard.split('data: ').length > frames.length) break
    }
    leaving.abort()
    // Held until the gateway has noticed that nobody is there.
    await untilSettled(turnpike, one)
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    assert.equal(record['outcome'], 'cancelled')
    const [limit] = await limitsOf(turnpike, one)
    const left = limit!.spent - afterCut
    assert.ok(left > 0.0008 && left < 0.002, String(left))
  })

  for (const wire of wires)
    test(`of ${wire} is told, but for an answer whose provider says it wrote nothing: its words are counted first`, async () => {
      const one = await caller(budget('1'))
      const ask = async (
        silent: boolean,
      ): Promise<{ readonly header: string | null; readonly inBody: boolean; readonly booked: number }> => {
        const before = (await limitsOf(turnpike, one))[0]!.spent
        const answer = clientScripts[wire].json()
        const said = JSON.parse(String(answer.body)) as JsonObject
        upstream.route(pathOf(wire), silent ? { ...answer, body: JSON.stringify(withoutOutput(said)) } : answer)
        const { path, body } = clientRequest(wire, `${wire}/${String(longModel['id'])}`, false, 'Hi')
        const { status, headers, body: heard } = await call(turnpike, one, '', { path, body })
        assert.equal(status, 200, heard)
        await untilSettled(turnpike, one)
        const booked = (await limitsOf(turnpike, one))[0]!.spent - before
        return { header: headers.get('x-turnpike-cost'), inBody: heard.includes('"cost":'), booked }
      }
      const told = await ask(false)
      assert.ok(told.inBody && Math.abs(Number(told.header) - told.booked) < 1e-9, JSON.stringify(told))
      const counted = await ask(true)
      assert.deepEqual([counted.header, counted.inBody], [null, false])
      assert.ok(counted.booked > 0)
    })

  test('of an answer out of the cache is nothing, and of a failure', async () => {
    const one = await caller(budget('0.05'))
    const headers = { 'x-turnpike-config': 'kept' }
    const first = await call(turnpike, one, 'flat', { headers })
    const again = await call(turnpike, one, 'flat', { headers })
    assert.deepEqual(
      [first, again].map((each) => each.headers.get('x-turnpike-cache')),
      ['MISS', 'HIT'],
    )
    upstream.route(chat.path, chat.error(500))
    assert.equal((await call(turnpike, one, 'openai-chat/flat')).status, 503)
    upstream.route(chat.path, chat.error(400))
    assert.equal((await call(turnpike, one, 'openai-chat/flat')).status, 400)
    const [limit] = await limitsOf(turnpike, one)
    assert.deepEqual([limit!.spent, limit!.held], [0.01, 0])
    assert.equal((await accountOf(turnpike, one))['usage'], 0.01)
  })

  test('is at the price that was in force when it came', async () => {
    const provider = (usd: string): JsonObject => ({
      ...providerOf('openai-chat', upstream.origin),
      allow_private_network: true,
      models: { custom: [{ ...flatModel, price: { input_per_million_usd: '0', output_per_million_usd: '0', request_usd: usd } }] },
    })
    await administer(turnpike, 'PUT', '/providers/changing', provider('0.02'))
    const one = await caller(budget('1'))
    const gate = createGate()
    gated(gate, chat.json())
    const asked = call(turnpike, one, 'changing/flat')
    await untilAsked(upstream, 1)
    await administer(turnpike, 'PUT', '/providers/changing', provider('0.5'))
    gate.open()
    const { headers } = await asked
    assert.equal(headers.get('x-turnpike-cost'), '0.02')
    assert.equal((await limitsOf(turnpike, one))[0]!.spent, 0.02)
    await call(turnpike, one, 'changing/flat')
    assert.equal((await limitsOf(turnpike, one))[0]!.spent, 0.52)
  })
})

describe('what is refused', () => {
  for (const [wire, body, param] of [
    ['openai-chat', { max_tokens: 1e18 }, 'max_tokens'],
    ['openai-chat', { max_completion_tokens: -1 }, 'max_completion_tokens'],
    ['openai-chat', { max_tokens: '100' }, 'max_tokens'],
    ['openai-chat', { max_tokens: 1.5 }, 'max_tokens'],
    ['openai-responses', { max_output_tokens: 1e18 }, 'max_output_tokens'],
    ['anthropic-messages', { max_tokens: 0 }, 'max_tokens'],
    ['anthropic-messages', { max_tokens: '1e18' }, 'max_tokens'],
    ['gemini', { generationConfig: { maxOutputTokens: -5 } }, 'generationConfig.maxOutputTokens'],
  ] as const)
    test(`${wire} with ${JSON.stringify(body)} is an error that names the field, and holds nothing`, async () => {
      const one = await caller(budget('1'))
      const plain = clientRequest(wire, `${wire}/long`, false, 'Hi')
      const heard = await call(turnpike, one, `${wire}/long`, { path: plain.path, body: { ...plain.body, ...body } })
      assert.equal(heard.status, 400, heard.body)
      assert.ok(heard.body.includes(`The field \\"${param}\\" must be a whole number of tokens`), heard.body)
      assert.equal(upstream.received.length, 0)
      assert.deepEqual(
        (await limitsOf(turnpike, one)).map(({ spent, held }) => [spent, held]),
        [[0, 0]],
      )
    })

  test('a model without a price is refused to a key with a budget, and to no other', async () => {
    const one = await caller(budget('1'))
    const heard = await call(turnpike, one, 'unpriced/mystery')
    assert.equal(heard.status, 400)
    assert.equal(errorIn(heard).code, 'unpriced_model')
    assert.match(errorIn(heard).message, /^The model "unpriced\/mystery" has no price, and key 'caller-\d+' has a budget/)
    assert.equal((await call(turnpike, await caller(), 'unpriced/mystery')).status, 200)
    assert.equal((await call(turnpike, await caller({ budgets: [{ tokens: 10_000, period: 'day' }] }), 'unpriced/mystery')).status, 200)
  })

  test('a limit that is raised counts at once, and what was spent stays spent', async () => {
    const one = await caller(budget('0.02', 'day'))
    for (const status of [200, 200, 402]) assert.equal((await call(turnpike, one, 'openai-chat/flat')).status, status)
    const refused = await call(turnpike, one, 'openai-chat/flat')
    assert.match(
      errorIn(refused).message,
      /^Daily spending limit of \$0\.02 reached for key 'caller-\d+'\. Resets in \d+ (hours|minutes|seconds?)\.$/,
    )
    await administer(turnpike, 'PATCH', `/keys/${one.id}`, budget('0.03', 'day'))
    for (const status of [200, 402]) assert.equal((await call(turnpike, one, 'openai-chat/flat')).status, status)
    await administer(turnpike, 'PATCH', `/keys/${one.id}`, { budgets: null })
    assert.equal((await call(turnpike, one, 'openai-chat/flat')).status, 200)
  })

  test('in the words of each wire', async () => {
    const one = await caller(budget('0', 'week'))
    for (const wire of wires) {
      const { path, body } = clientRequest(wire, `${wire}/flat`, false, 'Hi')
      const heard = await call(turnpike, one, `${wire}/flat`, { path, body })
      assert.equal(heard.status, 402)
      assert.match(heard.body, /Weekly spending limit of \$0\.00 reached for key 'caller-\d+'\. Resets in/)
      assert.doesNotMatch(heard.body, /credit|balance|quota|billing/i)
    }
  })
})

test('a stream says nothing of its cost in its head, and waits for nothing', async () => {
  const one = await caller(budget('0.05'))
  const gate = createGate()
  const frames = chat.frames()
  upstream.enqueue({
    headers: { 'content-type': 'text/event-stream' },
    body: [write(frames[0]!), write(frames[1]!), waitFor(gate), ...frames.slice(2).map(write)],
  })
  const asked = call(turnpike, one, 'openai-chat/flat', { body: { stream: true } })
  await untilAsked(upstream, 1)
  assert.equal((await limitsOf(turnpike, one))[0]!.held, 0.01)
  gate.open()
  assert.equal((await asked).headers.get('x-turnpike-cost'), null)
  assert.deepEqual(
    (await limitsOf(turnpike, one)).map(({ spent, held }) => [spent, held]),
    [[0.01, 0]],
  )
})
