// Every form of a model's name finds who serves it, in the right order, and a name that nobody serves finds its neighbours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nothingDeclared, parseRoutingConfig, type DeclaredProvider, type Environment, type GatewayKey } from '#config'
import { createModelIndex, type ModelIndex } from './model-index.ts'
import type { ListedModel } from './model-list.ts'
import { buildProviders } from './providers.ts'
import { buildSnapshot } from './snapshot.ts'

const key: GatewayKey = { id: 'k', name: 'k', hash: '', streamUsage: 'always' }

function keyFor(...models: string[]): GatewayKey {
  return { ...key, models }
}

/** The rows of `GET /v1/models`, from its bytes. */
async function rowsOf(index: ModelIndex, of: GatewayKey = key): Promise<readonly ListedModel[]> {
  const { body, byteLength } = await index.list(of)
  const bytes = Buffer.concat(body)
  assert.equal(bytes.length, byteLength)
  return (JSON.parse(bytes.toString('utf8')) as { data: ListedModel[] }).data
}

function indexOf(
  providers: Record<string, DeclaredProvider>,
  env: Environment = {},
  aliases: Readonly<Record<string, string>> = {},
): ModelIndex {
  const declared = { ...nothingDeclared, providers: new Map(Object.entries(providers)), aliases: new Map(Object.entries(aliases)) }
  return createModelIndex(buildSnapshot({ version: 1, declared, storedKeys: [], providers: buildProviders({ declared, env }) }))
}

/** `slug:id` of each candidate, or the kind of failure. */
function found(index: ModelIndex, name: string, by?: GatewayKey): string[] | string {
  const resolution = index.resolve(name, by)
  return resolution.ok ? resolution.candidates.map(({ provider, model }) => `${provider.slug}:${model.id}`) : resolution.kind
}

const both = { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k', OPENROUTER_API_KEY: 'k' }

test('a provider that is named is the only one, with or without @, whatever form the id has', () => {
  const index = indexOf({}, both)
  assert.deepEqual(found(index, '@openai/gpt-4o'), ['openai:gpt-4o'])
  assert.deepEqual(found(index, 'openai/gpt-4o'), ['openai:gpt-4o'])
  assert.deepEqual(found(index, '@openrouter/openai/gpt-4o'), ['openrouter:openai/gpt-4o'])
  assert.deepEqual(found(index, '@openrouter/gpt-4o'), ['openrouter:openai/gpt-4o'])
  assert.deepEqual(found(index, 'openrouter/claude-sonnet-4-5'), ['openrouter:anthropic/claude-sonnet-4.5'])
  assert.deepEqual(found(index, 'anthropic/claude-sonnet-4.5'), ['anthropic:claude-sonnet-4-5'])
})

test('a bare or canonical name is every provider that serves it, under its own id', () => {
  const index = indexOf({}, { ANTHROPIC_API_KEY: 'k', OPENROUTER_API_KEY: 'k' })
  assert.deepEqual(found(index, 'claude-sonnet-4-5'), ['anthropic:claude-sonnet-4-5', 'openrouter:anthropic/claude-sonnet-4.5'])
  assert.deepEqual(found(index, 'gpt-4o'), ['openrouter:openai/gpt-4o'])
  assert.deepEqual(found(index, 'Claude-Sonnet-4.5'), ['anthropic:claude-sonnet-4-5', 'openrouter:anthropic/claude-sonnet-4.5'])
  assert.deepEqual(found(index, 'gpt-oss-120b'), ['openrouter:openai/gpt-oss-120b'], 'not its :free variant')
  assert.deepEqual(found(index, 'openai/gpt-oss-120b:free'), ['openrouter:openai/gpt-oss-120b:free'])
  assert.deepEqual(found(index, 'openai/gpt-4o'), ['openrouter:openai/gpt-4o'])
  const canonical = indexOf({ direct: { vendor: 'anthropic', credentials: [{ name: 'a', value: 'v' }] } }, { OPENROUTER_API_KEY: 'k' })
  assert.deepEqual(found(canonical, 'anthropic/claude-sonnet-4-5'), ['direct:claude-sonnet-4-5', 'openrouter:anthropic/claude-sonnet-4.5'])
})

test('priority goes before price, price before the order of registration, unpriced last', () => {
  const provider = (input: string | undefined, priority?: number): DeclaredProvider => ({
    base_url: 'http://h/v1',
    models: {
      custom: [{ id: 'm', ...(input === undefined ? {} : { price: { input_per_million_usd: input, output_per_million_usd: '1' } }) }],
    },
    ...(priority === undefined ? {} : { priority }),
  })
  const index = indexOf({
    unpriced: provider(undefined),
    dear: provider('5'),
    cheap: provider('1'),
    equal: provider('1'),
    first: provider('9', 1),
  })
  assert.deepEqual(found(index, 'm'), ['first:m', 'cheap:m', 'equal:m', 'dear:m', 'unpriced:m'])
})

test('an id that the catalog does not know goes to the provider that was named, unpriced', () => {
  const resolution = indexOf({}, both).resolve('@openai/gpt-99-turbo')
  assert.ok(resolution.ok)
  assert.deepEqual(resolution.candidates[0]!.model, { id: 'gpt-99-turbo' })
})

test('allow and deny are obeyed in every form of the name', async () => {
  const index = indexOf({
    openai: { credentials: [{ name: 'a', value: 'v' }], models: { allow: ['gpt-4o*', '*-mini'], deny: ['gpt-4o-mini*'] } },
  })
  assert.deepEqual(found(index, 'gpt-4o'), ['openai:gpt-4o'])
  assert.deepEqual(found(index, '@openai/gpt-4.1-mini'), ['openai:gpt-4.1-mini'])
  for (const name of ['gpt-4o-mini', '@openai/gpt-4o-mini', 'openai/gpt-4.1', 'gpt-4.1', '@openai/unknown-model'])
    assert.equal(found(index, name), 'model_not_allowed', name)
  assert.ok((await rowsOf(index)).every(({ id }) => !id.includes('gpt-4o-mini')))
})

test('of a name that nobody serves, the nearest are told; of one that resembles nothing, none', () => {
  const index = indexOf({}, both)
  const near = (name: string): readonly string[] => {
    const resolution = index.resolve(name)
    assert.ok(!resolution.ok && resolution.kind === 'model_not_found', name)
    return resolution.nearest
  }
  assert.equal(near('gpt-4o-mni')[0], 'gpt-4o-mini')
  assert.ok(near('claude-sonet-4-5').includes('claude-sonnet-4-5'))
  assert.ok(near('opnai/gpt-4o').includes('openai/gpt-4o'))
  assert.deepEqual(near('zzzzqqqq'), [])
  for (const name of [
    '',
    '/',
    '@',
    '@/',
    'openai/',
    '@openai/',
    '__proto__',
    'constructor',
    `@openai/${'x'.repeat(10_000)}`,
    'y'.repeat(1_000_000),
  ])
    near(name)
})

test('the simulator forwards no names that it does not have', () => {
  const index = indexOf({})
  assert.deepEqual(found(index, '@sim/echo'), ['sim:echo'])
  assert.deepEqual(found(index, 'echo'), ['sim:echo'])
  assert.equal(found(index, '@sim/ecko'), 'model_not_found')
})

test('a name is resolved once and then looked up, and made-up names do not stay in memory', () => {
  const index = indexOf({}, both)
  assert.equal(index.resolve('gpt-4o'), index.resolve('gpt-4o'))
  const first = index.resolve('@openai/made-up')
  assert.equal(index.resolve('@openai/made-up'), first)
  for (let i = 0; i < 5_000; i++) index.resolve(`@openai/made-up-${i}`)
  assert.notEqual(index.resolve('@openai/made-up'), first)
})

test('the list has every form of a name with limits, modalities and prices', async () => {
  const index = indexOf({}, both)
  const rows = await rowsOf(index)
  const ids = new Set(rows.map(({ id }) => id))
  for (const id of [
    'gpt-4o',
    'openai/gpt-4o',
    '@openai/gpt-4o',
    '@openrouter/openai/gpt-4o',
    'openrouter/openai/gpt-4o',
    'claude-sonnet-4-5',
    '@anthropic/claude-sonnet-4-5',
  ])
    assert.ok(ids.has(id), id)
  assert.equal(ids.size, rows.length, 'no name twice')
  const row = index.get(key, 'claude-sonnet-4-5')!
  assert.equal(row.object, 'model')
  assert.equal(row.owned_by, 'anthropic')
  assert.equal(row.context_window, 200_000)
  assert.deepEqual(row.input_modalities, ['text', 'image', 'pdf'])
  assert.deepEqual(row.price, {
    input_per_million_usd: '3',
    output_per_million_usd: '15',
    cache_read_per_million_usd: '0.3',
    cache_write_5m_per_million_usd: '3.75',
    cache_write_1h_per_million_usd: '6',
    search_usd: '0.01',
    calls_usd: { web_fetch: '0' },
    tiers: [
      {
        above_input_tokens: 200_000,
        input_per_million_usd: '6',
        output_per_million_usd: '22.5',
        cache_read_per_million_usd: '0.6',
        cache_write_5m_per_million_usd: '7.5',
        cache_write_1h_per_million_usd: '12',
      },
    ],
  })
  assert.deepEqual(row.providers, ['anthropic', 'openrouter'])
  assert.equal(index.get(key, 'nothing-like-it'), undefined)
  assert.equal(indexOf({}).get(key, '@sim/echo')!.price, 'free')
})

test('what the list says of a name is what resolving it does, and what asking for it alone says', async () => {
  const env = { ...both, GEMINI_API_KEY: 'k', TOGETHER_API_KEY: 'k', DEEPSEEK_API_KEY: 'k', GROQ_API_KEY: 'k', VENICE_API_KEY: 'k' }
  const index = indexOf({}, env, { best: 'claude-sonnet-4-5' })
  for (const by of [key, keyFor('claude-*', '@groq/*', 'best')]) {
    for (const row of await rowsOf(index, by)) {
      const resolution = index.resolve(row.id, by)
      assert.ok(resolution.ok, row.id)
      assert.deepEqual(
        resolution.candidates.map(({ provider }) => provider.slug),
        row.providers,
        row.id,
      )
      assert.deepEqual(index.get(by, row.id), row)
    }
  }
})

test('a name of one host is the model, wherever it is served', () => {
  const index = indexOf({}, { GROQ_API_KEY: 'k', OPENROUTER_API_KEY: 'k', VENICE_API_KEY: 'k' })
  for (const name of ['llama-3.3-70b-versatile', 'llama-3.3-70b-instruct', 'meta-llama/llama-3.3-70b-instruct', 'llama-3.3-70b'])
    assert.deepEqual(
      [...(found(index, name) as string[])].sort(),
      ['groq:llama-3.3-70b-versatile', 'openrouter:meta-llama/llama-3.3-70b-instruct', 'venice:llama-3.3-70b'],
      name,
    )
})

test('an alias is another name for a model, in any form, and counts before models of its own name', () => {
  const index = indexOf({}, both, { fast: 'gpt-4o-mini', 'gpt-4o': '@openrouter/openai/gpt-4o', lost: 'gone-model' })
  assert.deepEqual(found(index, 'fast'), found(index, 'gpt-4o-mini'))
  assert.deepEqual(found(index, 'gpt-4o'), ['openrouter:openai/gpt-4o'])
  const lost = index.resolve('lost')
  assert.ok(!lost.ok && lost.kind === 'model_not_found')
  assert.equal(lost.alias, 'gone-model')
  const chained = indexOf({}, both, { a: 'b', b: 'gpt-4o' })
  assert.equal(found(chained, 'a'), 'model_not_found', 'an alias of an alias is not followed')
})

test('a key with patterns may ask for what they match, under any name, and for nothing else', () => {
  const index = indexOf({}, both, { cheap: 'claude-haiku-4-5', 'gpt-best': 'claude-sonnet-4-5' })
  const gpt = keyFor('gpt-*')
  for (const name of ['gpt-4o', '@openai/gpt-4o', 'openai/gpt-4o', '@openrouter/openai/gpt-4o', 'openrouter/gpt-4o', 'GPT-4o'])
    assert.deepEqual(found(index, name, gpt), found(index, name), name)
  for (const name of ['claude-sonnet-4-5', '@anthropic/claude-sonnet-4-5', 'cheap', '@anthropic/made-up'])
    assert.equal(found(index, name, gpt), 'model_not_allowed', name)
  assert.deepEqual(found(index, 'gpt-best', gpt), found(index, 'claude-sonnet-4-5'), 'the alias is a name that the list allows')
  const byProvider = keyFor('@openrouter/*')
  assert.deepEqual(found(index, 'gpt-4o', byProvider), ['openrouter:openai/gpt-4o'])
  assert.deepEqual(found(index, 'claude-sonnet-4-5', byProvider), ['openrouter:anthropic/claude-sonnet-4.5'])
  assert.equal(found(index, '@openai/gpt-4o', byProvider), 'model_not_allowed')
  assert.deepEqual(
    found(index, 'claude-sonnet-4-5', keyFor('Claude-Sonnet-4.5')),
    found(index, 'claude-sonnet-4-5'),
    'spelling is no matter',
  )
  assert.deepEqual(found(index, '@openai/ft:gpt-4o:me', keyFor('ft:*')), ['openai:ft:gpt-4o:me'])
  assert.equal(found(index, 'gpt-4o', keyFor()), 'model_not_allowed')
  const refused = index.resolve('gpt-4o', keyFor('claude-*'))
  assert.ok(!refused.ok && refused.byKey === true)
})

test('of an unknown name, a key with patterns is told only names that it may use', () => {
  const index = indexOf({}, both)
  const resolution = index.resolve('gpt-4o-mni', keyFor('gpt-4o'))
  assert.ok(!resolution.ok)
  assert.ok(resolution.nearest.length < 3)
  for (const name of resolution.nearest) assert.ok(index.resolve(name, keyFor('gpt-4o')).ok, name)
})

test('each key has its own list, made once, with a tag of what is in it', async () => {
  const index = indexOf({}, both, { mine: 'gpt-4o' })
  assert.equal(await index.list(key), await index.list(structuredClone(key)))
  const gpt = await index.list(keyFor('gpt-4o', 'mine'))
  assert.equal(gpt, await index.list(keyFor('gpt-4o', 'mine')), 'also for another key with the same patterns')
  assert.notEqual(gpt.etag, (await index.list(key)).etag)
  assert.deepEqual(
    (await rowsOf(index, keyFor('gpt-4o', 'mine'))).map(({ id }) => id),
    ['mine', 'gpt-4o', 'openai/gpt-4o', '@openai/gpt-4o', 'openrouter/openai/gpt-4o', '@openrouter/openai/gpt-4o'],
  )
  assert.equal((await indexOf({}, both, { mine: 'gpt-4o' }).list(key)).etag, (await index.list(key)).etag, 'the same after a restart')
})

test('a slug that is almost right is corrected', () => {
  const resolution = indexOf({ work: { vendor: 'openai', credentials: [{ name: 'a', value: 'v' }] } }).resolve('wrok/gpt-4o')
  assert.ok(!resolution.ok)
  assert.equal(resolution.nearest[0], 'work/gpt-4o')
})

function withConfigs(configs: Record<string, unknown>, aliases: Readonly<Record<string, string>> = {}): ModelIndex {
  const providers = {
    one: { base_url: 'https://one.test/v1', models: { custom: [{ id: 'small' }, { id: 'large' }] } },
    two: { base_url: 'https://two.test/v1', models: { custom: [{ id: 'large' }] } },
  }
  const declared = { ...nothingDeclared, providers: new Map(Object.entries(providers)), aliases: new Map(Object.entries(aliases)) }
  const snapshot = buildSnapshot({ version: 1, declared, storedKeys: [], providers: buildProviders({ declared, env: {} }) })
  const read = Object.entries(configs).map(([slug, value]) => [slug, parseRoutingConfig(value, { slug, version: 1 })] as const)
  return createModelIndex({ ...snapshot, configs: new Map(read) })
}

/** `name: provider:model, ...` of the configs in a list. */
async function virtualIn(index: ModelIndex, slugs: readonly string[], of: GatewayKey = key): Promise<string[]> {
  const rows = await index.names(of)
  return rows
    .filter(({ id }) => slugs.includes(id))
    .map(({ id, candidates }) => `${id}: ${candidates.map(({ provider, model }) => `${provider.slug}:${model.id}`).join(', ')}`)
}

test('a config is a model where all its targets name one, and nothing else has its name', async () => {
  const asks = (model: string, provider?: string) => ({ override_params: { model }, ...(provider === undefined ? {} : { provider }) })
  const index = withConfigs(
    {
      smart: { strategy: { mode: 'fallback' }, targets: [asks('large', '@two'), asks('large'), asks('new', '@one')] },
      open: { strategy: { mode: 'fallback' }, targets: [asks('large'), { provider: '@one' }] },
      outer: asks('smart'),
      small: asks('large'),
      taken: asks('large'),
      lost: asks('nowhere'),
      circle: asks('round'),
      round: asks('circle'),
    },
    { taken: 'small' },
  )
  const slugs = ['smart', 'open', 'outer', 'small', 'taken', 'lost', 'circle', 'round']
  assert.deepEqual(await virtualIn(index, slugs), [
    'taken: one:small',
    'small: one:small',
    'smart: two:large, one:large',
    'outer: two:large, one:large',
  ])
  assert.deepEqual(index.get(key, 'smart')?.providers, ['two', 'one'])
  assert.equal(index.get(key, 'open'), undefined)
  assert.equal(index.resolve('smart').ok, false, 'whom it means is for the planner to say')
})

test('a key with a list sees a config by its name, with all that it stands for, or with what the list has of it', async () => {
  const target = (model: string) => ({ override_params: { model } })
  const index = withConfigs({ both: { strategy: { mode: 'fallback' }, targets: [target('small'), target('large')] } })
  assert.deepEqual(await virtualIn(index, ['both'], keyFor('both')), ['both: one:small, two:large'])
  assert.deepEqual(await virtualIn(index, ['both'], keyFor('@two/*')), ['both: two:large'])
  assert.deepEqual(await virtualIn(index, ['both'], keyFor('other')), [])
  assert.equal(index.get(keyFor('other'), 'both'), undefined)
})
