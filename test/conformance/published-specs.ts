// What a provider would accept: OpenAI's published schema, and the constraints that Anthropic documents.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { isObject, type JsonObject } from '#kernel'
import { readCorpus } from '#test/corpus.ts'

export type Complaint = { readonly path: string; readonly message: string }
export type Check = (body: JsonObject) => Complaint[]

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  formats.default(ajv)
  return ajv
}

/**
 * Checks against CreateChatCompletionRequest of OpenAI's OpenAPI document, with one relaxation: `nullable` is OpenAPI 3.0's word, and ajv
 * refuses it without a type. We send no nulls, so nothing is lost with it.
 */
export function createOpenaiCheck(): Check {
  const withoutNullable = (key: string, value: unknown) => (key === 'nullable' ? undefined : value)
  const spec = JSON.parse(readCorpus('specs', 'openai-openapi-2026-08-21.json').toString('utf8'), withoutNullable) as JsonObject
  const ajv = createAjv()
  ajv.addSchema({ ...spec, $id: 'openai:spec' })
  const validate = ajv.compile({ $ref: 'openai:spec#/components/schemas/CreateChatCompletionRequest' })
  return (body) => complaintsOf(validate, body)
}

/** Checks against the documented constraints: the schema beside this file, and what a schema cannot say. */
export function createAnthropicCheck(): Check {
  const schema = JSON.parse(readFileSync(new URL('anthropic-request.schema.json', import.meta.url), 'utf8')) as JsonObject
  const validate = createAjv().compile(schema)
  return (body) => [...complaintsOf(validate, body), ...orderComplaints(body)]
}

function complaintsOf(validate: ValidateFunction, body: JsonObject): Complaint[] {
  if (validate(body)) return []
  return (validate.errors ?? []).map((error) => ({
    path: error.instancePath,
    message: `${error.message ?? error.keyword} ${JSON.stringify(error.params)}`,
  }))
}

/** The user begins; calls are answered, and only calls, first thing in the next message; thinking leaves room and sampling alone. */
function orderComplaints(body: JsonObject): Complaint[] {
  const complaints: Complaint[] = []
  const messages = (body['messages'] as { role: string; content: JsonObject[] }[]).filter(({ role }) => role !== 'system')
  if (messages[0]?.role !== 'user') complaints.push({ path: '/messages/0', message: 'the first message must be the user’s' })
  messages.forEach(({ role, content }, i) => {
    const idsOf = (blocks: readonly JsonObject[] | undefined, type: string, key: string) =>
      (blocks ?? []).filter((block) => block['type'] === type).map((block) => block[key] as string)
    const calls = i > 0 && messages[i - 1]!.role === 'assistant' ? idsOf(messages[i - 1]!.content, 'tool_use', 'id') : []
    const results = idsOf(content, 'tool_result', 'tool_use_id')
    if (role !== 'user') return
    if (results.some((id) => !calls.includes(id))) complaints.push({ path: `/messages/${i}`, message: 'a result without its call' })
    if (calls.some((id) => !results.includes(id))) complaints.push({ path: `/messages/${i}`, message: 'a call without its result' })
    if (content.slice(0, results.length).some((block) => block['type'] !== 'tool_result'))
      complaints.push({ path: `/messages/${i}`, message: 'results come first' })
  })
  const thinking = body['thinking']
  if (isObject(thinking) && thinking['type'] === 'enabled') {
    if ((thinking['budget_tokens'] as number) >= (body['max_tokens'] as number))
      complaints.push({ path: '/thinking', message: 'no room for an answer' })
  }
  if (isObject(thinking) && (thinking['type'] === 'enabled' || thinking['type'] === 'adaptive')) {
    if (body['temperature'] !== undefined && body['temperature'] !== 1)
      complaints.push({ path: '/temperature', message: 'is fixed while thinking' })
    if (body['top_k'] !== undefined) complaints.push({ path: '/top_k', message: 'is fixed while thinking' })
  }
  return complaints
}

export function assertAccepted(check: Check, body: JsonObject, what: string): void {
  assert.deepEqual(check(body), [], what)
}
