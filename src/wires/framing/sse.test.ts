// The event parser against published cases, against its own frames, and against time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import { readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'
import type { RawFrame } from '#wires/codec'
import { createSseParser } from './sse.ts'

function parse(chunks: readonly Uint8Array[], options?: { maxEventBytes: number }): RawFrame[] {
  const frames: RawFrame[] = []
  const parser = createSseParser(options)
  // A socket reuses its buffer: each chunk is overwritten after the push, and the frames' own bytes are copied during the call.
  for (const bytes of chunks) {
    const chunk = Buffer.from(bytes)
    parser.push(chunk, (frame) =>
      frames.push({ event: frame.event, data: frame.data, raw: Buffer.from(frame.raw), incomplete: frame.incomplete } as RawFrame),
    )
    chunk.fill(0x21)
  }
  parser.end((frame) => frames.push(frame))
  return frames
}
const events = (frames: readonly RawFrame[]) =>
  frames.filter((frame) => frame.data !== undefined && !frame.incomplete).map((frame) => ({ event: frame.event ?? null, data: frame.data }))
const bytewise = (text: string) => [...Buffer.from(text)].map((byte) => Buffer.from([byte]))

type Case = { name: string; chunks_utf8: string[]; expect: { event: string | null; data: string }[] }

test('parses the published parser cases, as chunked there and byte by byte', { skip: skipWithoutCorpus }, () => {
  let cases = 0
  for (const { name, chunks_utf8: written, expect } of readJsonLines<Case>('sse', 'parser-cases.jsonl')) {
    // Two cases hold the three bytes of a BOM as three characters.
    const chunks_utf8 = written.map((chunk) => chunk.replaceAll('\u00ef\u00bb\u00bf', '\ufeff'))
    const expected = expect.map(({ event, data }) => ({ event, data }))
    assert.deepEqual(events(parse(chunks_utf8.map((chunk) => Buffer.from(chunk)))), expected, name)
    assert.deepEqual(events(parse(bytewise(chunks_utf8.join('')))), expected, `${name}, byte by byte`)
    assert.equal(Buffer.concat(parse(bytewise(chunks_utf8.join(''))).map((frame) => frame.raw)).toString(), chunks_utf8.join(''), name)
    cases++
  }
  assert.ok(cases > 80)
})

test('every byte belongs to exactly one frame, comments and blank lines included', () => {
  const stream = '\ufeff: hello\r\n\r\n\n\ndata: 1\r\rid: 7\nevent: x\ndata: a\ndata: b\n\n\rdata: rest'
  for (const chunks of [[Buffer.from(stream)], bytewise(stream)]) {
    const frames = parse(chunks)
    assert.equal(Buffer.concat(frames.map((frame) => frame.raw)).toString(), stream)
    assert.deepEqual(events(frames), [
      { event: null, data: '1' },
      { event: 'x', data: 'a\nb' },
    ])
    assert.equal(frames[0]!.data, undefined)
  }
})

test('an event without its blank line is reported as incomplete at the end', () => {
  const [frame, ...others] = parse([Buffer.from('data: [DO'), Buffer.from('NE]')])
  assert.deepEqual([frame!.data, frame!.incomplete, others.length], ['[DONE]', true, 0])
  assert.deepEqual(
    parse([Buffer.from('data: x\n\n')]).filter((each) => each.incomplete),
    [],
  )
})

test('the frame of an event that lies in one chunk is a slice of it, not a copy', () => {
  const chunk = Buffer.from('data: 1\n\ndata: 2\n\n')
  createSseParser().push(chunk, (frame) => assert.equal(frame.raw.buffer, chunk.buffer))
})

test('a character split between chunks arrives whole', () => {
  assert.deepEqual(events(parse(bytewise('data: €🛃\r\n\r\n'))), [{ event: null, data: '€🛃' }])
})

test('an event of a megabyte in small chunks is parsed in linear time', () => {
  const size = 1024 * 1024
  const big = Buffer.from(`data: ${'x'.repeat(size)}\n\n`)
  const timeMs = (pieceBytes: number, total: Buffer) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < total.length; at += pieceBytes) pieces.push(total.subarray(at, at + pieceBytes))
    const began = performance.now()
    const parser = createSseParser()
    let bytes = 0
    for (const piece of pieces) parser.push(piece, (frame) => (bytes += frame.data!.length))
    assert.equal(bytes, total.length - 8)
    return performance.now() - began
  }
  timeMs(64, big)
  // Quadratic work on 16 MB in 64-byte pieces would take minutes.
  assert.ok(timeMs(64, Buffer.from(`data: ${'x'.repeat(15 * size)}\n\n`)) < 5_000)
})

test('an event above the limit is refused, before and after its blank line', () => {
  const refused = (error: unknown) => error instanceof Failure && error.kind === 'bad_response'
  assert.throws(() => parse([Buffer.from(`data: ${'x'.repeat(200)}\n\n`)], { maxEventBytes: 100 }), refused)
  assert.throws(() => parse(bytewise(`data: ${'x'.repeat(200)}`), { maxEventBytes: 100 }), refused)
  assert.equal(parse([Buffer.from(`data: ${'x'.repeat(50)}\n\n`.repeat(10))], { maxEventBytes: 100 }).length, 10)
})
