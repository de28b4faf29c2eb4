// Token counts. Converse's `inputTokens` exclude cache reads and writes, its `totalTokens` include them; reasoning is in `outputTokens`.
import { asCount, asText, isObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'
import { present } from '#wires/present'

/** Reads `usage`, and the tier that served the request beside it; undefined when there are no counts. */
export function decodeUsage(raw: JsonValue | undefined, tier: JsonValue | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined
  const fresh = asCount(raw['inputTokens'])
  const output = asCount(raw['outputTokens'])
  if (fresh === undefined && output === undefined) return undefined
  const cacheRead = asCount(raw['cacheReadInputTokens'])
  const cacheWrite = asCount(raw['cacheWriteInputTokens'])
  return present<Usage>({
    input: present<Usage['input']>({
      total: (fresh ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0),
      fresh: fresh ?? 0,
      cacheRead,
      cacheWrite,
      cacheWrite1h: writtenFor1h(raw['cacheDetails']),
      audio: undefined,
    }),
    output: { total: output ?? 0 },
    hosted: undefined,
    cost: undefined,
    serviceTier: isObject(tier) ? asText(tier['type']) : undefined,
    raw,
  })
}

/** `[{"ttl": "1h", "inputTokens": 1028}, ...]`: a breakdown of the cache writes. */
function writtenFor1h(details: JsonValue | undefined): number | undefined {
  if (!Array.isArray(details)) return undefined
  const hours = details.flatMap((detail) => (isObject(detail) && detail['ttl'] === '1h' ? (asCount(detail['inputTokens']) ?? 0) : []))
  return hours.length === 0 ? undefined : hours.reduce((sum, tokens) => sum + tokens, 0)
}
