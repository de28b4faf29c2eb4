// Buffers are reused, never shared, and a collector holds exactly what was pushed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteCollector, createBufferPool, type BufferPool } from './buffers.ts'

/** A pool that knows who holds what, and spoils what is given back. */
function strictPool(): BufferPool & { readonly taken: ReadonlySet<Buffer> } {
  const pool = createBufferPool()
  const taken = new Set<Buffer>()
  return {
    taken,
    share: pool.share,
    take(bytes) {
      const buffer = pool.take(bytes)
      assert.ok(!taken.has(buffer), 'a buffer that is in use was handed out')
      taken.add(buffer)
      return buffer
    },
    give(buffer) {
      assert.ok(taken.delete(buffer), 'a buffer was given back twice')
      buffer.fill(0xee)
      pool.give(buffer)
    },
  }
}

test('a buffer is large enough, and what is given back is taken again', () => {
  const pool = createBufferPool()
  for (const bytes of [0, 1, 8192, 8193, 100_000, 2 << 20, (2 << 20) + 1]) assert.ok(pool.take(bytes).length >= bytes)
  const first = pool.take(5000)
  pool.give(first)
  assert.notEqual(pool.take(100_000), first, 'another size')
  assert.equal(pool.take(3000), first)
  assert.notEqual(pool.take(3000), first, 'it is taken')
})

test('idle buffers are bounded, and odd sizes are not kept', () => {
  const pool = createBufferPool()
  const large = Array.from({ length: 10 }, () => pool.take(2 << 20))
  for (const buffer of large) pool.give(buffer)
  const again = Array.from({ length: 10 }, () => pool.take(2 << 20))
  assert.equal(again.filter((buffer) => large.includes(buffer)).length, 4, '8 MB of each size')
  const odd = pool.take(3 << 20)
  pool.give(odd)
  assert.notEqual(pool.take(3 << 20), odd)
})

/** Pieces of every length up to the limit, as likely as each other: only the large ones make a buffer grow. */
const piece = (maxBytes: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: maxBytes }), fc.nat())
    .map(([length, seed]) => Buffer.from(Uint8Array.from({ length }, (_, index) => seed + index * 31)))
const pieces = fc.array(piece(40_000), { maxLength: 8, size: 'max' })

test('a collector holds what was pushed, however it grew, and gives back every buffer but the last', () => {
  fc.assert(
    fc.property(pieces, (chunks) => {
      const pool = strictPool()
      const collector = new ByteCollector(pool, Infinity)
      for (const chunk of chunks) {
        assert.equal(collector.push(chunk), true)
        assert.ok(pool.taken.size <= 1)
      }
      assert.equal(collector.length, Buffer.concat(chunks).length)
      assert.ok(collector.bytes().equals(Buffer.concat(chunks)))
      collector.release()
      assert.equal(pool.taken.size, 0)
      assert.equal(collector.bytes().length, 0)
    }),
    { numRuns: 60 },
  )
})

test('bytes are inserted at any place, also when the buffer must grow for them', () => {
  fc.assert(
    fc.property(piece(9000), piece(9000), fc.nat(), (kept, inserted, somewhere) => {
      const at = somewhere % (kept.length + 1)
      const collector = new ByteCollector(strictPool(), Infinity)
      collector.push(kept)
      collector.insert(at, inserted)
      assert.ok(collector.bytes().equals(Buffer.concat([kept.subarray(0, at), inserted, kept.subarray(at)])))
    }),
    { numRuns: 60 },
  )
})

test('a chunk is copied: the socket may use its bytes again', () => {
  const collector = new ByteCollector(createBufferPool(), Infinity)
  const chunk = Buffer.from('abc')
  collector.push(chunk)
  chunk.fill(0)
  assert.equal(collector.bytes().toString(), 'abc')
})

test('from the first chunk that does not fit, nothing more is kept, and all of it is counted', () => {
  const collector = new ByteCollector(createBufferPool(), 5)
  assert.equal(collector.push(Buffer.from('abc')), true)
  assert.equal(collector.push(Buffer.from('defg')), false)
  assert.equal(collector.push(Buffer.from('h')), false, 'there would be room, but not behind the gap')
  assert.equal(collector.bytes().toString(), 'abc')
  assert.equal(collector.droppedBytes, 5)
  const exact = new ByteCollector(createBufferPool(), 3)
  assert.equal(exact.push(Buffer.from('abc')), true)
})

test('a buffer that somebody may still read is not given back', () => {
  const pool = strictPool()
  const collector = new ByteCollector(pool, Infinity)
  collector.push(Buffer.from('abc'))
  const read = collector.bytes()
  collector.release(false)
  assert.equal(collector.length, 0)
  assert.equal(pool.taken.size, 1)
  collector.push(Buffer.from('xyz'))
  assert.equal(read.toString(), 'abc')
})

test('shared memory is given until too much of it is there', () => {
  const pool = createBufferPool()
  const held: Buffer[] = []
  for (let shared = pool.share(100 << 20); shared !== undefined; shared = pool.share(100 << 20)) held.push(shared)
  assert.equal(held.length, 2)
  assert.ok(held[0]!.buffer instanceof SharedArrayBuffer)
  assert.notEqual(pool.share(1 << 20), undefined, 'what fits is still given')
})
