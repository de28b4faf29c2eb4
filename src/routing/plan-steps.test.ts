// Which targets a request gets, in which order and lane, and why a provider is left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelEntry, Provider } from '#config'
import type { ClientWire, EmbeddingForm, Wire } from '#ir'
import type { Plan } from './plan.ts'
import type { Moment } from './plan-facts.ts'
import { servedTree, type LeafCandidate, type RouteRequest } from './plan-route.ts'
import { planSteps } from './plan-steps.ts'

const chatPath = '/v1/chat/completions'
const messagesPath = '/v1/messages'
const chat: readonly [Wire, string] = ['openai-chat', chatPath]
const messages: readonly [Wire, string] = ['anthropic-messages', messagesPath]

function provider(
  slug: string,
  endpoints: readonly (readonly [Wire, string])[],
  credentials = ['main'],
  more: Partial<Provider> = {},
): Provider {
  return {
    slug,
    vendor: slug,
    origin: `https://${slug}.test`,
    endpoints: new Map(endpoints),
    auth: 'bearer',
    credentials: credentials.map((name) => ({ name, secret: `secret-${name}` })),
    headers: {},
    dialect: {},
    models: new Map(),
    priority: 0,
    timeouts: { connectMs: 1, firstTokenMs: undefined, idleMs: 1, totalMs: 1 },
    allowPrivateNetwork: true,
    simulated: false,
    ...more,
  }
}

const model: ModelEntry = { id: 'm' }

/** Whoever serves a model needs nothing of the request, the clock or chance. */
const nothing = {} as Moment

function planTargets({ candidates, ...request }: RouteRequest & { readonly candidates: readonly LeafCandidate[] }): Plan {
  return planSteps(servedTree(request, candidates), nothing).plan
}

function plan(providers: readonly Provider[], wire: ClientWire = 'openai-chat', operation: RouteRequest['operation'] = 'generate') {
  const { steps, skipped } = planTargets({ operation, wire, candidates: providers.map((one) => ({ provider: one, model })) })
  const targets = steps.map(({ target }) => target)
  return {
    steps,
    targets,
    skipped,
    brief: targets.map((target) => `${target.provider.slug}/${target.credential.name} ${target.lane} ${target.wire} ${target.path}`),
  }
}

test('providers come in the order that they were given, each with its reason', () => {
  const { steps, skipped } = plan([provider('a', [chat]), provider('b', [chat]), provider('c', [chat])])
  assert.deepEqual(
    steps.map(({ target, reason, exits }) => [target.provider.slug, reason, exits]),
    [
      ['a', 'first by priority', [{ to: 1, on: 'any' }]],
      ['b', 'next by priority', [{ to: 2, on: 'any' }]],
      ['c', 'next by priority', []],
    ],
  )
  assert.deepEqual(skipped, [])
})

test("bytes pass where the provider speaks the client's wire; elsewhere they are translated to its first one", () => {
  const both = provider('both', [chat, messages])
  const onlyMessages = provider('claude', [messages])
  assert.deepEqual(plan([both, onlyMessages]).brief, [
    `both/main pass openai-chat ${chatPath}`,
    `claude/main translate anthropic-messages ${messagesPath}`,
  ])
  assert.deepEqual(plan([both, onlyMessages], 'anthropic-messages').brief, [
    `both/main pass anthropic-messages ${messagesPath}`,
    `claude/main pass anthropic-messages ${messagesPath}`,
  ])
})

test('a model that is served on some wires only is asked there: by pattern of the provider, or by its own row', () => {
  const byPattern = provider('a', [chat, messages], ['main'], {
    wireModels: new Map([['openai-chat', (id: string) => id !== 'm']]),
  })
  assert.deepEqual(plan([byPattern]).brief, [`a/main translate anthropic-messages ${messagesPath}`])
  const brief = (one: ModelEntry): string[] =>
    planTargets({
      operation: 'generate',
      wire: 'openai-chat',
      candidates: [{ provider: provider('b', [chat, messages]), model: one }],
    }).steps.map(({ target: { lane, wire } }) => `${lane} ${wire}`)
  assert.deepEqual(brief({ id: 'm', wires: ['anthropic-messages'] }), ['translate anthropic-messages'])
  assert.deepEqual(brief({ id: 'm', wires: ['openai-chat'] }), ['pass openai-chat'])
  assert.deepEqual(brief({ id: 'm', wires: ['gemini'] }), [])
})

test('each credential is a target; the next one is for trouble of the one before, the next provider for any', () => {
  const { steps, brief } = plan([provider('a', [chat], ['one', 'two', 'three']), provider('b', [chat])])
  assert.deepEqual(
    brief.map((line) => line.split(' ')[0]),
    ['a/one', 'a/two', 'a/three', 'b/main'],
  )
  const next = { to: 3, on: 'any' }
  assert.deepEqual(
    steps.map(({ exits }) => exits),
    [[{ to: 1, on: 'credential' }, next], [{ to: 2, on: 'credential' }, next], [next], []],
  )
  assert.equal(steps[1]!.reason, 'next credential of the same provider')
  assert.equal(steps[3]!.reason, 'next by priority')
})

test('a provider that has no credential is skipped, unless it needs none', () => {
  const { steps, targets, skipped, brief } = plan([provider('a', [chat], []), provider('local', [chat], [], { auth: 'none' })])
  assert.deepEqual(skipped, [{ provider: 'a', reason: 'it has no credential' }])
  assert.deepEqual(brief, [`local/none pass openai-chat ${chatPath}`])
  assert.equal(targets[0]!.credential.secret, '')
  assert.equal(steps[0]!.reason, 'first by priority', 'what was skipped was not first')
})

test('a provider without endpoints is skipped', () => {
  assert.deepEqual(plan([provider('a', [])]).skipped, [{ provider: 'a', reason: 'it has no endpoint for conversations' }])
})

test('tokens are counted only by a real provider that speaks the wire', () => {
  const counted = plan(
    [provider('gpt', [chat]), provider('claude', [messages]), provider('sim', [messages], ['main'], { simulated: true })],
    'anthropic-messages',
    'count-tokens',
  )
  assert.deepEqual(counted.brief, [`claude/main pass anthropic-messages ${messagesPath}/count_tokens`])
  assert.deepEqual(
    counted.skipped.map(({ provider: slug }) => slug),
    ['gpt', 'sim'],
  )
})

test('the same request has the same plan', () => {
  const providers = [provider('a', [chat], ['one', 'two']), provider('b', [messages])]
  assert.deepEqual(plan(providers), plan(providers))
})

test('vectors are asked of providers that make them, in their own form, with models that make them', () => {
  const at = (form: EmbeddingForm, path: string): Partial<Provider> => ({ embeddings: { form, path, dialect: {} } })
  const made = planTargets({
    operation: 'embed',
    wire: 'openai-chat',
    candidates: [
      { provider: provider('a', [chat], ['main'], at('openai', '/v1/embeddings')), model: { id: 'm', outputModalities: ['embeddings'] } },
      { provider: provider('b', [], ['main'], at('gemini', '/models/{model}:batchEmbedContents')), model: { id: 'm/x' } },
      { provider: provider('c', [chat]), model: { id: 'm' } },
      { provider: provider('d', [chat], ['main'], at('openai', '/v1/embeddings')), model: { id: 'm', outputModalities: ['text'] } },
    ],
  })
  assert.deepEqual(
    made.steps.map(({ target }) => [target.provider.slug, target.lane, target.embeds, target.wire, target.path]),
    [
      ['a', 'pass', 'openai', 'openai-chat', '/v1/embeddings'],
      ['b', 'translate', 'gemini', 'gemini', '/models/m%2Fx:batchEmbedContents'],
    ],
  )
  assert.deepEqual(
    made.skipped.map(({ reason }) => reason),
    ['it has no endpoint for embeddings', 'the model makes no embeddings'],
  )
})

test('a model that only embeds has no conversations; one that does both has', () => {
  const talk = (outputModalities: readonly string[]) =>
    planTargets({
      operation: 'generate',
      wire: 'openai-chat',
      candidates: [{ provider: provider('a', [chat]), model: { id: 'm', outputModalities } }],
    })
  assert.deepEqual(talk(['embeddings']).skipped, [{ provider: 'a', reason: 'the model makes embeddings', by: 'kind' }])
  assert.equal(talk(['text', 'embeddings']).steps.length, 1)
})
