// The thread that loads the journal into the store: a refusal or a crash at any point loses and doubles nothing.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openRecordDatabase } from '#store'
import { sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import { createControl } from './control.ts'
import { createJournal } from './journal.ts'
import { createRingMemory, createRingProducer } from './ring.ts'
import { listSegments } from './segments.ts'
import { createWriter, recordFiles, type WriterOptions } from './writer.ts'

/** The writer and the journal in one thread, so that a test decides when what is loaded. */
function setUp(t: TestContext, changes: Partial<WriterOptions> & { segmentBytes?: number; ringBytes?: number } = {}) {
  const home = changes.home ?? mkdtempSync(join(tmpdir(), 'turnpike-writer-'))
  const { journal: dir, database } = recordFiles(home)
  mkdirSync(dir, { recursive: true })
  const control = createControl()
  const ring = createRingMemory(changes.ringBytes ?? 64 * 1024)
  const troubles: Error[] = []
  const writer = createWriter({
    home,
    logging: 'full',
    retention: { days: 36_500, maxBytes: 1e12 },
    control,
    ring,
    onTrouble: (error) => troubles.push(error),
    ...changes,
  })
  let over = false
  const journal = createJournal({
    dir,
    generation: writer.generation,
    control,
    ring: createRingProducer(ring),
    logging: 'full',
    segmentBytes: changes.segmentBytes ?? 1e9,
    // A writer that a test has closed has deleted the files under the journal, which says so.
    onError: (error) => over || assert.fail(error),
  })
  const db = openRecordDatabase(database)
  t.after(async () => {
    over = true
    db.close()
    await journal.close()
    if (changes.home === undefined) rmSync(home, { recursive: true })
  })
  const one = (sql: string): number => Number(db.prepare(sql).get()?.['n'])
  return { home, dir, db, one, writer, journal, troubles }
}

const ignore = (): void => undefined

test('a store that refuses to be written loses nothing: the next drain takes rows and bodies from where they are', (t) => {
  const { db, one, writer, journal } = setUp(t, { ringBytes: 4096 })
  // Some in the ring, some in a payload segment.
  for (let i = 0; i < 10; i++) journal.payload(`r${i}`, 'request', 's', Buffer.alloc(1000, i))
  for (let i = 0; i < 10; i++) journal.finish(sampleFinish(`r${i}`), ignore)
  journal.flush()
  assert.ok(journal.stats().spilledPayloads > 3)
  db.exec('BEGIN IMMEDIATE')
  for (let attempt = 0; attempt < 3; attempt++) assert.throws(() => writer.drain(), /database is locked/)
  assert.ok(writer.hasWork())
  db.exec('ROLLBACK')
  writer.drain()
  assert.ok(!writer.hasWork())
  assert.deepEqual([one('SELECT count(*) AS n FROM requests'), one('SELECT count(*) AS n FROM payloads')], [10, 10])
  assert.equal(one('SELECT sum(requests) AS n FROM rollups'), 10)
  writer.close()
})

test('a store that fails in the middle of a batch is as before the batch, and then loads it once', (t) => {
  const { db, one, writer, journal } = setUp(t)
  // The tenth row fails, after the others of its batch went in.
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON requests WHEN NEW.id = 'r9' BEGIN SELECT RAISE(ABORT, 'disk full'); END")
  for (let i = 0; i < 20; i++) {
    journal.reserve(sampleReserve(`r${i}`), ignore)
    journal.payload(`r${i}`, 'request', 's', Buffer.concat([Buffer.alloc(4000, 'h'), Buffer.from(`turn ${i}`)]))
    journal.finish(sampleFinish(`r${i}`), ignore)
  }
  journal.flush()
  assert.throws(() => writer.drain(), /disk full/)
  assert.deepEqual(
    [one('SELECT count(*) AS n FROM requests'), one('SELECT count(*) AS n FROM rollups'), one('SELECT count(*) AS n FROM blocks')],
    [0, 0, 0],
  )
  db.exec('DROP TRIGGER refuse')
  writer.drain()
  assert.deepEqual([one('SELECT count(*) AS n FROM requests'), one('SELECT sum(requests) AS n FROM rollups')], [20, 20])
  assert.equal(one('SELECT count(*) AS n FROM payloads WHERE base IS NULL'), 1, 'the deltas begin anew, and with a whole body')
  writer.close()
})

test('a commit that fails takes everything back: journal, ring, payload segments and what was remembered of the store', (t) => {
  const { db, one, writer, journal } = setUp(t, { ringBytes: 8192 })
  db.exec("CREATE TRIGGER refuse BEFORE INSERT ON blocks BEGIN SELECT RAISE(ABORT, 'disk full'); END")
  const body = (i: number): Buffer => Buffer.concat([Buffer.alloc(2500, 'h'), Buffer.from(`turn ${i}`)])
  journal.reserve(sampleReserve('running'), ignore)
  for (let i = 0; i < 6; i++) {
    journal.payload(`r${i}`, 'request', `s${i % 2}`, body(i))
    journal.finish(sampleFinish(`r${i}`), ignore)
  }
  journal.flush()
  assert.ok(journal.stats().spilledPayloads > 1)
  for (let attempt = 0; attempt < 2; attempt++) assert.throws(() => writer.drain(), /disk full/)
  db.exec('DROP TRIGGER refuse')
  writer.drain()
  assert.deepEqual(
    ['requests', 'payloads', 'facets', 'rollups'].map((table) => one(`SELECT count(*) AS n FROM ${table}`)),
    [6, 6, 1, 1],
  )
  assert.equal(one('SELECT sum(requests) AS n FROM rollups'), 6)
  assert.equal(one('SELECT count(*) AS n FROM requests WHERE block NOT IN (SELECT id FROM blocks)'), 0)
  assert.equal(one('SELECT sum(live) AS n FROM blocks'), 12)
  writer.close()
})

test('a request whose start was loaded before the crash is found by it', (t) => {
  const first = setUp(t)
  first.journal.reserve(sampleReserve('running'), ignore)
  first.journal.reserve(sampleReserve('ended'), ignore)
  first.journal.finish(sampleFinish('ended'), ignore)
  first.journal.flush()
  first.writer.drain()
  const second = setUp(t, { home: first.home })
  assert.deepEqual(second.writer.recovery, { replayed: 0, orphans: 1, tornBytes: 0 })
  second.writer.close()
})

test('the writer does not go to sleep on work that came while it looked away', () => {
  const before = performance.now()
  createControl().sleep(false, 20_000, () => true)
  assert.ok(performance.now() - before < 10_000)
})

test('loaded segments are deleted while a long request runs on, and a crash still finds it', (t) => {
  const first = setUp(t, { segmentBytes: 3000 })
  const { dir, one, writer, journal } = first
  journal.reserve(sampleReserve('long'), ignore)
  journal.reserve(sampleReserve('ends'), ignore)
  for (let i = 0; i < 40; i++) {
    journal.finish(sampleFinish(`f${i}`), ignore)
    if (i === 20)
      journal.progress({ id: 'long', atMs: sampleReserve('').atMs + 7000, responseBytes: 5, usage: usageOf(10, 11), estimated: true })
    journal.flush()
    if (i % 7 === 0) writer.drain()
  }
  writer.drain()
  assert.equal(listSegments(dir, 'journal').length, 1)
  assert.equal(one('SELECT count(*) AS n FROM open_requests'), 2)
  journal.finish(sampleFinish('ends'), ignore)
  journal.flush()
  writer.drain()
  assert.equal(one('SELECT count(*) AS n FROM open_requests'), 1)
  // No close: the process is gone.
  const second = setUp(t, { home: first.home })
  assert.deepEqual(second.writer.recovery, { replayed: 0, orphans: 1, tornBytes: 0 })
  const row = second.db
    .prepare("SELECT outcome, output, total_us FROM requests JOIN facets ON facets.id = facet WHERE requests.id = 'long'")
    .get()
  assert.deepEqual({ ...row }, { outcome: 'interrupted', output: 11, total_us: 7_000_000 })
  assert.equal(one('SELECT count(*) AS n FROM requests'), 42)
  second.writer.close()
})

test('rows that retention removed do not come back, and are not counted again, after a crash', (t) => {
  const first = setUp(t, { retention: { days: 36_500, maxBytes: 1 } })
  for (let i = 0; i < 10; i++) first.journal.finish(sampleFinish(`f${i}`), ignore)
  first.journal.flush()
  first.writer.drain()
  first.writer.retain(Date.now(), 10_000)
  assert.equal(first.one('SELECT count(*) AS n FROM requests'), 0)
  first.journal.finish(sampleFinish('last'), ignore)
  first.journal.flush()
  const second = setUp(t, { home: first.home })
  assert.equal(second.writer.recovery.replayed, 1)
  assert.deepEqual([second.one('SELECT count(*) AS n FROM requests'), second.one('SELECT sum(requests) AS n FROM rollups')], [1, 11])
  second.writer.close()
})

test('sessions go on after retention dropped the chain that they were building on', (t) => {
  const { one, writer, journal } = setUp(t, { retention: { days: 36_500, maxBytes: 1 } })
  const turn = (i: number): void => {
    journal.payload(`r${i}`, 'request', 's', Buffer.concat([Buffer.alloc(4000, 'h'), Buffer.from(`turn ${i}`)]))
    journal.finish(sampleFinish(`r${i}`), ignore)
    journal.flush()
    writer.drain()
  }
  turn(1)
  writer.retain(Date.now(), 10_000)
  turn(2)
  assert.equal(one("SELECT count(*) AS n FROM payloads WHERE request = 'r2' AND base IS NULL"), 1)
  writer.close()
})

test('a record that cannot be decoded is skipped and reported, and the rest is loaded', (t) => {
  const { one, writer, journal, troubles } = setUp(t)
  journal.finish(sampleFinish('a'), ignore)
  // What decodes to nonsense fails alone: a price that is not a number.
  journal.finish(sampleFinish('b', { price: { ...sampleFinish('').price!, input: 'x' as unknown as bigint } }), ignore)
  journal.finish(sampleFinish('c'), ignore)
  journal.flush()
  writer.drain()
  assert.equal(one('SELECT count(*) AS n FROM requests'), 2)
  assert.deepEqual([writer.stats().unreadable, troubles.length], [1, 1])
  writer.close()
})

test('the journal says how far the store is behind it, across segments too', (t) => {
  const { db, writer, journal } = setUp(t, { segmentBytes: 4096 })
  const lag = (): number => journal.stats().lagBytes
  assert.equal(lag(), 0)
  journal.finish(sampleFinish('r0'), ignore)
  journal.flush()
  const one = lag()
  assert.ok(one > 100 && one < 4096, String(one))
  for (let i = 1; i < 40; i++) {
    journal.finish(sampleFinish(`r${i}`), ignore)
    journal.flush()
  }
  assert.ok(lag() > 20 * 100, String(lag()))
  db.exec('BEGIN IMMEDIATE')
  const behind = lag()
  assert.throws(() => writer.drain(), /database is locked/)
  assert.equal(lag(), behind)
  db.exec('ROLLBACK')
  writer.drain()
  assert.equal(lag(), 0)
  writer.close()
})
