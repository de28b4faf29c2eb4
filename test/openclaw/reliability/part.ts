// What one part of the reliability tests needs of the one gateway and the one OpenClaw that all of them share.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { agentMetaOf, type AgentMeta, type OpenClawService } from '#test/openclaw.ts'
import type { RecordStream } from '#test/record-stream.ts'
import type { TestTurnpike } from '#test/turnpike.ts'

export type Part = {
  /** Of turnpike.yaml. */
  readonly providers?: JsonObject
  readonly keys?: readonly JsonObject[]
  readonly configs?: JsonObject
  /** `models.providers` of openclaw.json. */
  clients(turnpikeUrl: string): JsonObject
  /** `agents.entries` of openclaw.json: their models come with fallbacks, which a model of one turn does not. */
  readonly agents?: JsonObject
  run(context: TestContext, world: World): Promise<void>
}

export type World = { readonly turnpike: TestTurnpike; readonly service: OpenClawService; readonly records: RecordStream }

/** OpenClaw's API types, where each has its base URL end, and the wire that it speaks. */
export const apiTypes = {
  'openai-completions': { end: '/v1', wire: 'openai-chat' },
  'openai-responses': { end: '/v1', wire: 'openai-responses' },
  'anthropic-messages': { end: '', wire: 'anthropic-messages' },
  'google-generative-ai': { end: '/v1beta', wire: 'gemini' },
} as const satisfies Record<string, { end: string; wire: ClientWire }>
export type ApiType = keyof typeof apiTypes
export const apiTypeNames = Object.keys(apiTypes) as ApiType[]

/** An entry of `models.providers`, with models as setup writes them. */
export function client(origin: string, api: ApiType, apiKey: string, models: readonly string[], more: JsonObject = {}): JsonObject {
  const compat = { supportsUsageInStreaming: true, supportsPromptCacheKey: true, sendSessionAffinityHeaders: true }
  return {
    baseUrl: origin + apiTypes[api].end,
    api,
    apiKey,
    models: models.map((id) => ({ id, name: id, contextWindow: 128_000, maxTokens: 8192, input: ['text'], compat })),
    ...more,
  }
}

/** A provider of turnpike.yaml on a scripted upstream. */
export function provider(wire: ClientWire, origin: string, models: readonly string[], more: JsonObject = {}): JsonObject {
  const vendor = wire === 'anthropic-messages' ? 'anthropic' : wire === 'gemini' ? 'gemini' : 'openai'
  const price = { input_per_million_usd: '2', output_per_million_usd: '10', cache_read_per_million_usd: '0.5' }
  return {
    vendor,
    base_url: origin + (vendor === 'anthropic' ? '' : vendor === 'gemini' ? '/v1beta' : '/v1'),
    wires: [wire],
    allow_private_network: true,
    credentials: [{ value: 'sk-secret-of-a-test' }],
    models: { allow: [...models], custom: models.map((id) => ({ id, context_window: 128_000, capabilities: ['tools'], price })) },
    ...more,
  }
}

export type Answered = { readonly meta: AgentMeta; readonly records: RequestDetail[] }

/** The turn's own figures, and the details of the `count` records of its session, oldest first. */
export async function answered({ records, turnpike }: World, turn: JsonObject, count = 1): Promise<Answered> {
  const meta = agentMetaOf(turn)
  const rows = await records.until(count, ({ session }) => session === meta.sessionId)
  assert.equal(rows.length, count, `records of the session: ${JSON.stringify(rows)}`)
  const sorted = rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  return { meta, records: await Promise.all(sorted.map(async ({ id }) => (await turnpike.record(id)) as unknown as RequestDetail)) }
}
