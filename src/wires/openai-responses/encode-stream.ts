// Events -> the stream of a response, with every event that OpenAI sends for it.
import type { JsonObject } from '#kernel'
import type { StreamEvent, Usage } from '#ir'
import type { AnswerContext, StreamEncoder } from '#wires/codec'
import { tierOf } from '#wires/openai-usage'
import { errorEvent, frame, responseError } from './errors.ts'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { OutputWriter } from './output-writer.ts'
import { createResponseObject } from './response-object.ts'
import { encodeUsage } from './usage.ts'

export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const writer = new OutputWriter(context.requestId, false)
  const response = createResponseObject(context)
  let begun = false
  let usage: Usage | undefined
  let costUsd: number | undefined

  function begin(): string {
    if (begun) return ''
    begun = true
    return writer.say('response.created', { response }) + writer.say('response.in_progress', { response })
  }

  function start(event: Extract<StreamEvent, { type: 'start' }>): string {
    const own = ownExt(event.ext)
    if (!begun) {
      Object.assign(response, own)
      response['model'] = event.model ?? context.model
      response['created_at'] = event.created ?? context.createdSeconds
      response['id'] = event.id ?? context.requestId
      return begin()
    }
    // After a preamble the answer keeps the name that it began with. Only a response that its provider may have stored ends under the
    // id that it has there: else nothing could be asked of it.
    if (own !== undefined) Object.assign(response, own, event.id === undefined ? {} : { id: event.id })
    return ''
  }

  function finish(event: Extract<StreamEvent, { type: 'finish' }>): string {
    const ending = encodeFinish(event.finish)
    const rest = writer.finish(ending.status)
    Object.assign(response, ownExt(event.ext), ending, {
      output: writer.output,
      usage: usage === undefined ? null : encodeUsage(usage, costUsd),
      ...(usage?.serviceTier === undefined ? {} : { service_tier: tierOf(usage.serviceTier) }),
    })
    return rest + writer.say(`response.${ending.status}`, { response })
  }

  return {
    push(event) {
      switch (event.type) {
        case 'part-delta':
          return writer.delta(event.index, event.text)
        case 'start':
          return start(event)
        case 'part-start':
          return writer.start(event.index, event.part)
        case 'part-end':
          return writer.end(event)
        case 'part':
          return writer.whole(event.part)
        case 'usage':
          usage = event.usage
          return ''
        case 'finish':
          return finish(event)
        case 'error': {
          const failed = { ...response, status: 'failed', error: responseError(event.error), output: writer.output.filter(Boolean) }
          return errorEvent(event.error, writer.nextSequence) + writer.say('response.failed', { response: failed })
        }
        default:
          return event satisfies never
      }
    },
    preamble: begin,
    // Comments are no sign of life to Codex: it counts events. The request's own bulk need not be repeated for it.
    keepAlive: () => {
      const alive: JsonObject = { ...response, tools: [], instructions: null }
      return frame('response.in_progress', { type: 'response.in_progress', sequence_number: writer.nextSequence, response: alive })
    },
    setCost(cost) {
      costUsd = cost
    },
  }
}
