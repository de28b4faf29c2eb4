// Bodies that did not fit the ring, as frames of a payload segment.
import { RecordReader, type PayloadPart, type RecordWriter } from '#store'

export const payloadType = 0x42
export const payloadParts = ['request', 'response'] as const satisfies readonly PayloadPart[]

export type PayloadEntry = { readonly id: string; readonly part: PayloadPart; readonly session: string; readonly body: Buffer }

export function encodePayload(out: RecordWriter, id: string, part: PayloadPart, session: string, body: Uint8Array): void {
  out.begin(payloadType, 1, id, 16 + body.length)
  out.number(payloadParts.indexOf(part))
  out.string(session)
  out.raw(body)
  out.end()
}

/** `body` is a view of `record`. */
export function decodePayload(record: Buffer): PayloadEntry {
  const reader = new RecordReader(record)
  if (reader.type !== payloadType) throw new RangeError(`A record of type ${reader.type} stands in a payload segment`)
  const part = payloadParts[reader.number()]
  if (part === undefined) throw new RangeError('A stored body is of an unknown part')
  const session = reader.string()
  return { id: reader.id, part, session, body: reader.raw() }
}
