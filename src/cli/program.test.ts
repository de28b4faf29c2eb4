// The command line, with a recorder and a gateway that answer from here: options, misuse, exit codes, and what is printed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import type { RequestDetail, RequestRow } from '#store'
import { ConfigError } from '#config'
import { NotRunning, type AdminClient, type Query } from './admin-client.ts'
import type { CliContext } from './context.ts'
import { headline } from './request-story.ts'
import { noClient, runCli } from './fakes.test.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)

const detail: RequestDetail = {
  id: '01kagc3x7q0000000000000001',
  at: new Date(2026, 10, 21, 12, 0, 0).toISOString(),
  key: { id: 'key_1', name: 'first' },
  kind: 'user',
  session: 's1',
  trace: 't1',
  client: 'curl/8',
  wire: 'openai-chat',
  endpoint: '/v1/chat/completions',
  model: { asked: 'gpt-4o', served: 'gpt-4o' },
  provider: 'openai',
  stream: true,
  status: 200,
  outcome: 'ok',
  attempts: 1,
  fallback: false,
  cache: 'DISABLED',
  tokens: { input: 12345, cached: 1000, output: 50, reasoning: null },
  cost_usd: '0.031234',
  cost_source: 'computed',
  ms: { overhead: 0.31, first_token: 900, total: 4800 },
  metadata: { team: 'a' },
  lane: 'pass',
  finish_reason: 'stop',
  attempt_list: [
    {
      provider: 'openai',
      model: 'gpt-4o',
      credential: 'default',
      status: 200,
      error: null,
      at: '2026-11-21T12:00:00.001Z',
      ms: { head: 400, first_token: 899, total: 4799 },
      reason: 'first by priority',
      route: null,
    },
  ],
  cost_lines: [{ item: 'input', units: 12345, unit_usd: '0.0000025', amount_usd: '0.0308625' }],
  price_version: 'catalog 2026-07-24 openai/gpt-4o',
  provider_cost_usd: null,
  notes: [{ code: 'dropped', path: 'messages[1].reasoning', why: 'foreign reasoning' }],
  headers: { 'user-agent': 'curl/8' },
  usage: {},
  bytes: { request: 1234, response: 900 },
  payloads: { request: true, response: true },
}

function createClient(rows: RequestRow[] = [detail]): AdminClient & { asked: Query[] } {
  const asked: Query[] = []
  return {
    ...noClient,
    asked,
    listRequests: async (query) => {
      asked.push(query)
      return { data: rows.slice(0, Number(query['limit'])), next_cursor: null }
    },
    getRequest: async (id) => (id === detail.id ? detail : undefined),
    getPayload: async (_id, part) =>
      part === 'request' ? Buffer.from('{"a":"\u001b[2J"}') : 'The response body is not there: it was lost.',
  }
}

function run(args: string[], { client = createClient(), ...more }: Partial<CliContext> & { client?: AdminClient; isTty?: boolean } = {}) {
  return runCli(args, { nowMs: () => nowMs, connect: async () => client, ...more })
}

test('the version and every help are printed with exit code 0, help with an example', async () => {
  assert.deepEqual(await run(['--version']), { exitCode: 0, out: '1.2.3\n', remarks: '' })
  for (const path of [[], ['up'], ['requests', 'list'], ['requests', 'show'], ['requests', 'tail']]) {
    const { exitCode, out } = await run([...path, '--help'])
    assert.equal(exitCode, 0)
    assert.match(out, new RegExp(`Usage: turnpike ${path.join(' ')}`))
    assert.match(out, /Examples:\n {2}/)
  }
})

test('misuse ends with 2 and names what was meant', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: turnpike/],
    [['upp'], /unknown command 'upp'[^]*Did you mean up\?/],
    [['requests'], /Usage: turnpike requests/],
    [['requests', 'lst'], /Did you mean list\?/],
    [['requests', 'list', '--modle', 'x'], /unknown option '--modle'[^]*--model/],
    [['requests', 'list', 'extra'], /too many arguments/],
    [['requests', 'list', '--limit', '0'], /--limit takes a number from 1 to 1000, not '0'/],
    [['requests', 'list', '--since', 'yesterday'], /--since takes a duration/],
    [['requests', 'list', '--outcome', 'canceled'], /--outcome takes one of .*Did you mean 'cancelled'\?/],
    [['requests', 'list', '--min-cost', 'much'], /--min-cost takes an amount/],
    [['requests', 'list', '--metadata', 'team'], /--metadata takes key=value/],
    [['requests', 'show', '--payload', 'both'], /argument 'both' is invalid/],
    [['requests', 'show', '--payload', '--json'], /exclude each other/],
    [['requests', 'tail', '-n', 'many'], /--lines takes a number/],
  ]
  for (const [args, message] of cases) {
    const { exitCode, out, remarks } = await run(args)
    assert.equal(exitCode, 2, args.join(' '))
    assert.equal(out, '', args.join(' '))
    assert.match(remarks, message, args.join(' '))
  }
})

test('what cannot be done ends with 1 and one sentence', async () => {
  const away = await run(['requests', 'list'], {
    connect: async () => Promise.reject(new NotRunning('No turnpike answers. Start it with: turnpike up')),
  })
  assert.deepEqual(away, { exitCode: 1, out: '', remarks: 'turnpike: No turnpike answers. Start it with: turnpike up' })
  const wrong = await run(['requests', 'list'], {
    connect: async () => Promise.reject(new ConfigError('TURNPIKE_PORT', 'TURNPIKE_PORT is "x".')),
  })
  assert.deepEqual(wrong, { exitCode: 1, out: '', remarks: 'turnpike: TURNPIKE_PORT is "x".' })
})

test('list prints aligned columns to stdout and nothing else', async () => {
  const { exitCode, out, remarks } = await run(['requests', 'list'])
  const [title, line] = out.trimEnd().split('\n') as [string, string]
  assert.equal(exitCode, 0)
  assert.equal(remarks, '')
  assert.match(title, /^AT +ID +MODEL +OUTCOME +STATUS +IN +OUT +COST +FIRST +TOTAL +KEY +ERROR$/)
  assert.match(
    line,
    /^2026-11-21 12:00:00 {2}01kagc3x7q0000000000000001 {2}openai\/gpt-4o +ok +200 +12,345 +50 +\$0\.0312 +900 ms +4\.8 s +first$/,
  )
  assert.equal(line.indexOf('openai/'), title.indexOf('MODEL'))
  assert.equal(line.indexOf('first', 100), title.indexOf('KEY'))
})

test('list turns its options into the filters of the admin API', async () => {
  const client = createClient()
  const args =
    '--since 1h --until 2026-11-21 --provider openai --status 503 --min-cost $0.05 --min-time 2s --metadata team=a=b --metadata x.y= --limit 7 --cursor c1'
  await run(['requests', 'list', ...args.split(' ')], { client })
  assert.deepEqual(Object.fromEntries(Object.entries(client.asked[0]!).filter(([, value]) => value !== undefined)), {
    from: '2026-11-21T11:00:00.000Z',
    to: '2026-11-21T00:00:00.000Z',
    provider: 'openai',
    status: '503',
    min_cost_usd: '0.05',
    min_ms: '2000',
    'metadata.team': 'a=b',
    'metadata.x.y': '',
    limit: '7',
    cursor: 'c1',
  })
})

test('every filter of the admin API has its option, and a wrong value is misuse', async () => {
  const client = createClient()
  const args =
    '--model-asked a --model-served b --client c/1 --wire openai-chat --endpoint /v1/messages --stream true --error timeout --attempts 2 --fallback false --cache hit --config prod --cost-source estimated --min-tokens 100 --status 4xx'
  await run(['requests', 'list', ...args.split(' ')], { client })
  const { limit: _limit, ...asked } = Object.fromEntries(Object.entries(client.asked[0]!).filter(([, value]) => value !== undefined))
  assert.deepEqual(asked, {
    model_asked: 'a',
    model_served: 'b',
    client: 'c/1',
    wire: 'openai-chat',
    endpoint: '/v1/messages',
    stream: 'true',
    error: 'timeout',
    attempts: '2',
    fallback: 'false',
    cache: 'HIT',
    config: 'prod',
    cost_source: 'estimated',
    min_tokens: '100',
    status: '4xx',
  })
  for (const wrong of [
    '--stream yes',
    '--attempts two',
    '--cost-source guessed',
    '--min-tokens -1',
    '--status 4x',
    '--fallback 1',
    '--cache warm',
  ])
    assert.equal((await run(['requests', 'tail', ...wrong.split(' ')], { client })).exitCode, 2, wrong)
})

test('--json prints the answer of the admin API', async () => {
  assert.deepEqual(JSON.parse((await run(['requests', 'list', '--json'])).out), { data: [detail], next_cursor: null })
  assert.deepEqual(JSON.parse((await run(['requests', 'show', '--json'])).out), detail)
})

test('show begins with a sentence, and tells attempts, cost lines and losses', async () => {
  const { out } = await run(['requests', 'show', detail.id])
  const lines = out.split('\n')
  assert.equal(lines[0], 'Served by openai/gpt-4o on attempt 1. $0.0312, 4.8 s, first token 900 ms.')
  assert.match(out, /^asked +gpt-4o {2}\(\/v1\/chat\/completions, openai-chat, streamed, passed through\)$/m)
  assert.match(out, /^tokens +12,345 in \(1,000 cached\), 50 out$/m)
  assert.match(out, /^ +1 {2}openai\/gpt-4o {2}default +200 +400 ms +899 ms +4\.8 s {2}ok; first by priority$/m)
  assert.match(out, /^ +input +12,345 +\$2\.5 \/ million +\$0\.0308625$/m)
  assert.match(out, /^ +dropped messages\[1\]\.reasoning: foreign reasoning$/m)
})

test('show tells the routing config, the place of each target in it, and what the cache did', async () => {
  const [attempt] = detail.attempt_list
  const routed: RequestDetail = {
    ...detail,
    config: { slug: 'prod', version: 7 },
    cache: 'MISS',
    attempt_list: [attempt!, { ...attempt!, route: 'config.targets[1]' }],
  }
  const show = async (told: RequestDetail) =>
    (await run(['requests', 'show'], { client: { ...createClient([told]), getRequest: async () => told } })).out
  const out = await show(routed)
  assert.match(out, /^config +prod, version 7$/m)
  assert.match(out, /^cache +MISS$/m)
  assert.match(out, /^ +1 .* - +ok; first by priority$/m)
  assert.match(out, /^ +2 .* config\.targets\[1\] +ok; first by priority$/m)
  const inline = await show({ ...detail, config: { slug: 'inline', version: 0 } })
  assert.match(inline, /^config +came with the request$/m)
  assert.doesNotMatch(inline, /^cache|ROUTE/m)
})

test('show takes the newest, a whole id, or a beginning that only one has', async () => {
  for (const args of [[], [detail.id], [detail.id.toUpperCase()], ['01kagc3x'], ['01kagc3x7q00000000000000']]) {
    assert.match((await run(['requests', 'show', ...args])).out, /^Served by/, args.join())
  }
  const twin = { ...detail, id: '01kagc3x7q0000000000000002' }
  const several = await run(['requests', 'show', '01kagc3x'], { client: createClient([detail, twin]) })
  assert.equal(several.exitCode, 1)
  assert.match(several.remarks, /Several requests begin with '01kagc3x'/)
  for (const unknown of ['01zzzzzz', 'x', '01kagc3x7q0000000000000009', '../up']) {
    const { exitCode, remarks } = await run(['requests', 'show', unknown])
    assert.equal(exitCode, 1)
    assert.match(remarks, /There is no request whose id/)
  }
  assert.match((await run(['requests', 'show'], { client: createClient([]) })).remarks, /There is no request yet/)
})

test('a body goes to a pipe byte for byte and to a person without control characters', async () => {
  assert.equal((await run(['requests', 'show', '--payload', 'request'])).out, '{"a":"\u001b[2J"}')
  const seen = await run(['requests', 'show', '--payload'], { isTty: true })
  assert.match(seen.out, /Request body\n\{"a":"\ufffd\[2J"\}\n/)
  assert.match(seen.out, /Response body\nThe response body is not there: it was lost\./)
  const missing = await run(['requests', 'show', '--payload', 'response'])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.remarks, /it was lost/)
})

test('names that a client chose cannot command the terminal', async () => {
  const hostile = {
    ...detail,
    provider: null,
    model: { asked: 'x\u001b]0;owned\u0007', served: null },
    key: { id: 'k', name: '\u001b[31mred' },
  }
  const { out } = await run(['requests', 'list'], { client: createClient([hostile]) })
  assert.equal(stripVTControlCharacters(out), out)
  for (const control of ['\u001b', '\u0007']) assert.equal(out.includes(control), false)
})

test('each outcome has its own sentence', () => {
  const error = { code: 'all_targets_failed', class: 'provider_error' }
  const failed = { ...detail.attempt_list[0]!, status: 500, error: { class: 'provider_error', message: 'boom' } }
  const cases: [Partial<RequestDetail>, string][] = [
    [
      { cost_usd: null, cost_source: 'unpriced', ms: { overhead: 0, first_token: null, total: 20 } },
      'Served by openai/gpt-4o on attempt 1. unpriced, 20 ms.',
    ],
    [
      { cache: 'HIT', attempts: 0, cost_usd: '0', attempt_list: [] },
      'Served from the cache: openai/gpt-4o. $0, 4.8 s, first token 900 ms.',
    ],
    [{ cost_source: 'estimated', attempts: 2 }, 'Served by openai/gpt-4o on attempt 2. $0.0312 (estimated), 4.8 s, first token 900 ms.'],
    [
      {
        outcome: 'upstream_error',
        status: 503,
        error,
        attempt_list: [failed],
        cost_usd: '0',
        ms: { overhead: 0, first_token: null, total: 20 },
      },
      'Failed after 1 attempt (all_targets_failed, status 503, provider_error). $0, 20 ms.',
    ],
    [
      { outcome: 'interrupted', error: { code: 'interrupted', class: 'cut' } },
      'Interrupted while openai/gpt-4o answered (interrupted, status 200). $0.0312, 4.8 s, first token 900 ms.',
    ],
    [{ outcome: 'cancelled', status: 499 }, 'The client left while openai/gpt-4o answered. $0.0312, 4.8 s, first token 900 ms.'],
    [
      { outcome: 'denied', status: 401, error: { code: 'invalid_api_key', class: 'client' } },
      'Denied (invalid_api_key, status 401). $0.0312, 4.8 s, first token 900 ms.',
    ],
    [
      { outcome: 'client_error', status: 400, error: { code: 'invalid_request', class: 'client' } },
      'The request was at fault (invalid_request, status 400). $0.0312, 4.8 s, first token 900 ms.',
    ],
  ]
  for (const [changes, sentence] of cases) assert.equal(headline({ ...detail, ...changes }), sentence)
})
