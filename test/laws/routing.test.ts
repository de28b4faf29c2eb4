// Laws of plans, over arbitrary configs, requests, health and failures: a rehearsal says what then happens, and nothing is asked twice.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure, type FailureKind, type JsonObject } from '#kernel'
import type { Plan } from '#routing'
import { createPlanning, nameOf, plainBody, rule, serving, type Planning, type SceneRequest } from '#test/planning.ts'

const slugs = ['a', 'b', 'c', 'd'] as const
const providers = {
  a: serving({ id: 'm', capabilities: [], context_window: 8000 }),
  b: serving({ id: 'm', capabilities: ['tools'], price: { input_per_million_usd: '1', output_per_million_usd: '2' } }),
  c: serving({ id: 'm', price: 'free' }),
  d: serving('m'),
}

const leaf = fc
  .record(
    {
      provider: fc.constantFrom('@a', 'b', '@c', 'd', '@nobody'),
      weight: fc.constantFrom(0, 0.3, 1, 5),
      retry: fc.constant({ attempts: 1 }),
      override_params: fc.constantFrom<JsonObject>({ temperature: 0 }, { model: 'm' }, { model: 'other' }),
    },
    { requiredKeys: [] },
  )
  .map((one) => one as JsonObject)

const statuses = fc.uniqueArray(fc.constantFrom(401, 429, 500, 503), { minLength: 1 })
const queries = fc.constantFrom<JsonObject>(
  { 'metadata.tier': 'paid' },
  { 'params.tools': { $exists: true } },
  { 'provider.a.available': false },
  { 'request.input_tokens': { $gt: 1000 } },
)

const { config } = fc.letrec<{ config: JsonObject; group: JsonObject }>((tie) => ({
  config: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('group')),
  group: fc
    .record({
      targets: fc.array(tie('config'), { minLength: 1, maxLength: 4 }),
      mode: fc.constantFrom('fallback', 'loadbalance', 'conditional', 'single'),
      codes: fc.option(statuses),
      by: fc.constantFrom('weight', 'latency', 'cost', 'least_busy'),
      queries: fc.array(queries, { minLength: 1, maxLength: 3 }),
      hasDefault: fc.boolean(),
      weight: fc.constantFrom(1, 0, 2),
    })
    .map(({ targets, mode, codes, by, queries: asked, hasDefault, weight }): JsonObject => {
      // One at least must have a weight.
      const named = targets.map((target, i) => ({ ...target, name: `t${i}`, ...(i === 0 ? { weight: 1 } : {}) }))
      const strategies: Record<string, JsonObject> = {
        single: { mode },
        fallback: { mode, ...(codes === null ? {} : { on_status_codes: codes }) },
        loadbalance: { mode, by },
        conditional: {
          mode,
          conditions: asked.map((query, i) => rule(query, `t${i % targets.length}`)),
          ...(hasDefault ? { default: 't0' } : {}),
        },
      }
      return { strategy: strategies[mode]!, targets: mode === 'single' ? named.slice(0, 1) : named, weight }
    }),
}))

const ends: fc.Arbitrary<FailureKind | number | undefined> = fc.constantFrom(
  undefined,
  401,
  429,
  500,
  503,
  400,
  'connect_failed' as const,
  'cut' as const,
  'first_token_timeout' as const,
)
const failures = fc.record({ a: ends, b: ends, c: ends, d: ends })
const requests: fc.Arbitrary<SceneRequest> = fc
  .record({
    tier: fc.option(fc.constantFrom('paid', 'free')),
    session: fc.option(fc.constantFrom('s1', 's2')),
    tools: fc.boolean(),
    long: fc.boolean(),
  })
  .map(({ tier, session, tools, long }) => ({
    body: {
      ...plainBody,
      ...(tools ? { tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }] } : {}),
      ...(long ? { messages: [{ role: 'user', content: 'word '.repeat(12_000) }] } : {}),
    },
    headers: {
      'x-turnpike-config': 'main',
      ...(tier === null ? {} : { 'x-turnpike-metadata': JSON.stringify({ tier }) }),
      ...(session === null ? {} : { 'x-turnpike-session-id': session }),
    },
  }))
const scenes = fc.record({
  config,
  before: fc.array(fc.record({ request: requests, ends: failures, laterMs: fc.constantFrom(0, 100, 10_000, 90_000) }), { maxLength: 6 }),
  request: requests,
  ends: failures,
  chances: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 20, maxLength: 20 }),
})

function planOrRefusal(plan: () => Plan): Plan | string {
  try {
    return plan()
  } catch (error) {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.fault, 'client')
    return error.message
  }
}

type Ends = Readonly<Record<(typeof slugs)[number], FailureKind | number | undefined>>
type Before = readonly { readonly request: SceneRequest; readonly ends: Ends; readonly laterMs: number }[]

/** A gateway that some requests have been through. */
function lived(written: JsonObject, before: Before): Planning {
  const planning = createPlanning({ providers, configs: { main: written } })
  for (const { request, ends: said, laterMs } of before) {
    const plan = planOrRefusal(() => planning.plan(request))
    if (typeof plan !== 'string') planning.follow(plan, ({ provider }) => said[provider.slug as 'a'])
    planning.nowMs += laterMs
  }
  return planning
}

function stepsOf(plan: Plan | string): unknown {
  if (typeof plan === 'string') return plan
  return plan.steps.map(({ target: { route, provider, model, credential }, reason, exits }) => [
    route,
    provider.slug,
    model.id,
    credential.name,
    reason,
    exits,
  ])
}

test('a rehearsal says what the next request then does, with the same chance', () => {
  fc.assert(
    fc.property(scenes, ({ config: written, before, request, chances }) => {
      const planning = lived(written, before)
      planning.chances.splice(0, Infinity, ...chances)
      const rehearsed = stepsOf(planOrRefusal(() => planning.rehearse(request)))
      planning.chances.splice(0, Infinity, ...chances)
      assert.deepEqual(stepsOf(planOrRefusal(() => planning.plan(request))), rehearsed)
    }),
    { numRuns: 500 },
  )
})

test('every exit leads onwards, so that no step is taken twice, whatever fails', () => {
  fc.assert(
    fc.property(scenes, ({ config: written, before, request, ends: said }) => {
      const planning = lived(written, before)
      const plan = planOrRefusal(() => planning.plan(request))
      if (typeof plan === 'string') return
      assert.ok(plan.steps.length > 0)
      for (const [position, { exits }] of plan.steps.entries()) {
        for (const { to } of exits) assert.ok(to > position && to < plan.steps.length, `${position} -> ${to}`)
        assert.equal(new Set(exits.map(({ to }) => to)).size, exits.length)
      }
      assert.equal(new Set(plan.steps.map(({ target }) => target)).size, plan.steps.length, 'no target is there twice')
      const taken = planning.follow(plan, ({ provider }) => said[provider.slug as 'a'])
      assert.ok(taken.length <= plan.steps.length)
    }),
    { numRuns: 500 },
  )
})

test('when nobody can be reached, everybody is asked, once each and in order', () => {
  fc.assert(
    fc.property(scenes, ({ config: written, before, request }) => {
      const planning = lived(written, before)
      const plan = planOrRefusal(() => planning.plan(request))
      if (typeof plan === 'string') return
      assert.deepEqual(
        planning.follow(plan, () => 'connect_failed'),
        plan.steps.map(({ target }) => nameOf(target)),
      )
    }),
    { numRuns: 500 },
  )
})

test('what is skipped is not asked, and has a reason', () => {
  fc.assert(
    fc.property(scenes, ({ config: written, before, request }) => {
      const plan = planOrRefusal(() => lived(written, before).plan(request))
      if (typeof plan === 'string') return
      for (const { route, provider, reason } of plan.skipped) {
        assert.ok(reason.length > 5)
        assert.ok(!plan.steps.some(({ target }) => target.route === route && target.provider.slug === provider), `${route} ${provider}`)
      }
    }),
    { numRuns: 300 },
  )
})
