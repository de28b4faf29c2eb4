// Response -> a whole answer for a Google client.
import type { JsonObject } from '#kernel'
import type { Citation, Logprob, Response } from '#ir'
import type { AnswerContext } from '#wires/codec'
import { encodeAnswerPart, showsThoughts } from './answer-parts.ts'
import { encodeCitations } from './citations.ts'
import { ownExt } from './fields.ts'
import { encodeFinish } from './finish.ts'
import { encodeLogprobs } from './logprobs.ts'
import { encodeUsage } from './usage.ts'

export function encodeResponse(response: Response, context: AnswerContext, costUsd: number | undefined): JsonObject {
  const thoughts = showsThoughts(context)
  const parts: JsonObject[] = []
  const told: Told[] = []
  for (const part of response.parts) {
    const encoded = encodeAnswerPart(part, thoughts)
    const before = parts.at(-1)
    // What signed a text or an image stands behind it in the IR.
    if (encoded !== undefined && isOnlySignature(encoded) && before !== undefined && mayBeSigned(before)) {
      before['thoughtSignature'] = encoded['thoughtSignature']!
    } else if (encoded !== undefined) parts.push(encoded)
    if (part.type === 'text') told.push({ text: part.text, citations: part.citations ?? [], logprobs: part.logprobs ?? [] })
    else if (part.type === 'refusal') told.push({ text: part.text, citations: [], logprobs: [] })
  }
  const refuses = response.parts.some((part) => part.type === 'refusal')
  return {
    candidates: [
      {
        content: { parts, role: 'model' },
        ...candidateOf(response, told, 0),
        finishReason: encodeFinish(response.finish, refuses),
        index: 0,
      },
    ],
    ...ownExt(response.ext),
    ...(response.usage === undefined ? {} : { usageMetadata: encodeUsage(response.usage, costUsd) }),
    modelVersion: response.model ?? context.model,
    ...(response.created === undefined ? {} : { createTime: new Date(response.created * 1_000).toISOString() }),
    responseId: response.id ?? context.requestId,
  }
}

/** A text of the answer, and what is said of it. */
export type Told = { readonly text: string; readonly citations: readonly Citation[]; readonly logprobs: readonly Logprob[] }

/** What a candidate holds besides its content: Google's own metadata as it came, else what other wires say of sources and tokens. */
export function candidateOf({ finish }: Pick<Response, 'finish'>, told: readonly Told[], toldBefore: number): JsonObject {
  const own = ownExt(finish.ext)
  const isGrounded = own['groundingMetadata'] !== undefined || own['citationMetadata'] !== undefined
  return { ...(isGrounded ? {} : groundingOf(told)), ...logprobsOf(told.slice(toldBefore)), ...own }
}

/** Of all texts so far: Google's clients take the last that they get, and places count from the first text on. */
export function groundingOf(told: readonly Told[]): JsonObject {
  const grounding = encodeCitations(told)
  return grounding === undefined ? {} : { groundingMetadata: grounding }
}

/** Of the texts that are new: clients join those of all chunks. */
export function logprobsOf(told: readonly Told[]): JsonObject {
  const logprobs = told.flatMap((text) => text.logprobs)
  return logprobs.length === 0 ? {} : { logprobsResult: encodeLogprobs(logprobs) }
}

export function isOnlySignature(part: JsonObject): boolean {
  return part['text'] === '' && part['thoughtSignature'] !== undefined
}

/** A part that is no thought, has no signature yet, and whose signature is read back as standing behind it. */
export function mayBeSigned(part: JsonObject): boolean {
  if (part['thought'] === true || part['thoughtSignature'] !== undefined) return false
  return part['text'] !== undefined || part['inlineData'] !== undefined || part['fileData'] !== undefined
}
