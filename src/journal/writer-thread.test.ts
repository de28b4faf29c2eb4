// The writer's thread compresses what is cold while it has nothing else to do.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { createRecordReader, openRecordDatabase } from '#store'
import { sampleFinish } from '#test/records.ts'
import { createControl } from './control.ts'
import { createJournal } from './journal.ts'
import { createRingMemory, createRingProducer } from './ring.ts'
import { recordFiles } from './writer.ts'
import type { WriterCommand, WriterReport, WriterThreadData } from './writer-thread.ts'

test('bodies lie in a file while they are young, are compressed when they are cold, and read the same before, meanwhile and after', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-thread-'))
  const files = recordFiles(home)
  mkdirSync(files.journal)
  const control = createControl()
  const ring = createRingMemory(16 * 1024 * 1024)
  const { port1: commands, port2: theirs } = new MessageChannel()
  const workerData: WriterThreadData = {
    home,
    logging: 'full',
    retention: { days: 30, maxBytes: 1e12 },
    control: control.memory,
    ring,
    commands: theirs,
    coldAfterMs: 1000,
  }
  const worker = new Worker(new URL('writer-thread.ts', import.meta.url), { workerData, transferList: [theirs] })
  const reports: WriterReport[] = []
  const heard = async <T extends WriterReport['type']>(type: T): Promise<Extract<WriterReport, { type: T }>> => {
    for (;;) {
      const found = reports.find((report) => report.type === type)
      if (found !== undefined) return found as Extract<WriterReport, { type: T }>
      await new Promise((resolve) => worker.once('message', resolve))
    }
  }
  worker.on('message', (report: WriterReport) => void reports.push(report))
  const { generation } = await heard('recovered')
  const journal = createJournal({
    dir: files.journal,
    generation,
    control,
    ring: createRingProducer(ring),
    logging: 'full',
    onError: (error) => assert.fail(error),
  })
  const db = openRecordDatabase(files.database)
  const reader = createRecordReader(files.database)
  t.after(async () => {
    db.close()
    await reader.close()
    rmSync(home, { recursive: true })
  })
  const body = (i: number): Buffer => Buffer.alloc(50_000, `body ${i} `)
  const raw = (): number => Number(db.prepare('SELECT count(*) AS n FROM raw_blocks').get()?.['n'])
  const allThere = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      const stored = await reader.payload(`r${i}`, 'request')
      assert.ok('bytes' in stored && body(i).equals(stored.bytes), `body ${i}`)
    }
  }

  for (let i = 0; i < 60; i++) {
    journal.payload(`r${i}`, 'request', '', body(i))
    journal.finish(sampleFinish(`r${i}`), () => undefined)
  }
  journal.flush()
  commands.postMessage({ op: 'flush', number: 1 } satisfies WriterCommand)
  control.ask()
  assert.equal((await heard('flushed')).error, undefined)
  assert.ok(raw() > 0, 'young bodies are in a file')
  await allThere()
  const deadline = performance.now() + 20_000
  while (raw() > 0 && performance.now() < deadline) {
    // Asking wakes the thread, as other work does; it goes on with what it had put off.
    control.ask()
    await allThere()
  }
  assert.equal(raw(), 0, 'cold bodies are in the database')
  await allThere()
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  await journal.close()
  commands.postMessage({ op: 'close' } satisfies WriterCommand)
  control.ask()
  await exited
  commands.close()
  assert.deepEqual(
    reports.filter((report) => report.type === 'trouble'),
    [],
  )
})
