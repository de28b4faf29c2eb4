// Annotations <-> citations. On this wire they hang on the message, and count in the whole of its content.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation, Logprob, TextPart } from '#ir'
import { wire } from './fields.ts'

/** Annotations of a message on the texts that they are about; undefined when there are none, or no text. */
export function decodeAnnotations<P extends { readonly type: string }>(
  parts: readonly (P | TextPart)[],
  annotations: readonly JsonValue[],
): (P | TextPart)[] | undefined {
  const values = annotations.filter(isObject)
  if (values.length === 0 || values.length < annotations.length) return undefined
  const texts = parts.filter((part): part is TextPart => part.type === 'text' && 'text' in part)
  if (texts.length === 0) return undefined
  const bases: number[] = []
  for (const [at] of texts.entries()) bases.push(at === 0 ? 0 : bases[at - 1]! + texts[at - 1]!.text.length)
  const citations = texts.map((): Citation[] => [])
  for (const value of values) {
    const at = lastAtMost(bases, startOf(value))
    citations[at]!.push(decodeAnnotation(value, bases[at]!, texts[at]!.text.length))
  }
  const cited = new Map<P | TextPart, TextPart>()
  for (const [at, text] of texts.entries()) if (citations[at]!.length > 0) cited.set(text, { ...text, citations: citations[at]! })
  return parts.map((part) => cited.get(part) ?? part)
}

/** Where the last number stands that is not greater; they ascend from 0. */
function lastAtMost(numbers: readonly number[], most: number): number {
  let low = 0
  let high = numbers.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (numbers[middle]! <= most) low = middle
    else high = middle - 1
  }
  return low
}

const bodyOf = (value: JsonObject) => (isObject(value['url_citation']) ? value['url_citation'] : value)
const startOf = (value: JsonObject) => asCount(bodyOf(value)['start_index']) ?? 0

/** `base`: where the part's text begins in the content. Places that lie elsewhere are unknown (OpenRouter writes 0 to 0). */
export function decodeAnnotation(value: JsonObject, base: number, length: number): Citation {
  const inner = bodyOf(value)
  const url = asText(inner['url'])
  const title = asText(inner['title'])
  const quote = asText(inner['content'])
  const start = startOf(value) - base
  const end = (asCount(inner['end_index']) ?? 0) - base
  return {
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(quote === undefined ? {} : { quote }),
    ...(start >= 0 && end > start && end <= length ? { start, end } : {}),
    raw: { wire, value },
  }
}

/** undefined: a source without an address, for which OpenAI has no form. */
function encodeAnnotation({ url, title, start, end, raw }: Citation, base: number, length: number): JsonObject | undefined {
  if (raw?.wire === wire) return raw.value
  if (url === undefined) return undefined
  const span = { start_index: base + (start ?? 0), end_index: base + (end ?? length) }
  return { type: 'url_citation', url_citation: { ...span, title: title ?? url, url } }
}

export function encodeAnnotations(citations: readonly Citation[] | undefined, base: number, length: number): JsonObject[] {
  return (citations ?? []).map((citation) => encodeAnnotation(citation, base, length)).filter((annotation) => annotation !== undefined)
}

/** What hangs on the text that is open, while an answer is read. */
export class TextMarks {
  /** Length of the content so far, and of what came before the open text. */
  #length = 0
  #base = 0
  #annotations: JsonObject[] = []
  #logprobs: Logprob[] = []
  #sources: readonly JsonValue[] = []

  begin(): void {
    this.#base = this.#length
  }

  grow(text: string): void {
    this.#length += text.length
  }

  cite(annotation: JsonObject): void {
    this.#annotations.push(annotation)
  }

  addLogprobs(logprobs: readonly Logprob[]): void {
    for (const each of logprobs) this.#logprobs.push(each)
  }

  /** Perplexity and xAI list what they read beside the answer; addresses, or objects with one. They stand for annotations where there are none. */
  setSources(sources: readonly JsonValue[]): void {
    this.#sources = sources
  }

  /** The marks of the open text, which ends here. */
  take(): Pick<TextPart, 'citations' | 'logprobs'> {
    const length = this.#length - this.#base
    const annotated = this.#annotations.map((annotation) => decodeAnnotation(annotation, this.#base, length))
    const citations = annotated.length > 0 ? annotated : this.#sources.flatMap(decodeSource)
    const logprobs = this.#logprobs
    this.#annotations = []
    this.#logprobs = []
    this.#sources = []
    return { ...(citations.length === 0 ? {} : { citations }), ...(logprobs.length === 0 ? {} : { logprobs }) }
  }
}

function decodeSource(source: JsonValue): Citation[] {
  const url = isObject(source) ? asText(source['url']) : asText(source)
  const title = isObject(source) ? asText(source['title']) : undefined
  return url === undefined ? [] : [{ url, ...(title === undefined ? {} : { title }) }]
}
