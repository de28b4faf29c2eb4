// Chunks of a chat completion -> events. A whole message is one big chunk: decode-response.ts feeds it to the same mapping.
import { asCount, asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Dialect, MediaPart, ReasoningPart, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { sourceOf } from '#wires/data-urls'
import { findError, streamFailure } from '#wires/provider-errors'
import { decodeTokenLogprobs } from '#wires/token-logprobs'
import { TextMarks } from './annotations.ts'
import { argsText, thoughtSignature } from './decode-messages.ts'
import { thinkingText } from './decode-parts.ts'
import { asExt, isGiven, restOf, wire } from './fields.ts'
import { decodeFinish, rawFinish } from './finish.ts'
import { decodeDetail, plainReasoning } from './reasoning-details.ts'
import { decodeUsage } from './usage.ts'

type OpenCall = { readonly index: number; readonly id: string; readonly seal: ReturnType<typeof thoughtSignature> }

export function createStreamDecoder(dialect: Dialect): StreamDecoder {
  return new ChunkDecoder(dialect)
}

/** Fields of a chunk that the IR has words for, or that mean nothing outside of it. */
const chunkFields = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'error', 'obfuscation', 'p'])

export class ChunkDecoder implements StreamDecoder {
  readonly #dialect: Dialect
  #events: StreamEvent[] = []
  #started = false
  #ended = false
  #id = ''
  #preamble: JsonObject | undefined
  #nextIndex = 0
  /** The open part of text, reasoning or refusal; tool calls stay open beside it until the end, since their deltas may interleave. */
  #prose: 'text' | 'reasoning' | 'refusal' | undefined
  #proseIndex = 0
  readonly #calls = new Map<number | string, OpenCall>()
  #lastCall: number | string | undefined
  /** The plain reasoning fields have been used: text in `reasoning_details` repeats them. */
  #hasPlainReasoning = false
  #lastChoice: JsonObject | undefined
  readonly #marks = new TextMarks()
  /** Annotations and probabilities that came where no text was open: of refusals, of calls, or late. */
  readonly #strayAnnotations: JsonValue[] = []
  readonly #strayLogprobs: { readonly content: JsonValue[]; readonly refusal: JsonValue[] } = { content: [], refusal: [] }

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  push(frame: SseFrame): StreamEvent[] {
    if (this.#ended) return []
    const data = frame.data
    if (data === '[DONE]' || data.trim() === '[DONE]') return this.#done()
    let chunk: JsonValue
    try {
      chunk = JSON.parse(data) as JsonValue
    } catch {
      return this.#failed(
        new Failure('bad_response', 'The provider sent a stream event that is not JSON.', { upstream: { message: data.slice(0, 300) } }),
      )
    }
    if (frame.event === 'error' || !isObject(chunk) || isGiven(chunk['error']) || chunk['choices'] === undefined) {
      const said = findError(chunk) ?? (frame.event === 'error' ? { message: data, code: '', type: '' } : undefined)
      if (said !== undefined) return this.#failed(streamFailure(said, data))
      if (!isObject(chunk)) return this.#failed(new Failure('bad_response', 'The provider sent a stream event that is not an object.'))
    }
    return this.take(chunk)
  }

  /** `[DONE]` has been lost or is not this provider's habit: a finish reason is enough, everything else is not. */
  end(): StreamEvent[] {
    if (this.#ended) return []
    if (this.#lastChoice !== undefined) return this.#finished()
    return this.#failed(new Failure('ended_early', 'The provider ended its stream without a finish reason: the answer is not complete.'))
  }

  /** One chunk's events. `whole`: it is a complete message. */
  take(chunk: JsonObject, whole = false): StreamEvent[] {
    const choices = chunk['choices']
    const choice = Array.isArray(choices) && choices.length > 0 ? firstChoice(choices) : undefined
    if (!this.#started) {
      // Azure opens with a nameless chunk of filter results; what it says is kept, the next one names the answer.
      if (choice === undefined && !isGiven(chunk['usage'])) {
        this.#preamble = { ...this.#preamble, ...restOf(chunk, chunkFields) }
        return []
      }
      this.#start(chunk)
    }
    if (choice !== undefined) {
      if (isObject(choice['error'])) return this.#failed(streamFailure(findError({ error: choice['error'] })!))
      const sources = chunk['search_results'] ?? chunk['citations']
      if (Array.isArray(sources)) this.#marks.setSources(sources)
      const delta = choice[whole ? 'message' : 'delta']
      this.#takeDelta(isObject(delta) ? delta : {}, choice['logprobs'])
      const raw = rawFinish(choice)
      if (raw === 'error')
        return this.#failed(streamFailure({ message: 'The provider ended its answer with an error.', code: '', type: '' }))
      if (raw !== undefined || whole) this.#lastChoice = choice
    }
    this.#takeUsage(chunk, choice)
    return this.#taken()
  }

  #taken(): StreamEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #start(chunk: JsonObject): void {
    this.#started = true
    const id = asText(chunk['id'])
    const model = asText(chunk['model'])
    const created = asCount(chunk['created'])
    this.#id = id ?? ''
    const rest = restOf(chunk, chunkFields)
    this.#events.push({
      type: 'start',
      ...(id === undefined ? {} : { id }),
      ...(model === undefined ? {} : { model }),
      ...(created === undefined || created === 0 ? {} : { created }),
      ...asExt(this.#preamble === undefined || Object.keys(this.#preamble).length === 0 ? rest : { ...this.#preamble, ...rest }),
    })
  }

  #takeDelta(delta: JsonObject, logprobs: JsonValue | undefined): void {
    this.#takeReasoning(delta)
    const content = delta['content']
    if (typeof content === 'string') this.#say('text', content)
    else if (Array.isArray(content)) for (const part of content) this.#takeContentPart(part)
    if (Array.isArray(delta['annotations'])) for (const annotation of delta['annotations']) this.#takeAnnotation(annotation)
    if (isObject(logprobs)) this.#takeLogprobs(logprobs)
    const refusal = delta['refusal']
    if (typeof refusal === 'string') this.#say('refusal', refusal)
    const calls = delta['tool_calls']
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) this.#takeCall(call)
    const legacy = delta['function_call']
    if (isObject(legacy)) this.#takeCall({ index: -1, function: legacy })
    if (Array.isArray(delta['images'])) for (const image of delta['images']) this.#takeImage(image)
    if (isObject(delta['audio'])) this.#whole({ type: 'opaque', wire, kind: 'audio', value: delta['audio'] })
  }

  #takeAnnotation(annotation: JsonValue): void {
    if (this.#prose === 'text' && isObject(annotation)) this.#marks.cite(annotation)
    else this.#strayAnnotations.push(annotation)
  }

  #takeLogprobs({ content, refusal }: JsonObject): void {
    if (Array.isArray(content)) {
      if (this.#prose === 'text') this.#marks.addLogprobs(decodeTokenLogprobs(content))
      else for (const each of content) this.#strayLogprobs.content.push(each)
    }
    if (Array.isArray(refusal)) for (const each of refusal) this.#strayLogprobs.refusal.push(each)
  }

  #takeReasoning(delta: JsonObject): void {
    const details = delta['reasoning_details']
    const plain = plainReasoning(delta)
    if (!Array.isArray(details) || details.length === 0) {
      if (plain !== '') {
        this.#hasPlainReasoning = true
        this.#say('reasoning', plain)
      }
      return
    }
    const parts = details.map(decodeDetail).filter((part) => part !== undefined)
    // Within one chunk details are the better partition; across chunks the plain field came first and they repeat it.
    const spelled = !this.#hasPlainReasoning && parts.some((part) => part.text !== '')
    if (!spelled && plain !== '') {
      this.#hasPlainReasoning = true
      this.#say('reasoning', plain)
    }
    for (const part of parts) this.#takeDetail(part, spelled)
  }

  #takeDetail(part: ReasoningPart, spelled: boolean): void {
    if (spelled && part.text !== '') this.#say('reasoning', part.text, part.summary)
    if (part.seal === undefined) return
    if (part.seal.kind === 'signature' && this.#prose === 'reasoning') {
      this.#events.push({ type: 'part-end', index: this.#proseIndex, seal: part.seal })
      this.#prose = undefined
    } else this.#whole({ type: 'reasoning', text: '', seal: part.seal })
  }

  /** Appends to the open part of that type, or begins one. */
  #say(type: 'text' | 'reasoning' | 'refusal', text: string, summary?: boolean): void {
    if (text === '') return
    if (this.#prose !== type) {
      this.#endProse()
      this.#prose = type
      this.#proseIndex = this.#nextIndex++
      if (type === 'text') this.#marks.begin()
      const part = type === 'reasoning' && summary === true ? { type, summary } : { type }
      this.#events.push({ type: 'part-start', index: this.#proseIndex, part })
    }
    if (type === 'text') this.#marks.grow(text)
    this.#events.push({ type: 'part-delta', index: this.#proseIndex, text })
  }

  #endProse(): void {
    if (this.#prose !== undefined) {
      this.#events.push({ type: 'part-end', index: this.#proseIndex, ...(this.#prose === 'text' ? this.#marks.take() : {}) })
    }
    this.#prose = undefined
  }

  #whole(part: Extract<StreamEvent, { type: 'part' }>['part']): void {
    this.#endProse()
    this.#events.push({ type: 'part', index: this.#nextIndex++, part })
  }

  /** Mistral's content arrays. */
  #takeContentPart(part: JsonValue): void {
    if (typeof part === 'string') this.#say('text', part)
    else if (!isObject(part)) return
    else if (part['type'] === 'text') this.#say('text', asText(part['text']) ?? '')
    else if (part['type'] === 'thinking') this.#say('reasoning', thinkingText(part['thinking']))
    else if (part['type'] === 'refusal') this.#say('refusal', asText(part['refusal']) ?? '')
    else if (part['type'] === 'image_url') this.#takeImage(part)
    else this.#whole({ type: 'opaque', wire, kind: asText(part['type']) ?? 'unknown', value: part })
  }

  #takeImage(image: JsonValue): void {
    const holder = isObject(image) ? image['image_url'] : undefined
    const url = isObject(holder) ? asText(holder['url']) : asText(holder)
    if (url === undefined) return
    const part: MediaPart = { type: 'media', kind: 'image', source: sourceOf(url) }
    this.#whole(part)
  }

  #takeCall(call: JsonObject): void {
    const isCustom = isObject(call['custom'])
    const body = isCustom ? call['custom'] : call['function']
    if (!isObject(body)) return
    const id = asText(call['id'])
    const name = asText(body['name'])
    const key = this.#callKey(call['index'], id, name)
    let open = this.#calls.get(key)
    if (open === undefined) {
      this.#endProse()
      const index = this.#nextIndex++
      open = { index, id: id ?? this.#inventId(), seal: thoughtSignature(call) }
      this.#calls.set(key, open)
      const kind = isCustom ? { kind: 'custom' as const } : {}
      this.#events.push({ type: 'part-start', index, part: { type: 'tool-call', id: open.id, name: name ?? '', ranBy: 'client', ...kind } })
    }
    this.#lastCall = key
    const text = argsText(body[isCustom ? 'input' : 'arguments'])
    if (text !== '') this.#events.push({ type: 'part-delta', index: open.index, text })
  }

  /**
   * Which call a delta belongs to. Mistral and others send no index, and some send 0 for each: a new id together with a name begins a new
   * call; without either, the delta continues the last one.
   */
  #callKey(index: JsonValue | undefined, id: string | undefined, name: string | undefined): number | string {
    if (typeof index === 'number') {
      const open = this.#calls.get(index)
      if (open === undefined || id === undefined || name === undefined || id === open.id) return index
    }
    if (id !== undefined && (name !== undefined || this.#calls.has(id))) return id
    return this.#lastCall !== undefined && name === undefined ? this.#lastCall : `#${this.#calls.size}`
  }

  /** Clients and other wires need an id; the same answer gives the same one again. */
  #inventId(): string {
    return `call_${this.#id.replace(/[^a-zA-Z0-9]/g, '').slice(-16)}${this.#calls.size}`
  }

  #takeUsage(chunk: JsonObject, choice: JsonObject | undefined): void {
    const groq = chunk['x_groq']
    // At the top (all), in the choice (Moonshot), in `x_groq` (Groq).
    const raw = [chunk['usage'], choice?.['usage'], isObject(groq) ? groq['usage'] : undefined].find(isObject)
    if (raw === undefined) return
    const usage = decodeUsage(raw, this.#dialect, chunk['service_tier'])
    if (usage !== undefined) this.#events.push({ type: 'usage', usage })
  }

  /**
   * `[DONE]` says that the provider is through. Without a finish reason (OpenRouter before some models) content makes it a whole answer;
   * without content either, nothing was answered.
   */
  #done(): StreamEvent[] {
    if (this.#lastChoice !== undefined || this.#nextIndex > 0) return this.#finished()
    return this.#failed(new Failure('empty_response', 'The provider ended its stream without having answered anything.'))
  }

  #finished(): StreamEvent[] {
    this.#endProse()
    for (const { index, seal } of this.#calls.values())
      this.#events.push({ type: 'part-end', index, ...(seal === undefined ? {} : { seal }) })
    const { logprobs: _ofLastChunk, ...choice } = this.#lastChoice ?? {}
    const { content, refusal } = this.#strayLogprobs
    const some = (list: JsonValue[]) => (list.length > 0 ? list : null)
    const stray = (some(content) ?? some(refusal)) ? { logprobs: { content: some(content), refusal: some(refusal) } } : {}
    const finish = decodeFinish(rawFinish(choice), { ...choice, ...stray }, this.#calls.size > 0)
    const ext = this.#strayAnnotations.length > 0 ? asExt({ annotations: this.#strayAnnotations }) : {}
    this.#events.push({ type: 'finish', finish, ...ext })
    this.#ended = true
    return this.#taken()
  }

  #failed(error: Failure): StreamEvent[] {
    if (!this.#started) this.#events.push({ type: 'start' })
    this.#started = true
    this.#events.push({ type: 'error', error })
    this.#ended = true
    return this.#taken()
  }
}

/** The one with index 0: of several alternatives only the first can be told in this language. */
function firstChoice(choices: readonly JsonValue[]): JsonObject | undefined {
  return choices.find((choice): choice is JsonObject => isObject(choice) && (typeof choice['index'] !== 'number' || choice['index'] === 0))
}
