// Google's Schema message (a subset of OpenAPI 3.0 with upper-case types) -> JSON Schema.
// https://ai.google.dev/api/caching#Schema, read 2026-11
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { isGiven, readArray, readMessage, readNumber, readObject, readText, wrong } from './fields.ts'

/** In the order of the protobuf enum, whose numbers may stand for the names. */
const typesByNumber = [undefined, 'string', 'number', 'integer', 'boolean', 'array', 'object', 'null'] as const
const types: ReadonlySet<string> = new Set(typesByNumber.filter((type) => type !== undefined))

/** 64-bit numbers, which protobuf writes as strings. */
const counts: ReadonlySet<string> = new Set(['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minLength', 'maxLength'])

/** Google refuses schemas that are deeper; a schema of this kind has no references, so this is its whole depth. */
const maxDepth = 64

/**
 * The same schema in JSON Schema's words. Members that Google's Schema doesn't have (`$ref`, `additionalProperties`, ...) are kept as they
 * are: SDKs put JSON Schemas into this field as well.
 */
export function jsonSchemaOf(value: JsonValue | undefined, path: string, depth = 0): JsonObject {
  if (depth > maxDepth) wrong(path, `it is nested more than ${maxDepth} levels deep`)
  const schema = readMessage(value, path)
  const result: JsonObject = {}
  for (const [key, member] of Object.entries(schema)) {
    if (!isGiven(member)) {
      // A default of null is a value.
      if (key === 'default' && member === null) result['default'] = null
      continue
    }
    const memberPath = `${path}.${key}`
    switch (key) {
      case 'type': {
        const type = typeOf(member, memberPath)
        if (type !== undefined) result['type'] = type
        break
      }
      case 'items':
        result['items'] = isObject(member) ? jsonSchemaOf(member, memberPath, depth + 1) : member
        break
      case 'anyOf':
        result['anyOf'] = readArray(member, memberPath).map((each, i) => jsonSchemaOf(each, `${memberPath}[${i}]`, depth + 1))
        break
      case 'properties':
        result['properties'] = propertiesOf(readObject(member, memberPath), schema['propertyOrdering'], memberPath, depth)
        break
      case 'example':
        result['examples'] = [member]
        break
      case 'nullable':
      case 'propertyOrdering':
        break
      default:
        result[key] = counts.has(key) ? readNumber(member, memberPath)! : member
    }
  }
  if (schema['nullable'] === true) return nullable(result)
  return result
}

function typeOf(type: JsonValue, path: string): JsonValue | undefined {
  if (typeof type === 'number') return typesByNumber[type]
  // JSON Schema's list of types.
  if (Array.isArray(type)) return type.map((each) => readText(each, path).toLowerCase())
  const name = readText(type, path).toLowerCase()
  if (name === 'type_unspecified') return undefined
  return types.has(name) ? name : wrong(path, 'it must be STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT or NULL')
}

/** In the order that the schema asks for: JSON Schema has no word for it, models follow the order they see. */
function propertiesOf(properties: JsonObject, ordering: JsonValue | undefined, path: string, depth: number): JsonObject {
  const ordered = Array.isArray(ordering) ? ordering.filter((name) => typeof name === 'string' && Object.hasOwn(properties, name)) : []
  const names = new Set([...(ordered as string[]), ...Object.keys(properties)])
  return Object.fromEntries(Array.from(names, (name) => [name, propertyOf(properties[name]!, `${path}.${name}`, depth)]))
}

/** JSON Schema allows `true` and `false` where a schema stands. */
function propertyOf(value: JsonValue, path: string, depth: number): JsonValue {
  return typeof value === 'boolean' ? value : jsonSchemaOf(value, path, depth + 1)
}

function nullable(schema: JsonObject): JsonObject {
  const { type } = schema
  if (typeof type === 'string' && type !== 'null') schema['type'] = [type, 'null']
  else if (Array.isArray(schema['anyOf'])) schema['anyOf'] = [...schema['anyOf'], { type: 'null' }]
  else if (type === undefined) return schema
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(null)) schema['enum'] = [...schema['enum'], null]
  return schema
}
