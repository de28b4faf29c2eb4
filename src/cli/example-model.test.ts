// The example that `up` prints must be answered, and cost next to nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModelEntry, Provider, Snapshot } from '#config'
import { priceOf } from '#ir'
import { exampleModel } from './example-model.ts'

function model(id: string, perMillion: string, more: Partial<ModelEntry> = {}): [string, ModelEntry] {
  return [id, { id, capabilities: ['tools'], price: priceOf('test', { input: perMillion, output: perMillion })!, ...more }]
}

function snapshot(...providers: (Partial<Provider> & { slug: string })[]): Snapshot {
  const entries = providers.map((one): [string, Provider] => [
    one.slug,
    { simulated: false, priority: 100, models: new Map(), ...one } as Provider,
  ])
  return {
    version: 1,
    keys: new Map(),
    aliases: new Map(),
    configs: new Map(),
    providers: new Map(entries),
    users: new Map(),
    teams: new Map(),
    budgets: [],
    timeZone: 'UTC',
  }
}

test('it is the cheapest model for conversations of the first provider', () => {
  const models = new Map([
    model('embed', '0.01', { capabilities: [] }),
    model('speech', '0.02', { outputModalities: ['audio'] }),
    model('large', '10'),
    model('small', '0.5'),
  ])
  assert.equal(
    exampleModel(snapshot({ slug: 'later', priority: 200, models: new Map([model('tiny', '0.1')]) }, { slug: 'openai', models })),
    'openai/small',
  )
})

test('a model that the provider may not be asked for is not the example', () => {
  const models = new Map([model('large', '10'), model('small', '0.5')])
  assert.equal(exampleModel(snapshot({ slug: 'openai', models, deny: ['small'] })), 'openai/large')
  assert.equal(exampleModel(snapshot({ slug: 'openai', models, allow: ['large'] })), 'openai/large')
  assert.equal(exampleModel(snapshot({ slug: 'openai', models, deny: ['s*'] })), undefined)
})

test('of a provider that no catalog knows it is a model that was declared, and otherwise the simulator answers', () => {
  assert.equal(exampleModel(snapshot({ slug: 'mine', allow: ['llama*', 'llama3'] })), 'mine/llama3')
  const own = new Map([model('embed', '0', { outputModalities: ['embeddings'] }), ['qwen', { id: 'qwen' }] as [string, ModelEntry]])
  assert.equal(exampleModel(snapshot({ slug: 'mine', models: own })), 'mine/qwen')
  assert.equal(exampleModel(snapshot({ slug: 'mine', models: own, deny: ['qwen'] })), undefined)
  assert.equal(exampleModel(snapshot({ slug: 'mine' }, { slug: 'sim', simulated: true })), 'sim/echo')
  assert.equal(exampleModel(snapshot({ slug: 'mine' })), undefined)
})
