// Ollama's lines -> events.
import { asText, Failure, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Finish, FinishReason, Logprob, StreamEvent } from '#ir'
import type { SseFrame, StreamDecoder } from '#wires/codec'
import { findError, streamFailure } from '#wires/provider-errors'
import { decodeTokenLogprobs } from '#wires/token-logprobs'
import { ofText } from './logprobs.ts'
import { decodeUsage } from './usage.ts'

export function createStreamDecoder(): StreamDecoder {
  return new LineReader()
}

export class LineReader implements StreamDecoder {
  #events: StreamEvent[] = []
  #started = false
  #done = false
  #createdAt = ''
  #nextIndex = 0
  /** The open part of words. */
  #open: { readonly type: 'text' | 'reasoning'; readonly index: number; readonly logprobs: Logprob[] } | undefined
  #callCount = 0

  push(frame: SseFrame): StreamEvent[] {
    if (this.#done) return []
    let line: JsonValue
    try {
      line = JSON.parse(frame.data) as JsonValue
    } catch {
      line = null
    }
    if (isObject(line)) return this.take(line)
    const upstream = { message: frame.data.slice(0, 300) }
    this.#fail(new Failure('bad_response', 'The provider sent a line that is not a JSON object.', { upstream }))
    return this.#taken()
  }

  end(): StreamEvent[] {
    if (!this.#done) this.#fail(new Failure('ended_early', 'The provider ended its stream before a line that says `done`.'))
    return this.#taken()
  }

  /** One line's events; a whole answer is one line. */
  take(line: JsonObject): StreamEvent[] {
    const { message } = line
    if (isObject(message)) {
      this.#start(line)
      this.#takeMessage(message, decodeTokenLogprobs(line['logprobs']))
    } else {
      const said = findError(line)
      if (said !== undefined) this.#fail(streamFailure(said, JSON.stringify(line)))
    }
    if (line['done'] === true && !this.#done) this.#finish(line)
    return this.#taken()
  }

  #taken(): StreamEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #start(line: JsonObject): void {
    if (this.#started) return
    this.#started = true
    this.#createdAt = asText(line['created_at']) ?? ''
    const model = asText(line['model'])
    const createdMs = Date.parse(this.#createdAt)
    this.#events.push({
      type: 'start',
      ...(model === undefined ? {} : { model }),
      ...(createdMs > 0 ? { created: Math.floor(createdMs / 1_000) } : {}),
    })
  }

  #takeMessage(message: JsonObject, logprobs: Logprob[]): void {
    const thinking = asText(message['thinking'])
    const content = asText(message['content'])
    if (thinking !== undefined) this.#say('reasoning', thinking, [])
    if (content !== undefined) this.#say('text', content, ofText(logprobs, content, thinking !== undefined))
    const { images, tool_calls: calls } = message
    if (Array.isArray(images)) for (const image of images) this.#image(image)
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) this.#call(call)
  }

  #say(type: 'text' | 'reasoning', text: string, logprobs: readonly Logprob[]): void {
    if (this.#open?.type !== type) {
      this.#close()
      this.#open = { type, index: this.#nextIndex++, logprobs: [] }
      this.#events.push({ type: 'part-start', index: this.#open.index, part: { type } })
    }
    for (const each of logprobs) this.#open.logprobs.push(each)
    this.#events.push({ type: 'part-delta', index: this.#open.index, text })
  }

  #close(): void {
    if (this.#open === undefined) return
    const { index, logprobs } = this.#open
    this.#events.push({ type: 'part-end', index, ...(logprobs.length === 0 ? {} : { logprobs }) })
    this.#open = undefined
  }

  /** Calls come whole; their arguments are an object. Templates of some models give a text instead, which stays as it is. */
  #call(call: JsonObject): void {
    const body = isObject(call['function']) ? call['function'] : {}
    const { arguments: given } = body
    const args = typeof given === 'string' ? given : JSON.stringify(given ?? {})
    this.#close()
    const index = this.#nextIndex++
    const part = {
      type: 'tool-call',
      id: asText(call['id']) ?? this.#inventId(),
      name: asText(body['name']) ?? '',
      ranBy: 'client',
    } as const
    this.#events.push({ type: 'part-start', index, part })
    if (args !== '') this.#events.push({ type: 'part-delta', index, text: args })
    this.#events.push({ type: 'part-end', index })
    this.#callCount++
  }

  /** Older versions give no ids. The time of the answer keeps those of one conversation apart, and the same answer has the same ones again. */
  #inventId(): string {
    return `call_${this.#createdAt.replace(/\D/g, '')}${this.#callCount}`
  }

  #image(data: JsonValue): void {
    if (typeof data !== 'string' || data === '') return
    this.#close()
    const source = { type: 'base64', mediaType: typeOfImage(data), data } as const
    this.#events.push({ type: 'part', index: this.#nextIndex++, part: { type: 'media', kind: 'image', source } })
  }

  #finish(line: JsonObject): void {
    this.#start(line)
    const usage = decodeUsage(line)
    if (usage !== undefined) this.#events.push({ type: 'usage', usage })
    this.#close()
    this.#done = true
    this.#events.push({ type: 'finish', finish: decodeFinish(asText(line['done_reason']), this.#callCount > 0) })
  }

  #fail(error: Failure): void {
    if (this.#done) return
    this.#start({})
    this.#done = true
    this.#events.push({ type: 'error', error })
  }
}

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
])

/** A call ends with "stop": calls decide. Versions before 0.3 gave no reason; `load` and `unload` answer a request without messages. */
function decodeFinish(raw: string | undefined, hasCalls: boolean): Finish {
  const said = raw === undefined ? 'stop' : (reasons.get(raw) ?? 'other')
  return { reason: hasCalls && said === 'stop' ? 'tool-calls' : said, ...(raw === undefined ? {} : { raw }) }
}

/** By the first bytes, in base64; Ollama does not say. */
function typeOfImage(data: string): string {
  if (data.startsWith('/9j/')) return 'image/jpeg'
  return data.startsWith('UklGR') ? 'image/webp' : data.startsWith('R0lGOD') ? 'image/gif' : 'image/png'
}
