// Which way a command goes to the admin API: the instance that runs, the home in this process, or neither; and what it repeats.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { createUpstream, reset, type ScriptedUpstream } from '#test/upstream.ts'
import { createAdminClient, httpTransport, NotRunning } from './admin-client.ts'
import { connectToHome, type OpenHome } from './connection.ts'
import { writeInstanceNote } from './instance.ts'

const token = 'tpa-0123456789012345678901234567890123456789'
const json = { 'content-type': 'application/json' }

function homeOf(context: TestContext, isStarted = true): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const home = path.join(folder, 'home')
  if (isStarted) {
    mkdirSync(home)
    writeFileSync(path.join(home, 'admin-token'), token)
  }
  return home
}

async function instance(context: TestContext): Promise<ScriptedUpstream> {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  upstream.route('/healthz', { headers: json, body: JSON.stringify({ name: 'turnpike', version: '1.2.3' }) })
  return upstream
}

const inProcess: OpenHome = async () => ({ send: async () => Response.json({ way: 'in process' }), close: async () => {} })

function connect(home: string, openHome: OpenHome, more: { readonly needs?: 'running' | 'create' } = {}, remarks: string[] = []) {
  return connectToHome({ command: 'turnpike', remark: (text) => void remarks.push(text), openHome }, { home, verbose: true, ...more })
}

test('a home that was never started is not made by a question, and is made by what needs one', async (context) => {
  const home = homeOf(context, false)
  await assert.rejects(connect(home, inProcess), /No turnpike has been started with the home .* yet\. Start it with: turnpike up --home /)
  assert.equal(existsSync(home), false)
  assert.deepEqual(await (await connect(home, inProcess, { needs: 'create' })).get('keys'), { way: 'in process' })
})

test('the instance that runs is asked, with the token of the home; a note that outlived its process is not believed', async (context) => {
  const home = homeOf(context)
  const upstream = await instance(context)
  upstream.route('/api/v1/keys', (request) => ({
    status: request.headers.get('authorization') === `Bearer ${token}` ? 200 : 401,
    headers: json,
    body: '{"way":"http"}',
  }))
  await writeInstanceNote(home, { url: upstream.origin, pid: 1, version: '1.2.3' })
  writeFileSync(path.join(home, 'turnpike.yaml'), 'keys: [{ name: k, env: SET_FOR_THE_INSTANCE_ALONE }]\n')
  const remarks: string[] = []
  assert.deepEqual(await (await connect(home, () => assert.fail('not opened'), {}, remarks)).get('keys'), { way: 'http' })
  assert.deepEqual(remarks, [`Asking the instance at ${upstream.origin}.`])
  await upstream.close()
  assert.deepEqual(await (await connect(home, inProcess)).get('keys'), { way: 'in process' })
  await assert.rejects((await connect(home, inProcess, { needs: 'running' })).get('keys'), NotRunning)
})

test('a home that another process holds and that does not answer is said to be starting or stopping', async (context) => {
  const home = homeOf(context)
  const held: OpenHome = async () => {
    throw new Error(`The home ${home} is in use by another Turnpike process (pid 7). Stop it, or set TURNPIKE_HOME to another directory.`)
  }
  await writeInstanceNote(home, { url: 'http://127.0.0.1:9', pid: 7, version: '1' })
  await assert.rejects(
    connect(home, held),
    /is in use by another Turnpike process \(pid 7\)\. It does not answer at http:.*starting or stopping; try again/,
  )
  const broken: OpenHome = async () => {
    throw new Error('The store was written by a newer Turnpike.')
  }
  await assert.rejects(connect(home, broken), { name: 'CliFailure', message: 'The store was written by a newer Turnpike.' })
})

test('a write whose connection breaks is sent again with the same Idempotency-Key, and one that was refused is not', async (context) => {
  const upstream = await instance(context)
  const client = createAdminClient(httpTransport(upstream.origin, token, 'turnpike up'))
  upstream.enqueue({ body: [reset()] }, { body: [reset()] }, { status: 201, headers: json, body: '{"id":"key_1"}' })
  assert.deepEqual(await client.send('POST', 'keys', { name: 'x' }), { id: 'key_1' })
  assert.equal(upstream.received.length, 3)
  const [first, second, third] = upstream.received.map(({ headers }) => headers.get('idempotency-key'))
  assert.match(first ?? '', /^[0-9a-f-]{36}$/)
  assert.deepEqual([second, third], [first, first])

  upstream.enqueue({ status: 204, body: '' })
  assert.equal(await client.send('DELETE', 'keys/key_1'), undefined)
  assert.notEqual(upstream.received.at(-1)?.headers.get('idempotency-key'), first)
  await upstream.refuse()
  await assert.rejects(
    client.send('POST', 'keys', { name: 'x' }),
    /No turnpike answers at .* \(ECONNREFUSED\)\. Start it with: turnpike up/,
  )
})

test('what is no turnpike is said to be none', async (context) => {
  const upstream = await instance(context)
  const client = createAdminClient(httpTransport(upstream.origin, token, 'turnpike up'))
  upstream.enqueue(
    { status: 200, headers: json, body: '<html>' },
    { status: 404, body: 'nothing here' },
    { status: 302, headers: { location: '/login' }, body: '' },
  )
  await assert.rejects(client.get('keys'), /Something else than a turnpike .*not JSON/)
  await assert.rejects(client.get('keys'), /has no admin API/)
  await assert.rejects(client.get('keys'), /Something else than a turnpike .*status 302/)
})
