// The journal's promises: one write per turn, nothing told before it is written, and a disk that refuses costs nothing.
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { decodeFinish, decodeReserve, recordId, recordType } from '#store'
import { sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import { createControl } from './control.ts'
import { createJournal, type JournalOptions } from './journal.ts'
import { decodePayload } from './payload-entry.ts'
import { createRingConsumer, createRingMemory, createRingProducer } from './ring.ts'
import type { FileSystem } from './segment-writer.ts'
import { listSegments, openSegmentReader, segmentPath, type SegmentKind } from './segments.ts'

function setUp(t: TestContext, changes: Partial<JournalOptions> = {}, ringBytes = 64 * 1024) {
  const dir = mkdtempSync(join(tmpdir(), 'turnpike-journal-'))
  const control = createControl()
  const memory = createRingMemory(ringBytes)
  const errors: Error[] = []
  const journal = createJournal({
    dir,
    generation: 1,
    control,
    ring: createRingProducer(memory),
    logging: 'full',
    onError: (error) => errors.push(error),
    ...changes,
  })
  t.after(async () => {
    await journal.close()
    rmSync(dir, { recursive: true })
  })
  return { dir, control, memory, errors, journal }
}

/** Every record of every segment, damage skipped. */
function records(dir: string, kind: SegmentKind = 'journal'): { record: Buffer; segment: number }[] {
  const found: { record: Buffer; segment: number }[] = []
  for (const name of listSegments(dir, kind)) {
    const reader = openSegmentReader(segmentPath(dir, kind, name), kind)
    reader?.read(
      0,
      reader.size(),
      Infinity,
      (record) => found.push({ record: Buffer.from(record), segment: name.segment }),
      () => undefined,
    )
    reader?.close()
  }
  return found
}

const ids = (dir: string): string[] => records(dir).map(({ record }) => recordId(record))

/** A file system whose writes fail while told to; `partialBytes`: how much of a failing write is done all the same. */
function breakableFileSystem() {
  const state = { broken: false, partialBytes: 0, truncateFails: false, writes: 0 }
  const fail = (code: string): never => {
    throw Object.assign(new Error(`${code}: no space left on device, write`), { code })
  }
  const fileSystem: FileSystem = {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) =>
      state.broken && state.partialBytes === 0 ? fail('ENOSPC') : fs.openSync(...args),
    ftruncateSync: (fd: number, length?: number | null) => (state.truncateFails ? fail('EIO') : fs.ftruncateSync(fd, length ?? 0)),
    writeSync: ((fd: number, bytes: Buffer, offset: number, length: number, position: number) => {
      state.writes++
      if (!state.broken) return fs.writeSync(fd, bytes, offset, length, position)
      if (state.partialBytes === 0) return fail('ENOSPC')
      const some = Math.min(length, state.partialBytes)
      state.partialBytes -= some
      return fs.writeSync(fd, bytes, offset, some, position)
    }) as typeof fs.writeSync,
  }
  return { state, fileSystem }
}

test('all records of one turn of the event loop go out in one write, and nobody is told before it', async (t) => {
  const { state, fileSystem } = breakableFileSystem()
  const { dir, journal } = setUp(t, { fileSystem })
  const told: string[] = []
  await new Promise<void>((resolve) => {
    for (let i = 0; i < 20; i++) {
      journal.reserve(sampleReserve(`r${i}`), () => {
        // By now every record of the turn can be read by another process.
        if (told.length === 0) assert.equal(ids(dir).length, 21)
        told.push(`r${i}`)
      })
    }
    journal.finish(sampleFinish('f'), (error) => {
      assert.equal(error, undefined)
      told.push('f')
      resolve()
    })
    assert.deepEqual(told, [], 'never from inside the call')
  })
  assert.deepEqual(told, [...Array.from({ length: 20 }, (_, i) => `r${i}`), 'f'], 'in order')
  assert.equal(state.writes, 2, 'the head of the segment and one group')
})

test('what is appended while others are told goes out with the next write', async (t) => {
  const { dir, journal } = setUp(t)
  await new Promise<void>((resolve) => {
    journal.reserve(sampleReserve('a'), () => {
      journal.progress({ id: 'a', atMs: 5, responseBytes: 10, usage: usageOf(3, 4), estimated: true })
      journal.finish(sampleFinish('a'), () => resolve())
    })
  })
  const found = records(dir).map(({ record }) => record)
  assert.deepEqual(
    found.map((record) => record[0]),
    [recordType.reserve, recordType.progress, recordType.finish],
  )
  assert.deepEqual(decodeReserve(found[0]!), sampleReserve('a'))
  assert.deepEqual(decodeFinish(found[2]!), sampleFinish('a'))
})

test('segments rotate, and the published position is always in the newest', async (t) => {
  const { dir, control, journal } = setUp(t, { segmentBytes: 4096 })
  for (let i = 0; i < 40; i++) await new Promise<void>((resolve) => journal.finish(sampleFinish(`f${i}`), () => resolve()))
  const segments = listSegments(dir, 'journal')
  assert.ok(segments.length > 3)
  assert.deepEqual(
    ids(dir),
    Array.from({ length: 40 }, (_, i) => `f${i}`),
  )
  assert.equal(control.published('journal').segment, segments.at(-1)?.segment)
  assert.equal(control.published('journal').offset, fs.statSync(segmentPath(dir, 'journal', segments.at(-1)!)).size)
})

test('a full disk: every waiter hears of it, nothing is lost, and everything is there once there is room', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { state, fileSystem } = breakableFileSystem()
  const { dir, errors, journal } = setUp(t, { fileSystem })
  await new Promise<void>((resolve) => journal.reserve(sampleReserve('before'), () => resolve()))
  state.broken = true
  const heard = await Promise.all(
    ['x', 'y', 'z'].map((id) => new Promise<Error | undefined>((resolve) => journal.finish(sampleFinish(id), resolve))),
  )
  for (const error of heard) assert.match(String(error), /no space left/)
  // The next turn hears it without another try.
  const { writes } = state
  assert.match(String(await new Promise((resolve) => journal.finish(sampleFinish('later'), resolve))), /no space left/)
  assert.equal(state.writes, writes)
  assert.ok(journal.stats().waitingBytes > 0)
  assert.equal(errors.length, 1, 'said once, not once per request')
  t.mock.timers.tick(250)
  assert.equal(journal.stats().failedWrites, 2, 'tried again, in vain')
  state.broken = false
  t.mock.timers.tick(250)
  assert.deepEqual(ids(dir), ['before', 'x', 'y', 'z', 'later'])
  assert.deepEqual({ waiting: journal.stats().waitingBytes, lost: journal.stats().lostRecords }, { waiting: 0, lost: 0 })
  assert.equal(await new Promise((resolve) => journal.finish(sampleFinish('after'), resolve)), undefined)
})

test('a write that fails half way, at any byte: no record is lost, doubled or hidden behind the torn one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const whole = ['a', 'b', 'c', 'd']
  for (const truncateFails of [false, true]) {
    // 640: about one record; steps that hit heads, middles and ends of records.
    for (let partialBytes = 1; partialBytes < 3000; partialBytes += 53) {
      const { state, fileSystem } = breakableFileSystem()
      const { dir, journal } = setUp(t, { fileSystem })
      await new Promise<void>((resolve) => journal.reserve(sampleReserve('first'), () => resolve()))
      Object.assign(state, { broken: true, partialBytes, truncateFails })
      const heard = await Promise.all(
        whole.map((id) => new Promise<Error | undefined>((resolve) => journal.finish(sampleFinish(id), resolve))),
      )
      const safe = whole.filter((_, i) => heard[i] === undefined)
      assert.deepEqual(ids(dir), ['first', ...safe], 'who was told of success is in the file, and nobody else')
      state.broken = false
      t.mock.timers.tick(250)
      assert.deepEqual(ids(dir), ['first', ...whole], `after ${partialBytes} bytes`)
      if (safe.length < whole.length) assert.ok(listSegments(dir, 'journal').length > 1, 'a file that failed is not written again')
    }
  }
})

test('while the disk refuses, memory is bounded: what cannot be kept is refused and counted', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { state, fileSystem } = breakableFileSystem()
  const { dir, journal } = setUp(t, { fileSystem, waitingBytes: 4096 })
  state.broken = true
  for (let i = 0; i < 50; i++) assert.ok((await new Promise((resolve) => journal.finish(sampleFinish(`f${i}`), resolve))) instanceof Error)
  const { lostRecords, records: kept } = journal.stats()
  assert.ok(lostRecords > 30)
  assert.equal(kept + lostRecords, 50)
  state.broken = false
  t.mock.timers.tick(250)
  assert.equal(ids(dir).length, kept)
})

test(
  'a real device without room gives the same error',
  { skip: fs.existsSync('/dev/full') ? false : 'there is no /dev/full here' },
  async (t) => {
    const { journal } = setUp(t, { fileSystem: { ...fs, openSync: () => fs.openSync('/dev/full', 'w') } })
    assert.match(String(await new Promise((resolve) => journal.reserve(sampleReserve('a'), resolve))), /ENOSPC/)
  },
)

test('a record that cannot be encoded is its own trouble: its neighbours are written', async (t) => {
  const { dir, errors, journal } = setUp(t)
  const broken = { ...sampleFinish('broken'), headers: undefined as unknown as string }
  const heard = await Promise.all(
    [sampleFinish('a'), broken, sampleFinish('b')].map((record) => new Promise((resolve) => journal.finish(record, resolve))),
  )
  assert.equal(heard[0], undefined)
  assert.ok(heard[1] instanceof Error)
  assert.equal(heard[2], undefined)
  assert.deepEqual(ids(dir), ['a', 'b'])
  assert.equal(errors.length, 1)
})

test('a callback that throws does not keep the others from hearing', async (t) => {
  const { errors, journal } = setUp(t)
  journal.reserve(sampleReserve('a'), () => {
    throw new Error('mine')
  })
  await new Promise<void>((resolve) => journal.reserve(sampleReserve('b'), () => resolve()))
  assert.match(errors[0]!.message, /mine/)
})

test('a body goes to the ring, and to a payload segment when the ring is full or the body is more than half of it', (t) => {
  const { dir, memory, journal } = setUp(t, {}, 4096)
  const bodies = [Buffer.alloc(1000, 'a'), Buffer.alloc(3000, 'b'), Buffer.alloc(1500, 'c'), Buffer.alloc(1700, 'd')]
  bodies.forEach((body, i) => journal.payload(`r${i}`, i === 0 ? 'request' : 'response', 'sess', body))
  const consumer = createRingConsumer(memory)
  const inRing: string[] = []
  for (let entry = consumer.next(consumer.mark()); entry !== undefined; entry = consumer.next(consumer.mark())) inRing.push(entry.id)
  assert.deepEqual(inRing, ['r0', 'r2'])
  const spilled = records(dir, 'payloads').map(({ record }) => decodePayload(record))
  assert.deepEqual(
    spilled.map(({ id, part, session, body }) => ({ id, part, session, body: body.toString() })),
    [1, 3].map((i) => ({ id: `r${i}`, part: 'response', session: 'sess', body: bodies[i]!.toString() })),
  )
  assert.equal(journal.stats().spilledPayloads, 2)
})

test('bodies are taken in mode full only', (t) => {
  for (const logging of ['metadata', 'off'] as const) {
    const { dir, memory, journal } = setUp(t, { logging })
    journal.payload('r', 'request', '', Buffer.alloc(60_000))
    const consumer = createRingConsumer(memory)
    assert.equal(consumer.next(consumer.mark()), undefined)
    assert.deepEqual(readdirSync(dir), [])
  }
})

test('after close nothing is written, and everything from before is', async (t) => {
  const { dir, journal } = setUp(t)
  journal.finish(sampleFinish('a'), () => undefined)
  await journal.close()
  assert.deepEqual(ids(dir), ['a'])
  assert.ok((await new Promise((resolve) => journal.finish(sampleFinish('b'), resolve))) instanceof Error)
  assert.deepEqual(ids(dir), ['a'])
})
