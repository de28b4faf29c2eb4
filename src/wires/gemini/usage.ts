// Token counts. Gemini's prompt includes what came from the cache, its candidates exclude thoughts, and what tools read is counted apart.
import { asCount, asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Usage } from '#ir'
import { present } from '#wires/present'
import { listOf } from './fields.ts'

/** Reads `usageMetadata`; undefined when it has no counts. Zeros are left out of protobuf's JSON. */
export function decodeUsage(raw: JsonValue | undefined): Usage | undefined {
  if (!isObject(raw)) return undefined
  const prompt = asCount(raw['promptTokenCount'])
  const candidates = asCount(raw['candidatesTokenCount'])
  const thoughts = asCount(raw['thoughtsTokenCount'])
  const toolUse = asCount(raw['toolUsePromptTokenCount'])
  if (prompt === undefined && candidates === undefined && thoughts === undefined && toolUse === undefined) return undefined
  const cacheRead = asCount(raw['cachedContentTokenCount'])
  const cacheWrite = asCount(raw['cacheWriteTokenCount'])
  const cached = (cacheRead ?? 0) + (cacheWrite ?? 0)
  const fresh = Math.max(0, (prompt ?? 0) - cached) + (toolUse ?? 0)
  return present<Usage>({
    input: present<Usage['input']>({
      total: fresh + cached,
      fresh,
      cacheRead,
      cacheWrite,
      cacheWrite1h: undefined,
      audio: freshOf(raw, fresh, audioNames),
      image: freshOf(raw, fresh, imageNames),
    }),
    output: present<Usage['output']>({
      total: (candidates ?? 0) + (thoughts ?? 0),
      reasoning: thoughts,
      audio: tokensOf(raw['candidatesTokensDetails'], audioNames),
      image: tokensOf(raw['candidatesTokensDetails'], imageNames),
    }),
    hosted: undefined,
    cost: undefined,
    serviceTier: tierOf(raw),
    raw,
  })
}

/** Modality.AUDIO, by name or by its number in the protobuf enum. */
const audioNames: ReadonlySet<JsonValue> = new Set(['AUDIO', 4])
const imageNames: ReadonlySet<JsonValue> = new Set(['IMAGE', 2])

function freshOf(raw: JsonObject, fresh: number, names: ReadonlySet<JsonValue>): number | undefined {
  const all = tokensOf(raw['promptTokensDetails'], names)
  if (all === undefined) return undefined
  return Math.min(fresh, Math.max(0, all - (tokensOf(raw['cacheTokensDetails'], names) ?? 0)))
}

function tokensOf(details: JsonValue | undefined, names: ReadonlySet<JsonValue>): number | undefined {
  return listOf(details).reduce<number | undefined>((sum, { modality, tokenCount }) => {
    const count = names.has(modality ?? null) ? asCount(tokenCount) : undefined
    return count === undefined ? sum : (sum ?? 0) + count
  }, undefined)
}

/** Vertex's words. */
const trafficTiers: ReadonlyMap<JsonValue | undefined, string> = new Map([
  ['ON_DEMAND_PRIORITY', 'priority'],
  ['ON_DEMAND_FLEX', 'flex'],
])

/** OpenAI's word for Google's standard tier. */
function tierOf(raw: JsonObject): string | undefined {
  const traffic = trafficTiers.get(raw['trafficType'])
  if (traffic !== undefined) return traffic
  const tier = asText(raw['serviceTier'])?.toLowerCase()
  return tier === 'standard' ? 'default' : tier === 'unspecified' ? undefined : tier
}

/** Towards a client. `cost` in USD and `cacheWriteTokenCount` are the gateway's own: Google's SDKs leave unknown members aside. */
export function encodeUsage({ input, output, serviceTier }: Usage, costUsd: number | undefined): JsonObject {
  const thoughts = output.reasoning === undefined ? undefined : Math.min(output.reasoning, output.total)
  return present<JsonObject>({
    promptTokenCount: input.total,
    cachedContentTokenCount: input.cacheRead,
    cacheWriteTokenCount: input.cacheWrite,
    candidatesTokenCount: output.total - (thoughts ?? 0),
    thoughtsTokenCount: thoughts,
    totalTokenCount: input.total + output.total,
    promptTokensDetails: modalities(input.total, input.audio, input.image),
    candidatesTokensDetails: modalities(output.total - (thoughts ?? 0), output.audio, output.image),
    serviceTier: serviceTier === 'default' ? 'standard' : serviceTier === 'flex' || serviceTier === 'priority' ? serviceTier : undefined,
    cost: costUsd,
  })
}

/** Only what is known to be audio or images is told apart. */
function modalities(total: number, audio: number | undefined, image: number | undefined): JsonObject[] | undefined {
  if (audio === undefined && image === undefined) return undefined
  return [
    { modality: 'TEXT', tokenCount: Math.max(0, total - (audio ?? 0) - (image ?? 0)) },
    ...(audio === undefined ? [] : [{ modality: 'AUDIO', tokenCount: audio }]),
    ...(image === undefined ? [] : [{ modality: 'IMAGE', tokenCount: image }]),
  ]
}
