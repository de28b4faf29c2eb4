// Citations -> IR: spans of the answer, each with the documents or tool results that say so.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Citation } from '#ir'
import { wire } from './generation.ts'

/** The citations of a text, one for each source. `raw` has that source alone, so that each says what it says once. */
export function decodeCitations(values: readonly JsonObject[], text: string): Citation[] {
  const place = createPlaces(text)
  return values.flatMap((value) => {
    const span = place(value)
    const sources = Array.isArray(value['sources']) ? value['sources'].filter(isObject) : []
    if (sources.length === 0) return [{ ...span, raw: { wire, value } }]
    return sources.map((source): Citation => ({ ...sourceOf(source), ...span, raw: { wire, value: { ...value, sources: [source] } } }))
  })
}

/** Documents and tool results are the client's own objects; what is usual in them is understood. */
function sourceOf(source: JsonObject): Pick<Citation, 'url' | 'title' | 'quote'> {
  const inner = [source['document'], source['tool_output']].find(isObject) ?? {}
  const url = asText(inner['url'])
  const title = asText(inner['title'])
  const quote = asText(inner['snippet'])
  return {
    ...(url === undefined || !/^https?:/i.test(url) ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(quote === undefined ? {} : { quote }),
  }
}

/**
 * Offsets count characters; the recordings cannot tell whether these are UTF-16 units or code points. The cited words do: the reading
 * under which they stand there is right, and where neither is, the place is unknown.
 */
function createPlaces(text: string): (citation: JsonObject) => Pick<Citation, 'start' | 'end'> {
  let units: number[] | undefined
  const unitsOf = (): number[] => {
    if (units === undefined) {
      units = [0]
      for (const point of text) units.push(units.at(-1)! + point.length)
    }
    return units
  }
  return (citation) => {
    const start = asCount(citation['start'])
    const end = asCount(citation['end'])
    if (start === undefined || end === undefined || start > end) return {}
    const words = citation['text']
    const stand = (from: number | undefined, to: number | undefined) =>
      from !== undefined && to !== undefined && to <= text.length && (typeof words !== 'string' || text.slice(from, to) === words)
    if (stand(start, end)) return { start, end }
    const [from, to] = [unitsOf()[start], unitsOf()[end]]
    return stand(from, to) ? { start: from!, end: to! } : {}
  }
}

/** Whether it is about the answer's words; plans and thoughts are cited as well. */
export function isOfText(citation: JsonObject): boolean {
  const type: JsonValue | undefined = citation['type']
  return typeof type !== 'string' || type === 'TEXT_CONTENT'
}
