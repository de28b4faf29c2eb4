// Storing rows and bodies: every body comes back, roll-ups add up, and retention removes the oldest.
import assert from 'node:assert/strict'
import type { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { sampleFinish } from '#test/records.ts'
import { createRecordQuery } from './query.ts'
import { RecordWriter } from './record-bytes.ts'
import { encodeFinish } from './record-codec.ts'
import { createRecordStore, type LoggingMode, type RecordStore } from './record-store.ts'
import type { FinishRecord } from './record.ts'
import { createRetention, type RetentionLimits } from './retention.ts'
import { openRecordDatabase } from './schema.ts'

const position = { generation: 1, segment: 1, offset: 16 }
const dayMs = 86_400_000

function setUp(t: Pick<TestContext, 'after'> | undefined, logging: LoggingMode = 'full') {
  const db = openRecordDatabase(':memory:')
  t?.after(() => db.close())
  return { db, store: createRecordStore(db, logging, { predecessorBytes: 1024 * 1024 }), query: createRecordQuery(db) }
}

function addFinished(store: RecordStore, record: FinishRecord): boolean {
  const out = new RecordWriter(0)
  encodeFinish(out, record)
  return store.addFinished(record, out.bytes.subarray(8, out.length))
}

function inTransaction(store: RecordStore, work: () => void): void {
  store.begin()
  work()
  store.commit(position)
}

function count(db: DatabaseSync, table: string): number {
  return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
}

/** Every block has exactly the references that it counts, and none is kept for nothing. */
function checkBlocks(db: DatabaseSync): void {
  const wrong = db
    .prepare(
      `SELECT id, live, (SELECT count(*) FROM payloads WHERE block = blocks.id) + (SELECT count(*) FROM requests WHERE block = blocks.id) AS used
       FROM blocks WHERE live <> used OR live <= 0`,
    )
    .all()
  assert.deepEqual(wrong, [])
  assert.equal(count(db, 'blocks'), count(db, 'block_data'))
  assert.equal(Number(db.prepare('SELECT count(*) AS n FROM payloads WHERE block NOT IN (SELECT id FROM blocks)').get()?.['n']), 0)
}

/** A conversation: each turn appends, some edit the middle, some forget the beginning, some are sent again unchanged. */
const turns = fc.array(
  fc.record({
    session: fc.integer({ min: 0, max: 2 }),
    edit: fc.constantFrom('append', 'append', 'append', 'middle', 'trim', 'same', 'new'),
    bytes: fc.integer({ min: 0, max: 900 }),
    commit: fc.boolean(),
  }),
  { minLength: 20, maxLength: 60 },
)

function nextBody(before: Buffer, edit: string, fresh: Buffer): Buffer {
  switch (edit) {
    case 'append':
      return Buffer.concat([before.subarray(0, before.length - 3), fresh, Buffer.from(']}}')])
    case 'middle': {
      const at = before.length >> 1
      return Buffer.concat([before.subarray(0, at), fresh, before.subarray(Math.min(before.length, at + 50))])
    }
    case 'trim':
      return Buffer.concat([before.subarray(0, 100), before.subarray(before.length >> 2)])
    case 'same':
      return before
    default:
      return Buffer.concat([Buffer.alloc(3000, fresh.length), fresh])
  }
}

test('every body comes back byte for byte, however a session edits its history, and also while retention drops chains', () => {
  let deltas = 0
  let dropped = 0
  fc.assert(
    fc.property(turns, fc.integer({ min: 0, max: 30 }), (plan, dropEvery) => {
      const { db, store, query } = setUp(undefined)
      const retention = createRetention(db, { days: 30, maxBytes: 0 })
      const histories = new Map<number, Buffer>()
      const bodies = new Map<string, Buffer>()
      let open = false
      plan.forEach((turn, i) => {
        const before = histories.get(turn.session) ?? Buffer.alloc(2500, 'q')
        const body = nextBody(before, turn.edit, Buffer.alloc(turn.bytes, `turn ${i} `))
        histories.set(turn.session, body)
        const id = `01-${String(i).padStart(4, '0')}`
        bodies.set(id, body)
        if (!open) store.begin()
        open = true
        addFinished(store, sampleFinish(id, { atMs: 1_000_000 + i }))
        store.addPayload(id, 'request', `s${turn.session}`, body, 1_000_000 + i)
        store.addPayload(id, 'response', `s${turn.session}`, Buffer.from(`answer ${i}`), 1_000_000 + i)
        if (turn.commit) {
          store.commit(position)
          open = false
          // Far over the limit of 0 bytes: one step drops the oldest chains, and the sessions go on.
          if (dropEvery > 15 && i % dropEvery === 3) retention.step(1_000_100, (root) => store.forgetChain(root))
        }
      })
      if (open) store.commit(position)
      deltas += Number(db.prepare('SELECT count(*) AS n FROM payloads WHERE base IS NOT NULL').get()?.['n'])
      for (const [id, body] of bodies) {
        if (query.get(id) === undefined) continue
        const stored = query.payload(id, 'request')
        if ('bytes' in stored) assert.ok(body.equals(stored.bytes), `body of ${id}`)
        else {
          dropped++
          assert.match(stored.missing, /dropped/)
        }
      }
      checkBlocks(db)
      db.close()
    }),
    { numRuns: 80 },
  )
  assert.ok(deltas > 500, 'deltas were made')
  assert.ok(dropped > 20, 'chains were dropped')
})

test('a growing history costs what is new in it, and a chain ends before it becomes long', (t) => {
  const { db, store } = setUp(t)
  let body = Buffer.alloc(50_000, 'history ')
  inTransaction(store, () => {
    for (let i = 0; i < 200; i++) {
      body = Buffer.concat([body, Buffer.from(`message ${i}`)])
      store.addPayload(`01-${String(i).padStart(4, '0')}`, 'request', 's', body, 1000)
    }
  })
  const whole = db.prepare('SELECT count(*) AS n FROM payloads WHERE base IS NULL').get()?.['n']
  assert.equal(whole, 4, 'one whole body and 64 differences from it, three times, and the rest')
  const stored = Number(db.prepare('SELECT sum(length) AS n FROM payloads WHERE base IS NOT NULL').get()?.['n'])
  assert.ok(stored < 200 * 12, `${stored} bytes for the new messages`)
})

test('predecessors in memory are bounded by bytes, and forgetting one costs space, not truth', (t) => {
  const { store, query } = setUp(t)
  const bodies = Array.from({ length: 30 }, (_, i) => Buffer.alloc(100_000, `session ${i} `))
  inTransaction(store, () => {
    for (const round of [0, 1]) {
      bodies.forEach((body, i) => {
        addFinished(store, sampleFinish(`r${round}-${i}`))
        store.addPayload(`r${round}-${i}`, 'request', `s${i}`, Buffer.concat([body, Buffer.from(`round ${round}`)]), 0)
      })
    }
  })
  bodies.forEach((body, i) => {
    const stored = query.payload(`r1-${i}`, 'request')
    assert.ok('bytes' in stored && Buffer.concat([body, Buffer.from('round 1')]).equals(stored.bytes))
  })
})

test('after a rollback nothing builds on what was not stored', (t) => {
  const { store, query } = setUp(t)
  const body = Buffer.alloc(5000, 'abc')
  store.begin()
  addFinished(store, sampleFinish('a'))
  store.addPayload('a', 'request', 's', body, 0)
  store.rollback()
  inTransaction(store, () => {
    addFinished(store, sampleFinish('b'))
    store.addPayload('b', 'request', 's', Buffer.concat([body, Buffer.from('more')]), 0)
  })
  assert.equal(query.get('a'), undefined)
  const stored = query.payload('b', 'request')
  assert.ok('bytes' in stored && stored.bytes.length === 5004)
})

test('an empty body and one that is all prefix are stored like others', (t) => {
  const { store, query } = setUp(t)
  const body = Buffer.alloc(4000, 'abc')
  for (const [id, bytes] of [
    ['a', body],
    ['b', body],
    ['c', Buffer.alloc(0)],
  ] as const) {
    inTransaction(store, () => {
      addFinished(store, sampleFinish(id))
      store.addPayload(id, 'request', 's', bytes, 0)
    })
  }
  for (const [id, bytes] of [
    ['a', body],
    ['b', body],
    ['c', Buffer.alloc(0)],
  ] as const) {
    const stored = query.payload(id, 'request')
    assert.ok('bytes' in stored && bytes.equals(stored.bytes), id)
  }
})

test('a record that is loaded again changes nothing: rows, roll-ups and blocks stay as they are', (t) => {
  const { db, store } = setUp(t)
  const records = Array.from({ length: 20 }, (_, i) => sampleFinish(`r${i}`, { atMs: 1000, metadata: '{"env":"prod"}', attempts: [] }))
  inTransaction(store, () => records.forEach((record) => assert.equal(addFinished(store, record), true)))
  const before = db.prepare('SELECT * FROM rollups').all()
  const again = createRecordStore(db, 'full')
  inTransaction(again, () => records.forEach((record) => assert.equal(addFinished(again, record), false)))
  assert.equal(count(db, 'requests'), 20)
  assert.deepEqual(db.prepare('SELECT * FROM rollups').all(), before)
  checkBlocks(db)
})

test('requests of one millisecond keep apart, also when the writer was restarted between them', (t) => {
  const { db, store } = setUp(t)
  inTransaction(store, () => ['a', 'b'].forEach((id) => addFinished(store, sampleFinish(id, { atMs: 77 }))))
  const again = createRecordStore(db, 'full')
  inTransaction(again, () => ['c', 'd', 'a'].forEach((id) => addFinished(again, sampleFinish(id, { atMs: 77 }))))
  assert.equal(count(db, 'requests'), 4)
})

test('whatever numbers a provider says, the row is stored', (t) => {
  const { db, store, query } = setUp(t)
  const odd = { ...sampleFinish('a').usage!, input: 1.5, output: Number.POSITIVE_INFINITY, cacheRead: -3 }
  inTransaction(store, () => {
    addFinished(
      store,
      sampleFinish('a', { usage: odd, overheadUs: Number.NaN, totalMs: -1, atMs: Number.NaN, costNanoUsd: 2n ** 70n, metadata: '{' }),
    )
  })
  assert.equal(count(db, 'requests'), 1)
  assert.deepEqual(query.get('a')?.tokens, { input: 2, cached: 0, output: 0, reasoning: null })
})

test('roll-ups add up to the rows', (t) => {
  const { db, store } = setUp(t)
  const random = fc.sample(
    fc.record({ minute: fc.nat(3), provider: fc.constantFrom('a', 'b'), input: fc.nat(1000), cost: fc.bigInt(0n, 10n ** 12n) }),
    200,
  )
  for (let from = 0; from < random.length; from += 20) {
    inTransaction(store, () =>
      random.slice(from, from + 20).forEach(({ minute, provider, input, cost }, i) => {
        const usage = { ...sampleFinish('').usage!, input }
        addFinished(store, sampleFinish(`r${from + i}`, { atMs: minute * 60_000 + i, provider, attempts: [], usage, costNanoUsd: cost }))
      }),
    )
    // As after a restart: what is in memory comes from the database.
    if (from % 60 === 0) store.forgetCaches()
  }
  const sums = (sql: string) => db.prepare(sql).all()
  assert.deepEqual(
    sums(
      'SELECT minute, provider, requests AS n, input, CAST(cost_nano_usd AS TEXT) AS cost FROM rollups JOIN facets ON facets.id = facet ORDER BY minute, provider',
    ),
    sums(
      `SELECT seq / 2048 / 60000 AS minute, provider, count(*) AS n, sum(input) AS input, CAST(sum(cost_nano_usd) AS TEXT) AS cost
       FROM requests JOIN facets ON facets.id = facet GROUP BY 1, 2 ORDER BY 1, 2`,
    ),
  )
})

test('mode off keeps no rows, but roll-ups and the cost of each key', (t) => {
  const { db, store } = setUp(t, 'off')
  inTransaction(store, () => {
    for (let i = 0; i < 3; i++) addFinished(store, sampleFinish(`r${i}`))
  })
  assert.equal(count(db, 'requests'), 0)
  assert.equal(count(db, 'blocks'), 0)
  const rows = db
    .prepare(
      'SELECT key_id, sum(requests) AS requests, sum(cost_nano_usd) AS cost FROM rollups JOIN facets ON facets.id = facet GROUP BY 1',
    )
    .all()
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ key_id: 'key_1', requests: 3, cost: 81_000 }],
  )
})

function runRetention(db: DatabaseSync, store: RecordStore, limits: RetentionLimits, nowMs: number): void {
  const retention = createRetention(db, limits)
  while (retention.step(nowMs, (root) => store.forgetChain(root)));
  checkBlocks(db)
}

test('rows and bodies older than the retention go, with their attempts and metadata; younger ones and roll-ups stay', (t) => {
  const { db, store, query } = setUp(t)
  const nowMs = 100 * dayMs
  inTransaction(store, () => {
    for (let day = 60; day < 100; day++) {
      const attempts = [sampleFinish('').attempts[0]!, sampleFinish('').attempts[0]!]
      addFinished(store, sampleFinish(`d${day}`, { atMs: day * dayMs + 5, metadata: '{"env":"prod"}', attempts }))
      store.addPayload(`d${day}`, 'request', '', Buffer.from(`day ${day}`), day * dayMs + 5)
    }
  })
  runRetention(db, store, { days: 30, maxBytes: 1e12 }, nowMs)
  assert.equal(query.get('d69'), undefined)
  assert.ok(query.get('d70'))
  assert.ok('bytes' in query.payload('d70', 'request'))
  for (const table of ['requests', 'payloads', 'request_metadata']) assert.equal(count(db, table), 30, table)
  assert.equal(count(db, 'attempts'), 60)
  assert.equal(Number(db.prepare('SELECT sum(requests) AS n FROM rollups').get()?.['n']), 40)
})

test('above the size limit the oldest bodies go first, rows last, and what a row says about its body is true', (t) => {
  const { db, store, query } = setUp(t)
  const random = (bytes: number): Buffer => Buffer.from(Uint8Array.from({ length: bytes }, () => Math.random() * 256))
  for (let i = 0; i < 40; i++) {
    inTransaction(store, () => {
      const id = `r${String(i).padStart(2, '0')}`
      addFinished(store, sampleFinish(id, { atMs: 1000 + i }))
      store.addPayload(id, 'request', '', random(50_000), 1000 + i)
    })
  }
  const used = createRetention(db, { days: 30, maxBytes: 1 }).usedBytes()
  runRetention(db, store, { days: 30, maxBytes: used / 2 }, 2000)
  assert.equal(count(db, 'requests'), 40)
  const left = count(db, 'payloads')
  assert.ok(left > 5 && left < 25, `${left} bodies left`)
  assert.match((query.payload('r00', 'request') as { missing: string }).missing, /dropped/)
  assert.equal(query.get('r00')?.payloads.request, false)
  assert.ok('bytes' in query.payload('r39', 'request'))
  assert.ok(createRetention(db, { days: 30, maxBytes: 1 }).usedBytes() <= used / 2)
  runRetention(db, store, { days: 30, maxBytes: 1 }, 2000)
  assert.equal(count(db, 'requests'), 0)
  assert.equal(count(db, 'payloads'), 0)
})

test('space that was freed is used again: a store at its limit does not grow', (t) => {
  const { db, store } = setUp(t)
  const pages = (): number => Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
  let peak = 0
  for (let round = 0; round < 30; round++) {
    inTransaction(store, () => {
      for (let i = 0; i < 10; i++) {
        const id = `r${String(round).padStart(2, '0')}-${i}`
        addFinished(store, sampleFinish(id, { atMs: 1000 + round }))
        store.addPayload(id, 'request', '', Buffer.from(Uint8Array.from({ length: 20_000 }, () => Math.random() * 256)), 1000 + round)
      }
    })
    runRetention(db, store, { days: 30, maxBytes: 2_000_000 }, 2000)
    if (round === 14) peak = pages()
  }
  assert.ok(pages() <= peak * 1.2, `${pages()} pages after ${peak}`)
})
