// Lines of JSON, however their bytes arrive.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '#kernel'
import type { RawFrame } from '#wires/codec'
import { createJsonLinesParser } from './json-lines.ts'

function parse(text: string, chunkBytes: number, maxLineBytes?: number): RawFrame[] {
  const parser = createJsonLinesParser(maxLineBytes === undefined ? {} : { maxLineBytes })
  const frames: RawFrame[] = []
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // As a socket's buffer: gone after the call.
    const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes))
    parser.push(chunk, (frame) => frames.push({ ...frame, raw: Buffer.from(frame.raw) }))
    chunk.fill(0x21)
  }
  parser.end((frame) => frames.push(frame))
  return frames
}

test('each line is a frame with its own bytes, wherever the chunks are cut', () => {
  const value = fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' }), { maxKeys: 3 })
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 6 }),
      fc.constantFrom('\n', '\r\n', '\n\n'),
      fc.integer({ min: 1, max: 20 }),
      (values, end, size) => {
        const text = values.map((each) => JSON.stringify(each) + end).join('')
        const frames = parse(text, size)
        assert.deepEqual(
          frames.flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data) as unknown])),
          values.map((each) => ({ ...each })),
        )
        assert.equal(Buffer.concat(frames.map(({ raw }) => raw)).toString(), text)
        assert.ok(frames.every(({ incomplete }) => !incomplete))
      },
    ),
  )
})

test('a last line without its newline is reported as incomplete', () => {
  const frames = parse('{"a":1}\n{"b":', 3)
  assert.deepEqual(
    frames.map(({ data, incomplete }) => [data, incomplete]),
    [
      ['{"a":1}', false],
      ['{"b":', true],
    ],
  )
})

test('a line without an end is refused at the limit, not gathered for ever', () => {
  for (const size of [1, 7, 1_000]) {
    assert.throws(
      () => parse(`{"a":"${'x'.repeat(200)}`, size, 100),
      (error) => error instanceof Failure && error.kind === 'bad_response',
    )
  }
  assert.equal(parse(`${'1'.repeat(99)}\n`, 10, 100).length, 1)
})

test('the limit holds while the line still comes, not only at its end', () => {
  const parser = createJsonLinesParser({ maxLineBytes: 100 })
  const piece = Buffer.alloc(30, 0x31)
  const push = () => parser.push(piece, () => assert.fail('there is no whole line'))
  for (let i = 0; i < 3; i++) push()
  assert.throws(push, (error) => error instanceof Failure && error.kind === 'bad_response')
})

test('the work for a long line is linear in its bytes', () => {
  const parser = createJsonLinesParser()
  const piece = Buffer.alloc(64, 0x31)
  let frames = 0
  for (let i = 0; i < 100_000; i++) parser.push(piece, () => frames++)
  assert.equal(parser.idle, false)
  parser.push(Buffer.from('\n'), ({ raw }) => {
    frames++
    assert.equal(raw.length, 6_400_001)
  })
  assert.equal(frames, 1)
  assert.equal(parser.idle, true)
})
