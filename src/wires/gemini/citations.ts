// Where statements come from: Google's grounding and citation metadata and the neutral citations.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation } from '#ir'
import { present } from '#wires/present'
import { listOf, objectOf } from './fields.ts'

/** The citations of a text part. Google's segments are offsets in UTF-8 bytes. */
export function decodeCitations(grounding: JsonObject, metadata: JsonObject, text: string): Citation[] {
  const chunks = listOf(grounding['groundingChunks'])
  const offsets = createOffsets(text)
  const citations: Citation[] = []
  const cited = new Set<number>()
  for (const support of listOf(grounding['groundingSupports'])) {
    const segment = objectOf(support['segment'])
    const end = countOf(segment['endIndex'])
    const range = end === undefined ? {} : present<Range>({ start: offsets(countOf(segment['startIndex']) ?? 0), end: offsets(end) })
    const indices = Array.isArray(support['groundingChunkIndices']) ? support['groundingChunkIndices'] : []
    for (const index of indices) {
      const chunk = typeof index === 'number' ? chunks[index] : undefined
      if (chunk === undefined) continue
      cited.add(index as number)
      citations.push({ ...sourceOf(chunk), ...range })
    }
  }
  chunks.forEach((chunk, index) => {
    if (!cited.has(index)) citations.push(sourceOf(chunk))
  })
  // Gemini API: citationSources; Vertex AI: citations.
  for (const source of [...listOf(metadata['citationSources']), ...listOf(metadata['citations'])]) {
    const end = countOf(source['endIndex'])
    citations.push(
      present<Citation>({
        url: asText(source['uri']),
        title: asText(source['title']),
        quote: undefined,
        start: end === undefined ? undefined : offsets(countOf(source['startIndex']) ?? 0),
        end: end === undefined ? undefined : offsets(end),
        raw: undefined,
      }),
    )
  }
  return citations
}

type Range = { start?: number; end?: number }

function sourceOf(chunk: JsonObject): Citation {
  const source = [chunk['web'], chunk['retrievedContext'], chunk['maps'], chunk['image']].find(isObject) ?? {}
  return present<Citation>({
    url: asText(source['uri']) ?? asText(source['sourceUri']),
    title: asText(source['title']),
    quote: asText(source['text']),
    start: undefined,
    end: undefined,
    raw: undefined,
  })
}

function countOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined
}

/** From bytes of UTF-8 to UTF-16 units; beyond the text, its end. */
function createOffsets(text: string): (bytes: number) => number {
  let encoded: Buffer | undefined
  return (bytes) => {
    encoded ??= Buffer.from(text)
    if (encoded.length === text.length) return Math.min(bytes, text.length)
    return encoded.toString('utf8', 0, Math.min(bytes, encoded.length)).length
  }
}

/** `groundingMetadata` for a client, of citations that came from another wire; undefined when there are none. */
export function encodeCitations(
  cited: readonly { readonly text: string; readonly citations: readonly Citation[] }[],
): JsonObject | undefined {
  const chunks: JsonObject[] = []
  const indexOf = new Map<string, number>()
  const supports: JsonObject[] = []
  let before = 0
  for (const { text, citations } of cited) {
    for (const { url, title, start, end } of citations) {
      const key = JSON.stringify([url, title])
      const index = indexOf.get(key) ?? chunks.length
      if (index === chunks.length) {
        indexOf.set(key, index)
        chunks.push({ web: present<JsonObject>({ uri: url, title }) })
      }
      if (start === undefined || end === undefined) continue
      supports.push({
        segment: {
          startIndex: before + Buffer.byteLength(text.slice(0, start)),
          endIndex: before + Buffer.byteLength(text.slice(0, end)),
          text: text.slice(start, end),
        },
        groundingChunkIndices: [index],
      })
    }
    before += Buffer.byteLength(text)
  }
  if (chunks.length === 0) return undefined
  return { groundingChunks: chunks, ...(supports.length === 0 ? {} : { groundingSupports: supports }) }
}
