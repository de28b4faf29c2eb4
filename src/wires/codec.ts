// What a wire is: two halves of translation and the watcher of the pass-through lane. Everything here is synchronous and pure.
import type { Failure, JsonObject, JsonValue } from '#kernel'
import type { ClientWire, Dialect, Finish, Note, Request, Response, StreamEvent, Usage, Wire } from '#ir'

/** One server-sent event. `event` is absent when the stream has no `event:` field; `data` is its data lines joined by \n. */
export type SseFrame = { readonly event?: string; readonly data: string }

type Bytes = {
  /** Everything since the previous frame: field lines, comments, the blank line. May lie in the pushed chunk: copy what you keep. */
  readonly raw: Buffer
  /** The stream ended before the blank line. WHATWG discards such an event; some providers end so after their last one. */
  readonly incomplete: boolean
}

/** An event; or, with `data` undefined, bytes that carry none (comments, blank lines, a lone `event:`). */
export type RawFrame = (SseFrame & Bytes) | ({ readonly event?: string; readonly data: undefined } & Bytes)

/** Where a translated request goes. */
export type EncodeTarget = {
  /** The provider's own id of the model. */
  readonly model: string
  readonly dialect: Dialect
  /** Seals of this domain may be sent ("anthropic", "openai", ...); absent: none may. */
  readonly sealDomain?: string
  /** Used where the wire demands an output cap (Anthropic) and the request has none. */
  readonly defaultMaxOutputTokens: number
}

/** What the client's half needs to write an answer. */
export type AnswerContext = {
  /** Used as the answer's id when the provider gave none. */
  readonly requestId: string
  /** The model that answers, when the provider doesn't say. */
  readonly model: string
  readonly createdSeconds: number
  /** Write usage into streams (openai-chat: the last chunk). */
  readonly streamUsage: boolean
  /** The client's own body, for wires whose answers repeat fields of the request. */
  readonly request?: () => JsonObject
}

/** Writes the client's stream. Each call returns bytes to send as text ('' for nothing). */
export interface StreamEncoder {
  push(event: StreamEvent): string
  /** Opens the stream before the provider has said anything; a later `start` event adds nothing that contradicts it. */
  preamble(): string
  /** What this wire's clients count as a sign of life. Valid at any time after the preamble, before the terminal event. */
  keepAlive(): string
  /** Sets the cost that the usage of this answer will carry, in USD; called before the finish event is pushed. */
  setCost(costUsd: number): void
}

/** Reads a provider's stream. Always ends in exactly one terminal event, at the latest in `end()`. */
export interface StreamDecoder {
  push(frame: SseFrame): StreamEvent[]
  /** The provider's stream has ended; an unfinished one yields an `ended_early` error. */
  end(): StreamEvent[]
}

/** What the gateway looks for in a request's bytes before it is routed: names of top-level fields. */
export type RequestShape = {
  /** The conversation: an array; on some wires a string will do. */
  readonly turns: string
  /** Instructions outside the conversation; absent: there are none. */
  readonly instructions?: string
  /** Small fields that are read by value; `model` and `stream` are among them where they are in the body. */
  readonly fields: readonly string[]
}

/** How one turn of a conversation is looked at to see which tools its model calls. */
export type ToolTurns = {
  /** Small fields of a turn that say whose it is. */
  readonly marks: readonly string[]
  /** Fields with the calls, read of a model's turn only: a tool's result may be megabytes. */
  readonly content: readonly string[]
  isModels(marks: JsonObject): boolean
  /** Those that the client runs, in order, without their ids. `fields`: marks and content. */
  callsIn(fields: JsonObject): readonly { readonly name: JsonValue | undefined; readonly input: JsonValue | undefined }[]
  /** A call is a turn of its own, and neighbours are of one answer. */
  readonly oneCallEach?: true
}

/** What a wire says in its path instead of its body (Gemini: the model, and whether the answer is streamed). */
export type PathFields = { readonly model?: string; readonly stream?: boolean }

/** The client's half: a server that speaks this wire. */
export interface IngressCodec {
  /** Response header in which this wire's SDKs look for the request's id. */
  readonly requestIdHeader: string
  readonly shape: RequestShape
  readonly toolTurns: ToolTurns
  /** Throws `Failure('invalid_request')` that names the field. Notes are losses in reading, usually none. */
  decodeRequest(body: JsonObject, path?: PathFields): { readonly request: Request; readonly notes: readonly Note[] }
  encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject
  createStreamEncoder(context: AnswerContext): StreamEncoder
  /** The body of an HTTP error; the status is `failure.status`. */
  encodeError(failure: Failure, requestId: string): JsonObject
  /** An error after the head went out: complete frames, and nothing that looks like a clean end. */
  encodeStreamError(failure: Failure, requestId: string): string
}

/** Cuts a provider's stream into frames. `raw` of a frame is what a client of the wire would be sent for it. */
export interface FrameParser {
  /** Nothing is held: the next byte begins a frame. Only then, and only for server-sent events, may bytes be forwarded unread. */
  readonly idle: boolean
  /** Throws `Failure('bad_response')` for bytes that are no such frame, or a frame that is too large. */
  push(chunk: Uint8Array, onFrame: (frame: RawFrame) => void): void
  /** Reports what is left, if anything, as an incomplete frame. */
  end(onFrame: (frame: RawFrame) => void): void
}

/** How a stream looks that is not server-sent events. */
export type Framing = {
  /** What its `content-type` begins with. */
  readonly contentType: string
  createParser(): FrameParser
}

/** The provider's half: a client that speaks this wire. */
export interface EgressCodec {
  /** The framing of its streams at providers of this dialect; absent or undefined: server-sent events. */
  framing?(dialect: Dialect): Framing | undefined
  encodeRequest(request: Request, target: EncodeTarget): { readonly body: JsonObject; readonly notes: readonly Note[] }
  /** The name by which the provider is told of a tool of this name, and calls it; absent: the same. */
  toolName?(name: string): string
  /** Throws `Failure('bad_response' | 'error_in_stream')` when the body is not a response of this wire. */
  decodeResponse(body: JsonObject, dialect: Dialect): Response
  createStreamDecoder(dialect: Dialect): StreamDecoder
  /** A non-2xx answer (or an error body inside a 200): classified by status, headers and the body's own codes. */
  decodeError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure
}

/** What the pass-through lane learns from one frame. */
export type Watched = {
  readonly id?: string
  readonly model?: string
  /** The whole usage so far. */
  readonly usage?: Usage
  readonly finish?: Finish
  readonly error?: Failure
  /** Nothing follows this frame. */
  readonly terminal?: boolean
  /** Text, reasoning, refusal, or the start of a tool call: the answer has begun. */
  readonly content?: boolean
}

/** Reads along with one answer that passes through. */
export interface Watch {
  /** Reads one stream frame. Cumulative state (Anthropic's usage in two events) lives in the watch. */
  frame(frame: SseFrame): Watched
  /** The frame's bytes with `cost` written into its `usage` object, nothing else changed; undefined when it has none. */
  withCost(frame: SseFrame, costUsd: number): string | undefined
  /** The frame, which has a finish, with `finish` in its place, behind frames that say the notice; the last one has everything else of it. */
  withFinish(frame: SseFrame, finish: Finish, notice: string): SseFrame[]
}

/** Names in lower case. */
export type ClientHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** One change of a top-level member: a new value (added when the member is absent), or its removal. */
export type RequestEdit = { readonly field: string; readonly value: JsonValue | undefined }

/** What must change in a request before its bytes may go on: at most one edit of a field, and a note for each loss. */
export type RequestEdits = { readonly edits: readonly RequestEdit[]; readonly notes: readonly Note[] }

/** The pass-through half: bytes of this wire on both sides. */
export interface PassThrough {
  /**
   * After the answer has begun, only chunks that contain one of these byte strings are read frame by frame; the rest is forwarded
   * unread. Every frame that carries usage, a finish reason, an error or the terminal event contains at least one of them.
   */
  readonly markers: readonly string[]
  /** More of them, for a stream whose finish is rewritten: what `withFinish` has to have read. */
  readonly finishMarkers: readonly string[]
  /** Whether a finish says a word that clients of this wire know. */
  knowsFinish(finish: Finish): boolean
  /** Bytes that end a stream of this wire after its finish reason, for providers that leave them out; absent: they may not be left out. */
  readonly terminator?: string
  createWatch(dialect: Dialect): Watch
  /** Top-level field of a whole response into whose object the cost is written; absent: the wire has no place for it. */
  readonly costField?: string
  /** Reads a whole response body given the JSON of its top-level fields that `responseFields` names; `body` is all of it. */
  readonly responseFields: readonly string[]
  readResponse(fields: JsonObject, dialect: Dialect, body?: Buffer): Watched
  /** Finds the finish reason in the bytes of a whole response, where `responseFields` leaves it out because its field is big. */
  finishIn?(body: Buffer): Finish | undefined
  /**
   * The edits for one target; no edits when the bytes can go as they are. `fields` holds the small top-level fields that were peeked,
   * `model` is the provider's own id, `headers` the client's. A field is only ever changed for a reason that is stated in the code.
   */
  edits(fields: JsonObject, model: string, dialect: Dialect, headers?: ClientHeaders): RequestEdits
  /** What this gateway writes into answers of other vendors for clients to bring back, and what no provider of the wire accepts. */
  readonly own?: OwnWords
}

/** A request that holds the bytes of `mark` is parsed, and passes without what they mark. */
export type OwnWords = {
  readonly mark: string
  without(body: JsonObject): { readonly body: JsonObject; readonly notes: readonly Note[] }
}

/** A wire that providers speak. */
export interface ProviderCodec {
  readonly wire: Wire
  readonly egress: EgressCodec
}

/** The wire's own call that counts the tokens of a request. */
export interface TokenCounting {
  /** Where a provider counts, from its endpoint of this wire (`Provider.endpoints`); undefined: it doesn't. */
  endpoint(generate: string): string | undefined
  /** Throws `Failure('invalid_request')` that names the field. */
  decode(body: JsonObject, path?: PathFields): Request
  encode(inputTokens: number): JsonObject
}

/** A wire that clients speak as well. */
export interface WireCodec extends ProviderCodec {
  readonly wire: ClientWire
  readonly ingress: IngressCodec
  readonly passThrough: PassThrough
  readonly tokenCounting?: TokenCounting
}
