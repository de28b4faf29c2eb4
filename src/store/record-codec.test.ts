// Records as bytes: round trips, damage, and foreign generations.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyFinish, anyProgress, anyReserve, sampleAttempt, sampleFinish, sampleReserve, usageOf } from '#test/records.ts'
import type { FinishRecord } from './record.ts'
import { frameAt, recordId, RecordWriter } from './record-bytes.ts'
import {
  decodeFinish,
  decodeFinishSummary,
  decodeProgress,
  decodeReserve,
  encodeFinish,
  encodeProgress,
  encodeReserve,
} from './record-codec.ts'

/** fast-check makes objects without a prototype; the codec makes plain ones. */
const plain = <T>(value: T): T => structuredClone(value)

function onlyRecord(out: RecordWriter): Buffer {
  const frame = frameAt(out.bytes, 0, out.length, out.nonce)
  assert.ok(typeof frame === 'object')
  assert.equal(frame.end, out.length)
  return out.bytes.subarray(frame.start, frame.end)
}

test('a record comes back from its bytes as it was', () => {
  fc.assert(
    fc.property(anyReserve, anyProgress, anyFinish, fc.integer({ min: 16, max: 4096 }), (reserve, progress, finish, capacity) => {
      const written = [
        [encodeReserve, decodeReserve, reserve],
        [encodeProgress, decodeProgress, progress],
        [encodeFinish, decodeFinish, finish],
      ] as const
      for (const [encode, decode, record] of written) {
        const out = new RecordWriter(7, capacity)
        ;(encode as (out: RecordWriter, record: unknown) => void)(out, record)
        assert.deepEqual(plain(decode(onlyRecord(out))), plain(record))
        assert.equal(recordId(onlyRecord(out)), record.id)
      }
    }),
  )
})

test('the summary of a record says what the whole record says', () => {
  fc.assert(
    fc.property(anyFinish, (finish) => {
      const out = new RecordWriter(7)
      encodeFinish(out, finish)
      const summary = decodeFinishSummary(onlyRecord(out))
      assert.ok(Object.keys(summary).length > 25)
      for (const [field, value] of Object.entries(summary)) assert.deepEqual(value, plain(finish[field as keyof typeof finish]), field)
    }),
  )
})

test('many records in one buffer are found one after the other, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(anyFinish, { maxLength: 12 }), (records) => {
      const out = new RecordWriter(3, 64)
      for (const record of records) encodeFinish(out, record)
      let at = 0
      for (const record of records) {
        const frame = frameAt(out.bytes, at, out.length, 3)
        assert.ok(typeof frame === 'object')
        assert.deepEqual(plain(decodeFinish(out.bytes.subarray(frame.start, frame.end))), plain(record))
        at = frame.end
      }
      assert.equal(at, out.length)
    }),
    { numRuns: 30 },
  )
})

test('a frame with any flipped bit is not taken for a record, and a cut one is short or damaged', () => {
  const out = new RecordWriter(99)
  encodeFinish(out, sampleFinish('01aa'))
  for (let bit = 0; bit < out.length * 8; bit++) {
    out.bytes[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(typeof frameAt(out.bytes, 0, out.length, 99), 'string', `bit ${bit}`)
    out.bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  for (let length = 0; length < out.length; length++) assert.equal(frameAt(out.bytes, 0, length, 99), 'short')
  assert.equal(typeof frameAt(out.bytes, 0, out.length, 99), 'object')
})

test('a frame of another generation is damage: text inside a record cannot pose as one', () => {
  const out = new RecordWriter(1)
  encodeFinish(out, sampleFinish('01aa'))
  assert.equal(frameAt(out.bytes, 0, out.length, 2), 'bad')
})

test('a record of a layout that this release does not know is refused, not misread', () => {
  const out = new RecordWriter(1)
  encodeFinish(out, sampleFinish('01aa'))
  const record = onlyRecord(out)
  record[1] = 5
  assert.throws(() => decodeFinish(record), /layout 5; this release reads layouts up to 4/)
  record[1] = 0
  assert.throws(() => decodeFinish(record), /layout 0;/)
  record[1] = 2
  assert.throws(() => decodeReserve(record), /of type 70 stands where type 82 belongs/)
})

/** As releases before this one wrote it: a field that they did not have is not there. */
function writtenBefore(version: number, absent: ReadonlySet<string>, write: (out: RecordWriter) => void): Buffer {
  const out = new RecordWriter(1)
  const older = Object.create(out) as RecordWriter
  const written = (value: unknown): boolean => !absent.has(String(value))
  Object.assign(older, {
    begin: (type: number, _version: number, id: string, bytes: number) => out.begin(type, version, id, bytes),
    number: (value: number) => written(value) && out.number(value),
    optional: (value: number | undefined) => written(value) && out.optional(value),
    string: (value: string) => written(value) && out.string(value),
    bigint: (value: bigint | undefined) => out.bigint(value),
    raw: (value: Uint8Array) => out.raw(value),
    end: () => out.end(),
  })
  write(older)
  return onlyRecord(out)
}

const marks = { configSlug: 'mark-config', configVersion: 987_654, route: 'mark-route' } as const
const owner = { user: 'mark-user', team: 'mark-team', wallet: 'wallet:mark-user' } as const
/** What came together with owners, and what it takes in a record. */
const rest = {
  inputImage: 987_655,
  outputImage: 987_656,
  hosted: undefined,
  serviceTier: 'mark-tier',
  region: 'mark-region',
} as const
const restFields = new Set<string>(['+', '987655', '987656', '-1', 'mark-tier', 'mark-region', 'mark-rate'])
const ownerFields = new Set<string>([...Object.values(owner), ...restFields])
/** The record with all that layout 4 brought. */
function owned(record: FinishRecord): FinishRecord {
  const { costLines, usage } = record
  return {
    ...record,
    ...owner,
    serviceTier: rest.serviceTier,
    usage: { ...usage!, ...rest },
    costLines: costLines.map((line) => ({ ...line, rate: 'mark-rate' })),
  }
}
const newFields = new Set<string>([...ownerFields, marks.configSlug, String(marks.configVersion), marks.route, 'refresh'])

test('records of the layouts before routing configs are still read', () => {
  const withoutNew = sampleFinish('01aa', {
    attempts: [sampleAttempt(), sampleAttempt({ provider: 'azure' })],
    notes: [{ code: 'a', path: 'b', why: 'c' }],
  })
  const attempts = withoutNew.attempts.map((attempt) => ({ ...attempt, route: marks.route }))
  const { configSlug, configVersion } = marks
  const marked = { ...owned(withoutNew), attempts, configSlug, configVersion, cache: 'refresh' as const }
  for (const bodies of [undefined, { request: Buffer.from('asked'), response: Buffer.from('answered') }]) {
    const second = writtenBefore(2, newFields, (out) => encodeFinish(out, { ...marked, bodies }))
    assert.deepEqual(plain(decodeFinish(second)), plain({ ...withoutNew, bodies }))
    assert.deepEqual(decodeFinishSummary(second).attempts, plain(withoutNew.attempts))
    assert.equal(decodeFinishSummary(second).cache, 'disabled')
  }
  // The first one had no bodies either: not even the number that says there are none.
  const first = writtenBefore(1, new Set([...newFields, 'undefined']), (out) =>
    encodeFinish(out, {
      ...marked,
      firstTokenMs: 1,
      usage: { ...usageOf(1, 2), ...rest, cacheRead: 1, cacheWrite: 1, cacheWrite1h: 1, inputAudio: 1, reasoning: 1, outputAudio: 1 },
    }),
  )
  assert.deepEqual(plain(decodeFinish(first)).attempts, plain(withoutNew.attempts))
  assert.deepEqual(plain(decodeFinish(first)).notes, plain(withoutNew.notes))
  assert.equal(decodeFinish(first).bodies, undefined)
  const reserve = writtenBefore(1, newFields, (out) =>
    encodeReserve(out, { ...sampleReserve('01aa'), ...owner, serviceTier: rest.serviceTier, configSlug, configVersion }),
  )
  assert.deepEqual(plain(decodeReserve(reserve)), plain(sampleReserve('01aa')))
})

test('records of the layouts before users and teams are still read, with nobody as their owner', () => {
  const before = sampleFinish('01aa', { configSlug: 'prod', configVersion: 3, notes: [{ code: 'a', path: 'b', why: 'c' }] })
  const third = writtenBefore(3, ownerFields, (out) => encodeFinish(out, owned(before)))
  assert.deepEqual(plain(decodeFinish(third)), plain(before))
  const { user, team, wallet, configSlug, costNanoUsd } = decodeFinishSummary(third)
  assert.deepEqual(
    { user, team, wallet, configSlug, costNanoUsd },
    { user: '', team: '', wallet: '', configSlug: 'prod', costNanoUsd: 27_000n },
  )
  const reserve = writtenBefore(2, ownerFields, (out) =>
    encodeReserve(out, { ...sampleReserve('01aa'), ...owner, serviceTier: rest.serviceTier, configSlug: 'prod' }),
  )
  assert.deepEqual(plain(decodeReserve(reserve)), plain(sampleReserve('01aa', { configSlug: 'prod' })))
})
