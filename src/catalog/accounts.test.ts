// From what a credential says to the account that it is; what it lacks is said, and never what is in it.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ConfigError, nothingDeclared, readDeclared, type DeclaredProvider, type Environment, type Provider } from '#config'
import { scratchFolder } from '#test/turnpike-process.ts'
import { buildProviders } from './providers.ts'
import { vendors } from './vendors.ts'

function build(providers: Record<string, DeclaredProvider>, env: Environment = {}): Map<string, Provider> {
  const declared = { ...nothingDeclared, providers: new Map(Object.entries(providers)), sim: false }
  return new Map(buildProviders({ declared, env }).map((provider) => [provider.slug, provider]))
}

function refusal(provider: DeclaredProvider, env: Environment = {}): string {
  try {
    build({ it: provider }, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.ok(!/secret-\d/.test(error.message), error.message)
    return error.message
  }
  assert.fail('it was accepted')
}

const bedrock = (value: object | string, base = 'https://bedrock-runtime.eu-west-1.amazonaws.com'): DeclaredProvider => ({
  vendor: 'bedrock',
  base_url: base,
  credentials: [{ name: 'main', value: typeof value === 'string' ? value : JSON.stringify(value) }],
})
const keys = { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret-1' }
const accountOf = (provider: DeclaredProvider, env: Environment = {}) => build({ it: provider }, env).get('it')!.credentials[0]!.account

test('keys of AWS are an account of the region that the address names, behind VPC endpoints and in other partitions too', () => {
  const account = { kind: 'aws', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret-1', region: 'eu-west-1', service: 'bedrock' }
  assert.deepEqual(accountOf(bedrock(keys)), account)
  assert.deepEqual(accountOf(bedrock({ ...keys, session_token: 'token' })), { ...account, sessionToken: 'token' })
  for (const [host, region, service] of [
    ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', 'bedrock'],
    ['vpce-0a1-b2.bedrock-runtime.us-east-1.vpce.amazonaws.com', 'us-east-1', 'bedrock'],
    ['bedrock-runtime.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'bedrock'],
    ['bedrock-mantle.us-east-2.api.aws', 'us-east-2', 'bedrock-mantle'],
  ] as const)
    assert.deepEqual(accountOf(bedrock(keys, `https://${host}`)), { ...account, region, service }, host)
  assert.deepEqual(accountOf(bedrock({ ...keys, region: 'us-west-2' }, 'https://proxy.example')), { ...account, region: 'us-west-2' })
  assert.equal(accountOf(bedrock('bedrock-api-key')), undefined, 'a key stays a key')
})

test('an account that is not whole is refused by what it lacks', () => {
  assert.match(refusal(bedrock(keys, 'https://proxy.example')), /credentials\[0\] needs a "region".*https:\/\/proxy\.example/)
  assert.match(refusal(bedrock({ access_key_id: 'A' })), /credentials\[0\] has no "secret_access_key"/)
  assert.match(
    refusal(bedrock({ ...keys, secret_acess_key: 'secret-2' })),
    /"secret_acess_key", which is not known here\. Did you mean secret_access_key\?/,
  )
  assert.match(refusal(bedrock({ ...keys, session_token: 7 })), /"session_token" that is not text/)
  const vertex = (value: string): DeclaredProvider => ({
    vendor: 'vertex',
    base_url: 'https://aiplatform.googleapis.com/v1/projects/p/locations/global',
    credentials: [{ value }],
  })
  assert.match(refusal(vertex('AIza-secret-1')), /takes no keys here: send a service account's JSON file/)
  assert.match(refusal(vertex('{"type":"external_account","x":"secret-1"}')), /is of the type "external_account"/)
  assert.match(refusal(vertex('{"client_email":"secret-1"}')), /has no "type"/)
  assert.match(refusal(vertex('{"type":"service_account","client_email":"a@b"}')), /has no "private_key"/)
  assert.match(refusal(vertex('{"type":"service_account","token_uri":"file:///x"}')), /"token_uri" that is no http or https address/)
  const azure: DeclaredProvider = {
    vendor: 'azure',
    base_url: 'https://acme.openai.azure.com',
    credentials: [{ value: '{"tenant_id":"t","client_id":"c"}' }],
  }
  assert.match(refusal(azure), /has no "client_secret"/)
})

test('an application of Entra asks for a token of the cloud that its resource is in', () => {
  const app = JSON.stringify({ tenant_id: 't', client_id: 'c', client_secret: 'secret-1' })
  const at = (base_url: string) => accountOf({ vendor: 'azure', base_url, credentials: [{ value: app }] })
  const account = { kind: 'entra', tenantId: 't', clientId: 'c', clientSecret: 'secret-1', authority: 'https://login.microsoftonline.com' }
  assert.deepEqual(at('https://acme.openai.azure.com'), { ...account, scope: 'https://cognitiveservices.azure.com/.default' })
  assert.deepEqual(at('https://acme.openai.azure.us'), {
    ...account,
    authority: 'https://login.microsoftonline.us',
    scope: 'https://cognitiveservices.azure.us/.default',
  })
})

test('the usual variables of each cloud serve a provider that is declared, its address included', (context) => {
  const file = path.join(scratchFolder(context), 'account.json')
  writeFileSync(file, '{\n  "type": "service_account",\n  "client_email": "a@b",\n  "private_key": "-----BEGIN"\n}\n')
  const env = {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret-1',
    AWS_SESSION_TOKEN: 'token',
    AWS_REGION: 'eu-central-1',
    GOOGLE_APPLICATION_CREDENTIALS: file,
    GOOGLE_CLOUD_PROJECT: 'acme-1',
    GOOGLE_CLOUD_LOCATION: 'global',
    AZURE_TENANT_ID: 't',
    AZURE_CLIENT_ID: 'c',
    AZURE_CLIENT_SECRET: 'secret-2',
    AZURE_OPENAI_ENDPOINT: 'https://acme.openai.azure.com/',
  }
  const built = build({ bedrock: {}, vertex: {}, azure: {}, 'azure-deployments': {} }, env)
  assert.equal(built.size, 4, 'tokens of a whole account register nothing by themselves')
  const first = (slug: string) => [...built.get(slug)!.endpoints.values()][0]
  const about = (slug: string) => [built.get(slug)!.origin, first(slug), built.get(slug)!.credentials[0]!.account?.kind]
  assert.deepEqual(about('bedrock'), [
    'https://bedrock-runtime.eu-central-1.amazonaws.com',
    '/model/{model}/{converse|converse-stream}',
    'aws',
  ])
  assert.deepEqual(about('vertex'), [
    'https://aiplatform.googleapis.com',
    '/v1/projects/acme-1/locations/global/publishers/google/models/{model}:{generateContent|streamGenerateContent?alt=sse}',
    'google-service-account',
  ])
  assert.deepEqual(about('azure'), ['https://acme.openai.azure.com', '/openai/v1/chat/completions', 'entra'])
  assert.deepEqual(about('azure-deployments'), [
    'https://acme.openai.azure.com',
    '/openai/deployments/{model}/chat/completions?api-version=2024-10-21',
    'entra',
  ])
  assert.deepEqual([...build({}, env).keys()], [])
})

test('keys that are for nothing else register Bedrock and Azure, once it is known where they are', () => {
  assert.deepEqual([...build({}, { AWS_BEARER_TOKEN_BEDROCK: 'k', AZURE_OPENAI_API_KEY: 'k' }).keys()], [])
  const env = {
    AWS_BEARER_TOKEN_BEDROCK: 'k',
    AWS_DEFAULT_REGION: 'us-east-1',
    AZURE_OPENAI_API_KEY: 'k',
    AZURE_OPENAI_ENDPOINT: 'https://a.openai.azure.com',
  }
  const built = build({}, env)
  assert.deepEqual([...built.keys()].toSorted(), ['azure', 'bedrock'])
  assert.equal(built.get('bedrock')!.auth, 'bearer')
  assert.equal(built.get('azure')!.auth, 'api-key')
})

test('what the variables lack is said', (context) => {
  assert.match(refusal({ vendor: 'bedrock' }), /needs a base_url.*bedrock-runtime\.<region>.*Or set AWS_REGION in the environment/)
  const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'A' }
  assert.match(refusal({ vendor: 'bedrock' }, env), /^AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not/)
  assert.match(
    refusal({ vendor: 'bedrock' }, { AWS_REGION: 'us-east-1' }),
    /has no key: give it credentials, or set AWS_BEARER_TOKEN_BEDROCK/,
  )
  const place = { GOOGLE_CLOUD_PROJECT: 'p', GOOGLE_CLOUD_LOCATION: 'global' }
  const missing = path.join(scratchFolder(context), 'none.json')
  assert.match(
    refusal({ vendor: 'vertex' }, { ...place, GOOGLE_APPLICATION_CREDENTIALS: missing }),
    /names a file that cannot be read \(ENOENT\)/,
  )
  assert.match(refusal({ vendor: 'vertex' }, { ...place, GOOGLE_CLOUD_LOCATION: 'a/../b' }), /needs a base_url/)
})

test('a variable that stands for an account can be named by a credential of turnpike.yaml', (context) => {
  const file = path.join(scratchFolder(context), 'turnpike.yaml')
  writeFileSync(
    file,
    'providers: {bedrock: {base_url: "https://bedrock-runtime.us-east-1.amazonaws.com", credentials: [{env: AWS_ACCESS_KEY_ID}]}}',
  )
  const declared = readDeclared(file, { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 's' })
  assert.deepEqual(declared.hints, [])
  const [provider] = buildProviders({ declared, env: {} })
  assert.deepEqual(provider!.credentials[0]!.name, 'AWS_ACCESS_KEY_ID')
  assert.equal(provider!.credentials[0]!.account?.kind, 'aws')
  assert.throws(
    () => readDeclared(file, { AWS_ACCESS_KEY_ID: 'AKID' }),
    /names AWS_ACCESS_KEY_ID, which is set, and AWS_SECRET_ACCESS_KEY is not/,
  )
})

test('a base URL may end where the SDK of any of a vendor’s wires has it end', () => {
  const endpoints = (vendor: string, base_url: string): string[] => [
    ...build({ it: { vendor, base_url, credentials: [{ value: 'k' }] } })
      .get('it')!
      .endpoints.values(),
  ]
  const ollama = ['/api/chat', '/v1/chat/completions']
  assert.deepEqual(endpoints('ollama', 'http://nas:11434'), ollama)
  assert.deepEqual(endpoints('ollama', 'http://nas:11434/v1/'), ollama)
  assert.deepEqual(
    endpoints('ollama', 'http://nas/ai/v1'),
    ollama.map((one) => `/ai${one}`),
  )
  const gemini = ['/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}', '/v1beta/openai/chat/completions']
  for (const end of ['', '/v1beta', '/v1beta/openai']) assert.deepEqual(endpoints('gemini', `https://g.example${end}`), gemini, end)
  const azure = ['/openai/v1/chat/completions', '/openai/v1/responses', '/anthropic/v1/messages']
  for (const end of ['', '/openai/v1', '/anthropic']) assert.deepEqual(endpoints('azure', `https://a.example${end}`), azure, end)
})

test('an address without a path is no cause for a hint where the vendor’s own has none', (context) => {
  const file = path.join(scratchFolder(context), 'turnpike.yaml')
  const rooted = [...vendors.values()].filter(({ baseUrl, baseUrlForm }) => /^https?:\/\/[^/]+$/.test(baseUrl ?? baseUrlForm ?? ''))
  assert.ok(rooted.length >= 7)
  for (const { id } of rooted) {
    writeFileSync(file, JSON.stringify({ providers: { [id]: { base_url: 'https://x.example', credentials: [{ value: 'k' }] } } }))
    assert.deepEqual(readDeclared(file, {}).hints, [], id)
  }
})

test('a model is asked for on a wire that serves it', () => {
  const serves = (vendor: string, wire: 'openai-chat' | 'anthropic-messages' | 'gemini', model: string): boolean =>
    build({ it: { vendor, base_url: 'https://x.example', credentials: [{ value: vendor === 'vertex' ? 'metadata' : 'k' }] } })
      .get('it')!
      .wireModels!.get(wire)!(model)
  assert.equal(serves('bedrock', 'anthropic-messages', 'eu.anthropic.claude-sonnet-4-5'), true)
  assert.equal(serves('bedrock', 'anthropic-messages', 'amazon.nova-lite-v1:0'), false)
  assert.equal(serves('bedrock', 'openai-chat', 'openai.gpt-oss-120b-1:0'), true)
  assert.deepEqual(
    ['gemini-2.5-pro', 'tuned-1', 'claude-opus-4-1@20250805', 'meta/llama-3.3-70b-instruct-maas'].map((model) =>
      serves('vertex', 'gemini', model),
    ),
    [true, true, false, false],
  )
  assert.equal(serves('vertex', 'openai-chat', 'meta/llama-3.3-70b-instruct-maas'), true)
  assert.equal(serves('azure', 'openai-chat', 'claude-sonnet-5'), false)
})

test('of Bedrock’s inference profiles a provider has those of its region, and a shared name means the closest', () => {
  const at = (region: string): Provider => build({ it: bedrock('k', `https://bedrock-runtime.${region}.amazonaws.com`) }).get('it')!
  const claude = (region: string): string[] => [...at(region).models.keys()].filter((id) => id.includes('claude-sonnet-4-5'))
  assert.deepEqual(claude('eu-west-1'), [
    'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
  ])
  assert.deepEqual(claude('ap-northeast-1').slice(0, 1), ['jp.anthropic.claude-sonnet-4-5-20250929-v1:0'])
  assert.deepEqual(claude('sa-east-1').slice(1), ['global.anthropic.claude-sonnet-4-5-20250929-v1:0'])
  const { models } = at('us-east-1')
  const canonical = new Set([...models.values()].filter(({ id }) => id.includes('claude-sonnet-4-5')).map((model) => model.canonical))
  assert.deepEqual([...canonical], ['anthropic/claude-sonnet-4-5-20250929'])
  for (const id of ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'amazon.nova-lite-v1:0', 'openai.gpt-oss-120b-1:0'])
    assert.ok(models.get(id)?.price !== undefined, id)
})

test('OpenAI’s models that answer by responses alone say so', () => {
  const models = build({ openai: { credentials: [{ value: 'k' }] } }).get('openai')!.models
  assert.deepEqual(models.get('gpt-5-pro')?.wires, ['openai-responses'])
  assert.equal(models.get('gpt-4o')?.wires, undefined)
})
