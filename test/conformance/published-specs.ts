// What providers accept: OpenAI's and Google's published schemas, and schemas written from documentation for those that publish none.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Wire } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { readCorpus } from '#test/corpus.ts'
import { readRelaxations, relaxed, type Relaxation } from './relaxations.ts'

export type Complaint = { readonly path: string; readonly message: string }
export type Check = (body: JsonObject) => Complaint[]

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  formats.default(ajv)
  return ajv
}

const compiled = new Map<string, Check>()

/** Compiling takes long; every check is made once. */
function once(name: string, create: () => Check): Check {
  let check = compiled.get(name)
  if (check === undefined) compiled.set(name, (check = create()))
  return check
}

/** Checks requests by what the provider of the wire accepts. */
export function requestCheck(wire: Wire): Check {
  return once(`request ${wire}`, () => {
    switch (wire) {
      case 'openai-chat':
        return openapiCheck('openai', 'CreateChatCompletionRequest')
      case 'openai-responses':
        return openapiCheck('openai', 'CreateResponse')
      case 'gemini':
        return discoveryCheck('GenerateContentRequest')
      case 'anthropic-messages':
        return both(documentedCheck('anthropic-request'), anthropicOrder)
      case 'bedrock-converse':
        return both(documentedCheck('converse-request'), converseOrder)
      case 'cohere-chat':
        return documentedCheck('cohere-request')
      case 'ollama-chat':
        return documentedCheck('ollama-request')
      default:
        return wire satisfies never
    }
  })
}

/** `second` reads what `first` has found in order. */
const both =
  (first: Check, second: Check): Check =>
  (body) => {
    const complaints = first(body)
    return complaints.length > 0 ? complaints : second(body)
  }

// Schemas.

const openapiFiles = { openai: 'openai-openapi-2026-08-21.json', openresponses: 'openresponses-openapi-2026-07.json' } as const
export type OpenapiSpec = keyof typeof openapiFiles

const documents = new Map<string, { readonly ajv: Ajv2020; readonly spec: JsonObject }>()

const of = (spec: string, relaxations: readonly Relaxation[]) => relaxations.filter((each) => each.spec === spec)

function openapi(name: OpenapiSpec, relaxations: readonly Relaxation[]): { readonly ajv: Ajv2020; readonly spec: JsonObject } {
  const key = `${name} ${JSON.stringify(of(name, relaxations))}`
  let document = documents.get(key)
  if (document === undefined) {
    const spec = relaxed(JSON.parse(readCorpus('specs', openapiFiles[name]).toString('utf8')) as JsonObject, of(name, relaxations))
    const ajv = createAjv()
    ajv.addSchema({ ...spec, $id: 'spec' })
    documents.set(key, (document = { ajv, spec }))
  }
  return document
}

/** Checks against a schema of an OpenAPI document. */
export function openapiCheck(name: OpenapiSpec, schema: string, relaxations = readRelaxations()): Check {
  const validate = openapi(name, relaxations).ajv.compile({ $ref: `spec#/components/schemas/${schema}` })
  return (body) => complaintsOf(validate, body)
}

/** Checks an event against the one schema, of those that a union names, whose `type` it has: the union's own complaints are endless. */
export function eventCheck(name: OpenapiSpec, schemas: readonly string[], relaxations = readRelaxations()): Check {
  const { ajv, spec } = openapi(name, relaxations)
  const all = (spec['components'] as { schemas: Record<string, { properties?: { type?: { enum?: string[]; const?: string } } }> }).schemas
  const byType = new Map<string, ValidateFunction>()
  for (const schema of schemas) {
    const type = all[schema]?.properties?.type
    for (const value of type?.enum ?? [type?.const ?? schema])
      byType.set(value, ajv.compile({ $ref: `spec#/components/schemas/${schema}` }))
  }
  const extensible = of(name, relaxations).some(({ rule }) => rule === 'extensions')
  return (event) => {
    const validate = byType.get(String(event['type']))
    if (validate === undefined && extensible) return []
    return validate === undefined
      ? [{ path: '/type', message: `no event is named ${String(event['type'])}` }]
      : complaintsOf(validate, event)
  }
}

/** The schemas of the events of a stream, as the document lists them. */
export function eventSchemas(name: OpenapiSpec): string[] {
  const { spec } = openapi(name, readRelaxations())
  type Union = { readonly anyOf?: { $ref: string }[]; readonly oneOf?: { $ref: string }[] }
  type Document = {
    readonly components: { readonly schemas: Readonly<Record<string, Union>> }
    readonly paths: Record<string, { post: { responses: Record<string, { content: Record<string, { schema: Union }> }> } }>
  }
  const { components, paths } = spec as unknown as Document
  const union =
    name === 'openai'
      ? components.schemas['ResponseStreamEvent']!
      : paths['/responses']!.post.responses['200']!.content['text/event-stream']!.schema
  return (union.anyOf ?? union.oneOf ?? []).map(({ $ref }) => $ref.split('/').at(-1)!)
}

/** Checks against a schema of Google's discovery document, in proto3's JSON: unknown fields are refused, 64-bit integers may be strings. */
export function discoveryCheck(schema: string, relaxations = readRelaxations()): Check {
  const document = JSON.parse(readCorpus('specs', 'gemini-discovery-lingua.json').toString('utf8')) as JsonObject
  const { schemas } = relaxed(document, of('gemini', relaxations))
  const ajv = createAjv()
  ajv.addSchema({ $id: 'gemini', $defs: protoSchemas(schemas as Record<string, JsonObject>) })
  const validate = ajv.compile({ $ref: `gemini#/$defs/${schema}` })
  return (body) => complaintsOf(validate, body)
}

function protoSchemas(schemas: Readonly<Record<string, JsonObject>>): JsonObject {
  const named = Object.fromEntries(Object.entries(schemas).map(([name, { id: _id, ...schema }]) => [name, schema]))
  return JSON.parse(JSON.stringify(named), (_key, value: unknown): unknown => {
    if (!isObject(value)) return value
    // The document names some schemas that it does not have.
    if (typeof value['$ref'] === 'string') return value['$ref'] in named ? { $ref: `gemini#/$defs/${value['$ref']}` } : {}
    if (value['type'] === 'any') return {}
    if (value['type'] === 'object' && isObject(value['properties'])) return { ...value, additionalProperties: false }
    if (value['format'] === 'int64' || value['format'] === 'uint64') return { type: ['string', 'integer'] }
    if (typeof value['type'] === 'string' && typeof value['format'] === 'string') return { type: value['type'] }
    return value
  }) as JsonObject
}

/** Checks against the documented constraints: a schema beside this file. */
export function documentedCheck(name: string, definition = ''): Check {
  const schema = JSON.parse(readFileSync(new URL(`${name}.schema.json`, import.meta.url), 'utf8')) as JsonObject
  const validate = createAjv().compile(definition === '' ? schema : { $defs: schema['$defs'], $ref: `#/$defs/${definition}` })
  return (body) => complaintsOf(validate, body)
}

function complaintsOf(validate: ValidateFunction, body: JsonObject): Complaint[] {
  if (validate(body)) return []
  return (validate.errors ?? []).map((error) => ({
    path: error.instancePath,
    message: `${error.message ?? error.keyword} ${JSON.stringify(error.params)}`,
  }))
}

// What a schema cannot say.

type Turn = {
  readonly role: string
  readonly calls: readonly string[]
  readonly results: readonly string[]
  readonly resultsFirst: boolean
}

/** The user begins; calls are answered, and only calls, first thing in the next message. */
function orderComplaints(turns: readonly Turn[]): Complaint[] {
  const complaints: Complaint[] = []
  if (turns[0]?.role !== 'user') complaints.push({ path: '/messages/0', message: 'the first message must be the user’s' })
  turns.forEach(({ role, results, resultsFirst }, i) => {
    if (role !== 'user') return
    const calls = i > 0 && turns[i - 1]!.role === 'assistant' ? turns[i - 1]!.calls : []
    if (results.some((id) => !calls.includes(id))) complaints.push({ path: `/messages/${i}`, message: 'a result without its call' })
    if (calls.some((id) => !results.includes(id))) complaints.push({ path: `/messages/${i}`, message: 'a call without its result' })
    if (!resultsFirst) complaints.push({ path: `/messages/${i}`, message: 'results come first' })
  })
  return complaints
}

function anthropicOrder(body: JsonObject): Complaint[] {
  const messages = (body['messages'] as { role: string; content: JsonObject[] }[]).filter(({ role }) => role !== 'system')
  const idsOf = (blocks: readonly JsonObject[], type: string, key: string) =>
    blocks.filter((block) => block['type'] === type).map((block) => block[key] as string)
  const complaints = orderComplaints(
    messages.map(({ role, content }): Turn => {
      const results = idsOf(content, 'tool_result', 'tool_use_id')
      const resultsFirst = content.slice(0, results.length).every((block) => block['type'] === 'tool_result')
      return { role, calls: idsOf(content, 'tool_use', 'id'), results, resultsFirst }
    }),
  )
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

/** Bedrock's roles alternate, and calls need the tools that they are of. */
function converseOrder(body: JsonObject): Complaint[] {
  type Block = JsonObject & { readonly toolUse?: { toolUseId: string }; readonly toolResult?: { toolUseId: string } }
  const messages = body['messages'] as { role: string; content: Block[] }[]
  const turns = messages.map(({ role, content }): Turn => {
    const results = content.flatMap(({ toolResult }) => (toolResult === undefined ? [] : [toolResult.toolUseId]))
    const calls = content.flatMap(({ toolUse }) => (toolUse === undefined ? [] : [toolUse.toolUseId]))
    return { role, calls, results, resultsFirst: true }
  })
  const complaints = orderComplaints(turns)
  turns.forEach(({ role }, i) => {
    if (role === turns[i - 1]?.role) complaints.push({ path: `/messages/${i}`, message: 'roles alternate' })
  })
  messages.forEach(({ role, content }, i) => {
    const users = content.some((block) => ['image', 'document', 'video', 'audio', 'toolResult'].some((name) => name in block))
    if (role === 'assistant' && users) complaints.push({ path: `/messages/${i}`, message: 'media and results are the user’s' })
  })
  const tooled = turns.some(({ calls, results }) => calls.length > 0 || results.length > 0)
  if (tooled && body['toolConfig'] === undefined) complaints.push({ path: '/toolConfig', message: 'is missing where tools were called' })
  return complaints
}

export function assertAccepted(check: Check, body: JsonObject, what: string): void {
  assert.deepEqual(check(body), [], what)
}
