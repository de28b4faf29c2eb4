// `GET /v1/models`, `/v1/models/{id}` and the same below /v1beta: what this key may use, in OpenAI's shape, Anthropic's or Google's.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ListedModel, ModelIndex } from '#catalog'
import type { GatewayKey } from '#config'
import type { ClientWire } from '#ir'
import { Failure } from '#kernel'
import { encodeModel, pageOfModels, type GeminiModel } from '#wires'

export type ModelDirectory = Pick<ModelIndex, 'names' | 'list' | 'get' | 'resolve'>

type Asked = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly key: GatewayKey
  /** Without the leading `?`. */
  readonly query: string
  /** Whose shape the answer has. */
  readonly wire: ClientWire
}

/** What Anthropic's SDK calls `ModelInfo`, as far as it is known. https://platform.claude.com/docs/en/api/models-list (2026-11) */
type AnthropicModel = {
  readonly type: 'model'
  readonly id: string
  readonly display_name: string
  /** RFC 3339; the epoch when it is not known. */
  readonly created_at: string
  readonly max_input_tokens: number | null
  readonly max_tokens: number | null
  readonly capabilities: null
}

/** Anthropic's own default is 20; a client that reads one page only is better served by its largest. */
const defaultPage = 1000
const maxPage = 1000

/** Answers, or resolves with why not. */
export async function answerModels(directory: ModelDirectory, asked: Asked): Promise<Failure | undefined> {
  if (asked.wire === 'anthropic-messages') return answerPage(directory, asked)
  if (asked.wire === 'gemini') return answerGeminiPage(directory, asked)
  const { body, byteLength, etag } = await directory.list(asked.key)
  const { request, response } = asked
  // The list is made for this key, and the shape for the client's wire.
  const caching = { etag, 'cache-control': 'private, no-cache', vary: 'authorization, x-api-key, anthropic-version' }
  if (matchesTag(request.headers['if-none-match'], etag)) {
    response.writeHead(304, caching).end()
    return undefined
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': byteLength, ...caching })
  if (request.method !== 'HEAD') for (const part of body) response.write(part)
  response.end()
  return undefined
}

/** One model by any of its names. */
export function answerModel(directory: ModelDirectory, { response, key, wire }: Asked, id: string): Failure | undefined {
  const model = directory.get(key, id)
  if (model === undefined) return unlisted(directory, key, id)
  sendJson(response, wire === 'anthropic-messages' ? anthropicModel(model) : wire === 'gemini' ? encodeModel(geminiModel(model)) : model)
  return undefined
}

function unlisted(directory: ModelDirectory, key: GatewayKey, id: string): Failure {
  const shown = JSON.stringify(id.slice(0, 200))
  const resolved = directory.resolve(id, key)
  const param = { param: 'model' }
  if (resolved.ok)
    return new Failure(
      'model_not_found',
      `The catalog does not know ${shown}. It can be asked for all the same: the provider that it names decides.`,
      param,
    )
  if (resolved.kind === 'model_not_allowed') {
    const who =
      resolved.byKey === true ? `the key ${JSON.stringify(key.name)} may not use it` : 'its provider’s allow-list or deny-list excludes it'
    return new Failure('model_not_allowed', `The model ${shown} is not listed: ${who}.`, param)
  }
  const near = resolved.nearest.map((name) => JSON.stringify(name)).join(' or ')
  return new Failure(
    'model_not_found',
    `No provider of this gateway lists the model ${shown}.${near === '' ? '' : ` Did you mean ${near}?`}`,
    param,
  )
}

async function answerPage(directory: ModelDirectory, { response, key, query }: Asked): Promise<Failure | undefined> {
  const wanted = new URLSearchParams(query)
  const limit = wanted.get('limit') ?? String(defaultPage)
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > maxPage)
    return new Failure('invalid_request', `limit is ${JSON.stringify(limit.slice(0, 40))}; it takes a whole number from 1 to ${maxPage}.`, {
      param: 'limit',
    })
  const names = await directory.names(key)
  const cursor = (name: 'after_id' | 'before_id'): number | undefined | Failure => {
    const id = wanted.get(name)
    if (id === null) return undefined
    const at = names.findIndex((one) => one.id === id)
    return at >= 0
      ? at
      : new Failure(
          'invalid_request',
          `${name} is ${JSON.stringify(id.slice(0, 200))}, which is not in this list. Begin again without it.`,
          {
            param: name,
          },
        )
  }
  const after = cursor('after_id')
  const before = cursor('before_id')
  if (after instanceof Failure) return after
  if (before instanceof Failure) return before
  const count = Number(limit)
  const end = before ?? names.length
  const start = after === undefined && before !== undefined ? Math.max(0, before - count) : (after ?? -1) + 1
  const page = names.slice(start, Math.min(end, start + count))
  const data = page.flatMap(({ id }) => {
    const model = directory.get(key, id)
    return model === undefined ? [] : [anthropicModel(model)]
  })
  sendJson(response, {
    data,
    has_more: after === undefined && before !== undefined ? start > 0 : start + page.length < end,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  })
  return undefined
}

async function answerGeminiPage(directory: ModelDirectory, { response, key, query }: Asked): Promise<Failure | undefined> {
  const wanted = new URLSearchParams(query)
  const names = await directory.names(key)
  try {
    const page = pageOfModels(names, wanted.get('pageSize') ?? undefined, wanted.get('pageToken') ?? undefined)
    const models = page.models.flatMap(({ id }) => {
      const model = directory.get(key, id)
      return model === undefined ? [] : [encodeModel(geminiModel(model))]
    })
    sendJson(response, { models, ...(page.nextPageToken === undefined ? {} : { nextPageToken: page.nextPageToken }) })
    return undefined
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
}

function geminiModel({ id, name, context_window, max_output_tokens, capabilities, output_modalities }: ListedModel): GeminiModel {
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(context_window === undefined ? {} : { inputTokenLimit: context_window }),
    ...(max_output_tokens === undefined ? {} : { outputTokenLimit: max_output_tokens }),
    ...(capabilities === undefined ? {} : { thinking: capabilities.includes('reasoning') }),
    ...(output_modalities === undefined ? {} : { embeds: output_modalities.every((kind) => kind === 'embeddings') }),
  }
}

function anthropicModel({ id, name, created, context_window, max_output_tokens }: ListedModel): AnthropicModel {
  return {
    type: 'model',
    id,
    display_name: name ?? id,
    created_at: `${new Date(created * 1000).toISOString().slice(0, 19)}Z`,
    max_input_tokens: context_window ?? null,
    max_tokens: max_output_tokens ?? null,
    capabilities: null,
  }
}

/** Weak comparison, as If-None-Match has it (RFC 9110, 13.1.2). */
function matchesTag(header: string | undefined, etag: string): boolean {
  return header !== undefined && header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

function sendJson(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
