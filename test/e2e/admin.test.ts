// The admin API of a real gateway: what it answers is what its OpenAPI document says, to whoever holds the admin token.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { scratchFolder, startGateway, type Ready } from '#test/turnpike-process.ts'

type Body = {
  readonly data: { id: string; at: string; outcome: string; model: { asked: string } }[]
  readonly next_cursor: string | null
  readonly error: { code: string; message: string; field?: string }
}
type Asked = { readonly status: number; readonly json: Body }
type Gateway = { readonly ready: Ready; readonly token: string; readonly get: (path: string) => Promise<Asked> }

async function gateway(context: TestContext, env: Record<string, string> = {}): Promise<Gateway> {
  const home = scratchFolder(context)
  const { ready } = await startGateway(context, home, [], { env })
  const token = readFileSync(path.join(home, 'admin-token'), 'utf8').trim()
  const get = async (address: string): Promise<Asked> => {
    const answer = await fetch(`${ready.url}${address}`, { headers: { authorization: `Bearer ${token}` } })
    return { status: answer.status, json: (await answer.json()) as Body }
  }
  return { ready, token, get }
}

async function ask({ ready }: Gateway, model: string, headers: Record<string, string> = {}, key = ready.gateway_key!): Promise<string> {
  const answer = await fetch(`${ready.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'one two' }] }),
  })
  await answer.text()
  return answer.headers.get('x-turnpike-request-id')!
}

test('every kind of row validates against the generated document', async (context) => {
  const server = await gateway(context)
  const ids = [
    await ask(server, 'sim/echo', { 'x-turnpike-metadata': '{"team":"a"}', 'x-turnpike-session-id': 's 1' }),
    await ask(server, 'sim/status-500'),
    await ask(server, 'sim/cut'),
    await ask(server, 'no-such-model'),
    await ask(server, 'sim/echo', {}, 'tp-wrong'),
  ]
  const document = (await (await fetch(`${server.ready.url}/api/v1/openapi.json`)).json()) as object
  const ajv = addFormats.default(new Ajv2020.default({ strict: false, allErrors: true }))
  ajv.addSchema(document, 'openapi')
  const check = async (template: string, address: string, status: number): Promise<void> => {
    const { status: got, json } = await server.get(address)
    assert.equal(got, status, JSON.stringify(json))
    const validate = ajv.getSchema(
      `openapi#/paths/${template.replaceAll('/', '~1')}/get/responses/${status}/content/application~1json/schema`,
    )
    assert.ok(validate)
    assert.ok(validate(json), `${address}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(json)}`)
  }
  await check('/api/v1/requests', '/api/v1/requests', 200)
  for (const id of ids) await check('/api/v1/requests/{id}', `/api/v1/requests/${id}`, 200)
  await check('/api/v1/requests/{id}', '/api/v1/requests/nothing', 404)
  await check('/api/v1/requests/{id}/payload', `/api/v1/requests/${ids[0]}/payload?part=request`, 200)
  await check('/api/v1/requests', '/api/v1/requests?limit=x', 400)
})

test('a request is visible as soon as its answer has ended', async (context) => {
  const server = await gateway(context)
  for (let round = 0; round < 20; round++) {
    const id = await ask(server, 'sim/echo')
    const { json } = await server.get('/api/v1/requests?limit=1')
    assert.equal(json.data[0]!.id, id)
  }
})

test('pages by cursor give every row once, newest first, whatever arrives meanwhile', async (context) => {
  const server = await gateway(context)
  const ids: string[] = []
  for (let count = 0; count < 7; count++) ids.push(await ask(server, 'sim/echo'))
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Asked = await server.get(`/api/v1/requests?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
    assert.ok(page.json.data.length <= 3)
    seen.push(...page.json.data.map(({ id }) => id))
    cursor = page.json.next_cursor
    await ask(server, 'sim/echo')
  }
  assert.deepEqual(seen, ids.toReversed())
  const foreign = await server.get('/api/v1/requests?cursor=bm90LW91cnM')
  assert.equal(foreign.status, 400)
  assert.equal(foreign.json.error.field, 'cursor')
})

test('each filter finds what has it and nothing else', async (context) => {
  const server = await gateway(context)
  const marked = await ask(server, 'sim/echo', {
    'x-turnpike-metadata': '{"team":"a","sub.unit":"b c"}',
    'x-turnpike-session-id': 'session-1',
    'x-turnpike-trace-id': 'trace-1',
    'user-agent': 'marked-client/1',
  })
  const failed = await ask(server, 'sim/status-500')
  const { data } = (await server.get(`/api/v1/requests?q=${marked}`)).json
  const afterMarked = new Date(Date.parse(data[0]!.at) + 1).toISOString()
  const cases: [string, string[]][] = [
    ['session=session-1', [marked]],
    ['trace=trace-1', [marked]],
    ['client=marked-client/1', [marked]],
    ['metadata.team=a', [marked]],
    ['metadata.sub.unit=b%20c', [marked]],
    ['metadata.team=b', []],
    ['outcome=ok', [marked]],
    ['outcome=upstream_error', [failed]],
    ['status=503', [failed]],
    ['error=all_targets_failed', [failed]],
    ['model=sim/echo', [marked]],
    ['provider=sim&outcome=ok', [marked]],
    ['stream=true', []],
    ['wire=anthropic-messages', []],
    ['endpoint=/v1/chat/completions', [failed, marked]],
    ['min_ms=600000', []],
    ['min_cost_usd=1', []],
    [`to=${afterMarked}`, [marked]],
  ]
  for (const [filter, expected] of cases) {
    const { status, json } = await server.get(`/api/v1/requests?${filter}`)
    assert.equal(status, 200, filter)
    assert.deepEqual(json.data.map(({ id }) => id), expected, filter) // prettier-ignore
  }
})

test('a body that was not stored says why: the logging mode, or the client', async (context) => {
  const full = await gateway(context)
  const unkept = await ask(full, 'sim/echo', { 'x-turnpike-debug': 'false' })
  const metadata = await gateway(context, { TURNPIKE_LOGGING: 'metadata' })
  const cases: [Gateway, string][] = [
    [full, unkept],
    [metadata, await ask(metadata, 'sim/echo')],
  ]
  for (const [server, id] of cases) {
    for (const part of ['request', 'response']) {
      const { status, json } = await server.get(`/api/v1/requests/${id}/payload?part=${part}`)
      assert.equal(status, 404)
      assert.match(json.error.message, /not stored: the logging mode or the request itself said so/)
    }
  }
})

test('the two kinds of credentials open one door each', async (context) => {
  const { ready, token } = await gateway(context)
  const admin = await fetch(`${ready.url}/api/v1/requests`, { headers: { authorization: `Bearer ${ready.gateway_key}` } })
  assert.equal(admin.status, 401)
  assert.match(((await admin.json()) as Body).error.message, /That is a gateway key/)
  const data = await fetch(`${ready.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(data.status, 401)
})

test('a name that a web page could have rebound to this machine is refused', async (context) => {
  const { ready, token } = await gateway(context, { TURNPIKE_PUBLIC_URL: 'https://ai.example.com' })

  const hosts: [string, number][] = [
    ['evil.example', 403],
    ['ai.example.com', 200],
    ['localhost:8640', 200],
  ]
  // The greeting shows the public address; the note in the home has the local one.
  const local = JSON.parse(readFileSync(path.join(ready.home, 'instance.json'), 'utf8')) as { url: string }
  for (const [host, expected] of hosts) {
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${local.url}/api/v1/requests`, { headers: { host, authorization: `Bearer ${token}` } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    assert.equal(status, expected, host)
  }
})
