// Schemas of the kind that Anthropic and Bedrock take: objects at the top; for output also closed, without limits on values.
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/** A tool's schema, verbatim, except that its top must say that it is an object. */
export function objectSchema(input: JsonObject | undefined): JsonObject {
  if (input === undefined || Object.keys(input).length === 0) return { type: 'object', properties: {} }
  return input['type'] === undefined ? { type: 'object', ...input } : input
}

/** Keywords that Anthropic refuses in an output schema ("Structured outputs: JSON Schema limitations", 2026-11). */
const refused = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
])
const maps = new Set(['properties', '$defs', 'definitions'])
const lists = new Set(['anyOf', 'allOf', 'oneOf'])

/**
 * The schema with `additionalProperties: false` on every object; itself when nothing had to change; undefined when an object allows
 * free keys, which a closed one would forbid.
 */
export function closeSchema(schema: JsonObject): JsonObject | undefined {
  const closed: JsonObject = {}
  const limits: string[] = []
  let changed = false
  for (const [key, value] of Object.entries(schema)) {
    if (refused.has(key) || (key === 'minItems' && value !== 0 && value !== 1)) {
      limits.push(`${key}: ${JSON.stringify(value)}`)
      changed = true
      continue
    }
    const inner = closeMember(key, value)
    if (inner === undefined) return undefined
    if (inner !== value) changed = true
    closed[key] = inner
  }
  const isRecord = schema['type'] === 'object' || isObject(schema['properties'])
  if (isRecord && schema['additionalProperties'] === undefined) {
    closed['additionalProperties'] = false
    changed = true
  }
  if (limits.length > 0) {
    const description = typeof schema['description'] === 'string' ? `${schema['description']} ` : ''
    closed['description'] = `${description}{${limits.join(', ')}}`
  }
  return changed ? closed : schema
}

function closeMember(key: string, value: JsonValue): JsonValue | undefined {
  if (key === 'additionalProperties') return value === false ? false : undefined
  if (key === 'items' && isObject(value)) return closeSchema(value)
  if (lists.has(key) && Array.isArray(value)) {
    const members = value.map((member) => (isObject(member) ? closeSchema(member) : member))
    if (members.includes(undefined)) return undefined
    return members.every((member, i) => member === value[i]) ? value : (members as JsonValue[])
  }
  if (maps.has(key) && isObject(value)) {
    const members = Object.entries(value).map(([name, member]) => [name, isObject(member) ? closeSchema(member) : member] as const)
    if (members.some(([, member]) => member === undefined)) return undefined
    return members.every(([name, member]) => member === value[name]) ? value : (Object.fromEntries(members) as JsonObject)
  }
  return value
}
