// Which config a request follows, and who answers its targets.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseRoutingConfig } from '#config'
import { abc, byMain, caught, createPlanning, fallback, inline, order, plainBody, planningOf, rule, serving, to } from '#test/planning.ts'

describe('which config', () => {
  test('none: whoever serves the model', () => {
    const plan = createPlanning({ providers: abc }).plan()
    assert.deepEqual(order(plan), ['a', 'b', 'c'])
    assert.equal(plan.config, undefined)
    assert.equal(plan.steps[0]!.target.route, '')
  })

  test("the header's, by slug or as JSON, before the key's", () => {
    const planning = createPlanning({ providers: abc, configs: { one: to('b'), two: to('c') } })
    const key = { config: 'two' }
    assert.deepEqual(order(planning.plan({ key })), ['c'])
    assert.deepEqual(planning.plan({ key }).config, { slug: 'two', version: 1 })
    assert.deepEqual(order(planning.plan({ key, headers: { 'x-turnpike-config': 'one' } })), ['b'])
    const brought = planning.plan({ key, headers: inline(to('@a')) })
    assert.deepEqual([order(brought), brought.config], [['a'], {}])
    assert.deepEqual(order(planning.plan({ headers: { 'x-portkey-config': 'one' } })), ['b'])
  })

  test('a key that forbids it gets a 403, except for its own', () => {
    const planning = createPlanning({ providers: abc, configs: { one: to('b'), two: to('c') } })
    const key = { config: 'two', refusesConfigs: true } as const
    for (const headers of [{ 'x-turnpike-config': 'one' }, inline(to('a'))]) {
      const failure = caught(() => planning.plan({ key, headers }))
      assert.deepEqual([failure.kind, failure.status, failure.details.param], ['forbidden', 403, 'x-turnpike-config'])
    }
    assert.deepEqual(order(planning.plan({ key, headers: { 'x-turnpike-config': 'two' } })), ['c'])
  })

  test('a slug that is none is a 400 that names the nearest', () => {
    const failure = caught(() => planningOf(to('a')).plan({ headers: { 'x-turnpike-config': 'mian' } }))
    assert.deepEqual([failure.kind, failure.status], ['invalid_request', 400])
    assert.match(failure.message, /no routing config "mian".*Did you mean "main"\?/)
  })

  test("a key's config that is gone is told as the operator's to mend", () => {
    const failure = caught(() => planningOf(to('a')).plan({ key: { config: 'gone' } }))
    assert.equal(failure.kind, 'invalid_request')
    assert.match(failure.message, /key "test".*"gone".*does not exist any more.*whoever runs this gateway/)
  })

  test('an inline config that is wrong names its key', () => {
    const failure = caught(() =>
      createPlanning({ providers: abc }).plan({ headers: inline({ strategy: { mode: 'falback' }, targets: [to('a')] }) }),
    )
    assert.deepEqual([failure.kind, failure.details.param], ['invalid_request', 'config.strategy.mode'])
  })

  test('guardrails are refused, naming where they are', () => {
    const failure = caught(() => planningOf({ ...to('a'), input_guardrails: ['pii'] }).plan(byMain))
    assert.deepEqual([failure.kind, failure.details.param], ['invalid_request', 'config.input_guardrails'])
    assert.match(failure.message, /^Guardrails are not available yet/)
  })

  test('the next request follows a config that was changed', () => {
    const planning = planningOf(to('a'))
    assert.deepEqual(order(planning.plan(byMain)), ['a'])
    planning.snapshot = { ...planning.snapshot, configs: createPlanning({ providers: {}, configs: { main: to('b') } }).snapshot.configs }
    assert.deepEqual(order(planning.plan(byMain)), ['b'])
  })
})

describe('a model that is a config', () => {
  const named = { ...fallback(to('a', { override_params: { model: 'm' } }), to('b', { override_params: { model: 'm' } })) }
  const body = { ...plainBody, model: 'main' }

  test('is asked for by its slug', () => {
    const plan = planningOf(named).plan({ body })
    assert.deepEqual([order(plan), plan.config], [['a', 'b'], { slug: 'main', version: 1 }])
    assert.equal(plan.steps[0]!.target.model.id, 'm')
  })

  test('comes after everything else that has the name', () => {
    const planning = planningOf(named, { providers: { ...abc, d: serving('main') } })
    assert.deepEqual(order(planning.plan({ body })), ['d'])
  })

  test('one whose targets name no model says so', () => {
    const failure = caught(() => planningOf(fallback(to('a'))).plan({ body }))
    assert.equal(failure.kind, 'model_not_found')
    assert.match(failure.message, /config\.targets\[0\], a: it names no model/)
  })

  test("may name another, whose targets have both configs' words", () => {
    const planning = createPlanning({
      providers: abc,
      configs: {
        outer: fallback(
          { override_params: { model: 'inner', temperature: 0 }, retry: { attempts: 2 } },
          to('c', { override_params: { model: 'm' } }),
        ),
        inner: fallback(
          to('a', { override_params: { model: 'm', top_p: 0.5 } }),
          to('b', { override_params: { model: 'm', temperature: 1 } }),
        ),
      },
    })
    const { steps } = planning.plan({ body: { ...plainBody, model: 'outer' } })
    assert.deepEqual(
      steps.map(({ target }) => [target.provider.slug, target.route, target.retry?.attempts]),
      [
        ['a', 'config.targets[0] > inner.targets[0]', 2],
        ['b', 'config.targets[0] > inner.targets[1]', 2],
        ['c', 'config.targets[1]', undefined],
      ],
    )
    assert.deepEqual(
      steps.slice(0, 2).map(({ target }) => target.params?.edits.map(({ field, value }) => [field, value])),
      [
        [
          ['temperature', 0],
          ['top_p', 0.5],
        ],
        [['temperature', 1]],
      ],
    )
  })

  test('two that name each other are a 400 that shows the circle', () => {
    const planning = createPlanning({
      providers: abc,
      configs: { x: { override_params: { model: 'y' } }, y: { override_params: { model: 'x' } } },
    })
    const failure = caught(() => planning.plan({ body: { ...plainBody, model: 'x' } }))
    assert.equal(failure.kind, 'invalid_request')
    assert.match(failure.message, /circle \(x -> y -> x\)/)
  })

  test('a key whose list names it may use it, whatever it stands for', () => {
    const planning = planningOf(named)
    assert.deepEqual(order(planning.plan({ body, key: { models: ['main'] } })), ['a', 'b'])
    const failure = caught(() => planning.plan({ body, key: { id: 'key-2', models: ['other'] } }))
    assert.equal(failure.kind, 'model_not_allowed')
  })
})

describe('who answers a target', () => {
  test('a slug, with or without @; a vendor where none has that slug; whoever serves the model where none is named', () => {
    const providers = {
      mine: { ...serving('gpt-4o'), vendor: 'openai' },
      theirs: { ...serving('gpt-4o'), vendor: 'openai', priority: 1 },
      anthropic: { ...serving('x'), vendor: 'anthropic' },
    }
    const body = { ...plainBody, model: 'gpt-4o' }
    const by = (config: unknown): string[] => order(createPlanning({ providers }).plan({ body, headers: inline(config) }))
    assert.deepEqual(by(to('@mine')), ['mine'])
    assert.deepEqual(by(to('mine')), ['mine'])
    assert.deepEqual(by(to('openai')), ['theirs', 'mine'])
    assert.deepEqual(by({ retry: { attempts: 1 } }), ['theirs', 'mine'])
  })

  test('several providers of a vendor: by priority, then price', () => {
    const priced = (input: string, priority: number) => ({
      ...serving({ id: 'm', price: { input_per_million_usd: input, output_per_million_usd: '1' } }),
      vendor: 'groq',
      priority,
    })
    const providers = {
      late: priced('1', 200),
      dear: priced('9', 1),
      cheap: priced('2', 1),
      unpriced: { ...serving('m'), vendor: 'groq', priority: 1 },
    }
    assert.deepEqual(order(createPlanning({ providers }).plan({ headers: inline(to('groq')) })), ['cheap', 'dear', 'unpriced', 'late'])
  })

  test("the provider that the request names gives way to the config's", () => {
    const planning = planningOf(to('b'))
    assert.deepEqual(order(planning.plan({ ...byMain, body: { ...plainBody, model: '@a/m' } })), ['b'])
    assert.equal(planning.plan({ ...byMain, body: { ...plainBody, model: '@a/m' } }).steps[0]!.target.model.id, 'm')
  })

  test('an id that the provider does not list is forwarded; one that its list excludes is not', () => {
    const listed = { ...serving('m'), models: { allow: ['m'] } }
    const planning = createPlanning({ providers: { a: serving('m'), listed }, configs: { main: fallback(to('a'), to('listed')) } })
    const plan = planning.plan({ ...byMain, body: { ...plainBody, model: 'new' } })
    assert.deepEqual(order(plan), ['a'])
    assert.deepEqual(plan.skipped, [
      { provider: 'listed', reason: `the provider's allow-list or deny-list excludes "new"`, route: 'config.targets[1]' },
    ])
  })

  test("the key's list of models holds, whatever the config says", () => {
    const planning = createPlanning({
      providers: { a: serving('m', 'n') },
      configs: { main: fallback(to('a', { override_params: { model: 'n' } }), to('a')) },
    })
    const plan = planning.plan({ ...byMain, key: { models: ['m'] } })
    assert.deepEqual(
      plan.steps.map(({ target }) => [target.route, target.model.id]),
      [['config.targets[1]', 'm']],
    )
    const failure = caught(() => planning.plan({ headers: inline(to('a', { override_params: { model: 'n' } })), key: { models: ['m'] } }))
    assert.deepEqual([failure.kind, failure.status], ['model_not_allowed', 404])
  })

  test('a provider that is not there is skipped with that reason, and alone it is a 404', () => {
    const plan = planningOf(fallback(to('x'), to('b'))).plan(byMain)
    assert.deepEqual(
      [order(plan), plan.skipped],
      [['b'], [{ provider: 'x', reason: 'there is no provider of that name', route: 'config.targets[0]' }]],
    )
    const failure = caught(() => planningOf(to('x')).plan(byMain))
    assert.equal(failure.kind, 'model_not_found')
    assert.match(failure.message, /"main" has no target that can be asked for "m" \(config, x: there is no provider of that name\)/)
  })

  test("the config's own key replaces the provider's, and never mixes with it", () => {
    const planning = planningOf(fallback(to('a', { api_key: 'sk-own-1234567890' }), to('b')))
    const { steps } = planning.plan(byMain)
    assert.deepEqual(
      steps.map(({ target }) => [target.provider.slug, target.credential.name, target.credential.secret]),
      [
        ['a', 'main.targets[0]', 'sk-own-1234567890'],
        ['b', 'main', 'sk-provider-1234567'],
      ],
    )
  })

  test('a custom_host is asked with the key of the config only, without any header of this gateway, and inline not at a private address', () => {
    const a = { ...serving('m'), headers: { 'x-secret': 'of the operator' } }
    const config = to('a', { custom_host: 'https://elsewhere.test/v1', api_key: 'sk-own-1234567890' })
    const planning = createPlanning({ providers: { a }, configs: { main: config } })
    const [stored] = planning.plan(byMain).steps
    assert.deepEqual(
      [stored!.target.provider.origin, stored!.target.credential.secret, stored!.target.provider.headers],
      ['https://elsewhere.test', 'sk-own-1234567890', {}],
    )
    const [brought] = planning.plan({ headers: inline(config) }).steps
    assert.deepEqual([stored!.target.provider.allowPrivateNetwork, brought!.target.provider.allowPrivateNetwork], [true, false])
    assert.ok(!JSON.stringify([...planning.plan(byMain).steps, brought]).includes('sk-provider'))
  })

  test('a custom_host in a stored config is asked without a key where it has none, as local servers are', () => {
    for (const provider of ['ollama', 'openai', 'a']) {
      const config = { provider, custom_host: 'http://127.0.0.1:11434/v1' }
      const planning = createPlanning({ providers: { a: serving('m') }, configs: { main: config } })
      const { target } = planning.plan(byMain).steps[0]!
      assert.deepEqual(
        [target.provider.origin, target.provider.auth, target.credential.secret, target.provider.allowPrivateNetwork],
        ['http://127.0.0.1:11434', 'none', '', true],
      )
    }
  })

  test('two of them have their health apart', () => {
    const at = (port: number) => ({ provider: 'ollama', custom_host: `http://127.0.0.1:${port}` })
    const config = { strategy: { mode: 'fallback' }, targets: [at(1), at(2)] }
    const planning = createPlanning({ providers: { a: serving('m') }, configs: { main: config } })
    const vitals = planning.plan(byMain).steps.map(({ target }) => target.vitals)
    assert.deepEqual([vitals.length, new Set(vitals).size], [2, 2])
  })

  test('a dry run of a config that is not stored asks like the stored one would, and a client gets no more by that', () => {
    const config = { provider: 'ollama', custom_host: 'http://127.0.0.1:11434' }
    const planning = createPlanning({ providers: { a: serving('m') } })
    const rehearsed = () => planning.rehearse({}, parseRoutingConfig(config, {})).steps[0]!.target.provider
    assert.deepEqual([rehearsed().origin, rehearsed().allowPrivateNetwork], ['http://127.0.0.1:11434', true])
    assert.match(caught(() => planning.plan({ headers: inline(config) })).message, /only asked with an api_key of the config/)
  })

  test('a custom_host that a client brings without a key is never asked', () => {
    const planning = createPlanning({ providers: { a: serving('m') } })
    const config = to('a', { custom_host: 'https://elsewhere.test/v1' })
    const failure = caught(() => planning.plan({ headers: inline(config) }))
    assert.match(failure.message, /custom_host is only asked with an api_key of the config/)
  })

  test('a provider that is not configured is asked with the key of the config, unless the key has a list of models', () => {
    const headers = inline({ provider: 'groq', api_key: 'gsk_1234567890abcdef', override_params: { model: 'llama-3.1-8b-instant' } })
    const planning = createPlanning({ providers: abc })
    const [step] = planning.plan({ headers }).steps
    assert.deepEqual([step!.target.provider.origin, step!.target.credential.name], ['https://api.groq.com', 'client'])
    assert.equal(caught(() => planning.plan({ headers, key: { models: ['*'] } })).kind, 'model_not_allowed')
  })
})

test('a config that a client brings holds nobody up: all its expressions together look at no more than one may', () => {
  let [text, seed] = ['', 1]
  while (text.length < 65_536) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    text += seed > 1_073_741_824 ? 'a' : 'b'
  }
  const groups = [15, 25].map((from) => ({
    strategy: {
      mode: 'conditional',
      conditions: [
        rule({ $or: Array.from({ length: 20 }, (_, i) => ({ 'params.user': { $regex: `[ab]*a[ab]{${from + i}}[xy]` } })) }, 'b'),
      ],
      default: 'a',
    },
    targets: [
      { name: 'a', provider: 'a' },
      { name: 'b', provider: 'b' },
    ],
  }))
  const planning = createPlanning({ providers: abc })
  const began = performance.now()
  const plan = planning.plan({ body: { ...plainBody, user: text }, headers: inline({ targets: groups }) })
  assert.ok(performance.now() - began < 2500, `${performance.now() - began} ms`)
  assert.deepEqual(order(plan), ['a', 'a'])
})

test("headers go on where a config is the operator's: one that is stored, or tried; a client's own is told that they don't", () => {
  const config = to('a', { forward_headers: ['x-tenant'] })
  const planning = createPlanning({ providers: abc, configs: { main: config } })
  const forwards = (headers: Record<string, string>) => planning.plan({ headers }).steps[0]!.target.forwards
  assert.deepEqual(forwards({ 'x-turnpike-config': 'main' }), ['x-tenant'])
  assert.equal(forwards(inline(config)), undefined)
  assert.deepEqual(forwards(inline(to('a', { ...config, api_key: 'k' }))), ['x-tenant'])
  const notes = (said: ReturnType<typeof planning.dryRun>) => said.steps.flatMap((step) => step.notes)
  assert.deepEqual(notes(planning.dryRun({}, parseRoutingConfig(config))), [])
  assert.match(notes(planning.dryRun({ headers: inline(config) })).join(), /^forward_headers: /)
})
