// The recorder from end to end: what was journalled can be asked for, in every logging mode and after any stop.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openRecordDatabase, type FinishRecord, type RequestFilters } from '#store'
import { sampleAttempt, sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts'
import { recordFiles } from './writer.ts'

function temporary(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-recorder-'))
  t.after(() => rmSync(home, { recursive: true }))
  return home
}

async function start(t: TestContext, changes: Partial<RecorderOptions> = {}): Promise<Recorder> {
  const home = changes.home ?? mkdtempSync(join(tmpdir(), 'turnpike-recorder-'))
  const recorder = await createRecorder({
    logging: 'full',
    // The samples are of September 2026.
    retentionDays: 36_500,
    logMaxBytes: 1e9,
    onError: (error) => assert.fail(error),
    ...changes,
    home,
  })
  t.after(async () => {
    await recorder.close()
    // Not before: a journal whose file is gone says so.
    if (changes.home === undefined) rmSync(home, { recursive: true })
  })
  return recorder
}

function finish(recorder: Recorder, record: FinishRecord): Promise<void> {
  return new Promise((resolve, reject) => recorder.journal.finish(record, (error) => (error === undefined ? resolve() : reject(error))))
}

test('what was answered is there for the next question, in full', async (t) => {
  const recorder = await start(t)
  const record = sampleFinish('01aa', {
    trace: 'trace-1',
    configSlug: 'prod',
    configVersion: 7,
    cache: 'miss',
    metadata: '{"env":"prod"}',
    outcome: 'upstream_error',
    status: 503,
    errorCode: 'all_targets_failed',
    errorClass: 'overloaded',
    attempts: [
      sampleAttempt({ status: 0, errorClass: 'connect_failed', errorMessage: 'refused', headMs: undefined, firstTokenMs: undefined }),
      sampleAttempt({ provider: 'azure', model: 'gpt-5-mini-eu', route: 'config.targets[1]' }),
    ],
    usage: { ...usageOf(100, 20), cacheRead: 0, reasoning: 8 },
    providerCostNanoUsd: 1_000_000_000n,
    notes: [{ code: 'dropped', path: 'logit_bias', why: 'not of that wire' }],
  })
  recorder.journal.reserve(sampleReserve('01aa'), () => undefined)
  recorder.journal.payload('01aa', 'request', 'session-1', Buffer.from('{"model":"x"}'))
  recorder.journal.payload('01aa', 'response', 'session-1', Buffer.from('{"id":1}'))
  await finish(recorder, record)

  const row = {
    id: '01aa',
    at: new Date(record.atMs).toISOString(),
    key: { id: 'key_1', name: 'laptop' },
    kind: 'user',
    session: 'session-1',
    trace: 'trace-1',
    client: 'OpenAI/JS 6.1.0',
    wire: 'openai-chat',
    endpoint: '/v1/chat/completions',
    model: { asked: 'gpt-5-mini', served: 'gpt-5-mini-2025' },
    provider: 'azure',
    config: { slug: 'prod', version: 7 },
    stream: false,
    status: 503,
    outcome: 'upstream_error',
    error: { code: 'all_targets_failed', class: 'overloaded' },
    attempts: 2,
    fallback: true,
    cache: 'MISS',
    tokens: { input: 100, cached: 0, output: 20, reasoning: 8 },
    cost_usd: '0.000027',
    cost_source: 'computed',
    ms: { overhead: 0.18, first_token: 210.25, total: 401.5 },
    metadata: { env: 'prod' },
  }
  assert.deepEqual(await recorder.query.list({}, 10, undefined), { rows: [row], nextCursor: undefined })
  assert.deepEqual(await recorder.query.get('01aa'), {
    ...row,
    lane: 'pass',
    finish_reason: 'stop',
    attempt_list: [
      {
        provider: 'openai',
        model: 'gpt-5-mini',
        credential: 'default',
        status: null,
        error: { class: 'connect_failed', message: 'refused' },
        at: '2026-09-21T14:13:20.001Z',
        ms: { head: null, first_token: null, total: 400 },
        reason: 'the only target',
        route: null,
      },
      {
        provider: 'azure',
        model: 'gpt-5-mini-eu',
        credential: 'default',
        status: 200,
        error: null,
        at: '2026-09-21T14:13:20.001Z',
        ms: { head: 200.5, first_token: 210.25, total: 400 },
        reason: 'the only target',
        route: 'config.targets[1]',
      },
    ],
    cost_lines: [
      { item: 'input', units: 100, unit_usd: '0.00000015', amount_usd: '0.000015' },
      { item: 'output', units: 20, unit_usd: '0.0000006', amount_usd: '0.000012' },
    ],
    price_version: 'catalog 2026-11, openai/gpt',
    provider_cost_usd: '1',
    notes: [{ code: 'dropped', path: 'logit_bias', why: 'not of that wire' }],
    headers: { accept: '*/*' },
    usage: { prompt_tokens: 100, completion_tokens: 20 },
    bytes: { request: 400, response: 640 },
    payloads: { request: true, response: true },
  })
  const body = await recorder.query.payload('01aa', 'request')
  assert.ok('bytes' in body && Buffer.from(body.bytes).toString() === '{"model":"x"}')
  assert.equal(await recorder.query.get('01ab'), undefined)
  assert.match(((await recorder.query.payload('01ab', 'request')) as { missing: string }).missing, /no request 01ab/)
})

test('each filter finds exactly the requests that match, alone and together with others', async (t) => {
  const recorder = await start(t)
  const at = sampleFinish('').atMs
  const records: FinishRecord[] = []
  for (let i = 0; i < 120; i++) {
    records.push(
      sampleFinish(`r${String(i).padStart(3, '0')}`, {
        atMs: at + i * 1000,
        keyId: `key_${i % 3}`,
        keyName: `name ${i % 3}`,
        kind: i % 10 === 0 ? 'cron' : 'user',
        session: i % 4 === 0 ? '' : `s${i % 4}`,
        trace: i % 7 === 0 ? `t${i % 2}` : '',
        client: `client/${i % 2}`,
        wire: i % 2 === 0 ? 'openai-chat' : 'anthropic-messages',
        endpoint: i % 2 === 0 ? '/v1/chat/completions' : '/v1/messages',
        modelAsked: `asked_${i % 5}`,
        modelServed: i % 6 === 0 ? '' : `served%${i % 5}`,
        stream: i % 3 === 0,
        cache: (['disabled', 'miss', 'hit', 'refresh'] as const)[i % 4]!,
        configSlug: ['', 'inline', 'prod'][i % 3]!,
        configVersion: [0, 0, 1 + (i % 2)][i % 3]!,
        status: i % 9 === 0 ? 503 : 200,
        outcome: i % 9 === 0 ? 'upstream_error' : 'ok',
        errorCode: i % 9 === 0 ? 'all_targets_failed' : '',
        errorClass: i % 18 === 0 ? 'overloaded' : '',
        attempts: [sampleAttempt({ provider: `p${i % 4}` })],
        costSource: i % 8 === 0 ? 'unpriced' : 'computed',
        costNanoUsd: i % 8 === 0 ? undefined : BigInt(i) * 1_000_000n,
        totalMs: i * 10,
        metadata: i % 11 === 0 ? `{"env":"prod","n":"${i}"}` : '',
      }),
    )
  }
  await Promise.all(records.map((record) => finish(recorder, record)))
  const cases: [string, RequestFilters, (record: FinishRecord, i: number) => boolean][] = [
    ['nothing', {}, () => true],
    ['key by id', { key: 'key_1' }, (r) => r.keyId === 'key_1'],
    ['key by name', { key: 'name 2' }, (r) => r.keyName === 'name 2'],
    ['kind', { kind: 'cron' }, (r) => r.kind === 'cron'],
    ['session', { session: 's2' }, (r) => r.session === 's2'],
    ['trace', { trace: 't1' }, (r) => r.trace === 't1'],
    ['client', { client: 'client/1' }, (r) => r.client === 'client/1'],
    ['wire', { wire: 'anthropic-messages' }, (r) => r.wire === 'anthropic-messages'],
    ['endpoint', { endpoint: '/v1/messages' }, (r) => r.endpoint === '/v1/messages'],
    ['model asked', { model: 'asked_3' }, (r) => r.modelAsked === 'asked_3'],
    ['model served', { model: 'served%4' }, (r) => r.modelServed === 'served%4'],
    ['modelAsked', { modelAsked: 'asked_3' }, (r) => r.modelAsked === 'asked_3'],
    ['modelServed', { modelServed: 'served%4' }, (r) => r.modelServed === 'served%4'],
    ['provider', { provider: 'p3' }, (_, i) => i % 4 === 3],
    ['stream', { stream: true }, (r) => r.stream],
    ['no stream', { stream: false }, (r) => !r.stream],
    ['status', { status: 503 }, (r) => r.status === 503],
    ['outcome', { outcome: 'upstream_error' }, (r) => r.outcome === 'upstream_error'],
    ['error code', { error: 'all_targets_failed' }, (r) => r.errorCode !== ''],
    ['error class', { error: 'overloaded' }, (r) => r.errorClass !== ''],
    ['errorCode and errorClass', { errorCode: 'all_targets_failed', errorClass: '' }, (r) => r.errorCode !== '' && r.errorClass === ''],
    ['cache', { cache: 'HIT' }, (r) => r.cache === 'hit'],
    ['no cache', { cache: 'DISABLED' }, (r) => r.cache === 'disabled'],
    ['config', { config: 'prod' }, (r) => r.configSlug === 'prod'],
    ['inline config', { config: 'inline', stream: false }, (r) => r.configSlug === 'inline' && !r.stream],
    ['no fallback', { fallback: false }, () => true],
    ['fallback', { fallback: true }, () => false],
    ['cost source', { costSource: 'unpriced' }, (r) => r.costSource === 'unpriced'],
    ['cost', { minCostNanoUsd: 50_000_000n }, (r) => (r.costNanoUsd ?? 0n) >= 50_000_000n],
    ['time', { minMs: 700 }, (r) => r.totalMs >= 700],
    ['from', { fromMs: at + 30_000 }, (r) => r.atMs >= at + 30_000],
    ['to, excluded', { toMs: at + 30_000 }, (r) => r.atMs < at + 30_000],
    ['metadata', { metadata: new Map([['env', 'prod']]) }, (r) => r.metadata !== ''],
    [
      'two metadata',
      {
        metadata: new Map([
          ['env', 'prod'],
          ['n', '22'],
        ]),
      },
      (_, i) => i === 22,
    ],
    ['q: percent is itself', { q: 'served%' }, (r) => r.modelServed !== ''],
    ['q: underscore is itself', { q: 'asked_1' }, (r) => r.modelAsked === 'asked_1'],
    ['q: id', { q: 'r01' }, (r) => r.id.startsWith('r01')],
    ['q: session', { q: 's3' }, (r) => r.session === 's3'],
    ['q: metadata', { q: 'pro' }, (r) => r.metadata !== ''],
    ['an injection', { q: "' OR 1=1 --" }, () => false],
    [
      'many',
      { key: 'key_1', wire: 'openai-chat', fromMs: at + 10_000, minMs: 300 },
      (r) => r.keyId === 'key_1' && r.wire === 'openai-chat' && r.atMs >= at + 10_000 && r.totalMs >= 300,
    ],
    ['session and provider', { session: 's1', provider: 'p1', stream: true }, (r, i) => r.session === 's1' && i % 4 === 1 && r.stream],
    ['q and model', { q: 'cron', model: 'asked_0' }, () => false],
  ]
  for (const [name, filters, matches] of cases) {
    const expected = records
      .filter(matches)
      .map((record) => record.id)
      .reverse()
    const found: string[] = []
    let cursor: string | undefined
    // By pages of 7, so that every filter is also paged.
    do {
      const page = await recorder.query.list(filters, 7, cursor)
      assert.ok(page.rows.length <= 7)
      found.push(...page.rows.map((row) => row.id))
      cursor = page.nextCursor
      assert.ok(found.length <= expected.length, name)
    } while (cursor !== undefined)
    assert.deepEqual(found, expected, name)
  }
})

test('pages are stable while requests arrive, and a foreign cursor is refused', async (t) => {
  const recorder = await start(t)
  for (let i = 0; i < 10; i++) await finish(recorder, sampleFinish(`r${i}`, { atMs: 1_790_000_000_000 + i }))
  const first = await recorder.query.list({}, 4, undefined)
  await finish(recorder, sampleFinish('late', { atMs: 1_790_000_000_900 }))
  const second = await recorder.query.list({}, 4, first.nextCursor)
  assert.deepEqual(
    [...first.rows, ...second.rows].map((row) => row.id),
    ['r9', 'r8', 'r7', 'r6', 'r5', 'r4', 'r3', 'r2'],
  )
  for (const cursor of ['', 'x', 'MTo', Buffer.from('1:12; DROP').toString('base64url'), Buffer.from('2:12').toString('base64url')]) {
    await assert.rejects(recorder.query.list({}, 4, cursor), { name: 'CursorError' })
  }
})

test('in mode metadata there are rows without bodies, and the answer to why says so', async (t) => {
  const recorder = await start(t, { logging: 'metadata' })
  recorder.journal.payload('a', 'request', '', Buffer.from('secret'))
  await finish(recorder, sampleFinish('a'))
  assert.deepEqual((await recorder.query.get('a'))?.payloads, { request: false, response: false })
  assert.match(((await recorder.query.payload('a', 'request')) as { missing: string }).missing, /not stored: the logging mode/)
})

test('in mode off there are no rows, and the requests are counted all the same', async (t) => {
  const home = temporary(t)
  const recorder = await start(t, { home, logging: 'off' })
  await finish(recorder, sampleFinish('a'))
  assert.equal(await recorder.query.get('a'), undefined)
  assert.deepEqual((await recorder.query.list({}, 10, undefined)).rows, [])
  await recorder.close()
  const db = openRecordDatabase(recordFiles(home).database)
  assert.equal(db.prepare('SELECT sum(requests) AS n FROM rollups').get()?.['n'], 1)
  db.close()
})

test('usage that nobody stated is counted by the tokenizer', async (t) => {
  const recorder = await start(t)
  const lacking = { usage: undefined, costSource: 'estimated', costNanoUsd: undefined, costLines: [] } as const
  await finish(recorder, sampleFinish('a', { ...lacking, kept: 'hello world', requestBytes: 40 }))
  // A special token in an answer is text like any other.
  await finish(recorder, sampleFinish('b', { ...lacking, kept: 'hello world <|endoftext|>' }))
  const detail = await recorder.query.get('a')
  // "hello" and " world" are one token each in o200k.
  assert.deepEqual(detail?.tokens, { input: 10, cached: null, output: 2, reasoning: null })
  // 10 x 0.15 + 2 x 0.60 per million.
  assert.deepEqual([detail?.cost_usd, detail?.cost_source], ['0.0000027', 'estimated'])
  assert.ok(((await recorder.query.get('b'))?.tokens.output ?? 0) > 2)
})

test('bodies that do not fit the ring arrive all the same, and their files go', async (t) => {
  const home = temporary(t)
  const recorder = await start(t, { home, ringBytes: 64 * 1024 })
  const bodies = Array.from({ length: 60 }, (_, i) => Buffer.alloc(5000 + i * 700, `body ${i} `))
  bodies.forEach((body, i) => recorder.journal.payload(`r${i}`, 'request', i % 2 === 0 ? 's' : '', body))
  await Promise.all(bodies.map((_, i) => finish(recorder, sampleFinish(`r${i}`))))
  assert.ok(recorder.stats().journal.spilledPayloads > 10)
  for (const [i, body] of bodies.entries()) {
    const stored = await recorder.query.payload(`r${i}`, 'request')
    assert.ok('bytes' in stored && body.equals(stored.bytes), `body ${i}`)
  }
  await recorder.close()
  assert.deepEqual(readdirSync(recordFiles(home).journal), [])
})

test('a clean stop leaves nothing to recover, and a start finds everything', async (t) => {
  const home = temporary(t)
  const first = await start(t, { home })
  await finish(first, sampleFinish('a'))
  await first.close()
  assert.deepEqual(readdirSync(recordFiles(home).journal), [], 'no text of answers stays behind')
  const second = await start(t, { home })
  assert.deepEqual(second.recovery, { replayed: 0, orphans: 0, tornBytes: 0 })
  assert.ok(await second.query.get('a'))
})

test('a request that was running at the stop is interrupted after it', async (t) => {
  const home = temporary(t)
  const first = await start(t, { home })
  first.journal.reserve(sampleReserve('a'), () => undefined)
  await first.close()
  const second = await start(t, { home })
  assert.equal(second.recovery.orphans, 1)
  const detail = await second.query.get('a')
  assert.deepEqual([detail?.outcome, detail?.error?.class, detail?.status], ['interrupted', 'crash', 0])
})

test('a store of a newer release is refused with one sentence that says so', async (t) => {
  const home = temporary(t)
  const recorder = await start(t, { home })
  await recorder.close()
  const db = openRecordDatabase(recordFiles(home).database)
  db.exec('PRAGMA user_version = 99')
  db.close()
  await assert.rejects(start(t, { home }), /written by a newer Turnpike \(schema 99; this release knows \d+\)/)
})

test('a flush covers exactly what came before it, however often it is asked for', async (t) => {
  const recorder = await start(t)
  for (let i = 0; i < 30; i++) {
    const written = finish(recorder, sampleFinish(`r${i}`))
    const [page] = await Promise.all([recorder.query.list({}, 100, undefined), recorder.flush(), written])
    assert.equal(page.rows.length, i + 1)
  }
})

for (const { handedBytes, spilled } of [
  { handedBytes: 64 << 20, spilled: 0 },
  { handedBytes: 1000, spilled: 2 },
]) {
  test(`bodies in shared memory are stored as they are, or go the usual way where that is too much (${handedBytes} bytes)`, async (t) => {
    const recorder = await start(t, { handedBytes })
    // Two of them fit the ring by no means.
    const bodies = [9 << 20, 10 << 20, 2000].map((length, i) => Buffer.from(new SharedArrayBuffer(length)).fill(`body ${i} `))
    for (const [i, body] of bodies.entries()) {
      await finish(recorder, sampleFinish(`s${i}`))
      recorder.journal.payload(`s${i}`, 'request', 's', body)
    }
    for (const [i, body] of bodies.entries()) {
      const stored = await recorder.query.payload(`s${i}`, 'request')
      assert.ok('bytes' in stored && body.equals(stored.bytes), `body ${i}`)
    }
    assert.equal(recorder.stats().journal.spilledPayloads, spilled)
  })
}
