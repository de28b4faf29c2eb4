// Answers on their way into the response cache, as one whole body in the client's wire; and out of it, as a stream where that is asked for.
import { explode, fold, type Finish, type Response, type StreamEvent, type Usage } from '#ir'
import { createPeek, createSplicer, type Peek } from '#kernel'
import { createSseParser, embeddings, parseObject, type AnswerContext, type StreamEncoder, type WireCodec } from '#wires'
import type { CachedAnswer } from './response-cache.ts'

/** Streams are read again to be kept, on the event loop: a megabyte takes about 10 ms. */
export const maxCachedStreamBytes = 1 << 20
const maxWholeBytes = 4 << 20

/** A complete answer, as its client gets it. */
export type CompleteAnswer = {
  readonly codec: WireCodec
  /** Vectors, which have no finish. */
  readonly embeds: boolean
  readonly streamed: boolean
  readonly bytes: Buffer
  /** As the provider told it. */
  readonly finish: Finish | undefined
  readonly usage: Usage | undefined
  readonly provider: string
  readonly model: string
  readonly context: AnswerContext
}

/**
 * undefined: it is not one to give again (cut short, refused, filtered, without content, with tool calls where `tools` is false), or too
 * large. Throws what its codec throws when it cannot be read.
 */
export function answerToKeep(answer: CompleteAnswer, tools: boolean): CachedAnswer | undefined {
  const { codec, bytes, streamed, finish } = answer
  if (bytes.length === 0 || bytes.length > (streamed ? maxCachedStreamBytes : maxWholeBytes)) return undefined
  if (answer.embeds) return kept(withoutCost(bytes, embeddings.costField), answer, answer.usage)
  const read = streamed ? responseOfStream(codec, bytes) : responseIn(codec, bytes)
  if (finish === undefined || !isComplete(finish, tools) || !isWorthKeeping(read, tools)) return undefined
  const usage = read.usage ?? answer.usage
  if (!streamed) return kept(withoutCost(bytes, codec.passThrough.costField), answer, usage)
  const response = usage === undefined ? read : { ...read, usage }
  const document = codec.ingress.encodeResponse(response, answer.context, usage === undefined ? undefined : 0)
  return kept(ownBytes([Buffer.from(JSON.stringify(document))]), answer, usage)
}

function kept(body: Buffer | undefined, { provider, model, finish }: CompleteAnswer, usage: Usage | undefined): CachedAnswer | undefined {
  return body === undefined ? undefined : { body, provider, model, finish, usage }
}

/** The stream that would have told it. Throws what the codec throws when it cannot be read. */
export function streamOf(codec: WireCodec, { body, usage }: CachedAnswer, encoder: StreamEncoder): string {
  if (usage !== undefined) encoder.setCost(0)
  return explode(responseIn(codec, body))
    .map((event) => encoder.push(event))
    .join('')
}

function responseIn(codec: WireCodec, body: Buffer): Response {
  return codec.egress.decodeResponse(parseObject(body), {})
}

function responseOfStream(codec: WireCodec, bytes: Buffer): Response {
  const decoder = codec.egress.createStreamDecoder({})
  const parser = createSseParser()
  const events: StreamEvent[] = []
  const read = (frame: { readonly event?: string; readonly data: string | undefined }): void => {
    const { event, data } = frame
    if (data !== undefined) events.push(...decoder.push(event === undefined ? { data } : { event, data }))
  }
  parser.push(bytes, read)
  parser.end(read)
  events.push(...decoder.end())
  return fold(events)
}

function isComplete({ reason }: Finish, tools: boolean): boolean {
  return reason === 'stop' || (tools && reason === 'tool-calls')
}

function isWorthKeeping({ finish, parts }: Response, tools: boolean): boolean {
  if (!isComplete(finish, tools) || parts.some(({ type }) => type === 'refusal')) return false
  return parts.some((part) => part.type !== 'reasoning' && (part.type !== 'text' || part.text !== ''))
}

const costPeek = createPeek({ fields: ['cost'] })
const usagePeeks = new Map<string, Peek>()

/** The body with a cost of 0 in its usage and nothing else changed, in memory of its own; undefined when its bytes are doubtful. */
function withoutCost(body: Buffer, field: string | undefined): Buffer | undefined {
  if (field === undefined) return ownBytes([body])
  let peek = usagePeeks.get(field)
  if (peek === undefined) usagePeeks.set(field, (peek = createPeek({ fields: [field] })))
  const found = peek.peek(body, 0, body.length)
  if (found === 'doubtful') return undefined
  const { start, end } = found.members[field]!
  if (start < 0 || body[start] !== 0x7b) return ownBytes([body])
  const usage = Buffer.from(body.subarray(start, end))
  const cost = costPeek.peek(usage, 0, usage.length)
  if (cost === 'doubtful') return undefined
  const edited = createSplicer(usage, 0, usage.length, cost).splice([{ field: 'cost', json: '0' }])
  return ownBytes([body.subarray(0, start), edited.buffer.subarray(edited.start, edited.end), body.subarray(end)])
}

/** Not of the pool that small buffers share. */
function ownBytes(pieces: readonly Buffer[]): Buffer {
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) at += piece.copy(whole, at)
  return whole
}
