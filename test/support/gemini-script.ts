// Answers of the Gemini API, whole and streamed, in the shapes that its documentation has.
import type { JsonObject, JsonValue } from '#kernel'
import type { Answer } from './answer.ts'
import { sseAnswer, type Saying } from './scripts.ts'

function chunk(saying: Saying, parts: JsonValue[], last: boolean): JsonObject {
  const { input, output, cacheRead = 0 } = saying.usage ?? { input: 12, output: 5 }
  return {
    candidates: [{ content: { parts, role: 'model' }, ...(last ? { finishReason: 'STOP' } : {}), index: 0 }],
    usageMetadata: {
      promptTokenCount: input,
      ...(last ? { candidatesTokenCount: output } : {}),
      totalTokenCount: last ? input + output : input,
      ...(cacheRead > 0 ? { cachedContentTokenCount: cacheRead } : {}),
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
    },
    modelVersion: saying.model ?? 'gemini-2.5-flash',
    responseId: saying.id ?? 'scripted1',
  }
}

function said(saying: Saying): { text: readonly string[]; calls: JsonObject[] } {
  const calls = (saying.toolCalls ?? []).map(({ name, args }): JsonObject => ({ functionCall: { name, args } }))
  return { text: saying.text ?? (calls.length > 0 ? [] : ['Hello', ', ', 'world!']), calls }
}

export function geminiFrames(saying: Saying = {}): string[] {
  const { text, calls } = said(saying)
  const pieces = [...text.map((piece): JsonValue[] => [{ text: piece }]), ...(calls.length > 0 ? [calls] : [])]
  // Google's streams end their lines with CR LF.
  return pieces.map((parts, index) => `data: ${JSON.stringify(chunk(saying, parts, index === pieces.length - 1))}\r\n\r\n`)
}

export function geminiScript(saying: Saying, stream: boolean): Answer {
  if (stream) return sseAnswer(geminiFrames(saying))
  const { text, calls } = said(saying)
  const parts = [...(text.length > 0 ? [{ text: text.join('') }] : []), ...calls]
  return { headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(chunk(saying, parts, true)) }
}
