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

export function geminiScript(saying: Saying, stream: boolean): Answer {
  const calls = (saying.toolCalls ?? []).map(({ name, args }): JsonObject => ({ functionCall: { name, args } }))
  const text = saying.text ?? (calls.length > 0 ? [] : ['Hello', ', ', 'world!'])
  if (!stream) {
    const parts = [...(text.length > 0 ? [{ text: text.join('') }] : []), ...calls]
    return { headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(chunk(saying, parts, true)) }
  }
  const pieces = [...text.map((piece): JsonValue[] => [{ text: piece }]), ...(calls.length > 0 ? [calls] : [])]
  // Google's streams end their lines with CR LF.
  return sseAnswer(pieces.map((parts, index) => `data: ${JSON.stringify(chunk(saying, parts, index === pieces.length - 1))}\r\n\r\n`))
}
