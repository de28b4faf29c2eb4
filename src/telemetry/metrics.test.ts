// What is counted, how it reads, and that no client can make it grow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counter, Histogram } from './metric-family.ts'
import { createMetrics } from './metrics.ts'
import type { CountedRequest } from './request-metrics.ts'
import type { GatewayState } from './state-metrics.ts'

const request: CountedRequest = {
  wire: 'openai-chat',
  endpoint: '/v1/chat/completions',
  outcome: 'ok',
  status: 200,
  errorCode: '',
  stream: true,
  cache: 'disabled',
  provider: 'b',
  modelTarget: 'known',
  attempts: [
    { provider: 'a', errorClass: 'provider_error', firstTokenMs: undefined },
    { provider: 'b', errorClass: '', firstTokenMs: 300 },
  ],
  usage: { input: 100, output: 20, cacheRead: 40, reasoning: undefined },
  costNanoUsd: 1_500_000n,
  overheadUs: 420,
  firstTokenMs: 800,
  totalMs: 4000,
}

const state: GatewayState = {
  running: 3,
  isDraining: false,
  targets: [
    { provider: 'a', credential: 'main', model: 'm', scope: undefined, state: 'open', attempts: 9, failures: 9 },
    { provider: 'a', credential: 'main', model: 'n', scope: undefined, state: 'closed', attempts: 9, failures: 0 },
    { provider: 'b', credential: 'x', model: 'say "hi"\n\\', scope: 'config.targets[0]', state: 'cooling', attempts: 1, failures: 1 },
  ],
  credentials: [{ provider: 'a', credential: 'main', isRejected: true }],
  cache: { entries: 3, bytes: 4096, maxBytes: 65_536, evicted: 2, waiting: 1 },
  journal: { records: 8, failedWrites: 1, waitingBytes: 0, lostRecords: 0, lostPayloads: 2, lagBytes: 77 },
}

function setup() {
  const metrics = createMetrics({
    version: '1.2.3',
    startedAtMs: 5000,
    endpoint: (path) => (path.startsWith('/v1/') ? path : 'other'),
    knowsModel: (_provider, model) => model === 'known',
    state: () => state,
  })
  const samples = (): Map<string, number> =>
    new Map(
      metrics
        .text()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
  return { metrics, samples }
}

test('requests that differ from the one before in any label are counted apart', () => {
  const ofRequests = /^turnpike_(?:requests_total|request_errors|attempts|rescued|cache_lookups|tokens|cost|request_duration|overhead)/
  const counted = (requests: readonly CountedRequest[]): Map<string, number> => {
    const { metrics, samples } = setup()
    for (const one of requests) metrics.count(one)
    return new Map([...samples()].filter(([name]) => ofRequests.test(name)))
  }
  const others: Partial<CountedRequest>[] = [
    { wire: 'gemini' },
    { endpoint: '/v1/messages' },
    { outcome: 'interrupted' },
    { status: 503 },
    { stream: false },
    { cache: 'hit' },
    { provider: 'a' },
    { modelTarget: 'foreign' },
  ]
  for (const other of others) {
    const changed = { ...request, ...other }
    const sum = counted([request])
    for (const [name, value] of counted([changed])) sum.set(name, (sum.get(name) ?? 0) + value)
    const both = counted([request, changed, request, changed])
    const twice = [...sum].map(([name, value]) => [name, value * 2])
    assert.deepEqual(Object.fromEntries(both), Object.fromEntries(twice), JSON.stringify(other))
  }
})

test('a request is counted once by where it came, how it ended, who was asked, and what it cost', () => {
  const { metrics, samples } = setup()
  metrics.count(request)
  metrics.count({
    ...request,
    attempts: [],
    outcome: 'denied',
    status: 401,
    errorCode: 'invalid_api_key',
    usage: undefined,
    endpoint: '/../x',
  })
  const counted = samples()
  for (const [name, value] of Object.entries({
    'turnpike_requests_total{wire="openai-chat",endpoint="/v1/chat/completions",outcome="ok",code="2xx"}': 1,
    'turnpike_requests_total{wire="openai-chat",endpoint="other",outcome="denied",code="4xx"}': 1,
    'turnpike_request_errors_total{code="invalid_api_key"}': 1,
    'turnpike_attempts_total{provider="a",result="provider_error"}': 1,
    'turnpike_attempts_total{provider="b",result="answered"}': 1,
    turnpike_rescued_requests_total: 1,
    'turnpike_cache_lookups_total{state="disabled"}': 2,
    'turnpike_tokens_total{provider="b",model="known",kind="input"}': 100,
    'turnpike_tokens_total{provider="b",model="known",kind="cached"}': 40,
    'turnpike_tokens_total{provider="b",model="known",kind="output"}': 20,
    'turnpike_cost_usd_total{provider="b",model="known"}': 0.0015,
    'turnpike_request_duration_seconds_bucket{wire="openai-chat",stream="true",le="2.5"}': 0,
    'turnpike_request_duration_seconds_bucket{wire="openai-chat",stream="true",le="5"}': 1,
    'turnpike_request_duration_seconds_bucket{wire="openai-chat",stream="true",le="+Inf"}': 1,
    'turnpike_request_duration_seconds_sum{wire="openai-chat",stream="true"}': 4,
    'turnpike_request_duration_seconds_count{wire="openai-chat",stream="true"}': 1,
    'turnpike_first_token_seconds_bucket{wire="openai-chat",le="1"}': 1,
    'turnpike_provider_first_token_seconds_bucket{provider="b",le="0.35"}': 1,
    'turnpike_overhead_seconds_bucket{le="0.0005"}': 1,
    turnpike_overhead_seconds_count: 1,
  }))
    assert.equal(counted.get(name), value, name)
  assert.ok(![...counted.keys()].some((name) => name.includes('kind="reasoning"')), 'what is not known is not 0')
})

test('what is read off: what runs, who is in trouble, the journal, the process', () => {
  const { metrics, samples } = setup()
  const read = samples()
  for (const [name, value] of Object.entries({
    turnpike_requests_running: 3,
    turnpike_draining: 0,
    'turnpike_targets{provider="a",state="open"}': 1,
    'turnpike_targets{provider="a",state="closed"}': 1,
    'turnpike_target_trouble{provider="a",credential="main",model="m",config="",state="open"}': 1,
    'turnpike_target_trouble{provider="b",credential="x",model="say \\"hi\\"\\n\\\\",config="config.targets[0]",state="cooling"}': 1,
    'turnpike_credential_rejected{provider="a",credential="main"}': 1,
    turnpike_journal_lag_bytes: 77,
    turnpike_cache_entries: 3,
    turnpike_cache_bytes: 4096,
    turnpike_cache_max_bytes: 65_536,
    turnpike_cache_evicted_total: 2,
    turnpike_cache_waiting: 1,
    'turnpike_journal_lost_total{kind="body"}': 2,
    process_start_time_seconds: 5,
  }))
    assert.equal(read.get(name), value, name)
  assert.ok(!metrics.text().includes('turnpike_target_trouble{provider="a",credential="main",model="n"'))
  assert.ok(read.get('process_resident_memory_bytes')! > 1e6)
  assert.equal(read.get(`turnpike_build_info{version="1.2.3",node="${process.versions.node}"}`), 1)
  assert.ok(samples().has('nodejs_eventloop_delay_seconds{stat="p99"}'), 'from the second question on')
  metrics.close()
})

test('the text is what Prometheus reads: each family once, with its help and type before its samples', () => {
  const { metrics } = setup()
  metrics.count(request)
  const text = metrics.text()
  assert.ok(text.endsWith('\n'))
  const families = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map(([, name]) => name!)
  assert.deepEqual(families, [...new Set(families)])
  let family = ''
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# (?:HELP|TYPE) (\S+) .+$/.exec(line)
    if (head !== null) family = head[1]!
    else {
      assert.match(line, /^[a-z_]+(?:\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? -?[\d.e+-]+$/)
      assert.ok(line.startsWith(family), `${line} is below ${family}`)
    }
  }
  metrics.close()
})

test('names that clients make up are counted together once there are too many', () => {
  const { metrics } = setup()
  for (let i = 0; i < 5000; i++) metrics.count({ ...request, modelTarget: `made-up-${i}` })
  for (let i = 0; i < 5000; i++) metrics.count({ ...request, attempts: [{ provider: `p-${i}`, errorClass: 'cut', firstTokenMs: 1 }] })
  metrics.count(request)
  const text = metrics.text()
  assert.match(text, /turnpike_tokens_total\{provider="b",model="other",kind="input"\} 480000\n/)
  assert.match(text, /turnpike_tokens_total\{provider="b",model="known",kind="input"\} 500100\n/)
  assert.match(text, /turnpike_attempts_total\{provider="other",result="other"\} \d+\n/)
  assert.ok(text.split('\n').length < 20_000, String(text.split('\n').length))
  metrics.close()
})

test('a family is bounded, and counts nothing twice', () => {
  const counter = new Counter('c', 'x', ['a', 'b'], 3)
  for (const [a, b] of [['1', '1'], ['1', '2'], ['2', '1'], ['2', '2'], ['3', '3'], ['1', '1']] as const) counter.add([a, b]) // prettier-ignore
  assert.deepEqual([...counter.lines()].slice(2), ['c{a="1",b="1"} 2', 'c{a="1",b="2"} 1', 'c{a="2",b="1"} 1', 'c{a="other",b="other"} 2'])
  const histogram = new Histogram('h', 'x', [1, 2])
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe([], value)
  assert.deepEqual([...histogram.lines()].slice(2), [
    'h_bucket{le="1"} 2',
    'h_bucket{le="2"} 3',
    'h_bucket{le="+Inf"} 4',
    'h_sum 12',
    'h_count 4',
  ])
  assert.deepEqual([...new Counter('n', 'none yet').lines()].slice(2), ['n 0'])
})
