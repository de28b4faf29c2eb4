// The primitive layer of the journal's binary records: numbers as float64, all strings of a record joined into one UTF-8 text.
//
// One `write` of the joined text is several times cheaper than one native call per string, and the same holds for reading.
// Frame: u32 length of what follows the CRC | u32 CRC-32 of it | u8 type | u8 version | u16 id bytes | u32 text bytes | id | numbers | text

import { crc32 } from 'node:zlib'

export const frameHeadBytes = 8
const recordHeadBytes = 8
/** Longest frame that a reader believes; a longer length field is damage. */
export const maxFrameBytes = 64 * 1024 * 1024

/** Appends frames to one growing buffer. */
export class RecordWriter {
  bytes: Buffer
  length = 0
  /** CRC start value: frames of another process' generation don't validate as ours. */
  readonly nonce: number
  #view: DataView
  #frame = 0
  #text = ''

  constructor(nonce: number, capacity = 64 * 1024) {
    this.nonce = nonce
    this.bytes = Buffer.allocUnsafeSlow(capacity)
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  }

  /** `numbersBytes`: at least what the numbers and string lengths of this record will take. */
  begin(type: number, version: number, id: string, numbersBytes: number): void {
    const idRoom = id.length * 3
    if (idRoom > 65_535) throw new RangeError('A record id is longer than 21,845 characters')
    this.#ensure(frameHeadBytes + recordHeadBytes + idRoom + numbersBytes)
    this.#frame = this.length
    const head = this.#frame + frameHeadBytes
    const idBytes = this.bytes.write(id, head + recordHeadBytes)
    this.#view.setUint8(head, type)
    this.#view.setUint8(head + 1, version)
    this.#view.setUint16(head + 2, idBytes, true)
    this.length = head + recordHeadBytes + idBytes
    this.#text = ''
  }

  number(value: number): void {
    this.#view.setFloat64(this.length, value, true)
    this.length += 8
  }

  optional(value: number | undefined): void {
    this.#view.setFloat64(this.length, value ?? Number.NaN, true)
    this.length += 8
  }

  string(value: string): void {
    this.#view.setUint32(this.length, value.length, true)
    this.length += 4
    this.#text += value
  }

  bigint(value: bigint | undefined): void {
    this.string(value === undefined ? '' : value.toString())
  }

  /** Bytes as they are, their room counted in `begin`. */
  raw(value: Uint8Array): void {
    this.bytes.set(value, this.length)
    this.length += value.length
  }

  /** Completes the frame; undoes it when it is too long to be read back. */
  end(): void {
    const head = this.#frame + frameHeadBytes
    const text = this.#text
    this.#text = ''
    this.#ensure(text.length * 3)
    const textBytes = text === '' ? 0 : this.bytes.write(text, this.length)
    this.#view.setUint32(head + 4, textBytes, true)
    this.length += textBytes
    const length = this.length - head
    if (length > maxFrameBytes) {
      this.length = this.#frame
      throw new RangeError(`A record of ${length} bytes is longer than the journal accepts`)
    }
    this.#view.setUint32(this.#frame, length, true)
    this.#view.setUint32(this.#frame + 4, crc32(this.bytes.subarray(head, this.length), this.nonce), true)
  }

  /** Forgets the first `count` bytes. */
  discard(count: number): void {
    this.bytes.copyWithin(0, count, this.length)
    this.length -= count
  }

  /** Forgets everything, and a buffer that one large record made large. */
  release(): void {
    this.length = 0
    if (this.bytes.length > 1024 * 1024) this.#replace(Buffer.allocUnsafeSlow(64 * 1024))
  }

  #replace(bytes: Buffer): void {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  #ensure(more: number): void {
    const need = this.length + more
    if (need <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(need, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.length)
    this.#replace(larger)
  }
}

/** Reads the fields of one record in the order in which they were written. Throws RangeError on a record that ends early. */
export class RecordReader {
  readonly type: number
  readonly version: number
  readonly id: string
  readonly #record: Buffer
  readonly #view: DataView
  #at: number
  readonly #numbersEnd: number
  readonly #text: string
  #textAt = 0

  /** `record`: a frame without its length and CRC. */
  constructor(record: Buffer) {
    if (record.length < recordHeadBytes) throw new RangeError('A record ends inside its head')
    this.#record = record
    this.#view = new DataView(record.buffer, record.byteOffset, record.byteLength)
    this.type = this.#view.getUint8(0)
    this.version = this.#view.getUint8(1)
    this.#at = recordHeadBytes + this.#view.getUint16(2, true)
    this.#numbersEnd = record.length - this.#view.getUint32(4, true)
    if (this.#numbersEnd < this.#at) throw new RangeError('A record is shorter than its head says')
    this.id = record.toString('utf8', recordHeadBytes, this.#at)
    this.#text = record.toString('utf8', this.#numbersEnd)
  }

  number(): number {
    const at = this.#at
    if (at + 8 > this.#numbersEnd) throw new RangeError('A record ends inside its numbers')
    this.#at = at + 8
    return this.#view.getFloat64(at, true)
  }

  optional(): number | undefined {
    const value = this.number()
    return value !== value ? undefined : value
  }

  string(): string {
    const at = this.#at
    if (at + 4 > this.#numbersEnd) throw new RangeError('A record ends inside its string lengths')
    this.#at = at + 4
    const length = this.#view.getUint32(at, true)
    if (length === 0) return ''
    const from = this.#textAt
    this.#textAt = from + length
    if (this.#textAt > this.#text.length) throw new RangeError('A record ends inside its text')
    return this.#text.slice(from, this.#textAt)
  }

  /** Goes past a string that nobody wants. */
  skipString(): void {
    const at = this.#at
    if (at + 4 > this.#numbersEnd) throw new RangeError('A record ends inside its string lengths')
    this.#at = at + 4
    this.#textAt += this.#view.getUint32(at, true)
    if (this.#textAt > this.#text.length) throw new RangeError('A record ends inside its text')
  }

  /** A view of the next bytes, or of all that are left. */
  raw(bytes: number = this.#numbersEnd - this.#at): Buffer {
    const at = this.#at
    if (!(bytes >= 0) || at + bytes > this.#numbersEnd) throw new RangeError('A record ends inside its bytes')
    this.#at = at + bytes
    return this.#record.subarray(at, at + bytes)
  }

  bigint(): bigint | undefined {
    const text = this.string()
    return text === '' ? undefined : BigInt(text)
  }
}

/** The id of a record without decoding the rest. */
export function recordId(record: Buffer): string {
  return record.toString('utf8', recordHeadBytes, recordHeadBytes + record.readUInt16LE(2))
}

/** One frame found in a buffer: the record is [start, end), the next frame begins at `end`. */
export type Frame = { readonly start: number; readonly end: number }

/** The frame at `at`; 'short' when the buffer ends inside it, 'bad' when it is damaged. */
export function frameAt(bytes: Buffer, at: number, length: number, nonce: number): Frame | 'short' | 'bad' {
  if (at + frameHeadBytes > length) return 'short'
  const size = bytes.readUInt32LE(at)
  if (size < recordHeadBytes || size > maxFrameBytes) return 'bad'
  const start = at + frameHeadBytes
  const end = start + size
  if (end > length) return 'short'
  return crc32(bytes.subarray(start, end), nonce) === bytes.readUInt32LE(at + 4) ? { start, end } : 'bad'
}
