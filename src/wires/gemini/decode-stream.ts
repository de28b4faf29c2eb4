// Gemini's stream -> events. The same reader reads a whole answer, so that each part has one mapping.
import { asText, Failure, isObject, type JsonObject } from '#kernel'
import type { Logprob, Seal, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { argsOfInput, toPlainId } from '#wires/tool-ids'
import { Sources } from './citations.ts'
import { failureIn } from './errors.ts'
import { asExt, listOf, objectOf, restOf, sealOf, wire } from './fields.ts'
import { blockedFinish, decodeFinish, failureOfFinish, rawFinish } from './finish.ts'
import { decodeLogprobs } from './logprobs.ts'
import { decodeFile, decodeInline } from './media.ts'
import { PartialCall } from './partial-call.ts'
import { decodeUsage } from './usage.ts'

export function createStreamDecoder(): StreamDecoder {
  return new AnswerReader()
}

/** Text or thoughts that may go on in the next part or chunk. `pieces` are kept for citations, whose offsets are in bytes. */
type Open = { readonly type: 'text' | 'reasoning'; readonly index: number; readonly pieces: string[]; ext: JsonObject | undefined }
/** A call whose arguments are still coming. */
type OpenCall = {
  readonly index: number
  readonly seal: Seal | undefined
  readonly ext: JsonObject | undefined
  readonly args: PartialCall
}

const chunkKeys = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'createTime'])
const candidateKeys = new Set(['content', 'finishReason', 'index', 'logprobsResult', 'groundingMetadata', 'citationMetadata'])
const textKeys = new Set(['text', 'thought', 'thoughtSignature'])
const callKeys = new Set(['functionCall', 'thought', 'thoughtSignature'])
const inlineKeys = new Set(['inlineData', 'thoughtSignature'])
const fileKeys = new Set(['fileData', 'thoughtSignature'])

/** Nothing marks the end of a stream: a chunk may follow the one with the finish reason, so the finish is told at the end. */
export class AnswerReader implements StreamDecoder {
  #started = false
  #done = false
  #nextPart = 0
  #responseId: string | undefined
  #open: Open | undefined
  #call: OpenCall | undefined
  #calls = 0
  #finish: string | undefined
  #blocked: string | undefined
  #logprobs: Logprob[] = []
  readonly #sources = new Sources()
  #candidateRest: JsonObject = {}
  #rest: JsonObject = {}

  push(frame: SseFrame): StreamEvent[] {
    if (this.#done || frame.data === '' || frame.data === '[DONE]') return []
    let chunk: unknown
    try {
      chunk = JSON.parse(frame.data)
    } catch {
      chunk = undefined
    }
    if (isObject(chunk)) return this.chunk(chunk)
    const out: StreamEvent[] = []
    this.#fail(new Failure('bad_response', 'The provider sent a stream frame that is not a JSON object.'), out)
    return out
  }

  /** Reads one chunk, or a whole answer, which looks the same. */
  chunk(chunk: JsonObject): StreamEvent[] {
    const out: StreamEvent[] = []
    if (this.#done) return out
    const failure = failureIn(chunk)
    if (failure !== undefined) {
      this.#fail(failure, out)
      return out
    }
    this.#start(chunk, out)
    const usage = decodeUsage(chunk['usageMetadata'])
    if (usage !== undefined) out.push({ type: 'usage', usage })
    Object.assign(this.#rest, restOf(chunk, chunkKeys))
    this.#blocked = asText(objectOf(chunk['promptFeedback'])['blockReason']) ?? this.#blocked
    const candidate = listOf(chunk['candidates']).find(({ index }) => index === undefined || index === 0 || index === null)
    if (candidate !== undefined) this.#candidate(candidate, out)
    return out
  }

  end(): StreamEvent[] {
    const out: StreamEvent[] = []
    if (this.#done) return out
    const raw = this.#finish
    if (raw === undefined && this.#blocked === undefined) {
      this.#fail(new Failure('ended_early', 'The provider ended its answer without a finish reason.'), out)
      return out
    }
    this.#closeCall(out)
    if (this.#done) return out
    this.#close(out, undefined, true)
    this.#done = true
    const { ext } = asExt({ ...this.#candidateRest, ...this.#sources.raw })
    const finish = raw === undefined ? blockedFinish(this.#blocked!) : decodeFinish(raw, this.#calls > 0, ext)
    out.push({ type: 'finish', finish, ...asExt(this.#rest) })
    return out
  }

  #start(chunk: JsonObject, out: StreamEvent[]): void {
    if (this.#started) return
    this.#started = true
    const id = asText(chunk['responseId'])
    const model = asText(chunk['modelVersion'])
    const created = Math.floor(Date.parse(asText(chunk['createTime']) ?? '') / 1_000)
    this.#responseId = id
    out.push({
      type: 'start',
      ...(id === undefined ? {} : { id }),
      ...(model === undefined ? {} : { model }),
      ...(Number.isFinite(created) ? { created } : {}),
    })
  }

  /** What is said about the text comes before the parts: these may end it. */
  #candidate(candidate: JsonObject, out: StreamEvent[]): void {
    Object.assign(this.#candidateRest, restOf(candidate, candidateKeys))
    this.#sources.add(candidate)
    for (const logprob of decodeLogprobs(candidate['logprobsResult'])) this.#logprobs.push(logprob)
    for (const part of listOf(objectOf(candidate['content'])['parts'])) {
      if (this.#done) return
      this.#part(part, out)
    }
    if (this.#done) return
    const raw = rawFinish(candidate)
    if (raw === undefined) return
    this.#finish = raw
    const failure = failureOfFinish(raw, asText(candidate['finishMessage']))
    if (failure !== undefined) this.#fail(failure, out)
  }

  #part(part: JsonObject, out: StreamEvent[]): void {
    const seal = sealOf(asText(part['thoughtSignature']) ?? '')
    if (typeof part['text'] === 'string') return this.#text(part, part['text'], seal, out)
    if (isObject(part['functionCall'])) return this.#functionCall(part, part['functionCall'], seal, out)
    if (Object.keys(part).length === 0) return
    this.#close(out)
    this.#closeCall(out)
    const media = mediaOf(part)
    if (media === undefined) {
      const kind = Object.keys(part).find((key) => !textKeys.has(key) && key !== 'partMetadata') ?? ''
      out.push({ type: 'part', index: this.#nextPart++, part: { type: 'opaque', wire, kind, value: part } })
      return
    }
    out.push({ type: 'part', index: this.#nextPart++, part: media })
    this.#sealed(seal, out)
  }

  #text(part: JsonObject, text: string, seal: Seal | undefined, out: StreamEvent[]): void {
    if (text === '' && seal === undefined) return
    const type = part['thought'] === true ? 'reasoning' : 'text'
    if (text !== '' || (type === 'reasoning' && this.#open?.type === 'reasoning')) {
      const open = this.#opened(type, out)
      if (text !== '') out.push({ type: 'part-delta', index: open.index, text })
      if (type === 'text') open.pieces.push(text)
      const rest = restOf(part, textKeys)
      if (rest !== undefined) open.ext = { ...open.ext, ...rest }
      if (seal === undefined) return
      this.#close(out, type === 'reasoning' ? seal : undefined)
      if (type === 'text') this.#sealed(seal, out)
      return
    }
    this.#close(out)
    this.#sealed(seal, out)
  }

  /** The signature of something that can't hold one in the IR stands right behind it, as reasoning that is only a seal. */
  #sealed(seal: Seal | undefined, out: StreamEvent[]): void {
    if (seal === undefined) return
    out.push({ type: 'part', index: this.#nextPart++, part: { type: 'reasoning', text: '', seal } })
  }

  #opened(type: Open['type'], out: StreamEvent[]): Open {
    if (this.#open?.type === type) return this.#open
    this.#close(out)
    this.#closeCall(out)
    const index = this.#nextPart++
    out.push({ type: 'part-start', index, part: type === 'text' ? { type } : { type, summary: true } })
    this.#open = { type, index, pieces: [], ext: undefined }
    return this.#open
  }

  #close(out: StreamEvent[], seal?: Seal, isLast = false): void {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    const citations = open.type === 'text' ? this.#sources.cite(open.pieces, isLast) : []
    const logprobs = open.type === 'text' ? this.#logprobs.splice(0) : []
    out.push({
      type: 'part-end',
      index: open.index,
      ...(seal === undefined ? {} : { seal }),
      ...(citations.length === 0 ? {} : { citations }),
      ...(logprobs.length === 0 ? {} : { logprobs }),
      ...asExt(open.ext),
    })
  }

  /** A call is whole, or begins with `willContinue` and ends with an empty one, with the next call, or with the answer. */
  #functionCall(part: JsonObject, call: JsonObject, seal: Seal | undefined, out: StreamEvent[]): void {
    const name = asText(call['name'])
    const goesOn = call['willContinue'] === true
    if (name === undefined) {
      if (this.#call === undefined) return
      this.#call.args.add(call['partialArgs'])
      if (!goesOn) this.#closeCall(out)
      return
    }
    this.#close(out)
    this.#closeCall(out)
    if (this.#done) return
    const args = isObject(call['args']) ? argsOfInput(call['args']) : ''
    const index = this.#nextPart++
    const ext = restOf(part, callKeys)
    out.push({ type: 'part-start', index, part: { type: 'tool-call', id: this.#callId(call, name, args), name, ranBy: 'client' } })
    this.#calls++
    if (goesOn || call['partialArgs'] !== undefined) {
      this.#call = { index, seal, ext, args: new PartialCall() }
      this.#call.args.add(call['partialArgs'])
      if (!goesOn) this.#closeCall(out)
      return
    }
    endCall(index, args === '' ? '{}' : args, seal, ext, out)
  }

  /** Gemini 2 gives its calls no ids. Ours are the same each time the answer is read, and differ between answers. */
  #callId(call: JsonObject, name: string, args: string): string {
    const own = asText(call['id'])
    return own ?? toPlainId(this.#responseId === undefined ? `${name}:${args}:${this.#calls}` : `call_${this.#responseId}_${this.#calls}`)
  }

  #closeCall(out: StreamEvent[]): void {
    const call = this.#call
    if (call === undefined || this.#done) return
    this.#call = undefined
    const args = call.args.build()
    if (args === undefined) {
      this.#fail(new Failure('bad_response', 'The provider sent arguments of a function call that do not fit together.'), out)
      return
    }
    endCall(call.index, JSON.stringify(args), call.seal, call.ext, out)
  }

  #fail(error: Failure, out: StreamEvent[]): void {
    if (this.#done) return
    this.#start({}, out)
    this.#done = true
    out.push({ type: 'error', error })
  }
}

function endCall(index: number, args: string, seal: Seal | undefined, ext: JsonObject | undefined, out: StreamEvent[]): void {
  out.push({ type: 'part-delta', index, text: args }, { type: 'part-end', index, ...(seal === undefined ? {} : { seal }), ...asExt(ext) })
}

/** Images that were only thought of are no answer: they stay opaque. */
function mediaOf(part: JsonObject) {
  if (part['thought'] === true) return undefined
  try {
    if (isObject(part['inlineData'])) return decodeInline(part['inlineData'], restOf(part, inlineKeys), 'inlineData')
    if (isObject(part['fileData'])) return decodeFile(part['fileData'], restOf(part, fileKeys), 'fileData')
  } catch {
    // Not what the format says: kept as it is.
  }
  return undefined
}
