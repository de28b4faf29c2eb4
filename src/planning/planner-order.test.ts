// From a config to the targets in their order: each with its reason, and where failures lead.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '#kernel'
import {
  balance,
  byMain,
  caught,
  createPlanning,
  fallback,
  inline,
  order,
  plainBody,
  planningOf,
  serving,
  to,
  type Planning,
} from '#test/planning.ts'

describe('in which order', () => {
  test('fallback: as written, each with its reason and exits', () => {
    const { steps } = planningOf(fallback(to('c'), to('a'), to('b'))).plan(byMain)
    assert.deepEqual(
      steps.map(({ target, reason, exits }) => [target.route, target.provider.slug, reason, exits]),
      [
        ['config.targets[0]', 'c', 'first of the fallback', [{ to: 1, on: 'any' }]],
        ['config.targets[1]', 'a', 'next of the fallback', [{ to: 2, on: 'any' }]],
        ['config.targets[2]', 'b', 'next of the fallback', []],
      ],
    )
  })

  test('on_status_codes: other statuses end it; what has no status goes on', () => {
    const planning = planningOf({ strategy: { mode: 'fallback', on_status_codes: [429, 503] }, targets: [to('a'), to('b')] })
    const follow = (end: Parameters<Planning['follow']>[1]): string => planning.follow(planning.plan(byMain), end).join(' ')
    assert.equal(
      follow(() => 500),
      'a',
    )
    planning.health.reset('a')
    assert.equal(
      follow(({ provider }) => (provider.slug === 'a' ? 503 : undefined)),
      'a b',
    )
    planning.health.reset('a')
    assert.equal(
      follow(({ provider }) => (provider.slug === 'a' ? 'connect_failed' : undefined)),
      'a b',
    )
  })

  test('a group inside a group: its own targets first, by its own rule, then what follows it, by that rule', () => {
    const inner = { strategy: { mode: 'fallback', on_status_codes: [429] }, targets: [to('a'), to('b')] }
    const outer = { strategy: { mode: 'fallback', on_status_codes: [429, 500] }, targets: [inner, to('c')] }
    const follow = (end: Parameters<Planning['follow']>[1]): string => {
      const planning = planningOf(outer)
      return planning.follow(planning.plan(byMain), end).join(' ')
    }
    assert.equal(
      follow(() => 429),
      'a b c',
    )
    assert.equal(
      follow(() => 500),
      'a c',
      'the inner one does not take it, the outer one does',
    )
    assert.equal(
      follow(() => 502),
      'a',
      'neither takes it',
    )
    assert.equal(
      follow(({ provider }) => (provider.slug === 'a' ? 429 : 500)),
      'a b c',
    )
  })

  test('credentials of one provider are tried for trouble of credentials only', () => {
    const two = { ...serving('m'), credentials: ['one', 'two'].map((name) => ({ name, value: `sk-${name}-12345678` })) }
    const planning = createPlanning({ providers: { two, b: serving('m') }, configs: { main: fallback(to('two'), to('b')) } })
    assert.deepEqual(
      planning.follow(planning.plan(byMain), () => 401),
      ['two/one', 'two/two', 'b'],
    )
    const [rested] = planning.plan(byMain).steps
    assert.match(rested!.reason, /^first of the fallback; its credential is refused/, 'none is well')
    planning.health.reset('two')
    planning.health.reset('b')
    planning.follow({ steps: [{ ...planning.plan(byMain).steps[0]!, exits: [] }], skipped: [] }, () => 429)
    const [other] = planning.plan(byMain).steps
    assert.equal(other!.target.credential.name, 'two')
    assert.match(other!.reason, /^first of the fallback; not one: it asked to wait$/)
    planning.health.reset('two')
    assert.deepEqual(
      planning.follow(planning.plan(byMain), () => 500),
      ['two/one', 'b'],
    )
  })

  test('who is in trouble comes after the others of its group, with the reason, and is asked when all are', () => {
    const planning = planningOf(fallback(to('a'), fallback(to('b'), to('c'))))
    const refused = planning.plan(byMain).steps[0]!.target
    planning.follow({ steps: [{ target: refused, reason: '', exits: [] }], skipped: [] }, () => 401)
    const later = planning.plan(byMain)
    assert.deepEqual(order(later), ['b', 'c', 'a'])
    assert.match(
      later.steps[0]!.reason,
      /^first of the fallback; not a: its credential is refused; first of the fallback$/,
      'who was asked says who was not',
    )
    assert.match(later.steps[2]!.reason, /^next of the fallback; its credential is refused$/)
    for (const slug of ['b', 'c']) {
      const step = later.steps.find(({ target }) => target.provider.slug === slug)!
      planning.follow({ steps: [{ ...step, exits: [] }], skipped: [] }, () => 401)
    }
    assert.deepEqual(order(planning.plan(byMain)), ['a', 'b', 'c'], 'as written')
    planning.nowMs += 3_600_000
    assert.deepEqual(order(planning.plan(byMain)), ['a', 'b', 'c'])
  })

  test('while all are well, a plan without chance or conditions is the same object for every request', () => {
    const planning = planningOf(fallback(to('a'), to('b')))
    assert.equal(planning.plan(byMain), planning.plan(byMain))
    assert.equal(planning.plan(), planning.plan())
    assert.notEqual(planning.plan(), planning.plan(byMain))
    const drawn = planningOf(balance(to('a'), to('b')))
    assert.notEqual(drawn.plan(byMain), drawn.plan(byMain))
  })

  test('loadbalance: drawn, and the rest stand by', () => {
    const planning = planningOf(balance(to('a', { weight: 0.7 }), to('b', { weight: 0.3 }), to('c', { weight: 0 })))
    planning.chances.push(0.5, 0.9)
    assert.deepEqual(order(planning.plan(byMain)), ['a', 'b', 'c'])
    const second = planning.plan(byMain)
    assert.deepEqual(order(second), ['b', 'a', 'c'])
    assert.deepEqual(
      second.steps.map(({ reason }) => reason),
      ['drawn by weight, 30 %', 'stands by', 'stands by'],
    )
    planning.follow({ steps: [{ ...second.steps[0]!, exits: [] }], skipped: [] }, () => 429)
    assert.match(planning.plan(byMain).steps[0]!.reason, /^the only one left; not b: it asked to wait$/)
  })

  test('by cost: the cheapest of those that can be asked', () => {
    const priced = (input: string): JsonObject => ({ id: 'm', price: { input_per_million_usd: input, output_per_million_usd: '1' } })
    const providers = { a: serving(priced('3')), b: serving(priced('1')), c: serving('m') }
    const planning = createPlanning({
      providers,
      configs: { main: { strategy: { mode: 'loadbalance', by: 'cost' }, targets: [to('a'), to('b'), to('c')] } },
    })
    assert.deepEqual(order(planning.plan(byMain)), ['b', 'a', 'c'])
  })

  test('by latency: a target that has become slow is left within its window', () => {
    const planning = planningOf({ strategy: { mode: 'loadbalance', by: 'latency', sticky: false }, targets: [to('a'), to('b')] })
    const asked: string[] = []
    for (let i = 0; i < 200; i++) {
      const { target } = planning.plan(byMain).steps[0]!
      const ms = target.provider.slug === 'a' ? (i < 60 ? 50 : 2000) : 200
      target.vitals.began(planning.nowMs)
      planning.nowMs += ms
      target.vitals.ended(planning.nowMs, { failure: undefined, firstTokenMs: ms, totalMs: ms })
      asked.push(target.provider.slug)
    }
    assert.ok(
      asked.slice(30, 60).every((slug) => slug === 'a'),
      'the faster one',
    )
    assert.ok(asked.slice(120).filter((slug) => slug === 'b').length >= 70, asked.slice(60).join(' '))
  })

  test('by least_busy: whoever answers the fewest', () => {
    const planning = planningOf({
      strategy: { mode: 'loadbalance', by: 'least_busy', sticky: false },
      targets: [to('a'), to('b'), to('c')],
    })
    const running = new Map<string, number>()
    for (let i = 0; i < 30; i++) {
      const { target } = planning.plan(byMain).steps[0]!
      target.vitals.began(planning.nowMs)
      running.set(target.provider.slug, (running.get(target.provider.slug) ?? 0) + 1)
    }
    assert.deepEqual([...running.values()], [10, 10, 10])
  })
})

test('names that clients make up are not kept, however many or long they are', () => {
  const planning = planningOf(to('a'))
  const long = 'x'.repeat(100_000)
  const named = { ...byMain, body: { ...plainBody, model: long } }
  assert.match(caught(() => planning.plan(named)).message, /no provider of this gateway serves/)
  const brought = (i: number): Readonly<Record<string, string>> => inline({ ...fallback(to('a'), to('b')), name: `config ${i}` })
  for (let i = 0; i < 2200; i++) assert.deepEqual(order(planning.plan({ headers: brought(i) })), ['a', 'b'])
})

describe('what a target says', () => {
  test("timeouts are the config's, else the provider's; retry, cache and breaker are its own", () => {
    const config = {
      retry: { attempts: 2 },
      cache: { mode: 'simple', max_age: 120 },
      request_timeout: 20_000,
      ...fallback(to('a', { timeouts: { connect_ms: 100, first_token_ms: 200 } }), to('b', { retry: { attempts: 1 } })),
    }
    const [a, b] = planningOf(config)
      .plan(byMain)
      .steps.map(({ target }) => target)
    assert.deepEqual(
      [a!.timeouts.connectMs, a!.timeouts.firstTokenMs, a!.timeouts.idleMs, a!.timeouts.totalMs, a!.timeouts.floor],
      [100, 200, 60_000, 20_000, undefined],
    )
    assert.deepEqual([a!.retry?.attempts, b!.retry?.attempts, a!.cache?.maxAgeMs, b!.timeouts.connectMs], [2, 1, 120_000, 5000])
  })

  test("a breaker of a config's own keeps its state apart", () => {
    const planning = planningOf(fallback(to('a', { cb_config: { failure_threshold: 1, cooldown_interval: 60_000 } }), to('b')))
    planning.follow(planning.plan(byMain), ({ provider }) => (provider.slug === 'a' ? 500 : undefined))
    assert.deepEqual(order(planning.plan(byMain)), ['b', 'a'])
    assert.deepEqual(order(planning.plan()), ['a', 'b', 'c'], 'to everybody else it is well')
  })
})
