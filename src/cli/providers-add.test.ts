// Adding a provider: what a script says, what a person is asked, and what happens when the test fails.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '#test/turnpike-process.ts'
import { person, runCli, scriptedClient, type ScriptedApi } from './fakes.test.ts'

const good = { ok: true, ms: 412, credentials: [{ name: 'default', ok: true, status: 200, ms: 412, models: 97, trouble: null }], models_found: 97, trouble: null } // prettier-ignore
const bad = { ok: false, ms: 90, credentials: [{ name: 'default', ok: false, status: 401, ms: 90, models: null, trouble: 'OpenAI refuses the key (401).' }], models_found: null, trouble: 'OpenAI refuses the key (401).' } // prettier-ignore
const openAiKey = `sk-proj-${'a1B2c3'.repeat(12)}`
const anthropicKey = `sk-ant-api03-${'a1B2c3'.repeat(15)}AA`

function api(slug: string, reports: object[] = [good], more: ScriptedApi = {}): ScriptedApi {
  return {
    [`PUT providers/${slug}`]: ({ body }) => ({
      slug,
      origin: 'stored',
      base_url: 'https://api.example.com/v1',
      credentials: [],
      ...(body as object),
    }),
    [`POST providers/${slug}/test`]: () => reports.shift() ?? good,
    [`DELETE providers/${slug}`]: [204],
    ...more,
  }
}

async function add(args: string, answers: ScriptedApi, more: Parameters<typeof runCli>[1] = {}) {
  const client = scriptedClient(answers)
  const result = await runCli(['providers', 'add', ...args.split(' ').filter((word) => word !== '')], {
    connect: async () => client,
    ...more,
  })
  const puts = client.said.filter(({ method }) => method === 'PUT').map(({ body }) => body)
  return { ...result, said: client.said, puts }
}

test('a script gives the vendor and the key, by stdin or by the name of a variable; the key is printed nowhere', async () => {
  const piped = await add('openai --key-stdin', api('openai'), { readStdin: async () => `${openAiKey}\n` })
  assert.equal(piped.exitCode, 0, piped.remarks)
  assert.deepEqual(piped.puts, [{ vendor: 'openai', credentials: [{ name: 'default', value: openAiKey }] }])
  assert.match(piped.out, /^Added: openai \(OpenAI, .*\)\.\nopenai works: 412 ms, 97 models found\.\n$/)
  assert.equal((piped.out + piped.remarks).includes(openAiKey), false)
  const named = await add('anthropic --key-env MY_KEY --slug claude --priority 5', api('claude'), { env: {} })
  assert.deepEqual(named.puts, [{ vendor: 'anthropic', credentials: [{ name: 'MY_KEY', env: 'MY_KEY' }], priority: 5 }])
  const untested = await add('openai --key-stdin --no-test', api('openai'), { readStdin: async () => openAiKey })
  assert.equal(
    untested.said.some(({ path }) => path.endsWith('/test')),
    false,
  )
})

test('a piped key says whose it is; one that does not needs the vendor', async () => {
  const recognised = await add('--key-stdin', api('anthropic'), { readStdin: async () => anthropicKey })
  assert.deepEqual(recognised.puts, [{ vendor: 'anthropic', credentials: [{ name: 'default', value: anthropicKey }] }])
  const variable = await add('--key-env GROQ_API_KEY', api('groq'))
  assert.deepEqual(variable.puts, [{ vendor: 'groq', credentials: [{ name: 'GROQ_API_KEY', env: 'GROQ_API_KEY' }] }])
  const nobodys = await add('--key-stdin', {}, { readStdin: async () => '0123456789abcdef0123456789abcdef' })
  assert.equal(nobodys.exitCode, 2)
  assert.match(nobodys.remarks, /Whose key this is cannot be seen from it: name the vendor/)
  for (const [text, said] of [
    ['', /What came in on stdin is empty/],
    ['a key', /has white space within it/],
  ] as const) {
    // prettier-ignore
    const { exitCode, remarks } = await add('openai --key-stdin', {}, { readStdin: async () => text })
    assert.equal(exitCode, 2)
    assert.match(remarks, said)
  }
})

test("another vendor's key is pointed out before it is sent anywhere", async () => {
  const script = await add('openai --key-stdin', api('openai'), { readStdin: async () => anthropicKey })
  assert.match(script.remarks, /looks like a key of Anthropic, not of OpenAI/)
  const no = await add('openai', {}, { prompts: person(anthropicKey, false) })
  assert.deepEqual([no.exitCode, no.said.length], [1, 0])
})

test('local servers need neither key nor permission; other private addresses need it', async () => {
  assert.deepEqual((await add('ollama', api('ollama'))).puts, [{ vendor: 'ollama', allow_private_network: true }])
  const own = await add(
    '--slug basement --base-url http://192.168.1.5:8000/v1 --model a,b --model c --wire openai-chat --allow-private-network',
    api('basement'),
  )
  assert.deepEqual(own.puts, [
    {
      vendor: 'openai-compatible',
      base_url: 'http://192.168.1.5:8000/v1',
      wires: ['openai-chat'],
      models: { custom: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] },
      allow_private_network: true,
    },
  ])
})

test('a person pastes a key, or chooses a vendor and is asked for its key', async () => {
  const pasted = await add('', api('anthropic'), { prompts: person(anthropicKey, true) })
  assert.deepEqual(pasted.puts, [{ vendor: 'anthropic', credentials: [{ name: 'default', value: anthropicKey }] }])
  const chosen = await add('', api('groq'), { prompts: person('', 'Groq', 'gsk_0123456789abcdef') })
  assert.deepEqual(chosen.puts, [{ vendor: 'groq', credentials: [{ name: 'default', value: 'gsk_0123456789abcdef' }] }])
  const found = await add('groq', api('groq'), { prompts: person(true), env: { GROQ_API_KEY: 'gsk_from_environment' } })
  assert.deepEqual(found.puts, [{ vendor: 'groq', credentials: [{ name: 'default', value: 'gsk_from_environment' }] }])
  const own = person('', 'Another server with an OpenAI-compatible API', 'basement', 'http://10.0.0.5:8000', true, '', true)
  assert.deepEqual((await add('', api('basement'), { prompts: own })).puts, [
    { vendor: 'openai-compatible', base_url: 'http://10.0.0.5:8000/v1', allow_private_network: true },
  ])
})

test('accounts of a cloud: their JSON from stdin or a file, their address from the variables that are set here', async (context) => {
  const keys = '{"access_key_id": "A", "secret_access_key": "s"}'
  const region = 'https://bedrock-runtime.eu-west-1.amazonaws.com'
  const bedrock = await add(`bedrock --base-url ${region} --key-stdin`, api('bedrock'), { readStdin: async () => `${keys}\n` })
  assert.deepEqual(bedrock.puts, [{ vendor: 'bedrock', base_url: region, credentials: [{ name: 'default', value: keys }] }])
  const named = await add('bedrock --key-env AWS_ACCESS_KEY_ID', api('bedrock'), { env: { AWS_REGION: 'eu-west-1' } })
  assert.deepEqual(named.puts, [
    { vendor: 'bedrock', base_url: region, credentials: [{ name: 'AWS_ACCESS_KEY_ID', env: 'AWS_ACCESS_KEY_ID' }] },
  ])
  const nowhere = await add('vertex --key-stdin', {}, { readStdin: async () => 'metadata' })
  assert.equal(nowhere.exitCode, 2)
  assert.match(nowhere.remarks, /needs its address: --base-url https:.*<location>.*or GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION/)
  const file = path.join(scratchFolder(context), 'account.json')
  writeFileSync(file, '{\n  "type": "service_account"\n}\n')
  const place = 'https://aiplatform.googleapis.com/v1/projects/p/locations/global'
  const asked = await add('vertex', api('vertex'), { prompts: person(place, file) })
  assert.deepEqual(asked.puts, [
    { vendor: 'vertex', base_url: place, credentials: [{ name: 'default', value: '{\n  "type": "service_account"\n}' }] },
  ])
  const azure = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's' }
  const application = await add('azure', api('azure'), { prompts: person('https://acme.openai.azure.com', true), env: azure })
  assert.deepEqual(application.puts, [
    {
      vendor: 'azure',
      base_url: 'https://acme.openai.azure.com',
      credentials: [{ name: 'default', value: '{"tenant_id":"t","client_id":"c","client_secret":"s"}' }],
    },
  ])
})

test('a test that fails: a script keeps it and ends with 1, a person enters another key, keeps it or removes it', async () => {
  const piped = { readStdin: async () => openAiKey }
  const script = await add('openai --key-stdin', api('openai', [bad]), piped)
  assert.equal(script.exitCode, 1)
  assert.match(script.out, /openai does not work: OpenAI refuses the key \(401\)\./)
  assert.match(script.remarks, /was added and does not work yet.*providers remove openai$/)
  assert.equal(
    script.said.some(({ method }) => method === 'DELETE'),
    false,
  )
  const again = await add('openai', api('openai', [bad, good]), { prompts: person('sk-first', 'key', 'sk-second') })
  assert.equal(again.exitCode, 0)
  assert.deepEqual(again.puts.map((body) => (body as { credentials: { value: string }[] }).credentials[0]!.value), ['sk-first', 'sk-second']) // prettier-ignore
  const removed = await add('openai', api('openai', [bad]), { prompts: person('sk-first', 'remove') })
  assert.equal(removed.said.at(-1)?.method, 'DELETE')
  assert.equal((await add('openai', api('openai', [bad]), { prompts: person('sk-first', 'keep') })).exitCode, 1)
})

test('one that is there already is replaced only when that is said', async () => {
  const there = { 'GET providers/openai': { slug: 'openai', origin: 'stored', vendor: 'openai', base_url: 'https://api.openai.com/v1' } }
  const piped = { readStdin: async () => openAiKey }
  const refused = await add('openai --key-stdin', api('openai', [], there), piped)
  assert.equal(refused.exitCode, 1)
  assert.match(refused.remarks, /There is a provider openai already.*--replace.*--slug/)
  assert.equal(refused.puts.length, 0)
  assert.match((await add('openai --key-stdin --replace', api('openai', [], there), piped)).out, /^Replaced: openai/)
  assert.equal((await add('openai', api('openai', [], there), { prompts: person('sk-x', false) })).puts.length, 0)
  // One of the environment gives way to what is stored under its name.
  const environment = { 'GET providers/openai': { ...there['GET providers/openai'], origin: 'environment' } }
  assert.equal((await add('openai --key-stdin', api('openai', [], environment), piped)).puts.length, 1)
})

test('--json tells the provider and the test in one line, whatever the test said', async () => {
  const { out, exitCode } = await add('openai --key-stdin --json', api('openai', [bad]), { readStdin: async () => openAiKey })
  assert.equal(exitCode, 1)
  const { provider, test: report } = JSON.parse(out) as { provider: { slug: string }; test: { ok: boolean } }
  assert.deepEqual([provider.slug, report.ok], ['openai', false])
})

test('what a provider that works is in trouble with is said too', async () => {
  const trouble = 'The clock of this machine is 12 minutes behind.'
  const client = scriptedClient({ 'POST providers/one/test': { ...good, trouble } })
  const { exitCode, out } = await runCli(['providers', 'test', 'one'], { connect: async () => client })
  assert.deepEqual([exitCode, out], [0, `one works: 412 ms, 97 models found.\n  ${trouble}\n`])
})

test('providers test tries each, and ends with 1 when one does not work', async () => {
  const several = { ok: false, ms: 5, models_found: 2, trouble: null, credentials: [{ ...good.credentials[0], name: 'a' }, { ...bad.credentials[0], name: 'b' }] } // prettier-ignore
  const client = scriptedClient({
    'GET providers': { data: [{ slug: 'one' }, { slug: 'two' }], next_cursor: null },
    'POST providers/one/test': good,
    'POST providers/two/test': several,
  })
  const { exitCode, out, remarks } = await runCli(['providers', 'test'], { connect: async () => client })
  assert.equal(exitCode, 1)
  assert.equal(
    out,
    'one works: 412 ms, 97 models found.\ntwo: 1 of 2 keys work.\n  a works: 412 ms, 97 models found.\n  b: OpenAI refuses the key (401).\n',
  )
  assert.equal(remarks, 'turnpike: 1 of 2 providers do not work: two.')
})
