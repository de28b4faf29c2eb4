// Arguments for a tool call of the simulator: the smallest value that a JSON Schema's required fields accept, the same every time.
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/** Deeper schemas (or recursive ones) end in null. */
const maxDepth = 12

/** An object for a tool's input schema. Best effort: patterns and conditions between fields are not solved. */
export function exampleArguments(schema: JsonValue | undefined): JsonObject {
  const value = isObject(schema) ? example(schema, schema, 0) : {}
  return isObject(value) ? value : {}
}

function example(schema: JsonValue | undefined, root: JsonObject, depth: number): JsonValue {
  if (!isObject(schema) || depth > maxDepth) return null
  const said = schema['const'] ?? schema['default'] ?? firstOf(schema['examples']) ?? firstOf(schema['enum'])
  if (said !== undefined) return said
  const reference = schema['$ref']
  if (typeof reference === 'string') return example(resolve(reference, root), root, depth + 1)
  if (Array.isArray(schema['allOf'])) return example(merged(schema, schema['allOf'], root), root, depth + 1)
  const choice = firstOf(schema['anyOf']) ?? firstOf(schema['oneOf'])
  if (choice !== undefined) return example(choice, root, depth + 1)
  switch (typeOf(schema)) {
    case 'string':
      return exampleText(schema)
    case 'integer':
    case 'number':
      return exampleNumber(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return Array.from({ length: count(schema['minItems']) }, () => example(schema['items'], root, depth + 1))
    default:
      return exampleObject(schema, root, depth)
  }
}

function exampleObject(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const properties = new Map(isObject(schema['properties']) ? Object.entries(schema['properties']) : [])
  const required = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string') : []
  return Object.fromEntries(required.map((name) => [name, example(properties.get(name) ?? { type: 'string' }, root, depth + 1)]))
}

const formatted = new Map([
  ['date', '2026-01-01'],
  ['date-time', '2026-01-01T00:00:00Z'],
  ['time', '00:00:00Z'],
  ['email', 'someone@example.com'],
  ['uri', 'https://example.com/'],
  ['uuid', '00000000-0000-4000-8000-000000000000'],
  ['ipv4', '192.0.2.1'],
  ['hostname', 'example.com'],
])

function exampleText(schema: JsonObject): string {
  const format = schema['format']
  const text = (typeof format === 'string' ? formatted.get(format) : undefined) ?? 'example'
  const atMost = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : text.length
  return text.slice(0, atMost).padEnd(count(schema['minLength']), 'x')
}

function exampleNumber(schema: JsonObject): number {
  const bound = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined)
  const step = bound('multipleOf') ?? 1
  const above = bound('exclusiveMinimum')
  const below = bound('exclusiveMaximum')
  const least = bound('minimum') ?? (above === undefined ? undefined : above + step)
  const most = bound('maximum') ?? (below === undefined ? undefined : below - step)
  let value = step
  if (most !== undefined && value > most) value = Math.floor(most / step) * step
  if (least !== undefined && value < least) value = Math.ceil(least / step) * step
  return value
}

function typeOf(schema: JsonObject): string {
  const { type } = schema
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return type.filter((name) => typeof name === 'string').find((name) => name !== 'null') ?? 'null'
  return schema['items'] === undefined ? 'object' : 'array'
}

function merged(schema: JsonObject, parts: JsonValue[], root: JsonObject): JsonObject {
  const { allOf: _, ...own } = schema
  const all = [
    own,
    ...parts.map((part) => (isObject(part) && typeof part['$ref'] === 'string' ? resolve(part['$ref'], root) : part)),
  ].filter(isObject)
  const properties = Object.assign({}, ...all.map((part) => part['properties']).filter(isObject)) as JsonObject
  const required = all.flatMap((part) => (Array.isArray(part['required']) ? part['required'] : []))
  return Object.assign({}, ...all, { properties, required }) as JsonObject
}

/** Only references into the schema itself. */
function resolve(reference: string, root: JsonObject): JsonValue | undefined {
  if (!reference.startsWith('#')) return undefined
  let at: JsonValue | undefined = root
  for (const part of reference.slice(1).split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined
  }
  return at
}

function firstOf(value: JsonValue | undefined): JsonValue | undefined {
  return Array.isArray(value) ? value[0] : undefined
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' && value > 0 ? Math.min(Math.ceil(value), 1000) : 0
}
