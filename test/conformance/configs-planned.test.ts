// Every config of the suite, followed by a request of every client: it is planned, or refused with a sentence; never anything else.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { Failure, type JsonObject } from '#kernel'
import { createPlanning, serving, type SceneRequest } from '#test/planning.ts'

type Group = { readonly accepted: readonly { readonly title: string; readonly config: unknown }[] }

const folder = path.join(import.meta.dirname, 'configs')
const configs = readdirSync(folder).flatMap((file) =>
  (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Group).accepted.map((one) => ({ file, ...one })),
)

/** The providers that the suite names most, and the models that it asks them for. */
const models = ['m', 'gpt-4o', 'gpt-4o-mini', 'claude-sonnet-4-5']
const providers = Object.fromEntries(
  ['a', 'b', 'c', 'first', 'openai', 'openai-prod', 'openai-backup', 'anthropic-prod', 'anthropic-us', 'anthropic-eu'].map((slug) => [
    slug,
    serving(...models),
  ]),
)

const messages = [{ role: 'user', content: 'Hello' }]
const requests: Readonly<Record<string, SceneRequest>> = {
  chat: { body: { model: 'm', messages } },
  'chat that streams': { body: { model: 'm', messages, stream: true, temperature: 1 } },
  responses: { endpoint: '/v1/responses', body: { model: 'm', input: 'Hello' } },
  messages: { endpoint: '/v1/messages', body: { model: 'm', max_tokens: 10, messages } },
  'counted messages': { endpoint: '/v1/messages/count_tokens', body: { model: 'm', messages } },
  gemini: { endpoint: '/v1beta/models/m:generateContent', body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] } },
  embeddings: { endpoint: '/v1/embeddings', body: { model: 'm', input: 'Hello' } },
}
const headers = { 'x-turnpike-config': 'main', 'x-turnpike-metadata': '{"plan":"paid","user_plan":"paid"}', 'x-turnpike-session-id': 's' }

for (const { file, title, config } of configs) {
  test(`${file}: ${title}`, () => {
    const planning = createPlanning({ providers, configs: { main: config } })
    const refused = planning.snapshot.configs.get('main')!.notYet.length > 0
    for (const [client, request] of Object.entries(requests)) {
      planning.chances.push(0.5)
      try {
        const { steps } = planning.dryRun({ ...request, headers })
        assert.ok(!refused, `${client}: what is not there yet must be refused`)
        for (const { reason, target } of steps) assert.ok(reason !== '' && target.startsWith('config'))
        assert.ok(!JSON.stringify(steps).includes('sk-'))
      } catch (error) {
        assert.ok(error instanceof Failure && error.fault === 'client', `${client}: ${String(error)}`)
        assert.doesNotMatch(error.message, /sk-/)
        if (refused) assert.match(error.message, /not available yet/)
      }
      planning.chances.length = 0
    }
  })
}

test('the examples of the contract are followed as they are written', () => {
  const [fallback, retry, balance, cache, guardrails] = (
    JSON.parse(readFileSync(path.join(folder, 'contract.json'), 'utf8')) as Group
  ).accepted.map(({ config }) => config as JsonObject)
  const planning = createPlanning({ providers })
  const stepsBy = (config: JsonObject | undefined) =>
    planning
      .dryRun({ body: { model: 'gpt-4o', messages }, headers: { 'x-turnpike-config': JSON.stringify(config) } })
      .steps.map(({ target, provider, retry: again }) => [target, provider, again?.attempts])
  assert.deepEqual(
    stepsBy({ ...fallback!, targets: [{ provider: '@anthropic-prod' }, { provider: '@openai-backup' }] }),
    stepsBy(fallback),
    'the first one is the fallback of the contract',
  )
  assert.deepEqual(stepsBy(fallback), [
    ['config.targets[0]', 'anthropic-prod', undefined],
    ['config.targets[1]', 'openai-backup', undefined],
  ])
  assert.ok(stepsBy(retry).every(([target, , attempts]) => target === 'config' && attempts === 3))
  assert.deepEqual(new Set(stepsBy(balance).map(([, provider]) => provider)), new Set(['anthropic-us', 'anthropic-eu']))
  const kept = planning.dryRun({ body: { model: 'gpt-4o', messages }, headers: { 'x-turnpike-config': JSON.stringify(cache) } }).cache
  assert.equal(kept?.max_age, 60)
  assert.throws(() => stepsBy(guardrails), /Guardrails are not available yet/)
})

test('the forms of guides send a request where they say', () => {
  const planning = createPlanning({
    providers: { 'groq-one': serving('llama'), 'groq-two': serving('llama'), 'openai-prod': serving('gpt-4o', 'llama') },
  })
  const to = (provider: string): JsonObject => ({ provider: `@${provider}`, override_params: { model: 'gpt-4o' } })
  const askedBy = (config: JsonObject, model = 'llama', headers: Record<string, string> = {}) =>
    planning
      .dryRun({ body: { model, messages }, headers: { 'x-portkey-config': JSON.stringify(config), ...headers } })
      .steps.map((step) => [step.provider, step.model])
  const bySlug = (slug: string) => ({ provider: 'groq', override_params: { model: `@${slug}/llama` } })
  assert.deepEqual(askedBy({ strategy: 'fallback', targets: [bySlug('groq-two'), bySlug('groq-one')] }), [
    ['groq-two', 'llama'],
    ['groq-one', 'llama'],
  ])
  assert.deepEqual(askedBy({ provider: '@openai-prod/gpt-4o' }), [['openai-prod', 'gpt-4o']])
  // The provider is the request's, the model the target's.
  const backed = {
    strategy: { mode: 'fallback' },
    targets: [{ passthrough: true, override_params: { model: 'llama' } }, to('openai-prod')],
  }
  assert.deepEqual(askedBy(backed, '@groq-two/other'), [
    ['groq-two', 'llama'],
    ['openai-prod', 'gpt-4o'],
  ])
  assert.deepEqual(askedBy(backed, 'other', { 'x-portkey-provider': '@groq-one' })[0], ['groq-one', 'llama'])
  assert.deepEqual(askedBy(backed, 'groq-one/other')[0], ['groq-one', 'llama'])
  assert.deepEqual(
    askedBy(backed, 'other').map(([provider]) => provider),
    ['groq-one', 'groq-two', 'openai-prod', 'openai-prod'],
  )
  assert.deepEqual(askedBy(backed, '@nobody/other'), [['openai-prod', 'gpt-4o']])
  assert.deepEqual(askedBy({ fallback: { targets: [{ passthrough: true }, { provider: '@openai-prod' }] } }, '@groq-two/llama'), [
    ['groq-two', 'llama'],
    ['openai-prod', 'llama'],
  ])
})
