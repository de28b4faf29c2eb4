// What the cache does with one request after the other: hit, miss, refresh, and who waits for whom.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheRule, GatewayKey } from '#config'
import { inspect, RequestView, type Arrival } from '#inspection'
import { ByteCollector, createBufferPool, type JsonObject } from '#kernel'
import type { Plan, PlannedTarget } from '#routing'
import { codecOf } from '#wires'
import { lookInCache, type CacheHost } from './lookup.ts'
import { createResponseCache, type CachedAnswer, type ResponseCache } from './response-cache.ts'

const pool = createBufferPool()
const codec = codecOf('openai-chat')
const rule: CacheRule = { maxAgeMs: 60_000, tools: false, singleFlight: false }
const stop = { reason: 'stop' } as const
const answerBody = (content: string): JsonObject => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-served',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, cost: 0.25 },
})

type Request = { -readonly [name in keyof CacheHost]: CacheHost[name] }

function request(
  cache: ResponseCache | undefined,
  more: { question?: string; headers?: Record<string, string>; rule?: Partial<CacheRule> | null } = {},
): Request {
  const buffer = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: more.question ?? 'hi' }] }))
  const arrival = {
    id: 'r', operation: 'generate', wire: 'openai-chat', headers: more.headers ?? {}, key: { id: 'key_1' } as GatewayKey, buffer, bodyStart: 0, bodyEnd: buffer.length,
  } as unknown as Arrival // prettier-ignore
  const inspected = inspect(arrival, codec, new RequestView(codec.ingress.shape, pool))
  assert.ok(inspected !== 'doubtful')
  const target = {
    route: 'config',
    provider: { slug: 'openai' },
    model: { id: 'gpt' },
    ...(more.rule === null ? {} : { cache: { ...rule, ...more.rule } }),
  } as PlannedTarget
  const plan: Plan = { steps: [{ target, reason: '', exits: [] }], skipped: [], config: { slug: 'c', version: 1 } }
  const log = { warn: () => assert.fail('nothing of ours went wrong'), error: () => undefined }
  return {
    deps: { cache, log },
    arrival,
    inspected,
    plan,
    codec,
    target,
    servedModel: 'gpt-served',
    pricedUsage: undefined,
    kept: new ByteCollector(pool, 1 << 20),
    answerContext: () => ({ requestId: 'r', model: 'm', createdSeconds: 1, streamUsage: true }),
  }
}

const never = (): never => assert.fail('nobody waits')

/** Asks, and lets the provider answer when the cache has none. */
function ask(host: Request, content = 'Hello.'): CachedAnswer | undefined {
  const lookup = lookInCache(host)!
  const found = lookup.begin(never)
  assert.notEqual(found, 'waits')
  if (found === undefined) host.kept.push(Buffer.from(JSON.stringify(answerBody(content))))
  lookup.over('ok', stop)
  return found as CachedAnswer | undefined
}

const contentOf = (answer: CachedAnswer | undefined): unknown => {
  if (answer === undefined) return undefined
  const { choices } = JSON.parse(answer.body.toString()) as { choices: { message: { content: string } }[] }
  return choices[0]!.message.content
}

test('the second time the answer is there, without a cost, with who gave it', () => {
  const cache = createResponseCache(1 << 20)
  const first = lookInCache(request(cache))!
  assert.equal(first.state, 'miss')
  assert.equal(ask(request(cache)), undefined)
  const host = request(cache)
  const lookup = lookInCache(host)!
  const found = lookup.begin(never) as CachedAnswer
  assert.equal(lookup.state, 'hit')
  assert.deepEqual([found.provider, found.model, found.finish?.reason], ['openai', 'gpt-served', 'stop'])
  assert.equal((JSON.parse(found.body.toString()) as { usage: JsonObject }).usage['cost'], 0)
  lookup.over('ok', stop)
  assert.equal(cache.stats().stored, 1, 'a hit stores nothing')
})

test('without a rule or a cache there is nothing to look up', () => {
  assert.equal(lookInCache(request(createResponseCache(1 << 20), { rule: null })), undefined)
  assert.equal(lookInCache(request(undefined)), undefined)
})

test('a refresh asks anew and replaces what is kept', () => {
  const cache = createResponseCache(1 << 20)
  ask(request(cache), 'old')
  const refresh = request(cache, { headers: { 'x-turnpike-cache-force-refresh': 'true' }, rule: { singleFlight: true } })
  assert.equal(lookInCache(refresh)!.state, 'refresh')
  assert.equal(ask(refresh, 'new'), undefined)
  assert.equal(contentOf(ask(request(cache))), 'new')
})

test('a refresh that fails leaves what is kept', () => {
  const cache = createResponseCache(1 << 20)
  ask(request(cache), 'old')
  const lookup = lookInCache(request(cache, { headers: { 'x-turnpike-cache-force-refresh': 'true' } }))!
  lookup.begin(never)
  lookup.over('upstream_error', undefined)
  assert.equal(contentOf(ask(request(cache))), 'old')
})

test('nothing is kept of an answer that failed, was cut, or of which not everything was kept', () => {
  const cache = createResponseCache(1 << 20)
  for (const outcome of ['client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied'] as const) {
    const host = request(cache)
    const lookup = lookInCache(host)!
    lookup.begin(never)
    host.kept.push(Buffer.from(JSON.stringify(answerBody('x'))))
    lookup.over(outcome, stop)
  }
  const long = request(cache)
  long.kept = new ByteCollector(pool, 1000)
  const first = lookInCache(long)!
  first.begin(never)
  // What was kept is an answer, and there was more.
  long.kept.push(Buffer.from(JSON.stringify(answerBody('x'))))
  long.kept.push(Buffer.alloc(2000))
  first.over('ok', stop)
  const noJson = request(cache)
  const lookup = lookInCache(noJson)!
  lookup.begin(never)
  noJson.kept.push(Buffer.from('{"choices"'))
  lookup.over('ok', stop)
  assert.equal(cache.stats().stored, 0)
})

const single = { rule: { singleFlight: true } }
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** `landed`: undefined until it is told; then what the answer says, or 'ask'. */
function follow(cache: ResponseCache) {
  const host = request(cache, single)
  const lookup = lookInCache(host)!
  const told: unknown[] = []
  const found = lookup.begin((answer) => void told.push(answer === undefined ? 'ask' : contentOf(answer)))
  return { host, lookup, told, found }
}

test('concurrent requests for the same wait for the first, and get its answer though it is too large to be kept', async () => {
  const cache = createResponseCache(1)
  const [leader, ...others] = Array.from({ length: 5 }, () => follow(cache))
  assert.equal(leader!.found, undefined)
  for (const other of others) assert.equal(other.found, 'waits')
  assert.equal(cache.stats().waiting, 4)
  leader!.host.kept.push(Buffer.from(JSON.stringify(answerBody('once'))))
  leader!.lookup.over('ok', stop)
  leader!.host.kept.release()
  for (const { told } of others) assert.deepEqual(told, [], 'in a turn of their own')
  await turn()
  for (const { told, lookup } of others) {
    assert.deepEqual(told, ['once'])
    assert.equal(lookup.state, 'hit')
    lookup.over('ok', stop)
  }
})

test('when the first one fails, or its answer may not be kept, the others ask, all of them', async () => {
  for (const [outcome, finish] of [
    ['upstream_error', undefined],
    ['ok', { reason: 'length' }],
  ] as const) {
    // prettier-ignore
    const cache = createResponseCache(1 << 20)
    const [leader, ...others] = Array.from({ length: 3 }, () => follow(cache))
    leader!.host.kept.push(Buffer.from(JSON.stringify(answerBody('cut'))))
    leader!.lookup.over(outcome, finish)
    await turn()
    for (const { told, lookup } of others) {
      assert.deepEqual(told, ['ask'])
      assert.equal(lookup.state, 'miss')
    }
  }
})

for (const [why, outcome] of [
  ['the client of the first one leaves', 'cancelled'],
  ['a limit of its own refuses the first one', 'denied'],
] as const) {
  test(`when ${why}, the next one asks for all`, async () => {
    const cache = createResponseCache(1 << 20)
    const [leader, second, third] = [follow(cache), follow(cache), follow(cache)]
    leader.lookup.over(outcome, undefined)
    await turn()
    assert.deepEqual([second.told, third.told], [['ask'], []])
    second.host.kept.push(Buffer.from(JSON.stringify(answerBody('second'))))
    second.lookup.over('ok', stop)
    await turn()
    assert.deepEqual(third.told, ['second'])
  })
}

test('who has left is told nothing, and hands on what it was to do', async () => {
  const cache = createResponseCache(1 << 20)
  const [leader, second, third, fourth] = [follow(cache), follow(cache), follow(cache), follow(cache)]
  third.lookup.over('cancelled', undefined)
  leader.lookup.over('cancelled', undefined)
  // It was told to lead and has not heard of it yet.
  second.lookup.over('cancelled', undefined)
  await turn()
  assert.deepEqual([second.told, third.told, fourth.told], [[], [], ['ask']])
  fourth.lookup.over('upstream_error', undefined)
  assert.equal(follow(cache).found, undefined, 'nobody is left: the next one begins anew')
})

test('without single flight nobody waits', () => {
  const cache = createResponseCache(1 << 20)
  assert.equal(lookInCache(request(cache))!.begin(never), undefined)
  assert.equal(lookInCache(request(cache))!.begin(never), undefined)
})
