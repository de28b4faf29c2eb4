// Where statements come from: Google's grounding and citation metadata and the neutral citations.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation } from '#ir'
import { present } from '#wires/present'
import { listOf, objectOf } from './fields.ts'

/** What is known of an answer's sources, and how much of it has been told. Google counts in the UTF-8 bytes of all its text. */
export class Sources {
  readonly #grounding = new Grounding()
  #metadata: JsonObject | undefined
  /** Bytes of the texts that have ended. */
  #before = 0
  /** Supports, chunks, and citations as JSON, which come again and again. */
  readonly #told = new Set<JsonObject | string>()

  add(candidate: JsonObject): void {
    if (isObject(candidate['groundingMetadata'])) this.#grounding.add(candidate['groundingMetadata'])
    if (isObject(candidate['citationMetadata'])) this.#metadata = candidate['citationMetadata']
  }

  /** As Google said it. */
  get raw(): JsonObject {
    return present<JsonObject>({ groundingMetadata: this.#grounding.value, citationMetadata: this.#metadata })
  }

  /** The citations of a text that ends. What is about a later text waits for it, unless this is the last. */
  cite(pieces: readonly string[], isLast: boolean): Citation[] {
    const text = pieces.join('')
    const before = this.#before
    const bytes = Buffer.byteLength(text)
    this.#before += bytes
    if (this.#grounding.value === undefined && this.#metadata === undefined) return []
    const offsets = createOffsets(text)
    const placeOf = (place: JsonObject): Range | undefined => {
      const end = countOf(place['endIndex'])
      const start = countOf(place['startIndex']) ?? 0
      if (end === undefined || end <= before) return {}
      if (start >= before + bytes && !isLast) return undefined
      return { start: offsets(Math.max(0, start - before)), end: offsets(end - before) }
    }
    return [...this.#supported(placeOf), ...this.#listed(placeOf)]
  }

  /** Pieces of text with the sources that support them, then sources that support none. */
  #supported(placeOf: (place: JsonObject) => Range | undefined): Citation[] {
    const { groundingChunks, groundingSupports } = objectOf(this.#grounding.value)
    const chunks = listOf(groundingChunks)
    const citations: Citation[] = []
    const cited = new Set<JsonObject>()
    for (const support of listOf(groundingSupports)) {
      const indices = Array.isArray(support['groundingChunkIndices']) ? support['groundingChunkIndices'] : []
      const sources = indices.flatMap((index): JsonObject[] => (typeof index === 'number' ? chunks.slice(index, index + 1) : []))
      for (const chunk of sources) cited.add(chunk)
      if (this.#told.has(support)) continue
      const place = placeOf(objectOf(support['segment']))
      if (place === undefined) continue
      this.#told.add(support)
      for (const chunk of sources) citations.push({ ...sourceOf(chunk), ...place })
    }
    for (const chunk of chunks) {
      if (!cited.has(chunk) && !this.#told.has(chunk)) citations.push(sourceOf(chunk))
      this.#told.add(chunk)
    }
    return citations
  }

  /** Gemini API: citationSources; Vertex AI: citations. */
  #listed(placeOf: (place: JsonObject) => Range | undefined): Citation[] {
    const { citationSources, citations } = objectOf(this.#metadata)
    return [...listOf(citationSources), ...listOf(citations)].flatMap((source) => {
      const key = JSON.stringify(source)
      const place = this.#told.has(key) ? undefined : placeOf(source)
      if (place === undefined) return []
      this.#told.add(key)
      const own = present<Citation>({
        url: asText(source['uri']),
        title: asText(source['title']),
        quote: undefined,
        start: undefined,
        end: undefined,
        raw: undefined,
      })
      return [{ ...own, ...place }]
    })
  }
}

const groundingLists = ['groundingChunks', 'groundingSupports', 'webSearchQueries', 'imageSearchQueries'] as const

/** Grounding metadata of a stream: each chunk has what is new, or all of it so far. */
class Grounding {
  value: JsonObject | undefined
  readonly #seen = new Set<string>()

  add(metadata: JsonObject): void {
    const before = this.value ?? {}
    const merged: JsonObject = { ...before, ...metadata }
    const fresh: string[] = []
    for (const list of groundingLists) {
      const items: JsonValue = metadata[list] ?? []
      if (!Array.isArray(items)) continue
      const all: JsonValue[] = Array.isArray(before[list]) ? before[list] : []
      for (const item of items) {
        const key = `${list} ${JSON.stringify(item)}`
        if (this.#seen.has(key)) continue
        fresh.push(key)
        all.push(item)
      }
      if (all.length > 0) merged[list] = all
    }
    // Only now: what one chunk says twice is meant twice.
    for (const key of fresh) this.#seen.add(key)
    this.value = merged
  }
}

type Range = { readonly start?: number; readonly end?: number }

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
  texts: readonly { readonly text: string; readonly citations: readonly Citation[] }[],
): JsonObject | undefined {
  const chunks: JsonObject[] = []
  const indexOf = new Map<string, number>()
  const supports: JsonObject[] = []
  let before = 0
  for (const { text, citations } of texts) {
    for (const { url, title, start, end } of citations) {
      const key = JSON.stringify([url, title])
      const index = indexOf.get(key) ?? chunks.length
      if (index === chunks.length) {
        indexOf.set(key, index)
        chunks.push({ web: present<JsonObject>({ uri: url, title }) })
      }
      // A place that isn't known is the whole text.
      const cited = text.slice(start ?? 0, end)
      if (cited === '') continue
      supports.push({
        segment: {
          startIndex: before + Buffer.byteLength(text.slice(0, start ?? 0)),
          endIndex: before + Buffer.byteLength(text.slice(0, end)),
          text: cited,
        },
        groundingChunkIndices: [index],
      })
    }
    before += Buffer.byteLength(text)
  }
  if (chunks.length === 0) return undefined
  return { groundingChunks: chunks, ...(supports.length === 0 ? {} : { groundingSupports: supports }) }
}
