// What is wrong with a turnpike.yaml or a body of the admin API, as one sentence: the path, the value unless it may be secret, the nearest
// known key; in a file, the line.
import { wireNames } from '#ir'
import { nearestNames } from '#kernel'
import { z } from 'zod'
import { ConfigError, didYouMean } from './config-error.ts'
import { fileSchema } from './declared-schema.ts'
import type { YamlFile } from './yaml-file.ts'

type Issue = z.core.$ZodIssue
type Where = readonly PropertyKey[]

/** What was checked against what. */
type Subject = {
  readonly schema: z.ZodType
  /** As messages may show it. */
  readonly written: unknown
  /** What has no path: `the file`. */
  readonly whole: string
  /** How its format calls an object. */
  readonly mapping: 'a mapping' | 'an object'
}

export type Fault = { readonly where: Where; readonly sentence: string }

/** One sentence with the file's line for the first thing that is wrong. */
export function explain(issue: Issue, yaml: YamlFile): ConfigError {
  const { where, sentence } = faultOf(issue, { schema: fileSchema, written: yaml.written, whole: 'the file', mapping: 'a mapping' })
  return new ConfigError(dotted(where), `${yaml.locate(where)}: ${sentence}`)
}

/**
 * Checks one value against a schema. What is wrong with it is one sentence, and the dotted path of the field at fault; `root` is the path of
 * the value in what was sent.
 */
export function checkBody<T>(
  schema: z.ZodType<T>,
  value: unknown,
  root: Where = [],
): { readonly ok: true; readonly data: T } | { readonly ok: false; readonly field: string | undefined; readonly sentence: string } {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, data: parsed.data }
  const subject: Subject = { schema, written: value, whole: root.length === 0 ? 'The body' : dotted(root), mapping: 'an object' }
  const { where, sentence } = faultOf(tellingIssue(parsed.error.issues), subject)
  const field = dotted([...root, ...where])
  return { ok: false, field: field === '' ? undefined : field, sentence }
}

/** A misspelt field is also one that is missing: its own name says more. */
function tellingIssue(issues: readonly Issue[]): Issue {
  return issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!
}

function faultOf(issue: Issue, subject: Subject): Fault {
  const { path: where } = issue
  const { written } = subject
  const fault = (what: string, at: Where = where): Fault => ({ where: at, sentence: `${dotted(at) || subject.whole} ${what}` })
  if (issue.code !== 'unrecognized_keys' && valueAt(written, where) === undefined)
    return fault(where.length === 0 ? 'is missing; send a JSON object.' : 'is missing.')
  switch (issue.code) {
    case 'unrecognized_keys': {
      const key = issue.keys[0]!
      const known = knownKeys(subject.schema, where)
      const near = didYouMean(nearestNames(key, known, 1))
      return fault(`is not known here.${near || ` Known: ${known.join(', ')}.`}`, [...where, key.slice(0, 100)])
    }
    case 'invalid_union': {
      // The alternative that came furthest says most: the one whose first issue lies deepest.
      const alternatives = issue.errors.flatMap((list) => list.slice(0, 1)).toSorted((a, b) => b.path.length - a.path.length)
      const best = alternatives.find((one) => one.path.length > 0 || (one.code !== 'invalid_type' && one.code !== 'invalid_value'))
      if (best !== undefined) return faultOf({ ...best, path: [...where, ...best.path] }, subject)
      return fault(`is ${shown(where, subject)}, which is not ${expectedAt(where, subject)}.`)
    }
    case 'invalid_type':
      return fault(`is ${shown(where, subject)}, which is not ${article(issue.expected, subject)}.`)
    case 'invalid_value':
      return fault(`is ${shown(where, subject)}, which is not ${oneOf(issue.values)}.`)
    case 'invalid_key': {
      const key = String(where.at(-1)).slice(0, 100)
      const inner = issue.issues[0]?.message ?? 'is not allowed'
      const near = didYouMean(nearestNames(key, knownKeys(subject.schema, where.slice(0, -1)), 1))
      const short = [...where.slice(0, -1), key]
      return { where: short, sentence: `${dotted(short)}: the key ${JSON.stringify(key)} ${inner}.${near}` }
    }
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return fault(`is ${shown(where, subject)}: it ${issue.message}.`)
  }
}

/** Keys of a schema whose values are secrets, or may hold one. */
const secretKeys = new Set([
  'value',
  'admin_token',
  'headers',
  'hash',
  'credentials',
  'base_url',
  'public_url',
  'webhook_url',
  'webhook_secret',
])

function shown(where: Where, { written, mapping }: Subject): string {
  const value = valueAt(written, where)
  if (value === null) return mapping === 'an object' ? 'null' : 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return mapping
  if (where.some((part) => typeof part === 'string' && secretKeys.has(part))) return 'set to something'
  if (typeof value === 'number') return String(value)
  // Whatever it says, it may say a secret.
  if (typeof value === 'string' && /^\s*[{[]/.test(value)) return 'JSON in a string'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 200) : value)
}

function expectedAt(where: Where, { mapping }: Subject): string {
  const field = where.at(-1)
  if (field === 'price') return `"free" or ${mapping} with input_per_million_usd and output_per_million_usd`
  if (field === 'period') return `day, week, month, total or ${mapping} with days`
  return field === 'wires' ? `a list of wires (${wireNames.join(', ')}) or ${mapping} of wires to paths` : 'text or a number'
}

function article(expected: string, { mapping }: Subject): string {
  const words = new Map([
    ['object', mapping],
    ['record', mapping],
    ['array', 'a list'],
    ['string', mapping === 'an object' ? 'a string' : 'text (quote it if it looks like a number)'],
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
function knownKeys(root: z.ZodType, where: Where): string[] {
  let schemas: z.core.$ZodType[] = [root]
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
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return unwrap(schema.unwrap())
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap)
  return [schema]
}

function valueAt(value: unknown, where: Where): unknown {
  let at = value
  for (const part of where) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, part)?.value
  }
  return at
}

/** `providers.openai.credentials[0].env` */
export function dotted(where: Where): string {
  return where.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )
}
