// Processes killed under load: what was answered has one row, what was reserved has one too.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { createLedger, openRecordDatabase } from '#store'
import { createRecorder } from './recorder.ts'
import { recordFiles } from './writer.ts'

const hammer = new URL('../../test/support/journal-hammer.ts', import.meta.url)
const rounds = 6

test('kill -9 under load: every answered request has one row, every one that was reserved has one too, and roll-ups add up', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-kill9-'))
  t.after(() => rmSync(home, { recursive: true }))
  const answered = new Set<string>()
  const reserved = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    // At another moment each time: while starting to write, in the middle of batches, of segments.
    await hammerUntil(200 + Math.floor(Math.random() * 6000), (word, id) => void (word === 'answered' ? answered : reserved).add(id))
  }
  assert.ok(answered.size > rounds * 50)

  const errors: Error[] = []
  const recorder = await createRecorder({
    home,
    logging: 'full',
    retentionDays: 30,
    logMaxBytes: 1e10,
    onError: (error) => errors.push(error),
  })
  let lost = 0
  let bodies = 0
  for (const id of answered) {
    const detail = await recorder.query.get(id)
    assert.ok(detail, `answered request ${id} has a record`)
    assert.equal(detail.outcome, 'ok')
    assert.equal(detail.cost_usd, '0.000027')
    // Every body would take long; a sample of them is enough, and the newest are those at risk.
    if (answered.size > 500 && Number.parseInt(id.slice(-2), 32) % 8 !== 0) continue
    const stored = await recorder.query.payload(id, 'request')
    if ('bytes' in stored) {
      bodies++
      assert.ok(Buffer.from(stored.bytes).toString().endsWith(id))
    } else {
      lost++
      assert.match(stored.missing, /lost/)
    }
  }
  assert.ok(bodies > lost, `${bodies} bodies stored, ${lost} lost with the last moments before a kill`)
  await recorder.close()
  assert.deepEqual(errors, [])

  const db = openRecordDatabase(recordFiles(home).database)
  const one = (sql: string): number => Number(db.prepare(sql).get()?.['n'])
  const stored = db.prepare('SELECT requests.id AS id, outcome FROM requests JOIN facets ON facets.id = facet').all()
  const outcomes = new Map(stored.map((row) => [String(row['id']), String(row['outcome'])]))
  assert.equal(outcomes.size, stored.length)
  for (const id of reserved) assert.ok(outcomes.has(id), `reserved request ${id} has a record`)
  for (const [id, outcome] of outcomes) assert.ok(outcome === 'ok' || outcome === 'interrupted', `${id}: ${outcome}`)
  assert.ok([...outcomes.values()].includes('interrupted'), 'some were running when the process died')
  assert.equal(one('SELECT sum(requests) AS n FROM rollups'), stored.length)
  assert.equal(one('SELECT sum(cost_nano_usd) AS n FROM rollups'), one('SELECT sum(cost_nano_usd) AS n FROM requests'))
  assert.equal(one('SELECT count(*) AS n FROM open_requests'), 0)
  const recordedNanoUsd = BigInt(one('SELECT sum(cost_nano_usd) AS n FROM requests'))
  db.close()

  const { ledger: file, database: records } = recordFiles(home)
  const ledger = createLedger({ ledger: file, records, settle: async () => undefined })
  t.after(() => ledger.close())
  const verdict = await ledger.check()
  assert.deepEqual(verdict.violations, [])
  assert.equal(verdict.charges, stored.length, 'every request is booked once')
  const spent = await ledger.spentIn({ kind: 'instance', id: '' }, 0, Infinity)
  assert.equal(spent.nanoUsd, recordedNanoUsd)

  async function hammerUntil(lines: number, onLine: (word: string, id: string) => void): Promise<void> {
    const child = spawn(process.execPath, [hammer.pathname, home], { stdio: ['ignore', 'pipe', 'inherit'] })
    let left = lines
    for await (const line of createInterface({ input: child.stdout })) {
      const [word = '', id = ''] = line.split(' ')
      // The last line may have been cut by the kill.
      if ((word === 'answered' || word === 'reserved') && id.length === 26) onLine(word, id)
      if (left-- === 0) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.equal(child.signalCode, 'SIGKILL')
  }
})
