// Providers are checked, kept without their secrets in the clear, and come from the file, the store and the environment, in this order.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { admin, controlToken, openTestControl, refusalOf } from '#test/control.ts'

const secret = 'a-secret-without-any-look-0123456789'
const own = { base_url: 'https://models.example/v1', credentials: [{ value: secret }] }

test('a provider that was put is in the next snapshot, in the list without its secret, in the file not in the clear, and there after a start', async (t) => {
  const first = await openTestControl(t)
  const { provider, created } = await first.control.providers.put(
    'work',
    { ...own, headers: { 'X-Api-Key': 'header-secret-0123456789', 'x-team': 'core' } },
    admin,
  )
  assert.ok(created)
  assert.deepEqual(provider.credentials, [{ name: 'credential-1', source: 'value', last4: '6789' }])
  assert.deepEqual(provider.headers, { 'X-Api-Key': '[redacted]', 'x-team': 'core' })
  assert.equal(provider.origin, 'stored')
  assert.deepEqual(first.control.snapshot().providers.get('work')!.credentials, [{ name: 'credential-1', secret }])
  assert.deepEqual([...first.control.snapshot().providers.keys()], ['work'], 'the simulator was there only as long as nothing else was')
  await first.close()
  for (const file of ['control.db'])
    for (const hidden of [secret, 'header-secret-0123456789']) assert.ok(!readFileSync(path.join(first.home, file)).includes(hidden), file)
  const again = await openTestControl(t, { home: first.home })
  assert.deepEqual(again.control.providers.get('work'), provider)
  const built = again.control.snapshot().providers.get('work')!
  assert.deepEqual(built.credentials, [{ name: 'credential-1', secret }])
  assert.equal(built.headers['x-api-key'], 'header-secret-0123456789')
})

test('a credential without its value keeps what is stored, at the same origin and nowhere else', async (t) => {
  const { control } = await openTestControl(t)
  const secretNow = () => control.snapshot().providers.get('work')!.credentials[0]?.secret
  await control.providers.put('work', { ...own, credentials: [{ name: 'main', value: secret }] }, admin)
  await control.providers.put(
    'work',
    { ...own, base_url: 'https://models.example/v2', priority: 3, credentials: [{ name: 'main' }] },
    admin,
  )
  assert.equal(secretNow(), secret, 'another path of the same origin')
  const moved = await refusalOf(() =>
    control.providers.put('work', { base_url: 'https://evil.example/v1', credentials: [{ name: 'main' }] }, admin),
  )
  assert.equal(moved.kind, 'invalid_request')
  assert.equal(moved.field, 'credentials[0].value')
  assert.match(
    moved.message,
    /"main" was given for https:\/\/models\.example, and this provider is now at https:\/\/evil\.example: send its value/,
  )
  assert.equal(secretNow(), secret, 'nothing has changed')
  await control.providers.put(
    'work',
    { base_url: 'https://evil.example/v1', credentials: [{ name: 'main', value: 'another-secret-0123' }] },
    admin,
  )
  assert.equal(secretNow(), 'another-secret-0123')
  const unknown = await refusalOf(() => control.providers.put('work', { ...own, credentials: [{ name: 'spare' }] }, admin))
  assert.match(unknown.message, /credentials\[0\] has neither `value` nor `env`, and no credential named "spare" is stored/)
})

test('the file comes before the store, the store before the environment; what the file declares is read-only', async (t) => {
  const env = { OPENAI_API_KEY: 'sk-of-the-environment-0123', GROQ_API_KEY: 'gsk_0123456789abcdefghij' }
  const first = await openTestControl(t, { env })
  await first.control.providers.put('openai', { credentials: [{ value: 'sk-of-the-store-0123456789' }] }, admin)
  await first.control.providers.put('work', own, admin)
  const origins = (control: typeof first.control) => control.providers.list().map(({ slug, origin }) => `${slug} ${origin}`)
  assert.deepEqual(origins(first.control), ['openai stored', 'work stored', 'groq environment'])
  await first.close()
  const declared = 'providers: { work: { base_url: "http://192.168.0.5/v1" } }\n'
  const { control } = await openTestControl(t, { home: first.home, env, declared })
  assert.deepEqual(origins(control), ['work file', 'openai stored', 'groq environment'])
  assert.equal(control.providers.get('work').allow_private_network, true, 'the file may, unless it says otherwise')
  for (const act of [() => control.providers.put('work', own, admin), () => control.providers.remove('work', admin)]) {
    const { kind, message } = await refusalOf(act)
    assert.equal(kind, 'read_only')
    assert.match(message, /^The provider work is declared in turnpike\.yaml; change it there/)
  }
})

test("a provider of the environment that was deleted stays deleted, until it is put again; the store's goes back to nothing", async (t) => {
  const env = { OPENAI_API_KEY: 'sk-of-the-environment-0123' }
  const first = await openTestControl(t, { env })
  await first.control.providers.remove('openai', admin)
  assert.deepEqual([...first.control.snapshot().providers.keys()], ['sim'])
  await first.close()
  const { control } = await openTestControl(t, { home: first.home, env })
  assert.deepEqual([...control.snapshot().providers.keys()], ['sim'])
  const gone = await refusalOf(() => control.providers.remove('openai', admin))
  assert.equal(gone.kind, 'not_found')
  const { provider } = await control.providers.put('openai', {}, admin)
  assert.deepEqual(provider.credentials, [{ name: 'OPENAI_API_KEY', source: 'env', env: 'OPENAI_API_KEY', last4: '0123' }])
  await control.providers.remove('openai', admin)
  assert.deepEqual([...control.snapshot().providers.keys()], ['sim'], 'the environment does not bring it back')
})

test('a credential from a variable is read at the start, and says what is wrong when it is not set', async (t) => {
  const body = { ...own, credentials: [{ env: 'TEAM_KEY' }] }
  const first = await openTestControl(t)
  const { provider } = await first.control.providers.put('work', body, admin)
  assert.match(provider.credentials[0]!.trouble!, /^TEAM_KEY is not set in the environment of this process/)
  const built = first.control.snapshot().providers.get('work')!
  assert.deepEqual([built.credentials, built.auth], [[], 'bearer'], 'it is never asked without its key')
  await first.close()
  const { control } = await openTestControl(t, { home: first.home, env: { TEAM_KEY: 'team-secret-0123456789' } })
  assert.deepEqual(control.providers.get('work').credentials, [{ name: 'TEAM_KEY', source: 'env', env: 'TEAM_KEY', last4: '6789' }])
  assert.equal(control.snapshot().providers.get('work')!.credentials[0]!.secret, 'team-secret-0123456789')
})

test('a cloud’s account is stored as one string, shown by its name alone, and may come with its address from the environment', async (t) => {
  const env = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'aws-secret-0123456789' }
  const { control } = await openTestControl(t, { env })
  const fromEnvironment = await control.providers.put('bedrock', {}, admin)
  assert.equal(fromEnvironment.provider.base_url, 'https://bedrock-runtime.eu-west-1.amazonaws.com')
  assert.deepEqual(fromEnvironment.provider.credentials, [
    { name: 'AWS_ACCESS_KEY_ID', source: 'env', env: 'AWS_ACCESS_KEY_ID', last4: null },
  ])
  const value = JSON.stringify({ access_key_id: 'A', secret_access_key: 'stored-secret-0123456789' }, null, 2)
  const { provider } = await control.providers.put(
    'bedrock',
    { credentials: [{ name: 'stored', value }, { env: 'AWS_ACCESS_KEY_ID' }] },
    admin,
  )
  assert.deepEqual(
    provider.credentials.map(({ name, last4, trouble }) => [name, last4, trouble]),
    [
      ['stored', null, undefined],
      ['AWS_ACCESS_KEY_ID', null, undefined],
    ],
  )
  assert.deepEqual(
    control
      .snapshot()
      .providers.get('bedrock')!
      .credentials.map(({ account }) => account?.kind === 'aws' && account.secretAccessKey),
    ['stored-secret-0123456789', 'aws-secret-0123456789'],
  )
})

test('each wrong field is named, and nothing changes', async (t) => {
  const { control } = await openTestControl(t)
  const cases: readonly [body: unknown, field: string | undefined, says: RegExp][] = [
    [undefined, undefined, /^The body is missing/],
    [[], undefined, /^The body is a list, which is not an object/],
    [{ base_ulr: 'https://x.example' }, 'base_ulr', /^base_ulr is not known here\. Did you mean base_url\?$/],
    [{ base_url: 'localhost:11434' }, 'base_url', /is not an http or https address/],
    [{ base_url: 'https://me:hunter2@x.example/v1' }, 'base_url', /is not an http or https address/],
    [{ base_url: `https://x.example/${'x'.repeat(5000)}` }, 'base_url', /has more than 4096 characters/],
    [{ ...own, priority: 'high' }, 'priority', /^priority is "high", which is not/],
    [{ ...own, priority: -1 }, 'priority', /is less than 0/],
    [{ ...own, credentials: [{ value: secret, env: 'X' }] }, 'credentials[0]', /both `value` and `env`/],
    [{ ...own, credentials: [{}] }, 'credentials[0]', /needs `value` or `env`/],
    [{ ...own, credentials: [{ value: `${secret} ${secret}` }] }, 'credentials[0].value', /contains white space/],
    [
      {
        ...own,
        credentials: [
          { name: 'a', value: secret },
          { name: 'a', value: secret },
        ],
      },
      'credentials[1].name',
      /"a", which is there twice/,
    ],
    [{ ...own, models: { custom: [{ id: 'm' }, { id: 'm' }] } }, 'models.custom[1].id', /"m", which is there twice/],
    [{ ...own, models: { allow: Array<string>(1001).fill('x') } }, 'models.allow', /more than 1000 entries/],
    [{ ...own, headers: { 'Content-Length': '3' } }, 'headers.Content-Length', /header of the connection/],
    [{ ...own, headers: { a: '1', A: '2' } }, 'headers', /one header twice/],
    [{ ...own, wires: ['openai'] }, 'wires[0]', /not one of openai-chat, openai-responses, anthropic-messages/],
    [
      { vendor: 'opnai', credentials: [{ value: secret }] },
      'vendor',
      /"opnai", which is not a vendor this version knows\. Did you mean openai\?/,
    ],
    [{ vendor: 'openai' }, 'credentials', /^The provider has no key: give it credentials, or set OPENAI_API_KEY/],
    [{}, 'base_url', /neither a known vendor nor a base_url/],
    [{ vendor: 'bedrock' }, 'base_url', /needs a base_url: every account of Amazon Bedrock has its own.*Or set AWS_REGION/],
    [{ ...own, credentials: [{ value: '{"access_key_id":' }] }, 'credentials[0].value', /begins as JSON and is none/],
    [
      { vendor: 'bedrock', base_url: 'https://bedrock-runtime.us-east-1.amazonaws.com', credentials: [{ value: '{"access_key_id":"A"}' }] },
      'credentials[0]',
      /has no "secret_access_key"/,
    ],
    [{ base_url: 'http://127.0.0.1:8080/v1' }, 'base_url', /at 127\.0\.0\.1, a private or loopback address; set allow_private_network/],
    [{ base_url: 'http://[::1]/v1' }, 'base_url', /a private or loopback address/],
    [{ base_url: 'http://0x7f000001/v1' }, 'base_url', /a private or loopback address/],
    [{ base_url: 'http://169.254.169.254/latest' }, 'base_url', /a private or loopback address/],
    [{ base_url: 'http://localhost:11434/v1' }, 'base_url', /a private or loopback address/],
  ]
  const before = control.snapshot()
  for (const [body, field, says] of cases) {
    const refused = await refusalOf(() => control.providers.put('work', body, admin))
    assert.deepEqual([refused.kind, refused.field], ['invalid_request', field], JSON.stringify(body))
    assert.match(refused.message, says)
    assert.ok(!refused.message.includes('hunter2') && !refused.message.includes(secret))
  }
  for (const slug of ['Work', 'a b', '', '-x', 'x'.repeat(64), 'ü', '../x', '__proto__']) {
    const refused = await refusalOf(() => control.providers.put(slug, own, admin))
    assert.deepEqual([refused.kind, refused.field], ['invalid_request', 'slug'], slug)
  }
  assert.equal((await refusalOf(() => control.providers.put('sim', own, admin))).kind, 'conflict')
  assert.match((await refusalOf(() => control.providers.get('wrok'))).message, /^There is no provider "wrok"\.$/)
  assert.equal(control.snapshot(), before)
  await control.providers.put('basement', { base_url: 'http://127.0.0.1:8080/v1', allow_private_network: true }, admin)
  assert.ok(control.snapshot().providers.get('basement')!.allowPrivateNetwork)
})

test("a secret that is somebody else's is refused where it would go to the vendor, an admin token or a key of this instance anywhere", async (t) => {
  const { control, firstKey } = await openTestControl(t)
  const cases: readonly [slug: string, value: string, says: RegExp][] = [
    ['openai', 'sk-ant-api03-0123456789abcdef', /looks like a key of Anthropic, and would be sent to OpenAI\./],
    ['anthropic', 'sk-or-v1-0123456789abcdef', /looks like a key of OpenRouter, and would be sent to Anthropic\./],
    ['groq', firstKey!, /is a gateway key of this instance/],
    ['own', firstKey!, /is a gateway key of this instance/],
    ['openai', `tp-${'x'.repeat(43)}`, /looks like a gateway key/],
    ['own', controlToken, /is an admin token/],
    ['own', `tpa-${'x'.repeat(43)}`, /is an admin token/],
  ]
  for (const [slug, value, says] of cases) {
    const body = { ...(slug === 'own' ? { base_url: 'https://own.example/v1' } : {}), credentials: [{ value }] }
    const refused = await refusalOf(() => control.providers.put(slug, body, admin))
    assert.equal(refused.field, 'credentials[0].value')
    assert.match(refused.message, says)
    assert.ok(!refused.message.includes(value))
  }
  // Behind one's own proxy anybody's key may be right.
  await control.providers.put(
    'openai',
    { base_url: 'https://proxy.example/v1', credentials: [{ value: 'sk-ant-api03-0123456789abcdef' }] },
    admin,
  )
})

test('a master key that does not fit stops the start with one sentence; a command may then replace what it sealed', async (t) => {
  const first = await openTestControl(t)
  await first.control.providers.put('work', own, admin)
  await first.close()
  const overrides = { masterKey: 'another master key of more than 32 characters'.replaceAll(' ', '-') }
  await assert.rejects(openTestControl(t, { home: first.home, overrides }), (error: Error) => {
    assert.match(
      error.message,
      /^The master key in TURNPIKE_MASTER_KEY is not the one that a secret of the provider work was stored with\. Bring that key back, or/,
    )
    assert.ok(!error.message.includes('another-master'))
    return true
  })
  const repaired = await openTestControl(t, { home: first.home, overrides, toleratesMisfits: true })
  assert.match(repaired.control.providers.get('work').credentials[0]!.trouble!, /stored with another master key/)
  assert.match(
    (await refusalOf(() => repaired.control.providers.put('work', { ...own, credentials: [{ name: 'credential-1' }] }, admin))).message,
    /send it again/,
  )
  await repaired.control.providers.put('work', own, admin)
  await repaired.close()
  const again = await openTestControl(t, { home: first.home, overrides })
  assert.equal(again.control.snapshot().providers.get('work')!.credentials[0]!.secret, secret)
})

test('where nothing is sealed any master key is taken', async (t) => {
  const first = await openTestControl(t)
  await first.close()
  const again = await openTestControl(t, { home: first.home, overrides: { masterKey: 'm'.repeat(40) } })
  await again.control.providers.put('work', own, admin)
})

test('a server of one of the vendors of local servers needs no key and no permission at its usual address', async (t) => {
  const { control } = await openTestControl(t)
  const { provider } = await control.providers.put('ollama', {}, admin)
  assert.equal(provider.allow_private_network, true)
  assert.deepEqual(provider.credentials, [])
  const moved = await refusalOf(() => control.providers.put('ollama', { base_url: 'http://10.0.0.5:11434/v1' }, admin))
  assert.equal(moved.field, 'base_url')
})
