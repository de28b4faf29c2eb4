// Which bodies are recorded, and where: small ones inside the record, which costs less than a row for each; others are handed over apart.
import type { Inspected } from '#inspection'
import type { FinishRecord, PayloadPart } from '#store'
import type { Told } from './record.ts'

/** Bodies above this are forwarded but not kept for the record. */
const keptBytes = 16 << 20
/** Up to here bodies are kept inside the record. Below what a session's next request is compared with. */
const smallRequestBytes = 2047
const smallAnswerBytes = 4096
/** Vectors are noise to whoever reads a log, and do not compress: more of them would push everything else out of it. */
const storedVectorBytes = 64 << 10
/** What is kept of an answer whose body is not stored: enough to count it if its usage never comes. */
const keptForCountingBytes = 256 << 10

/** How much of an answer is kept. */
export function keptLimit(storesPayloads: boolean): number {
  return storesPayloads ? keptBytes : keptForCountingBytes
}

type Inspecting = Told & { readonly inspected: Inspected }

/** Before the answer: what is small waits, to be recorded together with it. */
export function recordRequest(told: Inspecting): void {
  if (told.storesPayloads && !waits(told)) hand(told, 'request', told.inspected.body.original())
}

/** With the answer: what goes into the record itself; undefined: it was handed over, or is not stored. */
export function recordAnswer(told: Inspecting): FinishRecord['bodies'] {
  if (!told.storesPayloads) return undefined
  const { kept } = told
  if (waits(told)) {
    const request = told.inspected.body.original()
    if (kept.length <= smallAnswerBytes) return { request, response: kept.bytes() }
    hand(told, 'request', request)
  }
  if (kept.length > 0 && (told.arrival.operation !== 'embed' || kept.length <= storedVectorBytes)) hand(told, 'response', kept.bytes())
  return undefined
}

function hand({ deps, arrival, inspected }: Inspecting, part: PayloadPart, bytes: Buffer): void {
  deps.journal.payload(arrival.id, part, inspected.session, part === 'request' && arrival.shared !== undefined ? arrival.shared : bytes)
}

/** Of streams, what has come so far must not wait for the end. */
function waits({ arrival, inspected }: Inspecting): boolean {
  return !inspected.stream && arrival.bodyEnd - arrival.bodyStart <= smallRequestBytes
}
