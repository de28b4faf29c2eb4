// From keys in the environment and a file to complete providers: addresses, keys, dialects, prices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, hashKey, nothingDeclared, type Declared, type DeclaredProvider, type Environment, type Provider } from '#config'
import { buildProviders } from './providers.ts'
import { buildSnapshot } from './snapshot.ts'
import { vendors } from './vendors.ts'

function build(
  providers: Record<string, DeclaredProvider> = {},
  env: Environment = {},
  more: Partial<Declared> = {},
): Map<string, Provider> {
  const declared = { ...nothingDeclared, providers: new Map(Object.entries(providers)), ...more }
  return new Map(buildProviders({ declared, env }).map((provider) => [provider.slug, provider]))
}

function refusal(providers: Record<string, DeclaredProvider>, env: Environment = {}): string {
  try {
    build(providers, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.message
  }
  assert.fail('the providers were accepted')
}

const someKey = { credentials: [{ name: 'main', value: 'secret-1' }] }

test('every vendor key in the environment makes a provider, its credential named after the variable', () => {
  const built = build(
    {},
    {
      OPENAI_API_KEY: 'sk-1',
      ANTHROPIC_API_KEY: ' sk-ant-2\n',
      GEMINI_API_KEY: 'g',
      GOOGLE_API_KEY: 'other',
      MISTRAL_API_KEY: '',
      UNRELATED: 'x',
    },
  )
  assert.deepEqual([...built.keys()], ['openai', 'anthropic', 'gemini'])
  assert.deepEqual(built.get('anthropic')!.credentials, [{ name: 'ANTHROPIC_API_KEY', secret: 'sk-ant-2' }])
  assert.deepEqual(built.get('gemini')!.credentials, [{ name: 'GEMINI_API_KEY', secret: 'g' }])
})

test('a gateway key in a vendor variable, which a client of this gateway has there, makes no provider and reaches no vendor', () => {
  const own = `tp-${'aB3_-'.repeat(8)}xyz`
  assert.deepEqual([...build({}, { OPENAI_API_KEY: own, GEMINI_API_KEY: `tpa-${own.slice(3)}` }).keys()], ['sim'])
  assert.deepEqual(build({}, { GEMINI_API_KEY: own, GOOGLE_API_KEY: 'g' }).get('gemini')!.credentials, [
    { name: 'GOOGLE_API_KEY', secret: 'g' },
  ])
  assert.match(refusal({ openai: {} }, { OPENAI_API_KEY: own }), /OPENAI_API_KEY/)
  // Another vendor's keys look like ours, but are not as long.
  assert.deepEqual([...build({}, { OPENAI_API_KEY: 'tp-c0ffee' }).keys()], ['openai'])
  // One gateway behind another.
  const chained = { base_url: 'https://gateway.example.com/v1', credentials: [{ name: 'main', value: own }] }
  assert.equal(build({ upstream: chained }).get('upstream')!.credentials[0]!.secret, own)
})

test('each vendor is called where its documentation says', () => {
  const env = Object.fromEntries(
    [...vendors.values()].flatMap(({ keyVariables }) => keyVariables.slice(0, 1)).map((variable) => [variable, 'k']),
  )
  const built = build({}, env)
  const address = (slug: string): string[] =>
    [...built.get(slug)!.endpoints].map(([wire, path]) => `${wire} ${built.get(slug)!.origin}${path}`)
  assert.deepEqual(address('openai'), [
    'openai-chat https://api.openai.com/v1/chat/completions',
    'openai-responses https://api.openai.com/v1/responses',
  ])
  assert.deepEqual(address('anthropic'), ['anthropic-messages https://api.anthropic.com/v1/messages'])
  assert.deepEqual(address('gemini'), [
    'gemini https://generativelanguage.googleapis.com/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}',
    'openai-chat https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
  ])
  assert.equal(built.get('gemini')!.wireAuth?.get('gemini'), 'x-goog-api-key')
  assert.equal(built.get('gemini')!.auth, 'bearer')
  assert.deepEqual(address('groq'), [
    'openai-chat https://api.groq.com/openai/v1/chat/completions',
    'openai-responses https://api.groq.com/openai/v1/responses',
  ])
  assert.deepEqual(address('openrouter'), [
    'openai-chat https://openrouter.ai/api/v1/chat/completions',
    'openai-responses https://openrouter.ai/api/v1/responses',
    'anthropic-messages https://openrouter.ai/api/v1/messages',
  ])
  assert.deepEqual(address('cohere'), [
    'cohere-chat https://api.cohere.com/v2/chat',
    'openai-chat https://api.cohere.com/compatibility/v1/chat/completions',
  ])
  assert.deepEqual(address('perplexity'), ['openai-chat https://api.perplexity.ai/chat/completions'])
  assert.equal(built.get('anthropic')!.auth, 'x-api-key')
  for (const slug of ['openai', 'anthropic', 'gemini', 'mistral', 'groq', 'openrouter', 'together', 'deepseek', 'nebius']) {
    const models = [...built.get(slug)!.models.values()]
    assert.ok(models.length > 0, `${slug} has models in the catalog`)
    assert.ok(
      models.some(({ price }) => price !== undefined),
      `${slug} has prices`,
    )
  }
})

test('a key with white space inside is refused by the name of its variable, not by its value', () => {
  const sentence = refusal({}, { OPENAI_API_KEY: 'sk-abc def' })
  assert.match(sentence, /^OPENAI_API_KEY contains white space/)
  assert.ok(!sentence.includes('abc'))
})

test('sim is there when nothing else is, or when asked for; never when refused', () => {
  assert.deepEqual([...build().keys()], ['sim'])
  assert.deepEqual([...build({}, { OPENAI_API_KEY: 'k' }).keys()], ['openai'])
  assert.deepEqual([...build({}, { OPENAI_API_KEY: 'k' }, { sim: true }).keys()], ['openai', 'sim'])
  assert.deepEqual([...build({}, {}, { sim: false }).keys()], [])
  const sim = build().get('sim')!
  assert.deepEqual(
    [...sim.models.keys()],
    ['echo', 'slow', 'status-429', 'status-500', 'cut', 'stall', 'error-in-stream', 'tool', 'flaky-30', 'embed'],
  )
  assert.ok(sim.simulated)
  assert.ok([...sim.models.values()].every(({ free, price }) => free === true && price!.output === 0n))
})

test('a declared provider replaces the environment of the same slug, and may take its key', () => {
  const built = build({ openai: { priority: 1 } }, { OPENAI_API_KEY: 'sk-env' })
  assert.deepEqual(built.get('openai')!.credentials, [{ name: 'OPENAI_API_KEY', secret: 'sk-env' }])
  assert.equal(built.get('openai')!.priority, 1)
  assert.deepEqual(build({ openai: someKey }, { OPENAI_API_KEY: 'sk-env' }).get('openai')!.credentials, [
    { name: 'main', secret: 'secret-1' },
  ])
  assert.deepEqual([...build({ work: { vendor: 'openai', ...someKey } }, { OPENAI_API_KEY: 'sk-env' }).keys()], ['work', 'openai'])
})

test("the environment's key is never sent to another address than the vendor's own", () => {
  const built = build({ openai: { base_url: 'https://elsewhere.example/v1' } }, { OPENAI_API_KEY: 'sk-env' })
  assert.deepEqual(built.get('openai')!.credentials, [])
  assert.equal(built.get('openai')!.auth, 'none')
})

test('any OpenAI-compatible server needs an address and nothing else', () => {
  const local = build({ local: { base_url: 'http://127.0.0.1:8080/v1/' } }).get('local')!
  assert.equal(local.origin, 'http://127.0.0.1:8080')
  assert.equal(local.endpoints.get('openai-chat'), '/v1/chat/completions')
  assert.equal(local.auth, 'none')
  assert.equal(local.dialect.maxTokensField, 'max_tokens')
})

test('a server of both wires below /v1 is not called at /v1/v1, and paths may be given outright', () => {
  const both = build({ both: { base_url: 'http://h/v1', wires: ['openai-chat', 'anthropic-messages'], ...someKey } }).get('both')!
  assert.deepEqual(
    [...both.endpoints],
    [
      ['openai-chat', '/v1/chat/completions'],
      ['anthropic-messages', '/v1/messages'],
    ],
  )
  const odd = build({ odd: { base_url: 'http://h/x', wires: { 'anthropic-messages': '/anthropic/v1/messages' }, ...someKey } }).get('odd')!
  assert.deepEqual([...odd.endpoints], [['anthropic-messages', '/x/anthropic/v1/messages']])
  assert.equal(odd.auth, 'x-api-key')
})

test('custom models, overridden prices, multipliers and allow-lists make the model list', () => {
  const provider = build({
    openai: {
      ...someKey,
      models: {
        allow: ['gpt-4o*', 'my-deployment'],
        custom: [
          { id: 'tuned', context_window: 8192, price: { input_per_million_usd: '1', output_per_million_usd: '2' } },
          { id: 'gpt-4o', price: { input_per_million_usd: '10', output_per_million_usd: '20' } },
          { id: 'gift', price: 'free' },
        ],
      },
      price_multiplier: '1.5',
      dialect: { strip: ['store'] },
      timeouts: { idle_ms: 1000 },
      headers: { 'X-Team': 'core' },
    },
  }).get('openai')!
  assert.equal(provider.models.get('tuned')!.price!.output, 3_000_000n)
  assert.equal(provider.models.get('gpt-4o')!.price!.input, 15_000_000n)
  assert.equal(provider.models.get('gpt-4o')!.canonical, 'openai/gpt-4o')
  assert.equal(provider.models.get('gpt-4o-mini')!.price!.input, 225_000n)
  assert.equal(provider.models.get('gift')!.price!.input, 0n)
  assert.equal(provider.models.get('my-deployment')!.price, undefined)
  assert.deepEqual(provider.dialect.strip, ['store'])
  assert.deepEqual(provider.timeouts, { connectMs: 5000, firstTokenMs: undefined, idleMs: 1000, totalMs: 600_000 })
  assert.equal(provider.headers['x-team'], 'core')
})

test('what cannot work is refused with what is missing', () => {
  assert.match(refusal({ work: {} }), /^providers\.work has neither a known vendor nor a base_url/)
  assert.match(refusal({ work: { vendor: 'opnai', ...someKey } }), /"opnai", which is not a vendor.*Did you mean openai\?/)
  assert.match(refusal({ openai: {} }), /^providers\.openai has no key: give it credentials, or set OPENAI_API_KEY/)
  assert.match(refusal({ sim: { base_url: 'http://h/v1' } }), /belongs to the built-in simulator/)
})

test('the snapshot has the keys of the home and of the file by their hash', () => {
  const home = { id: 'key_home', name: 'first', hash: hashKey('tp-home'), streamUsage: 'always' } as const
  const declared: Declared = {
    ...nothingDeclared,
    keys: [{ name: 'laptop', value: 'tp-laptop-0123456789', stream_usage: 'on_request', client: 'openclaw' }],
  }
  const snapshot = buildSnapshot({ version: 7, declared, storedKeys: [home], providers: buildProviders({ declared, env: {} }) })
  assert.equal(snapshot.version, 7)
  assert.equal(snapshot.keys.get(hashKey('tp-home')), home)
  const laptop = snapshot.keys.get(hashKey('tp-laptop-0123456789'))!
  assert.deepEqual([laptop.name, laptop.streamUsage, laptop.client], ['laptop', 'on_request', 'openclaw'])
  assert.deepEqual([...snapshot.providers.keys()], ['sim'])
})
