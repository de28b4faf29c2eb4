// The body of a request, looked at and edited where it lies; what must be parsed is parsed as late as can be.
import {
  canPeekAt,
  createPeek,
  createSplicer,
  parseBody,
  readValue,
  type ByteRange,
  type JsonObject,
  type JsonValue,
  type Peek,
  type Peeked,
  type Splicer,
} from '#kernel'
import type { ConversationBytes, LatestTurns } from '#policy'
import type { RequestEdit } from '#wires'
import type { Arrival, InspectedArrival } from './arrival.ts'
import type { Turn } from './histories.ts'
import type { RequestView } from './request-view.ts'

/** Smaller bodies are parsed sooner than a thread has heard of them. */
export const largeBodyBytes = 256 << 10

export interface InspectedBody {
  readonly fields: JsonObject
  readonly conversation: ConversationBytes
  /** The body with these edits applied; each call begins with the original again. */
  splice(edits: readonly RequestEdit[]): Buffer
  /** Those of the names that are top-level fields of the body. */
  present(names: readonly string[]): readonly string[]
  /** The value of a top-level field, read from where it lies; undefined: it is not there. */
  member(name: string): JsonValue | undefined
  /** The whole body, parsed. */
  document(): JsonObject
  /** Until another request is inspected. */
  latestTurns(): LatestTurns
  /** The bytes as they came. Edits are undone: a later splice begins with the original again. */
  original(): Buffer
  /** The original bytes again, for the histories; undefined when there is nothing to keep. Afterwards this body is not to be used. */
  retire(): Turn | undefined
}

/**
 * `doubtful`: it must be parsed, and is large; `rewrite` it where nobody waits, and come again with that. Throws
 * `Failure('invalid_request')`.
 */
export function bodyOf(arrival: InspectedArrival, view: RequestView, rewritten: Buffer | undefined): InspectedBody | 'doubtful' {
  const length = arrival.bodyEnd - arrival.bodyStart
  if (rewritten === undefined) {
    const seen = length < view.historyBytes ? smallBody(arrival, view) : historyBody(arrival, view)
    if (seen !== 'doubtful' || length >= largeBodyBytes) return seen
  }
  return rewrittenBody(arrival, view, rewritten ?? rewrite(bytesOf(arrival), view.names))
}

/** Doubtful bytes are parsed as a whole, and what goes on is written anew from what was read. Throws `Failure('invalid_request')`. */
export function rewrite(body: Buffer, names: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(parseBody(body, 0, body.length, names)))
}

/** A copy. Names are a client's or a config's: an object with them is built from entries. */
export function edited(document: JsonObject, edits: readonly RequestEdit[]): JsonObject {
  const members = new Map(Object.entries(document))
  for (const { field, value } of edits) {
    if (value === undefined) members.delete(field)
    else members.set(field, value)
  }
  return Object.fromEntries(members)
}

function smallBody(arrival: InspectedArrival, view: RequestView): InspectedBody | 'doubtful' {
  const peeked = view.peek.peek(arrival.buffer, arrival.bodyStart, arrival.bodyEnd, view.sharedResult)
  return peeked === 'doubtful' ? peeked : new PeekedBody(arrival, arrival, view, peeked, undefined)
}

function historyBody(arrival: InspectedArrival, view: RequestView): InspectedBody | 'doubtful' {
  const turn = view.histories.peek(arrival)
  return turn === 'doubtful' ? turn : new PeekedBody(arrival, arrival, view, turn.found, turn)
}

type BodyBytes = Pick<Arrival, 'buffer' | 'bodyStart' | 'bodyEnd'>

/** A body whose fields were found where they lie. */
class PeekedBody implements InspectedBody {
  readonly fields: JsonObject = {}
  readonly conversation: ConversationBytes
  /** What is looked at and spliced: as it came, or written anew. */
  readonly #bytes: BodyBytes
  readonly #sent: BodyBytes
  #splicer: Splicer | undefined
  readonly #view: RequestView
  readonly #turn: Turn | undefined
  /** Without a turn of its own, what was found is this body's only until another request is inspected. */
  readonly #peekedAs: number

  constructor(bytes: BodyBytes, sent: BodyBytes, view: RequestView, peeked: Peeked, turn: Turn | undefined) {
    this.#bytes = bytes
    this.#sent = sent
    this.#view = view
    this.#turn = turn
    this.#peekedAs = turn === undefined ? ++view.peeks : 0
    const { buffer } = bytes
    for (const name of view.smallFields) {
      const member = peeked.members[name]!
      if (member.start >= 0) this.fields[name] = readValue(buffer, member)
    }
    const messages = peeked.members[view.turns]!
    const system = view.instructions === undefined ? nowhere : peeked.members[view.instructions]!
    const { first, last, count } = peeked.elements
    this.conversation = {
      body: buffer,
      messagesStart: messages.start,
      messagesEnd: messages.end,
      // Without elements (a string, an empty array) the opening is the whole.
      openingEnd: count > 3 ? first[2]!.end : count > 0 ? last.end : messages.end,
      systemStart: system.start,
      systemEnd: system.end,
    }
  }

  splice(edits: readonly RequestEdit[]): Buffer {
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    this.#splicer?.restore()
    if (edits.length === 0) return buffer.subarray(bodyStart, bodyEnd)
    const view = this.#view
    const known = edits.every(({ field }) => view.names.includes(field))
    const found = known
      ? this.#found()
      : peekFields(
          edits.map(({ field }) => field),
          buffer,
          [bodyStart, bodyEnd],
        )
    // Doubtful here means that a field which only this target touches is there twice or in another spelling: the parser decides.
    if (found === 'doubtful') return Buffer.from(JSON.stringify(edited(this.document(), edits)))
    this.#splicer = createSplicer(buffer, bodyStart, bodyEnd, found)
    const spliced = this.#splicer.splice(
      edits.map(({ field, value }) => ({ field, json: value === undefined ? undefined : JSON.stringify(value) })),
    )
    return spliced.buffer.subarray(spliced.start, spliced.end)
  }

  #found(): Peeked {
    const view = this.#view
    if (this.#turn !== undefined) return this.#turn.found
    if (this.#peekedAs !== view.peeks) {
      view.peeks++
      view.peek.peek(this.#bytes.buffer, this.#bytes.bodyStart, this.#bytes.bodyEnd, view.sharedResult)
    }
    return view.sharedResult
  }

  present(names: readonly string[]): readonly string[] {
    const found = this.#peek(names)
    // Doubtful here means that one of them is there twice or in another spelling: the parser decides.
    if (found === 'doubtful') return namesIn(this.document(), names)
    return names.filter((name) => found.members[name]!.start >= 0)
  }

  member(name: string): JsonValue | undefined {
    if (this.#view.smallFields.includes(name)) return this.fields[name]
    const found = this.#peek([name])
    if (found === 'doubtful') return this.document()[name]
    const member = found.members[name]!
    return member.start < 0 ? undefined : readValue(this.#bytes.buffer, member)
  }

  document(): JsonObject {
    this.#restore()
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    return JSON.parse(buffer.toString('utf8', bodyStart, bodyEnd)) as JsonObject
  }

  latestTurns(): LatestTurns {
    this.#restore()
    const { count, fromEnd } = this.#found().elements
    return { buffer: this.#bytes.buffer, count, fromEnd }
  }

  original(): Buffer {
    this.#restore()
    return this.#sent.buffer.subarray(this.#sent.bodyStart, this.#sent.bodyEnd)
  }

  /** The original is whole again. */
  #restore(): void {
    this.#splicer?.restore()
    this.#splicer = undefined
  }

  #peek(names: readonly string[]): Peeked | 'doubtful' {
    this.#restore()
    const { buffer, bodyStart, bodyEnd } = this.#bytes
    return peekFields(names, buffer, [bodyStart, bodyEnd])
  }

  retire(): Turn | undefined {
    if (this.#turn !== undefined) this.#splicer?.restore()
    return this.#turn
  }
}

/** For lists of names that belong to a provider's dialect or to a config; such configs may be a client's, so they are bounded. */
const fieldsPeeks = new Map<string, Peek | undefined>()
const maxFieldsPeeks = 256

/** Doubtful, too, when a name is one that nobody can peek at. */
function peekFields(names: readonly string[], buffer: Buffer, [start, end]: readonly [number, number]): Peeked | 'doubtful' {
  const list = JSON.stringify(names)
  if (!fieldsPeeks.has(list)) {
    if (fieldsPeeks.size >= maxFieldsPeeks) fieldsPeeks.clear()
    fieldsPeeks.set(list, canPeekAt(names) ? createPeek({ fields: names }) : undefined)
  }
  return fieldsPeeks.get(list)?.peek(buffer, start, end) ?? 'doubtful'
}

function namesIn(document: JsonObject, names: readonly string[]): readonly string[] {
  return names.filter((name) => document[name] !== undefined)
}

function bytesOf({ buffer, bodyStart, bodyEnd }: BodyBytes): Buffer {
  return buffer.subarray(bodyStart, bodyEnd)
}

function rewrittenBody(arrival: InspectedArrival, view: RequestView, text: Buffer): InspectedBody {
  const bytes: BodyBytes = { buffer: text, bodyStart: 0, bodyEnd: text.length }
  const again = view.peek.peek(text, 0, text.length, view.sharedResult)
  return again === 'doubtful' ? parsedBody(arrival, view, text) : new PeekedBody(bytes, arrival, view, again, undefined)
}

/** What was written anew is never doubtful, but for keys that must be escaped or are another case of ours. */
function parsedBody(arrival: InspectedArrival, view: RequestView, text: Buffer): InspectedBody {
  const document = JSON.parse(text.toString('utf8')) as JsonObject
  const fields: JsonObject = {}
  for (const name of view.smallFields) if (document[name] !== undefined) fields[name] = document[name]
  return {
    fields,
    conversation: {
      body: text,
      messagesStart: document[view.turns] === undefined ? -1 : 0,
      messagesEnd: text.length,
      openingEnd: text.length,
      systemStart: -1,
      systemEnd: -1,
    },
    splice: (edits) => (edits.length === 0 ? text : Buffer.from(JSON.stringify(edited(document, edits)))),
    present: (names) => namesIn(document, names),
    member: (name) => (Object.hasOwn(document, name) ? document[name] : undefined),
    document: () => document,
    latestTurns: () => ({ buffer: text, count: -1, fromEnd: () => undefined }),
    original: () => arrival.buffer.subarray(arrival.bodyStart, arrival.bodyEnd),
    retire: () => undefined,
  }
}

const nowhere: ByteRange = { start: -1, end: -1 }
