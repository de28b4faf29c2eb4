// Requests that follow routing configs over real sockets: who is asked, in which order, with which fields, and with whose key.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { rule } from '#test/planning.ts'
import { chat, messages } from '#test/scripts.ts'
import { adminToken, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const slugs = ['down', 'refused', 'well', 'claude'] as const
const upstreams = new Map<string, ScriptedUpstream>()
let turnpike: TestTurnpike

const own = 'sk-of-the-config-0123456789'
const to = (provider: string, more: JsonObject = {}): JsonObject => ({ provider: `@${provider}`, ...more })

before(async () => {
  for (const slug of [...slugs, 'elsewhere']) upstreams.set(slug, await createUpstream())
  const at = (slug: string): ScriptedUpstream => upstreams.get(slug)!
  at('down').route(chat.path, chat.error(503))
  at('refused').route(chat.path, chat.error(401))
  at('well').route(chat.path, chat.json({ model: 'model-1' }))
  at('claude').route(messages.path, messages.json({ model: 'model-1' }))
  at('elsewhere').route(chat.path, chat.json({ model: 'model-1' }))
  const credentials = ['one', 'two'].map((name) => ({ name, value: `sk-provider-secret-${name}` }))
  turnpike = await startTest(
    Object.fromEntries(
      slugs.map((slug) => [
        slug,
        {
          wire: slug === 'claude' ? ('anthropic-messages' as const) : ('openai-chat' as const),
          origin: at(slug).origin,
          more: { credentials, headers: { 'x-of-the-operator': 'yes' } },
        },
      ]),
    ),
    {
      declared: {
        keys: [{ name: 'test', value: testKey }],
        configs: {
          away: to('well', { custom_host: `${at('elsewhere').origin}/v1`, api_key: own }),
          local: { provider: 'ollama', custom_host: `${at('elsewhere').origin}/v1`, override_params: { model: 'llama3' } },
          forwarding: to('well', { forward_headers: ['X-Tenant-Id', 'Authorization', 'x-of-the-operator', 'x-not-sent', 'Cookie'] }),
          'forwarding-claude': to('claude', { forward_headers: ['anthropic-version', 'anthropic-beta'] }),
          virtual: { strategy: { mode: 'fallback' }, targets: [to('well', { override_params: { model: 'model-1', temperature: 0.25 } })] },
        },
      },
    },
  )
})

after(async () => {
  await turnpike.end()
  for (const upstream of upstreams.values()) await upstream.close()
})

const plainBody: JsonObject = { model: 'model-1', messages: [{ role: 'user', content: 'Hello' }] }

async function ask(config: unknown, body: JsonObject = plainBody, path = chat.path, headers: Record<string, string> = {}) {
  const answer = await turnpike.post(path, body, {
    headers: {
      ...(config === undefined ? {} : { 'x-turnpike-config': typeof config === 'string' ? config : JSON.stringify(config) }),
      ...headers,
    },
  })
  const json = (await answer.json()) as JsonObject
  const record = await turnpike.record(answer.headers.get('x-turnpike-request-id')!)
  return { answer, json, record, attempts: (record['attempt_list'] ?? []) as JsonObject[] }
}

async function rehearse(config: unknown, headers: Record<string, string> = {}): Promise<JsonObject[]> {
  const answer = await fetch(`${turnpike.url}/api/v1/configs/dry-run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ config, request: { body: plainBody, headers, key: 'test' } }),
  })
  const json = (await answer.json()) as JsonObject
  assert.equal(answer.status, 200, JSON.stringify(json))
  return json['steps'] as JsonObject[]
}

const placeOf = ({ route, target, provider, credential, reason }: JsonObject): JsonObject => ({
  route: route ?? target ?? '',
  provider: provider!,
  credential: credential!,
  // A second may have passed.
  reason: String(reason).replace(/\d+ s$/, 'a while'),
})

/** Configs of every nesting, without chance and with every failure taken: the same each time. */
function* configs(): Generator<JsonObject> {
  const names = [...slugs]
  let seed = 7
  const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
  const made = (depth: number): JsonObject => {
    if (depth === 0 || next(3) === 0) return to(names[next(4)]!)
    const targets = Array.from({ length: 1 + next(3) }, (_, i) => ({ ...made(depth - 1), name: `t${i}` }))
    const strategies: JsonObject[] = [
      { mode: 'fallback' },
      { mode: 'conditional', conditions: [rule({ 'metadata.tier': 'paid' }, 't0')], default: `t${targets.length - 1}` },
      { mode: 'loadbalance', by: 'least_busy', sticky: true },
    ]
    return { strategy: strategies[next(3)]!, targets }
  }
  for (let i = 0; i < 40; i++) yield made(3)
}

test('what a dry run says is what the request then does, whatever the health of the targets has become', async () => {
  const codes = { down: 503, refused: 401, well: 200, claude: 200 } as const
  let [fallbacks, count] = [0, 0]
  for (const config of configs()) {
    const headers = { 'x-turnpike-metadata': `{"tier":"${count++ % 2 === 0 ? 'paid' : 'free'}"}`, 'x-turnpike-session-id': 'session-1' }
    // Where a group draws, this is where the session stays.
    await ask(config, plainBody, chat.path, headers)
    const steps = await rehearse(config, headers)
    const { attempts } = await ask(config, plainBody, chat.path, headers)
    const answering = steps.findIndex(({ provider }) => codes[provider as keyof typeof codes] === 200)
    // A second credential is only for trouble of the first one.
    const expected = (answering < 0 ? steps : steps.slice(0, answering + 1)).filter(
      ({ provider, reason }) => provider === 'refused' || !String(reason).startsWith('next credential'),
    )
    assert.deepEqual(attempts.map(placeOf), expected.map(placeOf), JSON.stringify(config))
    if (attempts.length > 1) fallbacks++
  }
  assert.ok(fallbacks >= 8, `${fallbacks} went on`)
})

test('overrides, defaults and what is left out reach the provider in its own words, whichever wire the client speaks', async () => {
  const params = {
    override_params: { max_tokens: 77, temperature: 0.5, stop: ['END'] },
    default_params: { top_p: 0.9, user: 'nobody' },
    drop_params: ['seed'],
  }
  const chatBody = { ...plainBody, max_completion_tokens: 5, seed: 1, user: 'me' }
  await ask(to('well', params), chatBody)
  const passed = upstreams.get('well')!.received.at(-1)!.json()
  assert.partialDeepStrictEqual(passed, { temperature: 0.5, stop: ['END'], top_p: 0.9, user: 'me' })
  assert.equal(passed['max_tokens'] ?? passed['max_completion_tokens'], 77)
  assert.equal(Object.keys(passed).filter((name) => name.startsWith('max_')).length, 1)
  assert.equal(passed['seed'], undefined)

  await ask(to('claude', params), chatBody)
  assert.partialDeepStrictEqual(upstreams.get('claude')!.received.at(-1)!.json(), {
    max_tokens: 77,
    temperature: 0.5,
    stop_sequences: ['END'],
    metadata: { user_id: 'me' },
  })

  const claudeBody = { model: 'model-1', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] }
  await ask(to('claude', params), claudeBody, messages.path)
  assert.partialDeepStrictEqual(upstreams.get('claude')!.received.at(-1)!.json(), {
    max_tokens: 77,
    temperature: 0.5,
    stop_sequences: ['END'],
    top_p: 0.9,
    metadata: { user_id: 'nobody' },
  })
  const { record } = await ask(to('claude', { override_params: { seed: 3 } }), claudeBody, messages.path)
  assert.match(JSON.stringify(record['notes']), /override_params\.seed/, 'what has no place is said')
})

test("headers of the client go on where a stored config says so, or with the client's own key, and the gateway's key never does", async () => {
  const headers = { 'x-tenant-id': 'acme', 'x-other': 'no', 'x-of-the-operator': 'no', 'openai-project': 'other', cookie: 'c=1' }
  const lastOf = (slug: string) => Object.fromEntries(upstreams.get(slug)!.received.at(-1)!.headers)
  await ask('forwarding', plainBody, chat.path, headers)
  const stored = lastOf('well')
  assert.deepEqual([stored['x-tenant-id'], stored['x-of-the-operator']], ['acme', 'yes'])
  for (const name of ['x-other', 'x-not-sent', 'openai-project', 'cookie']) assert.equal(stored[name], undefined, name)
  assert.match(String(stored['authorization']), /sk-provider-secret/)

  const inline = { forward_headers: ['x-tenant-id', 'openai-project', 'authorization', 'x-turnpike-config'] }
  const { record } = await ask(to('well', inline), plainBody, chat.path, headers)
  assert.deepEqual([lastOf('well')['x-tenant-id'], lastOf('well')['openai-project']], [undefined, undefined])
  assert.match(JSON.stringify(record['notes']), /forward_headers/)
  const strict = await ask(to('well', inline), plainBody, chat.path, { ...headers, 'x-turnpike-strict': 'true' })
  assert.equal(strict.answer.status, 400)

  await ask(to('well', { ...inline, api_key: own }), plainBody, chat.path, headers)
  const client = lastOf('well')
  assert.deepEqual([client['x-tenant-id'], client['openai-project'], client['authorization']], ['acme', 'other', `Bearer ${own}`])
  assert.equal(client['x-turnpike-config'], undefined)

  await ask('forwarding-claude', plainBody, chat.path, { ...headers, 'anthropic-version': '1', 'anthropic-beta': 'beta-1' })
  assert.deepEqual([lastOf('claude')['anthropic-version'], lastOf('claude')['anthropic-beta']], ['2023-06-01', 'beta-1'])
})

test('parts of fields are left out for the target that cannot take them, whether its bytes pass or are translated', async () => {
  const call = (name: string): JsonObject => ({
    type: 'function',
    function: { name, strict: true, parameters: { type: 'object', properties: {} } },
  })
  const body: JsonObject = {
    model: 'model-1',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', name: 'me', content: 'Hello' },
    ],
    tools: [call('a'), call('b')],
    metadata: { team: 'x', n: 1.5 },
  }
  const drop_params = ['messages[0]', 'messages[1].name', 'tools[*].function.strict', 'tools[7]', 'metadata.team', 'nothing.here']
  await ask(to('well', { drop_params }), body)
  const passed = upstreams.get('well')!.received.at(-1)!.json()
  const without = (name: string): JsonObject => ({ type: 'function', function: { name, parameters: { type: 'object', properties: {} } } })
  assert.deepEqual(passed['messages'], [{ role: 'user', content: 'Hello' }])
  assert.deepEqual(passed['tools'], [without('a'), without('b')])
  assert.deepEqual(passed['metadata'], { n: 1.5 })

  const { record } = await ask({ strategy: { mode: 'fallback' }, targets: [to('down', { drop_params }), to('well')] }, body)
  assert.equal(record['provider'], 'well')
  assert.deepEqual(upstreams.get('well')!.received.at(-1)!.json()['messages'], body['messages'], 'the next target has the whole request')

  await ask(to('claude', { drop_params }), body)
  const translated = upstreams.get('claude')!.received.at(-1)!.json()
  assert.equal(translated['system'], undefined)
  assert.ok(!JSON.stringify(translated['tools']).includes('strict'))

  // Large ones are written by another thread.
  const said = 'word '.repeat(500_000)
  const large = {
    ...body,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', name: 'me', content: said },
    ],
  }
  await ask(to('well', { drop_params }), large)
  assert.deepEqual(upstreams.get('well')!.received.at(-1)!.json()['messages'], [{ role: 'user', content: said }])
  await ask(to('claude', { drop_params }), large)
  const written = upstreams.get('claude')!.received.at(-1)!.json()
  assert.equal(written['system'], undefined)
  assert.ok(!JSON.stringify(written['tools']).includes('strict') && JSON.stringify(written['messages']).includes(said))
})

test('a conditional config goes by what the request is', async () => {
  const config = {
    strategy: {
      mode: 'conditional',
      conditions: [rule({ 'metadata.tier': 'paid', 'params.max_tokens': { $lt: 10 } }, 'best')],
      default: 'other',
    },
    targets: [to('claude', { name: 'best' }), to('well', { name: 'other' })],
  }
  const by = async (body: JsonObject, headers?: Record<string, string>) => {
    const { answer } = await ask(config, { ...plainBody, ...body }, chat.path, headers)
    return [answer.headers.get('x-turnpike-provider'), answer.headers.get('x-turnpike-route')]
  }
  assert.deepEqual(await by({ max_tokens: 5 }, { 'x-turnpike-metadata': '{"tier":"paid"}' }), ['claude', 'config.targets[0]'])
  assert.deepEqual(await by({ max_tokens: 50 }, { 'x-turnpike-metadata': '{"tier":"paid"}' }), ['well', 'config.targets[1]'])
  assert.deepEqual(await by({ max_tokens: 5 }), ['well', 'config.targets[1]'])
  const { answer, json } = await ask({ ...config, strategy: { ...config.strategy, default: undefined } })
  assert.equal(answer.status, 400)
  assert.match(JSON.stringify(json), /none of its conditions matches, and it has no default/)
})

test("another address gets the config's own key and nothing of this gateway; brought by a client, it is not looked for in this network", async () => {
  const elsewhere = upstreams.get('elsewhere')!
  const { answer } = await ask('away')
  assert.equal(answer.status, 200)
  const [received] = elsewhere.received
  assert.equal(received!.headers.get('authorization'), `Bearer ${own}`)
  assert.equal(received!.headers.get('x-of-the-operator'), undefined)
  const brought = await ask(to('well', { custom_host: `${elsewhere.origin}/v1`, api_key: own }))
  assert.deepEqual(
    [brought.answer.status, brought.attempts.map((one) => (one['error'] as JsonObject)['class'])],
    [503, ['private_address']],
  )
  const keyless = await ask(to('well', { custom_host: `${elsewhere.origin}/v1` }))
  assert.equal(keyless.answer.status, 404)
  assert.equal(elsewhere.received.length, 1)
  assert.ok(!JSON.stringify([brought.json, brought.record, keyless.json]).includes(own))
})

test('a local server in a stored config is asked without a key', async () => {
  const elsewhere = upstreams.get('elsewhere')!
  const before = elsewhere.received.length
  const { answer } = await ask('local')
  assert.equal(answer.status, 200)
  const received = elsewhere.received[before]!
  assert.deepEqual([received.url, received.headers.get('authorization')], [chat.path, undefined])
  assert.equal((JSON.parse(received.body.toString()) as JsonObject)['model'], 'llama3')
})

test('a config is a model: listed, asked for by its name, and the answer says who it was', async () => {
  const list = (await (await fetch(`${turnpike.url}/v1/models`, { headers: { authorization: `Bearer ${testKey}` } })).json()) as {
    data: { id: string; providers: string[] }[]
  }
  assert.deepEqual(list.data.find(({ id }) => id === 'virtual')?.providers, ['well'])
  assert.equal(
    list.data.some(({ id }) => id === 'away'),
    false,
    'it names no model',
  )
  const { answer, record } = await ask(undefined, { ...plainBody, model: 'virtual' })
  assert.deepEqual([answer.status, answer.headers.get('x-turnpike-provider')], [200, 'well'])
  assert.partialDeepStrictEqual(upstreams.get('well')!.received.at(-1)!.json(), { model: 'model-1', temperature: 0.25 })
  assert.partialDeepStrictEqual(record, { model: { asked: 'virtual', served: 'model-1' }, config: { slug: 'virtual' } })
})

test('what one target has no place for goes to another that has, without a word of retry for the first', async () => {
  const several: JsonObject = { ...plainBody, n: 2 }
  const { answer, attempts } = await ask({ retry: { attempts: 3 }, targets: [to('claude'), to('well')] }, several)
  assert.deepEqual([answer.status, answer.headers.get('x-turnpike-provider')], [200, 'well'])
  assert.deepEqual(
    attempts.map(({ provider, error }) => [provider, (error as JsonObject | null)?.['class']]),
    [
      ['claude', 'invalid_request'],
      ['well', undefined],
    ],
  )
  const nobody = await ask({ retry: { attempts: 3 }, targets: [to('claude'), to('claude')] }, several)
  assert.deepEqual([nobody.answer.status, nobody.attempts.length], [400, 2])
  assert.partialDeepStrictEqual(nobody.json['error'], { code: 'invalid_request', param: 'n' })
})

test('a date to wait for is honoured of a provider that does not date its answers', async () => {
  const later = { 'content-type': 'application/json', 'retry-after': new Date(Date.now() + 90_000).toUTCString() }
  // One for each credential.
  upstreams.get('well')!.enqueue({ ...chat.error(429), headers: later }, { ...chat.error(429), headers: later })
  const { answer, json } = await ask({ targets: [to('well')] })
  assert.equal(answer.status, 429, JSON.stringify(json))
  assert.ok(Number(answer.headers.get('retry-after')) > 60, answer.headers.get('retry-after')!)
})

test('an attempt that is a retry says which one, and how long it waited', async () => {
  const { attempts } = await ask({ retry: { attempts: 2 }, targets: [to('down')] })
  const [first, ...again] = attempts.map(({ reason }) => String(reason))
  assert.match(first!, /^first of the fallback/)
  assert.equal(again.length, 2)
  for (const [at, reason] of again.entries()) assert.match(reason, new RegExp(`^retry ${at + 1} of 2, after \\d+ ms$`))
})

test('thousands of targets that cannot carry a request are passed, and it is answered', { timeout: 30_000 }, async () => {
  const put = async (slug: string, config: JsonObject): Promise<void> => {
    const answer = await fetch(`${turnpike.url}/api/v1/configs/${slug}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ config }),
    })
    assert.ok(answer.ok, await answer.text())
  }
  await put('a-thousand', { targets: Array.from({ length: 1000 }, () => to('claude', { model: 'model-1' })) })
  await put('all-of-them', { targets: [...Array.from({ length: 3 }, () => ({ model: 'a-thousand' })), to('well')] })
  const { answer, attempts } = await ask('all-of-them', { ...plainBody, n: 2 })
  assert.deepEqual([answer.status, answer.headers.get('x-turnpike-provider'), attempts.length], [200, 'well', 3001])
})
