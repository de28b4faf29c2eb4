// Where published specs are stricter than the traffic of those who published them: the list, and how it is applied.
import { readFileSync } from 'node:fs'
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/**
 * `at` is a JSON pointer into the document (gemini: the name of a schema). `optional`: these properties of the schema there need not be
 * present; `extra`: these may be anything, in the document or not; `open`: strings there may be others than the listed; `any`: more than one
 * alternative may fit. Of a whole document: `nullable-optionals`,
 * every property that is not required may be null; `extensions`, items, tools and events whose type it doesn't name are not its business.
 */
export type Relaxation = { readonly spec: string; readonly reason: string } & (
  | { readonly rule: 'nullable-optionals' | 'extensions' }
  | { readonly rule: 'optional'; readonly at: string; readonly properties: readonly string[] }
  | { readonly rule: 'extra'; readonly at: string; readonly properties: readonly string[] }
  | { readonly rule: 'open'; readonly at: string }
  | { readonly rule: 'any'; readonly at: string }
)

export const readRelaxations = (): Relaxation[] =>
  JSON.parse(readFileSync(new URL('relaxations.json', import.meta.url), 'utf8')) as Relaxation[]

/** The document with its relaxations; OpenAPI 3.0's `nullable: true` is read as it was meant. */
export function relaxed(document: JsonObject, relaxations: readonly Relaxation[]): JsonObject {
  for (const relaxation of relaxations) {
    if (!('at' in relaxation)) continue
    const schema = find(document, relaxation.at.startsWith('/') ? relaxation.at : `/schemas/${relaxation.at}`)
    switch (relaxation.rule) {
      case 'open':
        delete schema['enum']
        break
      case 'any':
        schema['anyOf'] = schema['oneOf']!
        delete schema['oneOf']
        break
      case 'optional':
        schema['required'] = (schema['required'] as string[]).filter((name) => !relaxation.properties.includes(name))
        break
      case 'extra':
        for (const name of relaxation.properties) (schema['properties'] as JsonObject)[name] = {}
        break
      default:
        relaxation satisfies never
    }
  }
  const nullableOptionals = relaxations.some(({ rule }) => rule === 'nullable-optionals')
  return withNulls(document, nullableOptionals) as JsonObject
}

function find(document: JsonObject, pointer: string): JsonObject {
  let value: JsonValue | undefined = document
  for (const key of pointer.split('/').slice(1)) {
    value = Array.isArray(value) ? value[Number(key)] : isObject(value) ? value[key] : undefined
  }
  if (!isObject(value)) throw new Error(`The document has no schema at ${pointer}.`)
  return value
}

const orNull = (schema: JsonValue): JsonObject => ({ anyOf: [schema, { type: 'null' }] })

function withNulls(value: JsonValue, nullableOptionals: boolean): JsonValue {
  if (Array.isArray(value)) return value.map((each) => withNulls(each, nullableOptionals))
  if (!isObject(value)) return value
  const { nullable, ...rest } = value
  const walked: JsonObject = {}
  for (const [key, each] of Object.entries(rest)) walked[key] = withNulls(each, nullableOptionals)
  const { properties, required } = walked
  if (nullableOptionals && isObject(properties) && walked['type'] === 'object') {
    const needed = new Set(Array.isArray(required) ? required : [])
    walked['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name, needed.has(name) ? schema : orNull(schema)]),
    )
  }
  return nullable === true ? orNull(walked) : walked
}
