// What is wrong with a turnpike.yaml, as one sentence: the line, the path, the value unless it may be secret, the nearest known key.
import { nearestNames } from '#kernel'
import { z } from 'zod'
import { ConfigError, didYouMean } from './config-error.ts'
import { fileSchema } from './declared-schema.ts'
import type { YamlFile } from './yaml-file.ts'

type Issue = z.core.$ZodIssue

/** One sentence for the first thing that is wrong. */
export function explain(issue: Issue, yaml: YamlFile): ConfigError {
  const { path: where } = issue
  const at = (deeper: readonly PropertyKey[] = where): string => `${yaml.locate(deeper)}: ${dotted(deeper) || 'the file'}`
  if (issue.code !== 'unrecognized_keys' && valueAt(yaml.written, where) === undefined)
    return new ConfigError(dotted(where), `${at()} is missing.`)
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0]!
      const full = [...where, key]
      const near = didYouMean(nearestNames(key, knownKeys(where), 1))
      return new ConfigError(dotted(full), `${at(full)} is not known here.${near || ` Known: ${knownKeys(where).join(', ')}.`}`)
    }
    case 'invalid_union': {
      // The alternative that came furthest says most: the one whose first issue lies deepest.
      const alternatives = issue.errors.flatMap((list) => list.slice(0, 1)).toSorted((a, b) => b.path.length - a.path.length)
      const best = alternatives.find((one) => one.path.length > 0 || one.code === 'unrecognized_keys')
      if (best !== undefined) return explain({ ...best, path: [...where, ...best.path] }, yaml)
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${expectedAt(where)}.`)
    }
    case 'invalid_type':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${article(issue.expected)}.`)
    case 'invalid_value':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}, which is not ${oneOf(issue.values)}.`)
    case 'invalid_key': {
      const inner = issue.issues[0]?.message ?? 'is not allowed'
      const near = didYouMean(nearestNames(String(where.at(-1)), knownKeys(where.slice(0, -1)), 1))
      return new ConfigError(dotted(where), `${at()}: the key ${JSON.stringify(String(where.at(-1)))} ${inner}.${near}`)
    }
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return new ConfigError(dotted(where), `${at()} is ${shown(where, yaml)}: it ${issue.message}.`)
  }
}

/** Keys of a schema whose values are secrets, or may hold one. */
const secretKeys = new Set(['value', 'admin_token', 'headers', 'hash', 'credentials', 'base_url', 'public_url'])

function shown(where: readonly PropertyKey[], yaml: YamlFile): string {
  const value = valueAt(yaml.written, where)
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (where.some((part) => typeof part === 'string' && secretKeys.has(part))) return 'set to something'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 200) : value)
}

function expectedAt(where: readonly PropertyKey[]): string {
  const field = where.at(-1)
  if (field === 'price') return '"free" or a mapping with input_per_million_usd and output_per_million_usd'
  return field === 'wires' ? 'a list of wires (openai-chat, anthropic-messages) or a mapping of wires to paths' : 'text or a number'
}

function article(expected: string): string {
  const words = new Map([
    ['object', 'a mapping'],
    ['record', 'a mapping'],
    ['array', 'a list'],
    ['string', 'text (quote it if it looks like a number)'],
    ['boolean', 'true or false'],
    ['int', 'a whole number'],
    ['number', 'a number'],
  ])
  return words.get(expected) ?? expected
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map(String)
  return texts.length === 1 ? JSON.stringify(texts[0]) : `one of ${texts.join(', ')}`
}

/** The keys that the schema knows at a path; [] where keys are free. */
function knownKeys(where: readonly PropertyKey[]): string[] {
  let schemas: z.core.$ZodType[] = [fileSchema]
  for (const part of where) schemas = schemas.flatMap((schema) => below(schema, part))
  return [...new Set(schemas.flatMap(unwrap).flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])))]
}

function below(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType[] {
  return unwrap(schema).flatMap((one) => {
    if (one instanceof z.ZodObject) {
      const next = new Map<PropertyKey, z.core.$ZodType>(Object.entries(one.shape)).get(part)
      return next === undefined ? [] : [next]
    }
    if (one instanceof z.ZodRecord) return [one.valueType]
    return one instanceof z.ZodArray ? [one.element] : []
  })
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional) return unwrap(schema.unwrap())
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap)
  return [schema]
}

function valueAt(value: unknown, where: readonly PropertyKey[]): unknown {
  let at = value
  for (const part of where) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, part)?.value
  }
  return at
}

/** `providers.openai.credentials[0].env` */
export function dotted(where: readonly PropertyKey[]): string {
  return where.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )
}
