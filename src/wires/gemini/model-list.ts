// `GET /v1beta/models` and `/v1beta/models/{id}`: models in Google's words.
import type { JsonObject } from '#kernel'
import { present } from '#wires/present'
import { wrong } from './fields.ts'

/** What a model list says of a model; what is not known is left out. */
export type GeminiModel = {
  readonly id: string
  readonly name?: string
  readonly inputTokenLimit?: number
  readonly outputTokenLimit?: number
  readonly thinking?: boolean
  readonly embeds?: boolean
}

export function encodeModel({ id, name, inputTokenLimit, outputTokenLimit, thinking, embeds }: GeminiModel): JsonObject {
  return present<JsonObject>({
    name: `models/${id}`,
    displayName: name ?? id,
    inputTokenLimit,
    outputTokenLimit,
    supportedGenerationMethods: embeds === true ? ['embedContent'] : ['generateContent', 'streamGenerateContent', 'countTokens'],
    thinking,
  })
}

const defaultPageSize = 50
const maxPageSize = 1_000

/** One page. The token of the next one is the id that it begins after, so that it stays right when models come and go. */
export function pageOfModels<Model extends { readonly id: string }>(
  models: readonly Model[],
  pageSize?: string,
  pageToken?: string,
): { readonly models: readonly Model[]; readonly nextPageToken?: string } {
  const size = pageSize === undefined || pageSize === '' ? defaultPageSize : Number(pageSize)
  if (!Number.isInteger(size) || size < 0) wrong('pageSize', 'it must be a whole number of at least 0')
  const from = pageToken === undefined || pageToken === '' ? 0 : models.findIndex(({ id }) => id === decodedToken(pageToken)) + 1
  if (from === 0 && pageToken !== undefined && pageToken !== '') wrong('pageToken', 'it is not of this list; begin again without it')
  const end = from + Math.min(size === 0 ? defaultPageSize : size, maxPageSize)
  const page = models.slice(from, end)
  return { models: page, ...(end < models.length ? { nextPageToken: Buffer.from(page.at(-1)!.id).toString('base64url') } : {}) }
}

function decodedToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8')
}
