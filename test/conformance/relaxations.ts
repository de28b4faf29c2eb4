// Where published specs are stricter than the traffic of those who published them: the list, and how it is applied.
import { readFileSync } from 'node:fs'
import { isObject, type JsonObject, type JsonValue } from '#kernel'

/**
 * `at` is a JSON pointer into the document. `optional`: these properties of the schema there need not be present; `nullable`: they may be
 * null; `open`: the strings there may be others than the listed; `any-of`: more than one of the alternatives there may fit. Without `at`, `nullable-optionals`: every property that is not required may be null.
 */
export type Relaxation = { readonly spec: string; readonly reason: string } & (
  | { readonly rule: 'nullable-optionals' }
  | { readonly rule: 'optional' | 'nullable'; readonly at: string; readonly properties: readonly string[] }
  | { readonly rule: 'open' | 'any-of'; readonly at: string }
)

export function readRelaxations(spec: string): Relaxation[] {
  const all = JSON.parse(readFileSync(new URL('relaxations.json', import.meta.url), 'utf8')) as Relaxation[]
  return all.filter((each) => each.spec === spec)
}

/** The document with the relaxations; OpenAPI 3.0's `nullable: true` is read as it was meant. */
export function relaxed(document: JsonObject, relaxations: readonly Relaxation[]): JsonObject {
  for (const relaxation of relaxations) {
    if (relaxation.rule === 'nullable-optionals') continue
    const schema = find(document, relaxation.at)
    if (relaxation.rule === 'open') delete schema['enum']
    else if (relaxation.rule === 'any-of') {
      schema['anyOf'] = schema['oneOf']!
      delete schema['oneOf']
    } else if (relaxation.rule === 'optional')
      schema['required'] = (schema['required'] as string[]).filter((name) => !relaxation.properties.includes(name))
    else {
      const properties = schema['properties'] as JsonObject
      for (const name of relaxation.properties) properties[name] = orNull(properties[name]!)
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
