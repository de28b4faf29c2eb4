// Translates large bodies in a thread of its own, so that nobody else's stream waits for a parser.
import { Failure, type FailureDetails, type FailureKind, type JsonObject } from '#kernel'
import type { Note } from '#ir'
import { createAskedThread, siblingModule } from '#threads'
import type { AnswerToRead, CallsWanted, Piece, WrittenCall, WrittenCalls } from './embedding-translation.ts'
import type { KeptSeal } from './seals.ts'
import type { ToolNames } from './tool-names.ts'
import type { Translation } from './translation.ts'

/** Smaller bodies are parsed sooner than a thread has heard of them. */
export const largeBodyBytes = 256 << 10

/** What the thread reads: its own, or in memory that threads share. */
export type AskedBytes = ArrayBuffer | SharedArrayBuffer

export type TranslatorQuestion =
  | (Translation & { readonly ask: 'request'; readonly body: AskedBytes; readonly seals: ReadonlyMap<string, KeptSeal> })
  | (CallsWanted & { readonly ask: 'calls'; readonly body: AskedBytes })
  | (AnswerToRead & { readonly ask: 'vectors'; readonly body: AskedBytes })

/** Of a failure, what another thread can be told. */
export type ToldFailure = { readonly kind: FailureKind; readonly message: string; readonly details: Omit<FailureDetails, 'cause'> }
export type TranslatorAnswer<Told> = ({ readonly ok: true } & Told) | { readonly ok: false; readonly failure: ToldFailure }

/** Bytes on their way between threads. */
type Sent<Value> = { readonly [Name in keyof Value]: Value[Name] extends Buffer ? ArrayBuffer : Value[Name] }

export type TranslatedBody = {
  readonly body: Buffer
  readonly notes: readonly Note[]
  readonly toolNames: ToolNames | undefined
  /** The client's request without its conversation. */
  readonly rest: JsonObject
}
export type ToldBody = Sent<TranslatedBody>
export type ToldCalls = { readonly calls: readonly Sent<WrittenCall>[]; readonly notes: readonly Note[] }
export type ToldPiece = Sent<Piece>

/** Bytes are copied before a method returns, unless they lie in shared memory of their own. Each method rejects with the `Failure` of a codec. */
export interface Translator {
  translate(translation: Translation, bytes: Buffer, seals: ReadonlyMap<string, KeptSeal>): Promise<TranslatedBody>
  /** `bytes`: the client's body of a request for embeddings. */
  writeCalls(wanted: CallsWanted, bytes: Buffer): Promise<WrittenCalls>
  /** `bytes`: a provider's answer to one of those calls. */
  readAnswer(reading: AnswerToRead, bytes: Buffer): Promise<Piece>
  close(): Promise<void>
}

export function createTranslator(): Translator {
  const thread = createAskedThread<TranslatorQuestion>({
    module: siblingModule(import.meta.url, 'translator-thread'),
    data: undefined,
    idleMs: 60_000,
    closed: 'The gateway is stopping.',
    died: ({ message }) => `The thread that translates large bodies has stopped: ${message}`,
    startsAnew: true,
  })

  async function ask<Told>(bytes: Buffer, questionWith: (body: AskedBytes) => TranslatorQuestion): Promise<Told> {
    const { body, transfer } = forThread(bytes)
    const answer = await thread.ask<TranslatorAnswer<Told>>(questionWith(body), transfer)
    if (answer.ok) return answer
    throw new Failure(answer.failure.kind, answer.failure.message, answer.failure.details)
  }

  return {
    async translate(translation, bytes, seals) {
      const { body, notes, toolNames, rest } = await ask<ToldBody>(bytes, (own) => ({ ask: 'request', ...translation, body: own, seals }))
      return { body: Buffer.from(body), notes, toolNames, rest }
    },
    async writeCalls(wanted, bytes) {
      const { calls, notes } = await ask<ToldCalls>(bytes, (body) => ({ ask: 'calls', ...wanted, body }))
      return { calls: calls.map(({ body, count }) => ({ body: Buffer.from(body), count })), notes }
    },
    async readAnswer(reading, bytes) {
      const { text, usage, id, model } = await ask<ToldPiece>(bytes, (body) => ({ ask: 'vectors', ...reading, body }))
      return { text: Buffer.from(text), usage, id, model }
    },
    close: () => thread.close(),
  }
}

function forThread(bytes: Buffer): { readonly body: AskedBytes; readonly transfer: ArrayBuffer[] } {
  if (bytes.buffer instanceof SharedArrayBuffer) return { body: bytes.buffer, transfer: [] }
  const body = new ArrayBuffer(bytes.length)
  bytes.copy(Buffer.from(body))
  return { body, transfer: [body] }
}
