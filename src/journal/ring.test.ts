// The ring that carries bodies to the writer: whole, in order, once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRingConsumer, createRingMemory, createRingProducer } from './ring.ts'

type Step = { readonly push: number } | { readonly read: number; readonly release: boolean }

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 900 }) }) },
    { weight: 2, arbitrary: fc.record({ read: fc.integer({ min: 1, max: 6 }), release: fc.boolean() }) },
  ),
  { minLength: 20, maxLength: 300 },
)

test('what was pushed comes out once, whole and in order, around the end of the ring any number of times', () => {
  let wrapped = 0
  let refused = 0
  fc.assert(
    fc.property(steps, (plan: Step[]) => {
      const memory = createRingMemory(2048)
      const producer = createRingProducer(memory)
      const consumer = createRingConsumer(memory)
      const expected: { id: string; session: string; part: number; body: Buffer }[] = []
      let read = 0
      let released = 0
      let number = 0
      let pushedBytes = 0
      for (const step of plan) {
        if ('push' in step) {
          const entry = {
            id: `id-${number}`,
            session: number % 3 === 0 ? '' : `sitzung-ü${number}`,
            part: number % 2,
            body: Buffer.alloc(step.push, number),
          }
          number++
          if (producer.push(entry.id, entry.part, entry.session, entry.body)) {
            expected.push(entry)
            pushedBytes += step.push
          } else refused++
        } else {
          const mark = consumer.mark()
          for (let i = 0; i < step.read; i++) {
            const entry = consumer.next(mark)
            if (entry === undefined) {
              assert.equal(read, expected.length)
              break
            }
            assert.deepEqual({ ...entry, body: Buffer.from(entry.body) }, expected[read])
            read++
          }
          if (step.release) {
            consumer.release()
            released = read
          } else {
            consumer.rewind()
            read = released
          }
        }
      }
      const mark = consumer.mark()
      for (let entry = consumer.next(mark); entry !== undefined; entry = consumer.next(mark)) {
        assert.deepEqual({ ...entry, body: Buffer.from(entry.body) }, expected[read])
        read++
      }
      assert.equal(read, expected.length)
      if (pushedBytes > producer.capacity) wrapped++
    }),
    { numRuns: 300 },
  )
  assert.ok(wrapped > 20, 'the plans went around the ring')
  assert.ok(refused > 20, 'the plans filled the ring')
})

test('a ring filled to the last byte is full, not empty', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ units: fc.integer({ min: 0, max: 60 }), read: fc.nat(3) }), { minLength: 30, maxLength: 120 }),
      (plan) => {
        const memory = createRingMemory(1024)
        const producer = createRingProducer(memory)
        const consumer = createRingConsumer(memory)
        let pushed = 0
        let read = 0
        for (const { units, read: reads } of plan) {
          // Two characters of three bytes: what is asked for is exactly what is used, so that spaces fit to the byte.
          if (producer.push('漢字', 0, '', Buffer.alloc(units * 8 + 2, pushed))) pushed++
          for (let i = 0; i < reads && consumer.next(consumer.mark()) !== undefined; i++) read++
          consumer.release()
        }
        while (consumer.next(consumer.mark()) !== undefined) read++
        assert.equal(read, pushed)
      },
    ),
    { numRuns: 1000 },
  )
})

test('an empty ring takes anything up to half of it, wherever its head is, and nothing larger', () => {
  const memory = createRingMemory(2048)
  const producer = createRingProducer(memory)
  const consumer = createRingConsumer(memory)
  for (let i = 0; i < 500; i++) {
    assert.equal(producer.push('i', 0, '', Buffer.alloc(i % 97)), true)
    assert.equal(producer.used() > 0, true)
    assert.ok(consumer.next(consumer.mark()))
    consumer.release()
    assert.equal(producer.used(), 0)
    assert.equal(producer.push('i', 0, '', Buffer.alloc(1000)), true, `after ${i}`)
    assert.ok(consumer.next(consumer.mark()))
    consumer.release()
  }
  assert.equal(producer.push('i', 0, '', Buffer.alloc(1024)), false)
})
