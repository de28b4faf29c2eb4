// What is configured while it runs, seen by requests over sockets: the next request goes by it, a running one by what it began with.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { hashKey, readSettings } from '#config'
import { openControl, startTurnpike } from '#main'
import { chat } from '#test/scripts.ts'
import { runCommand, scratchFolder, startGateway } from '#test/turnpike-process.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, waitFor, write, type ScriptedUpstream } from '#test/upstream.ts'

const admin = { kind: 'admin' } as const
let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  upstream.route('/v1/chat/completions', chat.json({ usage: { input: 1_000_000, output: 1_000_000 } }))
  turnpike = await startTest({ first: { wire: 'openai-chat', origin: upstream.origin } })
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

function ask(model: string, key?: string, body: object = {}): Promise<Response> {
  const init = key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }
  return turnpike.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], ...body }, init)
}

async function outcome(response: Response): Promise<{ status: number; code: string | undefined; message: string | undefined }> {
  const body = (await response.json()) as { error?: { code: string; message: string } }
  return { status: response.status, code: body.error?.code, message: body.error?.message }
}

const provider = (more: object = {}): object => ({
  base_url: `${upstream.origin}/v1`,
  allow_private_network: true,
  credentials: [{ name: 'main', value: 'provider-secret-0123456789' }],
  models: { custom: [{ id: 'm', price: { input_per_million_usd: '1', output_per_million_usd: '1' } }] },
  ...more,
})

test('a revoked key is refused at the next request, on the connection that it used, by its own code and name', async () => {
  const { id, key } = await turnpike.control.keys.create({ name: 'short-lived' }, admin)
  assert.equal((await outcome(await ask('first/model-1', key))).status, 200)
  const revokedAt = performance.now()
  await turnpike.control.keys.revoke(id, admin)
  const { status, code, message } = await outcome(await ask('first/model-1', key))
  assert.ok(performance.now() - revokedAt < 1000)
  assert.deepEqual([status, code], [401, 'key_revoked'])
  assert.match(message!, /^The gateway key "short-lived" has been revoked\./)
  const messages = await turnpike.post(
    '/v1/messages',
    { model: 'first/model-1', max_tokens: 1, messages: [] },
    { headers: { authorization: `Bearer ${key}` } },
  )
  const anthropic = (await messages.json()) as { error: { type: string } }
  assert.deepEqual([messages.status, anthropic.error.type], [401, 'authentication_error'])
})

test('a rotated key works on, as the same key, until its overlap is over', async () => {
  const made = await turnpike.control.keys.create({ name: 'rotating' }, admin)
  const next = await turnpike.control.keys.rotate(made.id, {}, admin)
  for (const key of [made.key, next.key]) {
    const response = await ask('first/model-1', key)
    assert.equal(response.status, 200)
    await response.arrayBuffer()
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    assert.deepEqual((record['key'] as { id: string }).id, made.id)
  }
  const last = await turnpike.control.keys.rotate(made.id, { overlap_seconds: 0 }, admin)
  assert.equal((await outcome(await ask('first/model-1', made.key))).status, 200, 'its own overlap goes on')
  const replaced = await outcome(await ask('first/model-1', next.key))
  assert.deepEqual([replaced.status, replaced.code], [401, 'key_expired'])
  assert.match(replaced.message!, /was replaced by a new one/)
  assert.equal((await outcome(await ask('first/model-1', last.key))).status, 200)
})

test('a changed provider, alias and price count for the next request, and its record says which price it was', async () => {
  const { control } = turnpike
  await control.providers.put('second', provider(), admin)
  await control.aliases.put('fast', { model: 'second/m' }, admin)
  const cost = async (): Promise<unknown> => {
    const response = await ask('fast')
    assert.equal(response.status, 200, await response.clone().text())
    await response.arrayBuffer()
    const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
    return record['cost_usd']
  }
  assert.equal(await cost(), '2')
  await control.models.putPrice('second', 'm', { price: { input_per_million_usd: '3', output_per_million_usd: '4' } }, admin)
  assert.equal(await cost(), '7')
  await control.models.removePrice('second', 'm', admin)
  assert.equal(await cost(), '2')
  await control.providers.put('second', provider({ credentials: [{ name: 'main', value: 'another-secret-0123456789' }] }), admin)
  await cost()
  assert.equal(upstream.received.at(-1)!.headers.get('authorization'), 'Bearer another-secret-0123456789')
  await control.aliases.put('fast', { model: 'first/model-1' }, admin)
  assert.equal(await cost(), '12', 'the price of the model it stands for now')
  await control.aliases.remove('fast', admin)
  assert.equal((await outcome(await ask('fast'))).code, 'model_not_found')
  await control.providers.remove('second', admin)
  assert.equal((await outcome(await ask('second/m'))).code, 'model_not_found')
})

test('a request that runs goes on as it began: its provider, its key and its price go away, and its answer does not change', async () => {
  const { control } = turnpike
  await control.providers.put('third', provider(), admin)
  const { id, key } = await control.keys.create({ name: 'running' }, admin)
  const gate = createGate()
  const frames = chat.frames({ usage: { input: 1_000_000, output: 1 } })
  upstream.enqueue({
    headers: { 'content-type': 'text/event-stream' },
    body: [write(frames.slice(0, 2).join('')), waitFor(gate), write(frames.slice(2).join(''))],
  })
  const response = await ask('third/m', key, { stream: true })
  assert.equal(response.status, 200)
  await control.models.putPrice('third', 'm', { price: { input_per_million_usd: '50', output_per_million_usd: '50' } }, admin)
  await control.providers.remove('third', admin)
  await control.keys.revoke(id, admin)
  gate.open()
  const text = await response.text()
  assert.match(text, /data: \[DONE\]/)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.deepEqual([record['outcome'], record['provider'], record['cost_usd']], ['ok', 'third', '1.000001'])
})

test('what is kept of requests changes while it runs', async () => {
  const { control } = turnpike
  const bodyOf = async (): Promise<string> => {
    const response = await ask('first/model-1')
    await response.arrayBuffer()
    const found = await turnpike.payload(response.headers.get('x-turnpike-request-id')!, 'request').catch((error: Error) => error.message)
    return String(found)
  }
  assert.match(await bodyOf(), /"content":"hi"/)
  await control.settings.update({ logging: 'metadata' }, admin)
  assert.match(await bodyOf(), /404.*not stored/)
  await control.settings.update({ logging: null }, admin)
  assert.match(await bodyOf(), /"content":"hi"/)
})

test('under load, with keys made and revoked beside it, every request is answered by the rules of its time', async () => {
  const { control } = turnpike
  let stopped = false
  const churn = (async () => {
    for (let n = 0; !stopped; n++) {
      const { id, key } = await control.keys.create({ name: `churn-${n}` }, admin)
      assert.equal((await outcome(await ask('first/model-1', key))).status, 200)
      await control.keys.revoke(id, admin)
      assert.equal((await outcome(await ask('first/model-1', key))).code, 'key_revoked')
      await control.providers.put('churn', provider({ priority: n % 7 }), admin)
      assert.equal((await outcome(await ask('churn/m'))).status, 200)
    }
  })()
  const results = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const statuses: number[] = []
      for (let n = 0; n < 25; n++) statuses.push((await outcome(await ask('first/model-1'))).status)
      return statuses
    }),
  )
  stopped = true
  await churn
  assert.deepEqual([...new Set(results.flat())], [200])
})

test('a home of the version before goes on: its key works, and nothing of it is asked again', async (t) => {
  const home = path.join(scratchFolder(t), 'home')
  mkdirSync(home, { mode: 0o700 })
  const key = 'tp-made-by-an-older-version-0123456789'
  writeFileSync(path.join(home, 'admin-token'), `${'t'.repeat(40)}\n`, { mode: 0o600 })
  writeFileSync(
    path.join(home, 'keys.json'),
    JSON.stringify({ keys: [{ id: 'key_old', name: 'first', hash: hashKey(key), stream_usage: 'always' }] }),
  )
  const { ready, child, ended } = await startGateway(t, home)
  assert.equal(ready.gateway_key, undefined, 'it has one')
  const answer = await fetch(`${ready.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim/echo', messages: [{ role: 'user', content: 'x' }] }),
  })
  assert.equal(answer.status, 200)
  await answer.arrayBuffer()
  child.kill('SIGTERM')
  assert.equal((await ended).exitCode, 0)
})

test('a master key that does not fit stops the start with one sentence, and the home can be mended without it', async (t) => {
  const home = path.join(scratchFolder(t), 'home')
  const settings = readSettings({ overrides: { home, port: '0', logLevel: 'silent' }, env: {} })
  const first = await openControl({ settings, version: 'test' })
  await first.control.providers.put('work', { base_url: 'https://models.example/v1', credentials: [{ value: 'secret-0123456789' }] }, admin)
  await assert.rejects(startTurnpike({ settings, version: 'test' }), /is in use by another Turnpike process/)
  await first.close()
  rmSync(path.join(home, 'master-key'))
  const { exitCode, stderr, stdout } = await runCommand(t, ['up', '--home', home, '--port', '0'])
  assert.deepEqual([exitCode, stdout], [1, ''])
  assert.match(
    stderr,
    /^turnpike: The master key is missing: .*master-key is gone .*a secret of the provider work was stored with it\. Bring that key back, or[^\n]*\n$/,
  )
  const mending = await openControl({ settings, version: 'test' })
  const listed = await mending.inject('/api/v1/providers/work')
  assert.match(await listed.text(), /The master key that it was stored with is missing/)
  const write = (method: 'PUT' | 'POST', where: string, body: object) =>
    mending.inject(`/api/v1/${where}`, {
      method,
      headers: { 'content-type': 'application/json', 'idempotency-key': where },
      body: JSON.stringify(body),
    })
  const secret = { base_url: 'https://models.example/v1', credentials: [{ value: 'secret-9876543210' }] }
  const refused = await write('PUT', 'providers/another', secret)
  assert.equal(refused.status, 409)
  assert.match(await refused.text(), /The master key is missing: .*a secret of the provider work was stored with it/)
  assert.equal((await write('PUT', 'aliases/nick', { model: 'work/m' })).status, 201, 'what needs no secret still works')
  assert.ok(!existsSync(path.join(home, 'master-key')), 'no new key in the place of the old one')
  assert.equal((await mending.inject('/api/v1/providers/work', { method: 'DELETE' })).status, 204)
  await mending.close()
  const { ready, child, ended } = await startGateway(t, home)
  assert.match(ready.gateway_key!, /^tp-/, 'the commands before made no key of their own')
  child.kill('SIGTERM')
  assert.equal((await ended).exitCode, 0)
  assert.ok(!readFileSync(path.join(home, 'control.db')).includes('secret-0123456789'))
})
