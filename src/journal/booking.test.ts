// The journal's requests in the ledger: each once, whatever dies between the ledger's commit and the records' own.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createLedger, createRecordStore, openRecordDatabase, type LedgerVerdict, type RecordStore } from '#store'
import { openDatabase, type DatabaseSync } from '#test/databases.ts'
import { sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import { createControl } from './control.ts'
import { createJournal, type RunningJournal } from './journal.ts'
import { recover } from './recovery.ts'
import { createRingMemory, createRingProducer } from './ring.ts'
import { createWriter, recordFiles, type Writer } from './writer.ts'

function temporary(t: Pick<TestContext, 'after'>): string {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-booking-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(recordFiles(home).journal)
  return home
}

type Process = { readonly journal: RunningJournal; readonly writer: Writer }

function start(home: string): Process {
  const control = createControl()
  const ring = createRingMemory(1024)
  const writer = createWriter({
    home,
    logging: 'full',
    retention: { days: 36_500, maxBytes: 1e12 },
    control,
    ring,
    onTrouble: (error) => assert.fail(error),
  })
  const journal = createJournal({
    dir: recordFiles(home).journal,
    generation: writer.generation,
    control,
    ring: createRingProducer(ring),
    logging: 'full',
    onError: (error) => assert.fail(error),
  })
  return { journal, writer }
}

async function checked(home: string): Promise<LedgerVerdict> {
  const { ledger: file, database: records } = recordFiles(home)
  const ledger = createLedger({ ledger: file, records, settle: async () => undefined })
  try {
    return await ledger.check()
  } finally {
    await ledger.close()
  }
}

function booked(home: string): Record<string, unknown>[] {
  const db = openDatabase(recordFiles(home).ledger)
  const rows = db
    .prepare('SELECT request, nano_usd, tokens_out, source, (SELECT count(*) FROM transfers) AS transfers FROM charges ORDER BY request')
    .all()
  db.close()
  return rows.map((row) => ({ ...row }))
}

const now = (): number => Date.now() + 10_000
const heard = (error: Error | undefined): void => assert.equal(error, undefined)

test('a drain books every request that finished, and a second one nothing', async (t) => {
  const home = temporary(t)
  const { journal, writer } = start(home)
  const atMs = now()
  for (const id of ['a', 'b', 'c']) journal.finish(sampleFinish(id, { atMs }), heard)
  journal.finish(sampleFinish('free', { atMs, costNanoUsd: 0n }), heard)
  // Usage that nobody stated is counted before it is booked.
  journal.finish(
    sampleFinish('silent', { atMs, usage: undefined, costNanoUsd: undefined, costSource: 'unpriced', kept: 'two words' }),
    heard,
  )
  journal.flush()
  assert.equal(writer.drain(), 5)
  assert.equal(writer.drain(), 0)
  const rows = booked(home)
  assert.deepEqual(rows.map(({ request, nano_usd: cost, transfers }) => [request, cost, transfers]).slice(0, 4), [
    ['a', 27_000, 1],
    ['b', 27_000, 1],
    ['c', 27_000, 1],
    ['free', 0, 1],
  ])
  assert.equal(rows[4]?.['source'], 'estimated')
  assert.ok(Number(rows[4]?.['nano_usd']) > 0 && Number(rows[4]?.['tokens_out']) > 0)
  await journal.close()
  writer.close()
  const verdict = await checked(home)
  assert.deepEqual([verdict.violations, verdict.charges, verdict.records], [[], 5, 5])
})

/** The record store as it is when the process is killed at one of its steps: nothing after it happens. */
function dyingAt(step: 'before the ledger' | 'between the two' | 'after both', store: RecordStore, db: DatabaseSync): RecordStore {
  class Killed extends Error {}
  return {
    ...store,
    commit(position, durable) {
      if (step === 'before the ledger') throw new Killed(step)
      if (step === 'between the two') {
        // The last statement is the records' own COMMIT; the ledger has committed by then.
        const exec = db.exec.bind(db)
        db.exec = (sql) => {
          db.exec = exec
          if (sql === 'COMMIT') throw new Killed(step)
          exec(sql)
        }
      }
      store.commit(position, durable)
      throw new Killed(step)
    },
  }
}

for (const step of ['before the ledger', 'between the two', 'after both'] as const) {
  test(`killed ${step} commits, the next start books what is missing and nothing twice`, async (t) => {
    const home = temporary(t)
    const { database, journal: dir, ledger } = recordFiles(home)
    // A process that journalled and never loaded.
    const journal = createJournal({
      dir,
      generation: 1,
      control: createControl(),
      ring: createRingProducer(createRingMemory(1024)),
      logging: 'full',
      onError: (error) => assert.fail(error),
    })
    const atMs = now()
    for (const id of ['a', 'b', 'orphan']) journal.reserve(sampleReserve(id, { atMs }), heard)
    journal.progress({ id: 'orphan', atMs: atMs + 900, responseBytes: 40, usage: usageOf(100, 5), estimated: true })
    journal.finish(sampleFinish('a', { atMs }), heard)
    journal.finish(sampleFinish('b', { atMs }), heard)
    await journal.close()

    const db = openRecordDatabase(database)
    const store = createRecordStore(db, 'full', { ledger })
    const deps = { dir, logging: 'full' as const, countTokens: () => 1, onUnreadable: (error: Error) => assert.fail(error) }
    assert.throws(() => recover({ ...deps, store: dyingAt(step, store, db) }), new RegExp(step))
    const inLedger = booked(home).length
    assert.equal(inLedger, step === 'before the ledger' ? 0 : 2)
    const inRecords = Number(db.prepare('SELECT count(*) AS n FROM requests').get()?.['n'])
    assert.equal(inRecords, step === 'after both' ? 2 : 0)
    db.close()

    const again = start(home)
    await again.journal.close()
    again.writer.close()
    assert.deepEqual(
      booked(home).map(({ request, nano_usd: cost, source }) => [request, cost, source]),
      [
        ['a', 27_000, 'computed'],
        ['b', 27_000, 'computed'],
        ['orphan', 18_000, 'estimated'],
      ],
    )
    const verdict = await checked(home)
    assert.deepEqual([verdict.violations, verdict.charges, verdict.records], [[], 3, 3])
  })
}

test('a ledger that cannot be written keeps the journal until it can', async (t) => {
  const home = temporary(t)
  const { journal, writer } = start(home)
  const atMs = now()
  journal.finish(sampleFinish('a', { atMs }), heard)
  journal.flush()
  const other = openDatabase(recordFiles(home).ledger)
  other.exec("CREATE TRIGGER full BEFORE INSERT ON charges BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
  assert.throws(() => writer.drain(), /disk is full/)
  assert.throws(() => writer.drain(), /disk is full/)
  assert.deepEqual(booked(home), [])
  journal.finish(sampleFinish('b', { atMs }), heard)
  journal.flush()
  other.exec('DROP TRIGGER full')
  other.close()
  assert.equal(writer.drain(), 2)
  await journal.close()
  writer.close()
  const verdict = await checked(home)
  assert.deepEqual([verdict.violations, verdict.charges, verdict.records], [[], 2, 2])
})

test('an older home begins a ledger with what comes from then on, and its earlier records are no violation', async (t) => {
  const home = temporary(t)
  const db = openRecordDatabase(recordFiles(home).database)
  const store = createRecordStore(db, 'full')
  store.begin()
  store.addFinished(sampleFinish('old', { atMs: Date.now() + 60_000 }), Buffer.from('detail'))
  store.commit({ generation: 1, segment: 0, offset: 0 })
  store.close()
  db.close()
  const { journal, writer } = start(home)
  journal.finish(sampleFinish('new', { atMs: Date.now() + 120_000 }), heard)
  journal.flush()
  writer.drain()
  await journal.close()
  writer.close()
  assert.deepEqual(booked(home).map(({ request }) => request), ['new']) // prettier-ignore
  const verdict = await checked(home)
  assert.deepEqual([verdict.violations, verdict.charges, verdict.records], [[], 1, 1])
})

test('a record that the ledger lacks, or has at another cost, is found by the check', async (t) => {
  const home = temporary(t)
  const { journal, writer } = start(home)
  const atMs = now()
  for (const id of ['a', 'b', 'c']) journal.finish(sampleFinish(id, { atMs }), heard)
  journal.flush()
  writer.drain()
  await journal.close()
  writer.close()
  const records = openDatabase(recordFiles(home).database)
  records.exec(
    "UPDATE requests SET cost_nano_usd = 26000 WHERE id = 'a'; UPDATE requests SET id = 'lost' WHERE id = 'b'; UPDATE requests SET output = 1 WHERE id = 'c'",
  )
  records.close()
  assert.deepEqual((await checked(home)).violations, [
    'The request a cost $0.000026 by its record and $0.000027 by the ledger.',
    'The request lost has a record, and the ledger does not know it.',
    'The request c has other tokens in its record than in the ledger.',
  ])
})
