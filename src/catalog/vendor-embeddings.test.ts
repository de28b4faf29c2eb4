// Where providers make embeddings: the vendor's own place, beside the chat endpoint, or where it is declared.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nothingDeclared, type DeclaredProvider, type Provider } from '#config'
import { buildProviders } from './providers.ts'
import { vendorEmbeddings } from './vendor-embeddings.ts'
import { vendors } from './vendors.ts'

function built(slug: string, wanted: DeclaredProvider = {}): Provider {
  const credentials = [{ name: 'a', value: 'v' }]
  const declared = { ...nothingDeclared, providers: new Map([[slug, { credentials, ...wanted }]]) }
  return buildProviders({ declared, env: {} }).find((provider) => provider.slug === slug)!
}

function place(slug: string, wanted?: DeclaredProvider): string | undefined {
  const { origin, embeddings } = built(slug, wanted)
  return embeddings === undefined ? undefined : `${embeddings.form} ${origin}${embeddings.path}`
}

test('each vendor is asked where its documentation says', () => {
  assert.equal(place('openai'), 'openai https://api.openai.com/v1/embeddings')
  assert.equal(place('mistral'), 'openai https://api.mistral.ai/v1/embeddings')
  assert.equal(place('gemini'), 'gemini https://generativelanguage.googleapis.com/v1beta/models/{model}:batchEmbedContents')
  assert.equal(place('cohere'), 'cohere https://api.cohere.com/v2/embed')
  assert.equal(place('voyage'), 'voyage https://api.voyageai.com/v1/embeddings')
  assert.equal(place('ollama', { credentials: [] }), 'ollama http://127.0.0.1:11434/api/embed')
  assert.equal(
    place('azure', { base_url: 'https://acme.openai.azure.com/openai/v1' }),
    'openai https://acme.openai.azure.com/openai/v1/embeddings',
  )
  assert.equal(
    place('azure-deployments', { base_url: 'https://acme.openai.azure.com' }),
    'openai https://acme.openai.azure.com/openai/deployments/{model}/embeddings?api-version=2024-10-21',
  )
  assert.equal(
    place('bedrock', { base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com' }),
    'bedrock https://bedrock-runtime.eu-west-1.amazonaws.com/model/{model}/invoke',
  )
  const vertex = 'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1'
  assert.equal(
    place('vertex', { base_url: vertex, credentials: [{ value: 'metadata' }] }),
    `vertex ${vertex}/publishers/google/models/{model}:predict`,
  )
})

test('a compatible server is asked beside its chat endpoint, wherever that is; one without is not', () => {
  const base_url = 'http://127.0.0.1:8080/v1'
  assert.equal(place('tei', { base_url }), 'openai http://127.0.0.1:8080/v1/embeddings')
  assert.equal(
    place('odd', { base_url, wires: { 'openai-chat': '/x/chat/completions?v=1' } }),
    'openai http://127.0.0.1:8080/v1/x/embeddings?v=1',
  )
  assert.equal(place('odd', { base_url, wires: { 'openai-chat': '/talk' } }), undefined)
  assert.equal(place('anthropic'), undefined)
})

test('what is declared wins, with the form’s usual path where none is written', () => {
  const base_url = 'http://127.0.0.1:8080'
  assert.equal(place('own', { base_url, embeddings: { form: 'cohere' } }), 'cohere http://127.0.0.1:8080/v2/embed')
  assert.equal(place('own', { base_url, embeddings: { form: 'openai', path: '/e' } }), 'openai http://127.0.0.1:8080/e')
  // A path of the vendor's own address is nothing for another one that has its paths written.
  assert.equal(place('cohere', { base_url, wires: { 'openai-chat': '/chat/completions' } }), 'openai http://127.0.0.1:8080/embeddings')
})

test('what only the embeddings of a vendor refuse is added to what all of it refuses', () => {
  const { dialect, embeddings } = built('mistral')
  assert.ok(dialect.strip!.includes('store') && !dialect.strip!.includes('input_type'))
  assert.ok(embeddings!.dialect.strip!.includes('store') && embeddings!.dialect.strip!.includes('input_type'))
  assert.equal(embeddings!.dialect.dimensionsField, 'output_dimension')
  assert.equal(new Set(embeddings!.dialect.strip).size, embeddings!.dialect.strip!.length)
  assert.ok(built('openai').embeddings!.dialect.strip!.includes('task_type'))
  assert.deepEqual(built('together').embeddings!.dialect.strip, [])
})

test('every row is of a vendor that there is', () => {
  for (const vendor of vendorEmbeddings.keys()) assert.ok(vendors.has(vendor), vendor)
})
