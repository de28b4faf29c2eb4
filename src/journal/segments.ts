// Segment files: their names, their heads, and reading the frames of one, past damage.
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { frameAt } from '#store'

/** `journal` holds records, `payloads` bodies that did not fit the ring. */
export type SegmentKind = 'journal' | 'payloads'
export type SegmentName = { readonly generation: number; readonly segment: number }

const suffixes = { journal: 'tpj', payloads: 'tpp' } as const satisfies Record<SegmentKind, string>
const magics = { journal: 0x314a_5054, payloads: 0x3150_5054 } as const satisfies Record<SegmentKind, number>

/** u32 magic | u32 generation | u32 segment | u32 nonce: the start value of every CRC, so that text inside a record cannot pose as one. */
export const segmentHeadBytes = 16

export function segmentPath(dir: string, kind: SegmentKind, name: SegmentName): string {
  return join(dir, `${name.generation}-${name.segment}.${suffixes[kind]}`)
}

/** In the order in which they were written. */
export function listSegments(dir: string, kind: SegmentKind): SegmentName[] {
  const found: SegmentName[] = []
  for (const file of readdirSync(dir)) {
    const match = /^(\d{1,15})-(\d{1,15})\.([a-z]+)$/.exec(file)
    if (match?.[3] === suffixes[kind]) found.push({ generation: Number(match[1]), segment: Number(match[2]) })
  }
  return found.sort((a, b) => a.generation - b.generation || a.segment - b.segment)
}

export function encodeSegmentHead(kind: SegmentKind, name: SegmentName, nonce: number): Buffer {
  const head = Buffer.alloc(segmentHeadBytes)
  head.writeUInt32LE(magics[kind], 0)
  head.writeUInt32LE(name.generation, 4)
  head.writeUInt32LE(name.segment, 8)
  head.writeUInt32LE(nonce, 12)
  return head
}

export type SegmentReader = {
  /** Bytes in the file now. */
  size(): number
  /**
   * Calls `onRecord` (bytes valid during the call) for each whole record in [from, to), until it has read about `maxBytes`. Damage is
   * skipped to the next record that validates, and reported. Returns where to go on: `to` when all was read. Whoever kept views of
   * records copies them in `onOverwrite`.
   */
  read(
    from: number,
    to: number,
    maxBytes: number,
    onRecord: (record: Buffer) => void,
    onDamage: (at: number, bytes: number) => void,
    onOverwrite?: () => void,
  ): number
  close(): void
}

const chunkBytes = 1024 * 1024

/** Undefined: the file has no valid head, so none of its records can be told from damage. */
export function openSegmentReader(path: string, kind: SegmentKind): SegmentReader | undefined {
  const fd = openSync(path, 'r')
  const head = Buffer.alloc(segmentHeadBytes)
  if (readSync(fd, head, 0, segmentHeadBytes, 0) < segmentHeadBytes || head.readUInt32LE(0) !== magics[kind]) {
    closeSync(fd)
    return undefined
  }
  const nonce = head.readUInt32LE(12)
  let chunk = Buffer.allocUnsafeSlow(chunkBytes)

  function fill(from: number, want: number): number {
    if (want > chunk.length) chunk = Buffer.allocUnsafeSlow(want)
    let got = 0
    while (got < want) {
      const more = readSync(fd, chunk, got, want - got, from + got)
      if (more === 0) break
      got += more
    }
    return got
  }

  return {
    size: () => statSync(path).size,
    read(from, to, maxBytes, onRecord, onDamage, onOverwrite) {
      let at = Math.max(from, segmentHeadBytes)
      let want = chunkBytes
      const stop = at + maxBytes
      while (at < to && at < stop) {
        onOverwrite?.()
        const asked = Math.min(want, to - at)
        const got = fill(at, asked)
        // Less than asked: the file is shorter than it was, cut by whoever damaged it.
        const last = at + got >= to || got < asked
        let used = 0
        let grow = 1
        while (used < got) {
          const frame = frameAt(chunk, used, got, nonce)
          if (typeof frame === 'object') {
            onRecord(chunk.subarray(frame.start, frame.end))
            used = frame.end
          } else if (!last) {
            // A record that goes on behind the chunk, or damage: behind damage the rest is needed at once, to look for the next record.
            grow = frame === 'bad' ? Infinity : used === 0 ? 4 : 1
            break
          } else {
            const next = nextFrame(chunk, used + 1, got, nonce)
            onDamage(at + used, next - used)
            used = next
          }
        }
        if (got === 0) return to
        at += used
        want = grow === 1 ? chunkBytes : want * grow
        if (chunk.length > 8 * chunkBytes && grow === 1) chunk = Buffer.allocUnsafeSlow(chunkBytes)
      }
      return Math.min(at, to)
    },
    close() {
      closeSync(fd)
    },
  }
}

/** Types and layouts that a frame after damage may have; longer records are not looked for. */
const plausibleTypes = new Set([0x42, 0x46, 0x50, 0x52])
const plausibleLayouts = new Set([1, 2, 3, 4])
const plausibleBytes = 4 * 1024 * 1024

function nextFrame(bytes: Buffer, from: number, length: number, nonce: number): number {
  for (let at = from; at + 16 <= length; at++) {
    if (bytes.readUInt32LE(at) > plausibleBytes || !plausibleLayouts.has(bytes[at + 9] ?? 0) || !plausibleTypes.has(bytes[at + 8] ?? 0))
      continue
    if (typeof frameAt(bytes, at, length, nonce) === 'object') return at
  }
  return length
}
