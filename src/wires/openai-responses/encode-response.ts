// Response -> the body of a whole one, through the same mapping as its stream.
import type { JsonObject } from '#kernel'
import { explode, type Response } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { tierOf } from '#wires/openai-usage'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { OutputWriter } from './output-writer.ts'
import { createResponseObject } from './response-object.ts'
import { encodeUsage } from './usage.ts'

export function encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject {
  const { usage } = response
  const writer = new OutputWriter(context.requestId, true)
  for (const event of explode(response)) {
    if (event.type === 'part-start') writer.start(event.index, event.part)
    else if (event.type === 'part-delta') writer.delta(event.index, event.text)
    else if (event.type === 'part-end') writer.end(event)
    else if (event.type === 'part') writer.whole(event.part)
  }
  const ending = encodeFinish(response.finish)
  writer.finish(ending.status)
  const serviceTier = usage?.serviceTier
  return {
    ...createResponseObject(context),
    ...ownExt(response.ext),
    id: response.id ?? context.requestId,
    created_at: response.created ?? context.createdSeconds,
    model: response.model ?? context.model,
    ...ending,
    output: writer.output,
    usage: usage === undefined ? null : encodeUsage(usage, costUsd),
    ...(serviceTier === undefined ? {} : { service_tier: tierOf(serviceTier) }),
  }
}
