// The admin API over a real socket, in front of a recorder that answers from a list.
import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before as beforeAll, test } from 'node:test'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Control } from '#control'
import { CursorError, type RequestDetail, type RequestFilters, type RequestRow } from '#store'
import { createAdmin, type Admin } from './admin.ts'
import type { QueryPort } from './port.ts'

const adminToken = 'admin-token-of-at-least-32-characters'
const detail: RequestDetail = {
  id: '01jd8m3x7q0000000000000001',
  at: '2026-11-21T12:00:00.000Z',
  key: { id: 'k1', name: 'default' },
  kind: 'user',
  session: 's1',
  trace: 't1',
  client: 'curl/8',
  wire: 'openai-chat',
  endpoint: '/v1/chat/completions',
  model: { asked: 'gpt-4o', served: 'gpt-4o-2024-08-06' },
  provider: 'openai',
  stream: true,
  status: 200,
  outcome: 'ok',
  attempts: 1,
  fallback: false,
  cache: 'DISABLED',
  tokens: { input: 10, cached: null, output: 5, reasoning: null },
  cost_usd: '0.000075',
  cost_source: 'computed',
  ms: { overhead: 0.31, first_token: 900, total: 4800.5 },
  metadata: { team: 'a' },
  lane: 'pass',
  finish_reason: 'stop',
  attempt_list: [
    {
      provider: 'openai', model: 'gpt-4o', credential: 'default', status: 200, error: null, at: '2026-11-21T12:00:00.001Z',
      ms: { head: 400, first_token: 899, total: 4800 }, reason: 'only target', route: null,
    },
  ], // prettier-ignore
  cost_lines: [{ item: 'input', units: 10, unit_usd: '0.0000025', amount_usd: '0.000025' }],
  price_version: 'openai/gpt-4o@2026-07-24',
  provider_cost_usd: null,
  notes: [],
  headers: { 'user-agent': 'curl/8' },
  usage: { prompt_tokens: 10, completion_tokens: 5 },
  bytes: { request: 120, response: 900 },
  payloads: { request: true, response: false },
}

const seen: { filters: RequestFilters; limit: number; cursor: string | undefined }[] = []
const rowOf = ({ lane: _l, finish_reason: _f, attempt_list: _a, cost_lines: _c, price_version: _v, provider_cost_usd: _p, notes: _n, headers: _h, usage: _u, bytes: _b, payloads: _s, ...row }: RequestDetail): RequestRow => row // prettier-ignore
let listed: () => Promise<{ rows: RequestRow[]; nextCursor: string | undefined }> = async () => ({
  rows: [rowOf(detail)],
  nextCursor: 'next',
})
const bodies = new Map([
  ['request', Buffer.from('{"model":"gpt-4o"}')],
  ['response', Buffer.from('data: {"a":1}\n\n')],
])
let got: RequestDetail = detail
const query: QueryPort = {
  listText: async (filters, limit, cursor) => {
    seen.push({ filters, limit, cursor })
    const { rows, nextCursor } = await listed()
    return JSON.stringify({ data: rows, next_cursor: nextCursor ?? null })
  },
  newer: async () => ({ rows: [], position: '1-1', more: false }),
  histogram: async (filters, fromMs, toMs, intervalMs) => {
    seen.push({ filters, limit: intervalMs, cursor: undefined })
    const iso = (ms: number) => new Date(ms).toISOString()
    return { from: iso(fromMs), to: iso(toMs), interval_ms: intervalMs, source: 'rows', data: [] }
  },
  facets: async (_filters, fields) => ({
    requests: 3,
    fields: Object.fromEntries(fields.map((field) => [field, { values: [{ value: 'a', requests: 3 }], more: 0 }])),
  }),
  get: async (id) => (id === detail.id ? got : undefined),
  payload: async (_id, part) => {
    const bytes = bodies.get(part)
    return bytes === undefined ? { missing: 'the client asked with x-turnpike-debug: false.' } : { bytes }
  },
  flush: async () => undefined,
}

const defects: string[] = []
let admin: Admin
const server = createServer((request, response) => admin.handle(request, response))
let port = 0

beforeAll(async () => {
  admin = await createAdmin({
    query,
    control: { providers: {}, keys: {}, configs: {}, models: {}, aliases: {} } as Control,
    testProvider: () => assert.fail('no provider is tested here'),
    adminToken,
    dryRun: () => assert.fail('not asked here'),
    drill: () => assert.fail('not asked here'),
    isGatewayKey: (credential) => credential.startsWith('tp-'),
    allowedHosts: ['Gateway.example.com'],
    version: '1.2.3',
    log: { error: (_details, message) => defects.push(message) },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})

after(async () => {
  server.close()
  server.closeAllConnections()
  await admin.close()
})

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string; json: Json }
/** Answers are checked field by field; a wrong guess fails the assertion. */
type Json = { data: RequestDetail[]; next_cursor: string | null; error: { code: string; field?: string; message: string } }

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { port, host: '127.0.0.1', path, method, headers: { authorization: `Bearer ${adminToken}`, ...headers } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          let json = {} as Json
          try {
            json = JSON.parse(text) as Json
          } catch {}
          resolve({ status: response.statusCode!, headers: response.headers, text, json })
        })
      },
    )
    sent.on('error', reject).end()
  })
}

function withoutToken(path: string, authorization?: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, authorization === undefined ? {} : { headers: { authorization } })
}

test('a list answers rows, the next cursor, and is never cached', async () => {
  const answer = await ask('/api/v1/requests?limit=7&cursor=abc')
  assert.equal(answer.status, 200)
  assert.equal(answer.json.next_cursor, 'next')
  assert.equal(answer.json.data[0]!.id, detail.id)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.deepEqual(seen.at(-1), { filters: {}, limit: 7, cursor: 'abc' })
})

test('filters reach the recorder with units, and the limit is 50 when none is given', async () => {
  await ask(
    '/api/v1/requests?from=2026-11-21T00:00:00Z&to=2026-11-22&model=gpt-4o&outcome=ok&stream=true&status=200&min_cost_usd=0.0000000001&min_ms=5&metadata.team=a&metadata.x.y=b%20c',
  )
  assert.deepEqual(seen.at(-1), {
    filters: {
      fromMs: Date.UTC(2026, 10, 21),
      toMs: Date.UTC(2026, 10, 22),
      model: 'gpt-4o',
      outcome: 'ok',
      stream: true,
      status: 200,
      minCostNanoUsd: 1n,
      minMs: 5,
      metadata: new Map([['team', 'a'], ['x.y', 'b c']]), // prettier-ignore
    },
    limit: 50,
    cursor: undefined,
  })
})

test('a wrong parameter is a 400 that names it', async () => {
  const cases = [
    ['limit=0', 'limit', /at least 1/],
    ['limit=1001', 'limit', /at most 1000/],
    ['limit=many', 'limit', /number from 1 to 1000/],
    ['outcome=fine', 'outcome', /must be one of "ok"/],
    ['from=yesterday', 'from', /ISO 8601/],
    ['min_cost_usd=-1', 'min_cost_usd', /amount of USD/],
    ['modle=gpt-4o', 'modle', /Did you mean 'model'\?/],
    ['zzzzzz=1', 'zzzzzz', /Known: limit, cursor/],
    ['metadata.=1', 'metadata.', /no parameter/],
    ['model=a&model=b', 'model', /given 2 times/],
    ['__proto__=a', '__proto__', /no parameter/],
  ] as const
  for (const [parameters, field, message] of cases) {
    const answer = await ask(`/api/v1/requests?${parameters}`)
    assert.equal(answer.status, 400, parameters)
    assert.equal(answer.json.error.code, 'invalid_request', parameters)
    assert.equal(answer.json.error.field, field, parameters)
    assert.match(answer.json.error.message, message, parameters)
  }
})

test('a cursor that is not of this instance is a 400 that names it', async () => {
  const honest = listed
  listed = async () => Promise.reject(new CursorError('The cursor is not one that this instance made. Begin again without it.'))
  const answer = await ask('/api/v1/requests?cursor=zzz')
  listed = honest
  assert.equal(answer.status, 400)
  assert.deepEqual(answer.json.error, {
    code: 'invalid_request',
    message: 'The cursor is not one that this instance made. Begin again without it.',
    field: 'cursor',
  })
})

test('one request answers its attempts, lines and notes; an unknown one is a 404', async () => {
  const answer = await ask(`/api/v1/requests/${detail.id}`)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.json, detail)
  const unknown = await ask('/api/v1/requests/nothing')
  assert.equal(unknown.status, 404)
  assert.equal(unknown.json.error.code, 'not_found')
  assert.match(unknown.json.error.message, /no request 'nothing'/)
})

test('a payload is the stored bytes, as an attachment that no browser interprets', async () => {
  const sent = await ask(`/api/v1/requests/${detail.id}/payload?part=request`)
  assert.equal(sent.text, '{"model":"gpt-4o"}')
  assert.equal(sent.headers['content-type'], 'application/json')
  assert.equal(sent.headers['x-content-type-options'], 'nosniff')
  assert.equal(sent.headers['content-disposition'], `attachment; filename="${detail.id}-request.json"`)
  const received = await ask(`/api/v1/requests/${detail.id}/payload?part=response`)
  assert.equal(received.text, 'data: {"a":1}\n\n')
  assert.match(String(received.headers['content-type']), /^text\/event-stream/)
})

test('HTML that a model wrote is not served as HTML', async () => {
  const before = bodies.get('response')!
  bodies.set('response', Buffer.from('<script>alert(1)</script>'))
  const answer = await ask(`/api/v1/requests/${detail.id}/payload?part=response`)
  bodies.set('response', before)
  assert.equal(answer.headers['content-type'], 'application/octet-stream')
})

test('a payload that is not there says why', async () => {
  const before = bodies.get('response')!
  bodies.delete('response')
  const answer = await ask(`/api/v1/requests/${detail.id}/payload?part=response`)
  bodies.set('response', before)
  assert.equal(answer.status, 404)
  assert.match(answer.json.error.message, /x-turnpike-debug: false/)
  assert.equal((await ask(`/api/v1/requests/${detail.id}/payload`)).json.error.field, 'part')
})

test('without the admin token nothing is told, and the answer says where the token is', async () => {
  const cases = [
    [undefined, /No admin token was sent/],
    ['Basic abc', /not of the form 'Bearer/],
    ['Bearer wrong', /not the admin token/],
    [`Bearer ${adminToken}x`, /not the admin token/],
    ['Bearer tp-0123', /That is a gateway key/],
  ] as const
  for (const [authorization, message] of cases) {
    const answer = await withoutToken(`/api/v1/requests/${detail.id}`, authorization)
    const body = (await answer.json()) as { error: { code: string; message: string } }
    assert.equal(answer.status, 401)
    assert.equal(body.error.code, 'unauthorized')
    assert.match(body.error.message, message)
    assert.match(body.error.message, /TURNPIKE_ADMIN_TOKEN/)
    assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/)
  }
  assert.equal((await withoutToken('/api/v1/nothing')).status, 401)
})

test('a name that is not of this instance is refused, whatever the token', async () => {
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '[::1', ':8640']) {
    const answer = await ask('/api/v1/requests', { host })
    assert.equal(answer.status, 403, host)
    assert.equal(answer.json.error.code, 'host_not_allowed', host)
  }
  for (const host of [
    'localhost',
    'LOCALHOST:8640',
    'x.localhost',
    '[::1]:8640',
    '192.168.1.5:8640',
    'gateway.example.com',
    'gateway.example.com.',
  ]) {
    assert.equal((await ask('/api/v1/requests', { host })).status, 200, host)
  }
})

test('an address that cannot be read is a 400 in the form of this API, and only for who holds the token', async () => {
  for (const path of ['/api/v1/requests/%zz', `/api/v1/requests/${'a'.repeat(600)}`]) {
    const answer = await ask(path)
    assert.ok(answer.status === 400 || answer.status === 414, String(answer.status))
    assert.equal(answer.json.error.code, 'invalid_request')
    assert.equal((await withoutToken(path)).status, 401)
    assert.equal((await ask(path, { host: 'evil.example' })).status, 403)
  }
})

test('unknown paths and other methods are a 404 in the form of this API', async () => {
  for (const [method, path] of [
    ['GET', '/api/v1/nothing'],
    ['POST', '/api/v1/requests'],
    ['GET', '/api/v1'],
  ] as const) {
    const answer = await ask(path, {}, method)
    assert.equal(answer.status, 404)
    assert.equal(answer.json.error.code, 'not_found')
    assert.match(answer.json.error.message, new RegExp(`no ${method} ${path}\\b`))
  }
})

test('a defect is a 500 that tells the caller nothing and the log everything', async () => {
  const before = listed
  listed = async () => {
    throw new Error('SECRET path')
  }
  got = { ...detail, cost_usd: 1 as unknown as string }
  for (const path of ['/api/v1/requests', `/api/v1/requests/${detail.id}`]) {
    const answer = await ask(path)
    assert.equal(answer.status, 500)
    assert.equal(answer.json.error.code, 'internal_error')
    assert.doesNotMatch(answer.text, /SECRET|cost_usd/)
  }
  listed = before
  got = detail
  assert.equal(defects.length, 2)
})

test('a histogram is of the last day in some sixty buckets, or of what was asked, widened to whole buckets', async () => {
  await ask('/api/v1/requests/histogram?outcome=ok')
  assert.deepEqual(seen.at(-1)!.filters, { outcome: 'ok' })
  assert.equal(seen.at(-1)!.limit, 30 * 60_000)
  const { text } = await ask('/api/v1/requests/histogram?from=2026-11-21T10:20:00Z&to=2026-11-21T12:10:00Z&interval=1h&status=5xx')
  const { from, to } = JSON.parse(text) as { from: string; to: string }
  assert.deepEqual([from, to], ['2026-11-21T10:00:00.000Z', '2026-11-21T13:00:00.000Z'])
  assert.deepEqual(seen.at(-1)!.filters.statusClass, 5)
})

test('wrong parameters of histogram, facets and stream are a 400 that names them', async () => {
  const cases = [
    ['histogram?interval=5', 'interval', /like 5m/],
    ['histogram?interval=0m', 'interval', /longer than nothing/],
    ['histogram?interval=1m&from=2020-01-01', 'interval', /1000 are the most/],
    ['histogram?interval=1h&buckets=5', 'buckets', /exclude each other/],
    ['histogram?from=2026-01-02&to=2026-01-01', 'from', /before 'to'/],
    ['histogram?limit=5', 'limit', /no parameter 'limit'/],
    ['facets?fields=modle_asked', 'fields', /Did you mean 'model_asked'/],
    ['facets?limit=201', 'limit', /at most 200/],
    ['stream?status=6xx', 'status', /class of them like 4xx/],
    ['stream?cursor=a', 'cursor', /no parameter 'cursor'/],
  ] as const
  for (const [path, field, message] of cases) {
    const answer = await ask(`/api/v1/requests/${path}`)
    assert.equal(answer.status, 400, path)
    assert.equal(answer.json.error.field, field, path)
    assert.match(answer.json.error.message, message, path)
  }
})

test('every answer is what the generated OpenAPI 3.1 document says', async () => {
  const document = (await (await withoutToken('/api/v1/openapi.json')).json()) as {
    openapi: string
    components: { schemas: object }
    paths: Record<string, { get: { parameters: { name: string }[] } }>
  }
  assert.equal(document.openapi, '3.1.0')
  for (const path of ['/api/v1/requests', '/api/v1/requests/{id}', '/api/v1/requests/{id}/payload']) assert.ok(path in document.paths, path)
  const ajv = addFormats.default(new Ajv2020.default({ strict: false, allErrors: true }))
  ajv.addSchema(document, 'openapi')

  const check = async (template: string, path: string, status: number): Promise<void> => {
    const answer = await ask(path)
    assert.equal(answer.status, status)
    const pointer = `openapi#/paths/${template.replaceAll('/', '~1')}/get/responses/${status}/content/application~1json/schema`
    const validate = ajv.getSchema(pointer)
    assert.ok(validate, `no schema at ${pointer}`)
    assert.ok(validate(answer.json), JSON.stringify(validate.errors))
  }
  await check('/api/v1/requests', '/api/v1/requests', 200)
  await check('/api/v1/requests', '/api/v1/requests?limit=0', 400)
  await check('/api/v1/requests/{id}', `/api/v1/requests/${detail.id}`, 200)
  await check('/api/v1/requests/{id}', '/api/v1/requests/nothing', 404)
  await check('/api/v1/requests/histogram', '/api/v1/requests/histogram', 200)
  await check('/api/v1/requests/facets', '/api/v1/requests/facets?fields=key,status', 200)

  for (const schema of ['Attempt', 'CostLine', 'Error', 'RequestDetail', 'RequestList', 'RequestRow'])
    assert.ok(schema in document.components.schemas, schema)
  const list = ajv.getSchema('openapi#/paths/~1api~1v1~1requests/get/responses/200/content/application~1json/schema')!
  assert.equal(list({ data: [{ ...detail, outcome: 'fine' }], next_cursor: null }), false, 'the document would accept anything')
  const parameters = document.paths['/api/v1/requests']!.get.parameters.map(({ name }) => name)
  assert.ok(parameters.includes('min_cost_usd') && parameters.includes('cursor'))
})
