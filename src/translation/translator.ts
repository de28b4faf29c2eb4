// Translates large bodies in a thread of its own, so that nobody else's stream waits for a parser.
import { Failure, type FailureDetails, type FailureKind, type JsonObject } from '#kernel'
import type { ClientWire, Note, Response } from '#ir'
import { createAskedThread, siblingModule } from '#threads'
import type { AnswerContext, PathFields, RequestEdit } from '#wires'
import type { AnswerToRead, CallsWanted, Piece, WrittenCall, WrittenCalls } from './embedding.ts'
import type { KeptSeal } from './seals.ts'
import type { ToolNames } from './tool-names.ts'
import type { AnswerToDecode, Cleaned, Translation } from './translation.ts'

/** What the thread reads: its own, or in memory that threads share. */
export type AskedBytes = ArrayBuffer | SharedArrayBuffer

export type TranslatorQuestion =
  | (Translation & { readonly ask: 'request'; readonly body: AskedBytes; readonly seals: ReadonlyMap<string, KeptSeal> })
  | (CallsWanted & { readonly ask: 'calls'; readonly body: AskedBytes })
  | (AnswerToRead & { readonly ask: 'vectors'; readonly body: AskedBytes })
  | { readonly ask: 'rewrite'; readonly names: readonly string[]; readonly body: AskedBytes }
  | { readonly ask: 'clean'; readonly wire: ClientWire; readonly edits: readonly RequestEdit[]; readonly body: AskedBytes }
  | (Prompt & { readonly ask: 'prompt'; readonly body: AskedBytes })
  | (AnswerToDecode & { readonly ask: 'decode'; readonly body: AskedBytes })
  | (AnswerToEncode & { readonly ask: 'encode' })

export type Prompt = { readonly wire: ClientWire; readonly path: PathFields | undefined }

export type AnswerToEncode = {
  readonly wire: ClientWire
  readonly response: Response
  readonly context: Omit<AnswerContext, 'request'> & { readonly request: JsonObject }
  readonly costUsd: number | undefined
}

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
export type ToldCleaned = { readonly cleaned: Sent<Cleaned> | undefined }

/** Bytes are copied before a method returns, unless they lie in shared memory of their own. Each method rejects with the `Failure` of a codec. */
export interface Translator {
  translate(translation: Translation, bytes: Buffer, seals: ReadonlyMap<string, KeptSeal>): Promise<TranslatedBody>
  /** `bytes`: the client's body of a request for embeddings. */
  writeCalls(wanted: CallsWanted, bytes: Buffer): Promise<WrittenCalls>
  /** `bytes`: a provider's answer to one of those calls. */
  readAnswer(reading: AnswerToRead, bytes: Buffer): Promise<Piece>
  /** A doubtful body, parsed and written anew. `names`: the fields that count. */
  rewrite(names: readonly string[], bytes: Buffer): Promise<Buffer>
  /** As `cleanedOf`. */
  clean(wire: ClientWire, edits: readonly RequestEdit[], bytes: Buffer): Promise<Cleaned | undefined>
  promptText(prompt: Prompt, bytes: Buffer): Promise<string>
  /** A whole answer of a provider. */
  decodeAnswer(answer: AnswerToDecode, bytes: Buffer): Promise<Response>
  /** The body of a whole answer for the client. */
  encodeAnswer(answer: AnswerToEncode): Promise<Buffer>
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
    return told(questionWith(body), transfer)
  }

  async function told<Told>(question: TranslatorQuestion, transfer: ArrayBuffer[]): Promise<Told> {
    const answer = await thread.ask<TranslatorAnswer<Told>>(question, transfer)
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
    async rewrite(names, bytes) {
      const { text } = await ask<{ text: ArrayBuffer }>(bytes, (body) => ({ ask: 'rewrite', names, body }))
      return Buffer.from(text)
    },
    async clean(wire, edits, bytes) {
      const { cleaned } = await ask<ToldCleaned>(bytes, (body) => ({ ask: 'clean', wire, edits, body }))
      return cleaned === undefined ? undefined : { body: Buffer.from(cleaned.body), notes: cleaned.notes }
    },
    async promptText(prompt, bytes) {
      return (await ask<{ text: string }>(bytes, (body) => ({ ask: 'prompt', ...prompt, body }))).text
    },
    async decodeAnswer(answer, bytes) {
      return (await ask<{ response: Response }>(bytes, (body) => ({ ask: 'decode', ...answer, body }))).response
    },
    async encodeAnswer(answer) {
      const { text } = await told<{ text: ArrayBuffer }>({ ask: 'encode', ...answer }, [])
      return Buffer.from(text)
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
