// Which rows a filter selects: list, stream, facets and histogram agree with each other and with a plain reading of the filter.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { sampleAttempt, sampleFinish, usageOf } from '#test/records.ts'
import { createRecordQuery, type RecordQuery } from './query.ts'
import { encodeFinish } from './record-codec.ts'
import { RecordWriter } from './record-bytes.ts'
import { createRecordStore, type RecordStore } from './record-store.ts'
import type { FinishRecord, Outcome } from './record.ts'
import type { RequestFilters } from './query-types.ts'
import { openRecordDatabase, openRecordDatabaseForReading } from './schema.ts'

const startMs = 1_790_000_000_000
const minuteMs = 60_000

type Store = { readonly db: DatabaseSync; readonly store: RecordStore; readonly query: RecordQuery }

function openStore(context: TestContext): Store {
  const home = mkdtempSync(path.join(tmpdir(), 'turnpike-query-'))
  const file = path.join(home, 'records.db')
  const db = openRecordDatabase(file)
  const reading = openRecordDatabaseForReading(file)
  context.after(() => {
    reading.close()
    db.close()
    rmSync(home, { recursive: true })
  })
  return { db, store: createRecordStore(db, 'full'), query: createRecordQuery(reading) }
}

function add({ store }: Store, records: readonly FinishRecord[]): void {
  const bytes = new RecordWriter(0)
  store.begin()
  for (const record of records) {
    bytes.release()
    encodeFinish(bytes, record)
    store.addFinished(record, bytes.bytes.subarray(8, bytes.length))
  }
  store.commit({ generation: 1, segment: 1, offset: 1 })
}

const outcomes: readonly Outcome[] = ['ok', 'client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied']

/** Few values of each kind, some of them parts of others, so that filters meet. */
const shape = fc.record({
  minute: fc.nat(400),
  key: fc.nat(3),
  session: fc.constantFrom('', 'agent:main', 'agent:other', 'S_1', '100%'),
  trace: fc.constantFrom('', 'abc1', 'abc2', 'ABC1', 'x'),
  model: fc.nat(4),
  outcome: fc.nat(5),
  status: fc.constantFrom(200, 200, 400, 404, 429, 503),
  attempts: fc.nat(3),
  cost: fc.option(fc.nat(1000), { nil: undefined }),
  ms: fc.nat(1000),
  tokens: fc.option(fc.nat(1000), { nil: undefined }),
  metadata: fc.constantFrom({}, { team: 'search' }, { team: 'main', env: 'prod' }, { env: 'a%b' }),
})

function recordOf(at: typeof shape extends fc.Arbitrary<infer T> ? T : never, index: number): FinishRecord {
  return sampleFinish(`01${String(index).padStart(6, '0')}`, {
    atMs: startMs + at.minute * minuteMs,
    keyId: `key_${at.key}`,
    keyName: `name ${at.key}`,
    session: at.session,
    trace: at.trace,
    modelAsked: `model_${at.model}`,
    modelServed: at.model === 0 ? '' : `served-${at.model}`,
    outcome: outcomes[at.outcome]!,
    status: at.status,
    errorCode: at.status === 200 ? '' : `code_${at.status}`,
    attempts: Array.from({ length: at.attempts }, (_, number) => sampleAttempt({ provider: `p${number}` })),
    provider: 'p0',
    costNanoUsd: at.cost === undefined ? undefined : BigInt(at.cost),
    totalMs: at.ms,
    usage: at.tokens === undefined ? undefined : usageOf(at.tokens, at.tokens % 7),
    metadata: Object.keys(at.metadata).length === 0 ? '' : JSON.stringify(at.metadata),
  })
}

const filter: fc.Arbitrary<RequestFilters> = fc
  .record(
    {
      fromMs: fc.nat(400).map((minute) => startMs + minute * minuteMs),
      toMs: fc.nat(400).map((minute) => startMs + minute * minuteMs),
      id: fc.nat(40).map((index) => `01${String(index).padStart(6, '0')}`),
      key: fc.constantFrom('key_1', 'name 2', 'none'),
      session: fc.constantFrom('agent:main', 'S_1', 'none'),
      trace: fc.constantFrom('abc1', 'none'),
      model: fc.constantFrom('model_1', 'served-2', 'none'),
      provider: fc.constantFrom('p0', 'p2'),
      outcome: fc.constantFrom(...outcomes),
      status: fc.constantFrom(200, 404, 500),
      statusClass: fc.constantFrom(2, 4, 5, 1),
      errorCode: fc.constantFrom('code_404', 'none'),
      attempts: fc.nat(4),
      minCostNanoUsd: fc.nat(1100).map(BigInt),
      minMs: fc.nat(1100),
      minTokens: fc.nat(1100),
      fallback: fc.boolean(),
      q: fc.constantFrom(
        'agent',
        'AGENT:M',
        '100%',
        's_1',
        'abc',
        'ABC1',
        'main',
        'a%b',
        '0100',
        '01',
        'served',
        'code_4',
        'nothing',
        'name 1',
        '%',
      ),
      metadata: fc.constantFrom(new Map([['team', 'main']]), new Map([['team', 'main'], ['env', 'prod']]), new Map([['env', 'none']])), // prettier-ignore
    },
    { requiredKeys: [] },
  )
  // One to three of them at a time.
  .chain((all) => fc.subarray(Object.entries(all), { maxLength: 3 }))
  .map((entries) => Object.fromEntries(entries) as RequestFilters)

/** What the contract says about a filter, read plainly. */
function selects(f: RequestFilters, r: FinishRecord): boolean {
  const metadata = (r.metadata === '' ? {} : JSON.parse(r.metadata)) as Record<string, string>
  const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())
  const provider = r.attempts.at(-1)?.provider ?? r.provider
  const any = (values: readonly string[], wanted: string | undefined): boolean => wanted === undefined || values.includes(wanted)
  const { q } = f
  return (
    (f.fromMs === undefined || r.atMs >= f.fromMs) &&
    (f.toMs === undefined || r.atMs < f.toMs) &&
    any([r.id], f.id) &&
    any([r.keyId, r.keyName], f.key) &&
    any([r.session], f.session) &&
    any([r.trace], f.trace) &&
    any([r.modelAsked, r.modelServed], f.model) &&
    any([provider], f.provider) &&
    any([r.outcome], f.outcome) &&
    (f.status === undefined || r.status === f.status) &&
    (f.statusClass === undefined || Math.floor(r.status / 100) === f.statusClass) &&
    any([r.errorCode], f.errorCode) &&
    (f.attempts === undefined || r.attempts.length === f.attempts) &&
    (f.minCostNanoUsd === undefined || (r.costNanoUsd !== undefined && r.costNanoUsd >= f.minCostNanoUsd)) &&
    (f.minMs === undefined || r.totalMs >= f.minMs) &&
    (f.minTokens === undefined || (r.usage?.input ?? 0) + (r.usage?.output ?? 0) >= f.minTokens) &&
    (f.fallback === undefined || r.attempts.length > 1 === f.fallback) &&
    [...(f.metadata ?? [])].every(([key, value]) => metadata[key] === value) &&
    (q === undefined ||
      r.id.startsWith(q.toLowerCase()) ||
      r.trace.startsWith(q) ||
      [r.session, r.keyId, r.keyName, r.client, r.endpoint, r.modelAsked, r.modelServed, provider, r.errorCode, r.errorClass].some((text) =>
        has(text, q),
      ) ||
      Object.values(metadata).some((text) => has(text, q)))
  )
}

function allPages(query: RecordQuery, filters: RequestFilters): string[] {
  const ids: string[] = []
  for (let before: number | undefined; ;) {
    const page = query.list(filters, 60, before)
    ids.push(...page.rows.map((row) => row.id))
    if (page.nextSeq === undefined) return ids
    before = page.nextSeq
  }
}

function streamed(query: RecordQuery, filters: RequestFilters, from: string): string[] {
  const ids: string[] = []
  for (let position = from; ;) {
    const page = query.newer(filters, position, 40)
    ids.push(...page.rows.map(({ json }) => (JSON.parse(json) as { id: string }).id))
    if (!page.more) return ids
    position = page.position
  }
}

test('list, stream, facets and histogram select exactly the rows that the filter describes', (context) => {
  const opened = openStore(context)
  const { query } = opened
  const random = fc.sample(shape, { numRuns: 4200, seed: 7 })
  const records = random.map(recordOf)
  // In batches, as the writer commits; more rows than a list looks through before it turns to an index.
  for (let at = 0; at < records.length; at += 60) add(opened, records.slice(at, at + 60))
  const seqOrder = new Map(allPages(query, {}).map((id, index) => [id, index]))
  assert.equal(seqOrder.size, records.length)
  fc.assert(
    fc.property(filter, fc.constantFrom(1, 5), (filters, minutes) => {
      const expected = records.filter((record) => selects(filters, record))
      const newestFirst = expected.map(({ id }) => id).sort((a, b) => seqOrder.get(a)! - seqOrder.get(b)!)
      assert.deepEqual(allPages(query, filters), newestFirst)
      assert.deepEqual(streamed(query, filters, '0-0').sort(), expected.map(({ id }) => id).sort())
      const facets = query.facets(filters, ['outcome', 'key'], 100)
      assert.equal(facets.requests, expected.length)
      for (const { value, requests } of facets.fields.outcome!.values)
        assert.equal(requests, expected.filter((record) => record.outcome === value).length)
      const intervalMs = minutes * minuteMs
      const fromMs = Math.floor(startMs / intervalMs) * intervalMs
      const { fromMs: _from, toMs: _to, ...timeless } = filters
      const inTime = records.filter((record) => selects(timeless, record))
      const histogram = query.histogram(timeless, fromMs, fromMs + 410 * minuteMs, intervalMs)
      assert.equal(sum(histogram.data.map((bucket) => bucket.requests)), inTime.length)
      for (const outcome of outcomes)
        assert.equal(
          sum(histogram.data.map((bucket) => bucket.outcomes[outcome])),
          inTime.filter((record) => record.outcome === outcome).length,
        )
      assert.equal(sum(histogram.data.map((bucket) => bucket.tokens.input)), sum(inTime.map((record) => record.usage?.input ?? 0)))
      for (const bucket of histogram.data) {
        const at = Date.parse(bucket.at)
        assert.equal(bucket.requests, inTime.filter((record) => record.atMs >= at && record.atMs < at + intervalMs).length)
      }
    }),
    { numRuns: 30 },
  )
})

test('a stream gives what comes later in the order of coming, though it had arrived earlier, and each row once', (context) => {
  const opened = openStore(context)
  const { query } = opened
  const at = (id: string, minute: number): FinishRecord => sampleFinish(id, { atMs: startMs + minute * minuteMs })
  add(opened, [at('a', 5)])
  const start = query.newer({}, undefined, 10).position
  assert.deepEqual(streamed(query, {}, start), [])
  add(opened, [at('b', 9), at('c', 1)])
  add(opened, [at('d', 0)])
  const first = query.newer({}, start, 1)
  assert.equal(first.more, true)
  assert.deepEqual(streamed(query, {}, first.position).length, 2)
  const all = streamed(query, {}, start)
  assert.deepEqual([...all].sort(), ['b', 'c', 'd'])
  assert.equal(all.at(-1), 'd')
  assert.deepEqual(streamed(query, {}, query.newer({}, start, 10).position), [])
})

test('pages stay what they are while requests arrive between and after their rows', (context) => {
  const opened = openStore(context)
  const { query } = opened
  const at = (id: string, minute: number): FinishRecord => sampleFinish(id, { atMs: startMs + minute * minuteMs })
  add(
    opened,
    Array.from({ length: 20 }, (_, index) => at(`r${index}`, index)),
  )
  const first = query.list({}, 5, undefined)
  // A long stream that arrived among the rows of the first page ends now, and a new request comes.
  add(opened, [at('late', 17), at('new', 30)])
  const second = query.list({}, 5, first.nextSeq)
  assert.deepEqual(
    [...first.rows, ...second.rows].map((row) => row.id),
    ['r19', 'r18', 'r17', 'r16', 'r15', 'r14', 'r13', 'r12', 'r11', 'r10'],
  )
})

test('a store of the first release gets extremes per minute, searched values and the order of coming', (context) => {
  const opened = openStore(context)
  const { db } = opened
  const records = fc.sample(shape, { numRuns: 300, seed: 3 }).map(recordOf)
  add(opened, records)
  const told = (): object[] => ['minutes', 'searched_values'].map((table) => db.prepare(`SELECT * FROM ${table}`).all())
  const written = told()
  // As the release before had it.
  db.exec(`ALTER TABLE facets DROP COLUMN config; ALTER TABLE facets DROP COLUMN config_version;
    DROP TABLE minutes; DROP TABLE searched_values; DROP TABLE batches; PRAGMA user_version = 2`)
  const file = db.location()!
  const upgraded = openRecordDatabase(file)
  assert.deepEqual(
    ['minutes', 'searched_values'].map((table) => upgraded.prepare(`SELECT * FROM ${table}`).all()),
    written,
  )
  const later = createRecordStore(upgraded, 'full')
  const reading = openRecordDatabaseForReading(file)
  const query = createRecordQuery(reading)
  const { position } = query.newer({}, undefined, 1)
  add({ db: upgraded, store: later, query }, [sampleFinish('02later')])
  assert.deepEqual(streamed(query, {}, position), ['02later'])
  // What a release without configs wrote has none, and shares its facet with what comes after it.
  const identities = upgraded.prepare('SELECT identity FROM facets').all()
  assert.ok(
    identities.every(({ identity }) => / DISABLED [01]$/.test(String(identity))),
    'as the release before wrote it',
  )
  const facets = Number(upgraded.prepare('SELECT count(*) AS n FROM facets').get()?.['n'])
  add({ db: upgraded, store: later, query }, [
    { ...records[0]!, id: '02again' },
    { ...records[0]!, id: '02prod', configSlug: 'prod', configVersion: 2 },
  ])
  assert.equal(Number(upgraded.prepare('SELECT count(*) AS n FROM facets').get()?.['n']), facets + 1)
  assert.deepEqual(allPages(query, { config: 'prod' }), ['02prod'])
  assert.equal(allPages(query, { config: '' }).length, records.length + 2)
  upgraded.close()
  reading.close()
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
