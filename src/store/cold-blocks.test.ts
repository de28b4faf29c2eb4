// Bodies in files: written once as they came, read from there, compressed into the database when they are cold, and never wrong.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync, openSync, writeSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sampleFinish } from '#test/records.ts'
import { createRecordQuery } from './query.ts'
import { RecordWriter } from './record-bytes.ts'
import { encodeFinish } from './record-codec.ts'
import { createRecordStore, type RecordStore } from './record-store.ts'
import { createRetention } from './retention.ts'
import { openRecordDatabase, openRecordDatabaseForReading } from './schema.ts'

const position = { generation: 1, segment: 1, offset: 16 }
const always = Number.MAX_SAFE_INTEGER

function setUp(t: TestContext, home = mkdtempSync(join(tmpdir(), 'turnpike-cold-'))) {
  const db = openRecordDatabase(join(home, 'records.db'))
  const store = createRecordStore(db, 'full')
  const reading = openRecordDatabaseForReading(join(home, 'records.db'))
  t.after(() => {
    store.close()
    db.close()
    reading.close()
    rmSync(home, { recursive: true, force: true })
  })
  const folder = join(home, 'bodies')
  return {
    home,
    db,
    store,
    reading,
    query: () => createRecordQuery(reading),
    files: () => readdirSync(folder).map((name) => join(folder, name)),
    count: (table: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']),
  }
}

function add(store: RecordStore, id: string, body: Buffer, session = ''): void {
  const record = sampleFinish(id)
  const out = new RecordWriter(0)
  encodeFinish(out, record)
  store.addFinished(record, out.bytes.subarray(8, out.length))
  store.addPayload(id, 'request', session, body, 1000)
}

function inTransaction(store: RecordStore, work: () => void): void {
  store.begin()
  work()
  store.commit(position)
}

function body(seed: number, bytes = 60_000): Buffer {
  let text = ''
  for (let i = seed; text.length < bytes; i = (Math.imul(i, 1664525) + 1013904223) >>> 0) text += `${i.toString(36)} the tool said `
  return Buffer.from(text.slice(0, bytes))
}

function bytesOf(query: ReturnType<typeof createRecordQuery>, id: string): Buffer | string {
  const stored = query.payload(id, 'request')
  return 'bytes' in stored ? Buffer.from(stored.bytes) : stored.missing
}

test('bodies are read byte for byte from a file, while they are being compressed, and from the database', (t) => {
  const { store, query, count, files } = setUp(t)
  const bodies = new Map<string, Buffer>()
  let history = body(1)
  for (let i = 0; i < 30; i++) {
    inTransaction(store, () => {
      bodies.set(`new${i}`, body(i + 100))
      history = Buffer.concat([history, body(i, 3000)])
      bodies.set(`turn${i}`, history)
      add(store, `new${i}`, body(i + 100))
      add(store, `turn${i}`, history, 's')
    })
  }
  assert.equal(count('raw_blocks'), 30)
  const all = (): void => {
    const fresh = query()
    for (const [id, bytes] of bodies) assert.ok(bytes.equals(bytesOf(fresh, id) as Buffer), id)
  }
  all()
  const raw = statSync(files()[0] ?? '').size
  for (let left = 30; left > 0; left--) {
    inTransaction(store, () => assert.ok(store.cold.compressOldest(always) > 0))
    assert.equal(count('raw_blocks'), left - 1)
    if (left % 10 === 0) all()
  }
  all()
  assert.equal(count('block_data'), count('blocks'))
  assert.equal(store.cold.bytes(), 0)
  assert.ok(raw > 30 * 60_000)
})

test('only what is old enough is compressed, oldest first', (t) => {
  const { db, store, count } = setUp(t)
  for (let i = 0; i < 3; i++) inTransaction(store, () => add(store, `r${i}`, body(i)))
  db.exec('UPDATE raw_blocks SET at_ms = 1000 * id')
  const ids = db
    .prepare('SELECT id FROM raw_blocks ORDER BY id')
    .all()
    .map((row) => Number(row['id']))
  const [first = 0, second = 0, third = 0] = ids
  const compress = (beforeMs: number): boolean => {
    db.exec('BEGIN')
    const bytes = store.cold.compressOldest(beforeMs)
    db.exec('COMMIT')
    return bytes > 0
  }
  assert.equal(compress(first * 1000), false)
  assert.equal(compress(first * 1000 + 1), true)
  assert.equal(compress(second * 1000), false)
  assert.deepEqual(
    db
      .prepare('SELECT id FROM raw_blocks ORDER BY id')
      .all()
      .map((row) => row['id']),
    [second, third],
  )
  assert.equal(count('block_data'), count('blocks') - 2)
})

test('a file goes a minute after the last of it was compressed, and a query that began before still reads it', (t) => {
  const { db, store, reading, query, files } = setUp(t)
  inTransaction(store, () => add(store, 'a', body(1)))
  const late = query()
  reading.exec('BEGIN')
  reading.prepare('SELECT count(*) FROM raw_blocks').get()
  db.exec('BEGIN')
  store.cold.compressOldest(always)
  db.exec('COMMIT')
  store.cold.sweep(1_000_000)
  store.cold.sweep(1_059_999)
  assert.equal(files().length, 1)
  // What `payload` does, in the transaction that began before.
  const row = reading.prepare('SELECT file FROM raw_blocks').get()
  assert.ok(row !== undefined)
  reading.exec('COMMIT')
  store.cold.sweep(1_060_000)
  assert.deepEqual(files(), [])
  assert.ok(body(1).equals(bytesOf(late, 'a') as Buffer))
  // And storing goes on.
  inTransaction(store, () => add(store, 'b', body(2)))
  assert.ok(body(2).equals(bytesOf(query(), 'b') as Buffer))
})

test('after a rollback the next bodies take the place of those that were not stored', (t) => {
  const { store, query, files } = setUp(t)
  inTransaction(store, () => add(store, 'a', body(1)))
  const size = statSync(files()[0] ?? '').size
  store.begin()
  add(store, 'b', body(2))
  store.rollback()
  inTransaction(store, () => add(store, 'c', body(3)))
  assert.equal(statSync(files()[0] ?? '').size, size * 2)
  assert.ok(body(1).equals(bytesOf(query(), 'a') as Buffer))
  assert.ok(body(3).equals(bytesOf(query(), 'c') as Buffer))
})

test('the next process begins a file of its own, reads the old ones, and deletes those that nothing refers to', (t) => {
  const first = setUp(t)
  inTransaction(first.store, () => add(first.store, 'a', body(1)))
  // Killed in the middle of a batch: bytes behind the last commit, and a file that was only begun.
  first.store.begin()
  add(first.store, 'b', body(2))
  first.store.rollback()
  writeFileSync(join(first.home, 'bodies', '7.tpr'), 'never committed')
  const second = setUp(t, first.home)
  assert.deepEqual(
    second.files().map((file) => file.slice(-5)),
    ['1.tpr'],
  )
  inTransaction(second.store, () => add(second.store, 'c', body(3)))
  assert.deepEqual(
    second
      .files()
      .map((file) => file.slice(-5))
      .sort(),
    ['1.tpr', '8.tpr'],
  )
  for (const [id, seed] of [
    ['a', 1],
    ['c', 3],
  ] as const)
    assert.ok(body(seed).equals(bytesOf(second.query(), id) as Buffer), id)
})

test('bytes that the disk lost with its power are said to be lost, never given out as a body', (t) => {
  const { store, query, files, count, db } = setUp(t)
  for (const id of ['whole', 'zeros', 'short']) inTransaction(store, () => add(store, id, body(id.length)))
  const [file = ''] = files()
  const fd = openSync(file, 'r+')
  writeSync(fd, Buffer.alloc(4096), 0, 4096, 60_000 + 8192)
  closeSync(fd)
  truncateSync(file, 60_000 * 3 - 5)
  const lost = (): void => {
    const fresh = query()
    assert.ok(body(5).equals(bytesOf(fresh, 'whole') as Buffer))
    assert.match(String(bytesOf(fresh, 'zeros')), /lost/)
    assert.match(String(bytesOf(fresh, 'short')), /lost/)
  }
  lost()
  db.exec('BEGIN')
  while (store.cold.compressOldest(always) > 0);
  db.exec('COMMIT')
  assert.equal(count('raw_blocks'), 0)
  lost()
})

test('files count into the size limit: above it they are compressed first, and bodies go only when that is not enough', (t) => {
  const { db, store, query, count } = setUp(t)
  for (let i = 0; i < 20; i++) inTransaction(store, () => add(store, `r${String(i).padStart(2, '0')}`, body(i + 1)))
  const used = createRetention(db, { days: 36_500, maxBytes: 1 }, store.cold).usedBytes()
  assert.ok(used > 20 * 60_000)
  const retain = (maxBytes: number): void => {
    const retention = createRetention(db, { days: 36_500, maxBytes }, store.cold)
    while (retention.step(2000, (root) => store.forgetChain(root)));
    assert.ok(retention.usedBytes() <= maxBytes)
  }
  retain(used - 1)
  assert.equal(count('payloads'), 20)
  assert.ok(body(1).equals(bytesOf(query(), 'r00') as Buffer))
  retain(600_000)
  assert.equal(count('raw_blocks'), 0)
  assert.ok(count('payloads') < 20 && count('payloads') > 0)
  assert.match(String(bytesOf(query(), 'r00')), /dropped/)
  assert.ok(body(20).equals(bytesOf(query(), 'r19') as Buffer))
})

test('a chain that retention drops leaves nothing in the files', (t) => {
  const { db, store, files, count } = setUp(t)
  for (let i = 0; i < 5; i++) inTransaction(store, () => add(store, `r${i}`, body(i + 1)))
  const retention = createRetention(db, { days: 1, maxBytes: 1e12 }, store.cold)
  while (retention.step(Date.now() * 2, (root) => store.forgetChain(root)));
  assert.equal(count('raw_blocks'), 0)
  store.cold.sweep(1_000_000)
  store.cold.sweep(2_000_000)
  assert.deepEqual(files(), [])
})
