// What a start finds in the journal of a process that died, whatever state its files are in.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { costOf } from '#ir'
import { createRecordStore, openRecordDatabase, RecordReader } from '#store'
import { sampleFinish, samplePrice, sampleReserve, usageOf } from '#test/records.ts'
import { createControl } from './control.ts'
import { interruptedRecord } from './estimate.ts'
import { createJournal, type RunningJournal } from './journal.ts'
import { recover, type RecoverySummary } from './recovery.ts'
import { createRingMemory, createRingProducer } from './ring.ts'
import { listSegments, segmentPath } from './segments.ts'

function temporary(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'turnpike-recovery-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

async function writeJournal(dir: string, generation: number, work: (journal: RunningJournal) => void, segmentBytes = 1e9): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const journal = createJournal({
    dir,
    generation,
    control: createControl(),
    // Too small for any body of these tests: all are spilled.
    ring: createRingProducer(createRingMemory(1024)),
    logging: 'full',
    segmentBytes,
    onError: (error) => assert.fail(error),
  })
  work(journal)
  await journal.close()
}

const heard = (error: Error | undefined): void => assert.equal(error, undefined)

type Recovered = { summary: RecoverySummary; rows: Map<string, string>; generation: number; problems: Error[] }

/** Recovers into a new store in memory, or into the one given. */
function recovered(dir: string, db = openRecordDatabase(':memory:')): Recovered {
  const problems: Error[] = []
  const store = createRecordStore(db, 'full')
  const { summary, generation } = recover({
    dir,
    store,
    logging: 'full',
    countTokens: (text) => text.length,
    onUnreadable: (error) => problems.push(error),
  })
  const rows = new Map<string, string>()
  for (const row of db.prepare('SELECT requests.id AS id, outcome FROM requests JOIN facets ON facets.id = facet').all())
    rows.set(String(row['id']), String(row['outcome']))
  const rolled = db.prepare('SELECT coalesce(sum(requests), 0) AS n FROM rollups').get()?.['n']
  assert.equal(rolled, rows.size, 'roll-ups add up to the rows')
  assert.equal(db.prepare('SELECT count(*) AS n FROM open_requests').get()?.['n'], 0)
  return { summary, rows, generation, problems }
}

test('finished requests are loaded, running ones become interrupted, and a second start changes nothing', async (t) => {
  const dir = temporary(t)
  await writeJournal(dir, 1, (journal) => {
    for (const id of ['a', 'b', 'c']) journal.reserve(sampleReserve(id), heard)
    journal.progress({ id: 'b', atMs: sampleReserve('b').atMs + 3000, responseBytes: 900, usage: usageOf(50, 7), estimated: true })
    journal.finish(sampleFinish('a'), heard)
  })
  const db = openRecordDatabase(':memory:')
  const first = recovered(dir, db)
  assert.deepEqual(first.summary, { replayed: 1, orphans: 2, tornBytes: 0 })
  assert.deepEqual(
    first.rows,
    new Map([
      ['a', 'ok'],
      ['b', 'interrupted'],
      ['c', 'interrupted'],
    ]),
  )
  assert.deepEqual(listSegments(dir, 'journal'), [])
  const second = recovered(dir, db)
  assert.deepEqual(second.summary, { replayed: 0, orphans: 0, tornBytes: 0 })
  assert.deepEqual(second.rows, first.rows)
  assert.ok(second.generation > first.generation && first.generation > 1)
  db.close()
})

test('an orphan is charged at its last progress, or for its estimated input when there was none', () => {
  const reserve = sampleReserve('a', { requestBytes: 401 })
  const with_ = interruptedRecord(
    reserve,
    { id: 'a', atMs: reserve.atMs + 3000, responseBytes: 900, usage: usageOf(50, 7), estimated: true },
    'full',
  )
  assert.deepEqual(
    { ...with_, cost: with_.costNanoUsd },
    {
      ...with_,
      outcome: 'interrupted',
      errorClass: 'crash',
      status: 0,
      costSource: 'estimated',
      usage: usageOf(50, 7),
      totalMs: 3000,
      responseBytes: 900,
      cost: costOf(usageOf(50, 7), samplePrice).nanoUsd,
    },
  )
  // 401 bytes are 101 tokens at 0.15 USD per million.
  const without = interruptedRecord(reserve, undefined, 'full')
  assert.deepEqual([without.usage, without.costNanoUsd], [usageOf(101, 0), 15_150n])
  const unpriced = interruptedRecord({ ...reserve, price: undefined }, undefined, 'full')
  assert.deepEqual([unpriced.costSource, unpriced.costNanoUsd], ['unpriced', undefined])
})

test('a journal that is cut anywhere in its last records loses only what was cut', async (t) => {
  const dir = temporary(t)
  await writeJournal(dir, 1, (journal) => {
    journal.reserve(sampleReserve('a'), heard)
    journal.finish(sampleFinish('a'), heard)
  })
  const [name] = listSegments(dir, 'journal')
  const path = segmentPath(dir, 'journal', name!)
  const before = statSync(path).size
  rmSync(path)
  await writeJournal(dir, 1, (journal) => {
    journal.reserve(sampleReserve('a'), heard)
    journal.finish(sampleFinish('a'), heard)
    journal.reserve(sampleReserve('b'), heard)
    journal.progress({ id: 'b', atMs: 5, responseBytes: 1, usage: usageOf(1, 1), estimated: true })
    journal.finish(sampleFinish('b', { attempts: [], headers: '', usageRaw: '' }), heard)
  })
  const bytes = readFileSync(path)
  const reserveEnd = before + 8 + bytes.readUInt32LE(before)
  const frames = new Set<number>()
  for (let at = before; at < bytes.length; at += 8 + bytes.readUInt32LE(at)) frames.add(at)
  for (let cut = before; cut < bytes.length; cut++) {
    // Every byte of the frames' heads and around their ends, and every ninth of the rest.
    if (cut % 9 !== 0 && ![...frames, bytes.length].some((frame) => cut >= frame - 2 && cut < frame + 18)) continue
    const at = join(dir, `cut-${cut}`)
    mkdirSync(at)
    writeFileSync(segmentPath(at, 'journal', name!), bytes.subarray(0, cut))
    const db = openRecordDatabase(':memory:')
    const { rows, summary } = recovered(at, db)
    db.close()
    assert.deepEqual(
      rows,
      new Map(
        cut < reserveEnd
          ? [['a', 'ok']]
          : [
              ['a', 'ok'],
              ['b', 'interrupted'],
            ],
      ),
      `cut at ${cut}`,
    )
    const torn = segmentPath(at, 'journal', name!) + '.torn'
    if (summary.tornBytes === 0) assert.ok(!existsSync(torn), `cut at ${cut}: between two records`)
    else assert.ok(readFileSync(torn).equals(bytes.subarray(cut - summary.tornBytes, cut)), `cut at ${cut}`)
    rmSync(at, { recursive: true })
  }
})

test('a damaged record in the middle costs itself: the ones behind it are found, and the damage is kept beside', async (t) => {
  const dir = temporary(t)
  await writeJournal(dir, 1, (journal) => {
    // Text that looks like a frame must not be taken for one while looking for the next record.
    for (const id of ['a', 'b', 'c'])
      journal.finish(sampleFinish(id, { finishReason: '\u0010\0\0\0aaaaF\u0001\u0001\0\0\0\0\0x', attempts: [] }), heard)
  })
  const [name] = listSegments(dir, 'journal')
  const bytes = readFileSync(segmentPath(dir, 'journal', name!))
  const from = 16 + 8 + bytes.readUInt32LE(16)
  const to = from + 8 + bytes.readUInt32LE(from)
  assert.equal(new RecordReader(bytes.subarray(from + 8, to)).id, 'b')
  for (let at = from; at < to; at += 11) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 0x55
    const here = join(dir, `flip-${at}`)
    mkdirSync(here)
    writeFileSync(segmentPath(here, 'journal', name!), damaged)
    const db = openRecordDatabase(':memory:')
    const { rows, summary } = recovered(here, db)
    db.close()
    assert.deepEqual([...rows.keys()], ['a', 'c'], `flipped at ${at}`)
    assert.equal(summary.tornBytes, to - from)
    assert.ok(existsSync(segmentPath(here, 'journal', name!) + '.torn'))
    rmSync(here, { recursive: true })
  }
})

test('records larger than what is read at once are found, also behind damage', async (t) => {
  const dir = temporary(t)
  const large = 'x'.repeat(2_500_000)
  await writeJournal(dir, 1, (journal) => {
    for (let i = 0; i < 4; i++) {
      journal.finish(sampleFinish(`small-${i}`), heard)
      journal.finish(sampleFinish(`large-${i}`, { headers: large }), heard)
    }
    for (let i = 0; i < 2000; i++) journal.finish(sampleFinish(`end-${i}`), heard)
  })
  const [name] = listSegments(dir, 'journal')
  const path = segmentPath(dir, 'journal', name!)
  const bytes = readFileSync(path)
  bytes[16 + 8 + bytes.readUInt32LE(16) - 1]! ^= 1
  writeFileSync(path, bytes)
  const { rows } = recovered(dir)
  assert.equal(rows.size, 2007)
  assert.ok(!rows.has('small-0') && rows.has('large-0') && rows.has('end-1999'))
})

test('segments without a head, empty ones and zeros from a power cut stop nobody', async (t) => {
  const dir = temporary(t)
  await writeJournal(dir, 3, (journal) => journal.finish(sampleFinish('a'), heard))
  const good = segmentPath(dir, 'journal', { generation: 3, segment: 1 })
  writeFileSync(good, Buffer.concat([readFileSync(good), Buffer.alloc(5000)]))
  writeFileSync(segmentPath(dir, 'journal', { generation: 1, segment: 1 }), '')
  writeFileSync(segmentPath(dir, 'journal', { generation: 2, segment: 1 }), 'TPJ1 no more')
  writeFileSync(join(dir, 'notes.txt'), 'not ours')
  const { rows, summary, generation } = recovered(dir)
  assert.deepEqual([...rows.keys()], ['a'])
  assert.equal(summary.tornBytes, 5000 + 12)
  assert.equal(generation, 4)
  assert.ok(existsSync(join(dir, 'notes.txt')))
})

test('a request whose records lie in different segments is one request', async (t) => {
  const dir = temporary(t)
  await writeJournal(
    dir,
    1,
    (journal) => {
      journal.reserve(sampleReserve('long'), heard)
      for (let i = 0; i < 30; i++) {
        journal.finish(sampleFinish(`f${i}`), heard)
        journal.flush()
      }
      journal.finish(sampleFinish('long'), heard)
    },
    2000,
  )
  assert.ok(listSegments(dir, 'journal').length > 5)
  const { rows, summary } = recovered(dir)
  assert.equal(rows.get('long'), 'ok')
  assert.deepEqual(summary, { replayed: 31, orphans: 0, tornBytes: 0 })
})

test('bodies in payload segments are loaded, and the segments deleted', async (t) => {
  const dir = temporary(t)
  await writeJournal(dir, 1, (journal) => {
    journal.payload('a', 'request', 's', Buffer.alloc(3000, 'q'))
    journal.payload('a', 'response', 's', Buffer.alloc(2000, 'r'))
    journal.finish(sampleFinish('a'), heard)
  })
  const db = openRecordDatabase(':memory:')
  recovered(dir, db)
  assert.deepEqual(
    db
      .prepare('SELECT request, part, bytes FROM payloads ORDER BY part')
      .all()
      .map((row) => ({ ...row })),
    [
      { request: 'a', part: 0, bytes: 3000 },
      { request: 'a', part: 1, bytes: 2000 },
    ],
  )
  assert.deepEqual(listSegments(dir, 'payloads'), [])
})

test('an answer without usage is counted from its kept text, priced, and the text is not stored', async (t) => {
  const dir = temporary(t)
  const lacking = { usage: undefined, costSource: 'estimated', costNanoUsd: undefined, costLines: [], requestBytes: 400 } as const
  await writeJournal(dir, 1, (journal) => {
    journal.finish(sampleFinish('a', { ...lacking, kept: 'twelve chars' }), heard)
    journal.finish(sampleFinish('b', { ...lacking, kept: 'ten chars!', price: undefined, costSource: 'unpriced' }), heard)
    journal.finish(sampleFinish('c', { ...lacking, outcome: 'upstream_error', responseBytes: 0 }), heard)
  })
  const bytes = readFileSync(segmentPath(dir, 'journal', { generation: 1, segment: 1 }))
  assert.ok(bytes.includes('twelve chars'))
  const db = openRecordDatabase(':memory:')
  recovered(dir, db)
  for (const block of db.prepare('SELECT zstd, data FROM blocks JOIN block_data USING (id)').all()) {
    const data = block['data'] as Uint8Array
    assert.ok(!Buffer.from(block['zstd'] === 1 ? zstdDecompressSync(data) : data).includes('chars'))
  }
  const rows = db
    .prepare(
      'SELECT requests.id AS id, input, output, CAST(cost_nano_usd AS TEXT) AS cost, cost_source FROM requests JOIN facets ON facets.id = facet ORDER BY 1',
    )
    .all()
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      // 400 bytes are 100 tokens of input; the counter of this test counts characters. 100 x 0.15 + 12 x 0.60 per million.
      { id: 'a', input: 100, output: 12, cost: '22200', cost_source: 'estimated' },
      { id: 'b', input: 100, output: 10, cost: null, cost_source: 'unpriced' },
      { id: 'c', input: null, output: null, cost: null, cost_source: 'estimated' },
    ],
  )
  db.close()
})
