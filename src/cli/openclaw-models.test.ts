// Which models OpenClaw is offered, under which names, and which it gets when nobody chooses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelView, ProviderView } from '#control'
import { offersOf, openClawModel, usualFallback, usualFirst, usualPrimary } from './openclaw-models.ts'

function model(provider: string, id: string, outputUsd: string | null, more: Partial<ModelView> = {}): ModelView {
  return {
    provider,
    id,
    canonical: null,
    name: null,
    context_window: null,
    max_output_tokens: null,
    input_modalities: ['text'],
    output_modalities: ['text'],
    capabilities: ['tools'],
    price: outputUsd === null ? null : outputUsd === 'free' ? 'free' : { input_per_million_usd: '1', output_per_million_usd: outputUsd },
    price_source: 'catalog',
    allowed: true,
    ...more,
  }
}
const provider = (slug: string, priority = 0) => ({ slug, priority }) as ProviderView
const names = (models: readonly ModelView[], providers: readonly ProviderView[]) => offersOf(models, providers).map(({ name }) => name)

test('a model of several providers is one offer under the name that reaches all of them, by priority', () => {
  const rows = [
    model('azure', 'my-gpt', '10', { canonical: 'openai/gpt-5' }),
    model('openai', 'gpt-5', '10', { canonical: 'openai/gpt-5' }),
    model('one', 'house-model', '1'),
    model('two', 'house-model', '1'),
  ]
  const offers = offersOf(rows, [provider('azure', 2), provider('openai', 1), provider('one', 3), provider('two', 3)])
  assert.deepEqual(
    offers.map(({ name, providers }) => [name, providers]),
    [
      ['gpt-5', ['openai', 'azure']],
      ['house-model', ['one', 'two']],
    ],
  )
})

test("a name whose first part is a provider's slug is written with its own provider", () => {
  assert.deepEqual(names([model('router', 'openai/thing', '1')], [provider('router'), provider('openai')]), ['router/openai/thing'])
  assert.deepEqual(names([model('router', 'maker/thing', '1')], [provider('router')]), ['maker/thing'])
})

test('what is not for conversations, or not allowed, is not offered', () => {
  const rows = [
    model('p', 'talks', '1'),
    model('p', 'unknown', null, { capabilities: [] }),
    model('p', 'embeds', '1', { capabilities: ['embeddings'] }),
    model('p', 'draws', '1', { output_modalities: ['image'] }),
    model('p', 'denied', '1', { allowed: false }),
  ]
  assert.deepEqual(names(rows, [provider('p')]), ['talks', 'unknown'])
})

test('the usual primary is the dearest of a usual price, the newest number of equals, and the fallback is somebody else', () => {
  const rows = [
    model('a', 'small', '2'),
    model('a', 'model-4-5', '15'),
    model('a', 'model-4-6', '15'),
    model('a', 'huge', '75'),
    model('b', 'other-9', '8'),
    model('b', 'other-10', '8'),
  ]
  const offers = offersOf(rows, [provider('a'), provider('b', 1)])
  const primary = usualPrimary(offers)!
  assert.equal(primary.name, 'model-4-6')
  assert.equal(usualFallback(offers, primary)?.name, 'other-10')
  assert.deepEqual(usualFirst(offers).map(({ name }) => name), ['model-4-6', 'model-4-5', 'small', 'other-10', 'other-9', 'huge']) // prettier-ignore
})

test('where everything is free, the first that is listed is taken; where nothing is, nothing', () => {
  const offers = offersOf([model('local', 'one', 'free'), model('local', 'two', 'free')], [provider('local')])
  assert.equal(usualPrimary(offers)?.name, 'one')
  assert.equal(usualFallback(offers, offers[0]!), undefined)
  assert.equal(usualPrimary([]), undefined)
})

test('of the built-in simulator only the echo is offered', () => {
  const rows = ['cut', 'echo', 'stall'].map((id) => model('sim', id, 'free', { canonical: `sim/${id}` }))
  assert.deepEqual(names(rows, [{ ...provider('sim'), origin: 'built-in' }]), ['echo'])
})

test("a row has what is known, in OpenClaw's units, and leaves out what is not", () => {
  const full = model('p', 'm', '10', {
    name: 'The M',
    context_window: 200_000,
    max_output_tokens: 64_000,
    input_modalities: ['text', 'image', 'pdf'],
    capabilities: ['tools', 'reasoning'],
    price: {
      input_per_million_usd: '3',
      output_per_million_usd: '15',
      cache_read_per_million_usd: '0.3',
      cache_write_5m_per_million_usd: '3.75',
    },
  })
  const compat = { supportsUsageInStreaming: true, supportsPromptCacheKey: true, sendSessionAffinityHeaders: true }
  const row = (view: ModelView) => openClawModel({ name: 'm', model: view, providers: ['p'] })
  assert.deepEqual(row(full), {
    id: 'm',
    name: 'The M',
    reasoning: true,
    input: ['text', 'image'],
    contextWindow: 200_000,
    maxTokens: 64_000,
    cost: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
    compat,
  })
  assert.deepEqual(row(model('p', 'm', null)), { id: 'm', name: 'm', reasoning: false, input: ['text'], compat })
  assert.deepEqual(row(model('p', 'm', 'free'))['cost'], { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 })
  assert.deepEqual(row(model('p', 'm', '10'))['cost'], { input: 1, output: 10, cacheRead: 1, cacheWrite: 1 })
})
