// The rows of vendors are complete and do not get in each other's way; the rows of models belong to them.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { nothingDeclared } from '#config'
import { readModelCatalog } from './models.ts'
import { buildProviders } from './providers.ts'
import generated from './vendors.json' with { type: 'json' }
import { genericVendor, vendors } from './vendors.ts'

const all = [...vendors.values()]

test('there are more than seventy vendors that need nothing but a key, each at an https address, and servers of one’s own', () => {
  const hosted = all.filter(({ baseUrl, local }) => baseUrl !== undefined && local !== true)
  assert.ok(hosted.length >= 70, String(hosted.length))
  for (const { id, baseUrl, keyVariables } of hosted) {
    assert.equal(new URL(baseUrl!).protocol, 'https:', id)
    assert.ok(!baseUrl!.endsWith('/') && !/[$<{]/.test(baseUrl!), id)
    assert.ok(keyVariables.length > 0, id)
  }
  for (const id of ['ollama', 'lmstudio', 'vllm', 'llamacpp']) assert.equal(vendors.get(id)?.local, true)
  for (const { id, baseUrl, baseUrlForm } of all)
    assert.ok((baseUrl === undefined) !== (baseUrlForm === undefined) || id === genericVendor, id)
})

test('a row is named as a provider may be, and is there once', () => {
  for (const { id } of all) assert.match(id, /^[a-z0-9][a-z0-9._-]{0,62}$/)
  const written = all.length - generated.vendors.length
  assert.equal(vendors.size, all.length)
  assert.ok(written > 30, 'no row of vendors.json replaces one that is written by hand')
})

test('a variable registers one vendor at most, and only a vendor that takes its key from it', () => {
  const registered = new Map<string, string>()
  for (const { id, registeredBy, keyVariables, baseUrl, address, local } of all) {
    for (const variable of registeredBy) {
      assert.equal(registered.get(variable), undefined, variable)
      assert.ok(keyVariables.includes(variable) && (baseUrl !== undefined || address !== undefined) && local !== true, id)
      registered.set(variable, id)
    }
  }
  assert.equal(registered.get('MOONSHOT_API_KEY'), 'moonshot')
  assert.equal(registered.get('MINIMAX_API_KEY'), 'minimax')
  assert.equal(registered.get('DASHSCOPE_API_KEY'), 'alibaba')
  for (const general of ['GITHUB_TOKEN', 'HF_TOKEN', 'DATABRICKS_TOKEN', 'WANDB_API_KEY']) assert.equal(registered.get(general), undefined)
})

test('each variable in the environment makes the one provider, and a general token makes none', () => {
  // Bedrock and Azure need an address beside their key.
  const registering = all.filter(({ address }) => address === undefined).flatMap(({ registeredBy }) => registeredBy.slice(0, 1))
  const env = Object.fromEntries([...registering, 'GITHUB_TOKEN', 'HF_TOKEN'].map((variable) => [variable, 'k']))
  const built = buildProviders({ declared: nothingDeclared, env })
  assert.equal(built.length, registering.length)
  assert.ok(built.length >= 70, String(built.length))
})

test('a vendor with both wires has its second one where its documentation says', () => {
  const key = { credentials: [{ name: 'a', value: 'v' }] }
  const addressesOf = (id: string): string[] => {
    const declared = { ...nothingDeclared, providers: new Map([[id, key]]) }
    const [provider] = buildProviders({ declared, env: {} })
    return [...provider!.endpoints].map(([wire, at]) => `${wire} ${provider!.origin}${at}`)
  }
  assert.deepEqual(addressesOf('moonshot'), [
    'openai-chat https://api.moonshot.ai/v1/chat/completions',
    'anthropic-messages https://api.moonshot.ai/anthropic/v1/messages',
  ])
  assert.deepEqual(addressesOf('deepseek'), [
    'openai-chat https://api.deepseek.com/chat/completions',
    'anthropic-messages https://api.deepseek.com/anthropic/v1/messages',
  ])
  assert.deepEqual(addressesOf('zai'), [
    'openai-chat https://api.z.ai/api/paas/v4/chat/completions',
    'anthropic-messages https://api.z.ai/api/anthropic/v1/messages',
  ])
  assert.deepEqual(addressesOf('zai-coding-plan').slice(1), ['anthropic-messages https://api.z.ai/api/anthropic/v1/messages'])
  assert.deepEqual(addressesOf('vercel').slice(1), ['anthropic-messages https://ai-gateway.vercel.sh/v1/messages'])
  assert.deepEqual(addressesOf('minimax'), ['anthropic-messages https://api.minimax.io/anthropic/v1/messages'])
  assert.deepEqual(addressesOf('kimi-for-coding'), ['anthropic-messages https://api.kimi.com/coding/v1/messages'])
})

test('three thousand models and more, most with a price, each file a vendor’s, each model an identity or a name of its own', () => {
  const catalog = readModelCatalog()
  const files = readdirSync(path.join(import.meta.dirname, 'models'))
  assert.match(catalog.asOf, /^\d{4}-\d{2}-\d{2}$/)
  let models = 0
  let priced = 0
  const identities = new Set<string>()
  for (const file of files) {
    const vendor = path.basename(file, '.json')
    assert.ok(vendors.has(vendor), vendor)
    for (const [id, entry] of catalog.modelsOf(vendor)) {
      assert.equal(entry.id, id)
      models++
      if (entry.price !== undefined) priced++
      if (entry.canonical !== undefined) {
        assert.match(entry.canonical, /^[a-z0-9-]+\/[^/]+$/)
        identities.add(entry.canonical)
      }
    }
  }
  assert.ok(models >= 3000, String(models))
  assert.ok(priced > models * 0.8, String(priced))
  assert.ok(identities.size > 500, String(identities.size))
  assert.equal(catalog.modelsOf('openai'), catalog.modelsOf('openai'), 'read once')
  assert.equal(catalog.modelsOf('../vendors').size, 0)
})
