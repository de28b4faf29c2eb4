// Conditions of a `conditional` strategy: queries in MongoDB's words, checked, so that what can never be decided is refused when it is written.
import { isObject, nearestNames, type JsonValue } from '#kernel'
import { didYouMean } from './config-error.ts'
import type { ComparisonOperator, Condition } from './routing-config.ts'
import { linearPattern } from './routing-config-pattern.ts'
import {
  below,
  fault,
  flagIn,
  kindOf,
  listIn,
  objectIn,
  quoted,
  textIn,
  unknownName,
  wholeIn,
  type Remarks,
  type Written,
} from './routing-config-values.ts'

const comparisons = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin', '$regex', '$exists', '$contains'] as const
type Comparison = (typeof comparisons)[number]
const logical = ['$and', '$or', '$not'] as const
const operators: readonly string[] = [...comparisons, '$length', ...logical]

/** Each may hold a request up for as long as one may. */
const mostPatterns = 100

/** What conditions can see. [] below a word: any name. */
const context: ReadonlyMap<string, readonly string[]> = new Map([
  ['metadata', []],
  ['params', []],
  ['headers', []],
  ['key', []],
  ['url', ['pathname']],
  ['request', ['kind', 'input_tokens']],
  ['provider', ['available', 'latency_p50']],
  ['budget', ['remaining_usd']],
])

/** `metadata.plan`, `params.reasoning.effort`, `provider.<slug>.available`; `at`: where it is written. Slugs may contain dots. */
export function checkContextPath(path: string, at: string): string {
  const dot = path.indexOf('.')
  const root = dot < 0 ? path : path.slice(0, dot)
  const names = context.get(root)
  if (names === undefined)
    throw notVisible(at, path, dot < 0 ? [`params.${path}`, `metadata.${path}`] : nearestNames(root, context.keys(), 1))
  const rest = dot < 0 ? '' : path.slice(dot + 1)
  if (rest === '' || rest.startsWith('.') || rest.endsWith('.'))
    throw fault(
      at,
      `is ${quoted(path)}: a name belongs after \`${root}.\`${names.length === 0 ? '' : `, such as ${root}.${example(root, names)}`}.`,
    )
  if (names.length === 0) return path
  const name = root === 'provider' ? rest.slice(rest.lastIndexOf('.') + 1) : rest
  const isKnown = names.includes(name) && (root !== 'provider' || rest.length > name.length + 1)
  if (isKnown) return path
  throw notVisible(
    at,
    path,
    names.map((one) => `${root}.${example(root, [one])}`),
  )
}

function example(root: string, names: readonly string[]): string {
  return root === 'provider' ? `<slug>.${names[0]}` : names[0]!
}

function notVisible(at: string, path: string, near: readonly string[]) {
  const seen = [...context.keys()].map((root) => `${root}.`).join(', ')
  return fault(at, `is ${quoted(path)}, which no condition can see.${didYouMean(near) || ` They see ${seen}.`}`)
}

/** Siblings are one `all`. Depth is bounded by whoever checked the value's shape. */
export function conditionIn(written: Written, remarks: Remarks): Condition {
  const parts = Object.entries(objectIn(written)).map(([key, value]): Condition => {
    const at = { path: below(written.path, key), value }
    if (key === '$and') return { op: 'all', of: conditionsIn(at, remarks) }
    if (key === '$or') return { op: 'any', of: conditionsIn(at, remarks) }
    if (key === '$not') return { op: 'not', of: conditionIn(at, remarks) }
    if (operators.includes(key))
      throw fault(at.path, `stands alone, and compares something: write {"metadata.plan": {${quoted(key)}: ...}}.`)
    if (key.startsWith('$')) throw unknownName(at.path, key, operators)
    return comparisonIn(at, checkContextPath(key, at.path), remarks)
  })
  return allOf(parts)
}

function conditionsIn(written: Written, remarks: Remarks): readonly Condition[] {
  const list = listIn(written)
  if (list.length === 0) throw fault(written.path, 'holds no condition.')
  return list.map((one) => conditionIn(one, remarks))
}

function allOf(parts: readonly Condition[]): Condition {
  return parts.length === 1 ? parts[0]! : { op: 'all', of: parts }
}

/** Of one path: a value, or an object of operators, all of which must hold. */
function comparisonIn(written: Written, path: string, remarks: Remarks): Condition {
  if (!isObject(written.value)) return { op: '$eq', path, value: scalarIn(written, 'use $in for one of several') }
  const entries = Object.entries(written.value)
  if (entries.length === 0) throw fault(written.path, 'is an empty object, which compares nothing.')
  return allOf(entries.map(([key, value]) => compare(key, { path: below(written.path, key), value }, path, remarks)))
}

function compare(key: string, at: Written, path: string, remarks: Remarks): Condition {
  if (key === '$not') return { op: 'not', of: comparisonIn(at, path, remarks) }
  if (key === '$and' || key === '$or') throw fault(at.path, `joins whole conditions and stands beside paths, not below one.`)
  if (key === '$length') return { op: '$length', path, of: lengthIn(at, path, remarks) }
  const op = comparisons.find((one) => one === key)
  if (op === undefined) throw unknownName(at.path, key, operators)
  if (op === '$regex') {
    if (++remarks.patterns > mostPatterns) throw fault(at.path, `is one expression too many: a config has at most ${mostPatterns}.`)
    const source = textIn(at)
    return { op, path, source, matches: linearPattern(source, at.path, remarks) }
  }
  return { op, path, value: operand(op, at) }
}

/** A number of items, or what it must be: `{"$gt": 5}`. */
function lengthIn(at: Written, path: string, remarks: Remarks): Condition {
  if (isObject(at.value)) return comparisonIn(at, path, remarks)
  return { op: '$eq', path, value: wholeIn(at, 0, 1_000_000) }
}

function operand(op: Exclude<Comparison, '$regex'> & ComparisonOperator, at: Written): JsonValue {
  switch (op) {
    case '$eq':
    case '$ne':
    case '$contains':
      return scalarIn(at, 'use $in for one of several')
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return sizeIn(at)
    case '$in':
    case '$nin': {
      const list = listIn(at)
      if (list.length === 0 && op === '$in') throw fault(at.path, 'is an empty list, which nothing is in.')
      return list.map((item) => scalarIn(item, 'a list holds single values'))
    }
    case '$exists':
      return flagIn(at)
  }
}

function scalarIn({ path, value }: Written, hint: string): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  throw fault(path, `is ${kindOf(value)}, which nothing equals; ${hint}.`)
}

/** Metadata is always text, so numbers in text are numbers; other text, such as a date, is compared by its letters. */
function sizeIn(at: Written): number | string {
  const { path, value } = at
  if (typeof value === 'number') return value
  if (typeof value !== 'string') throw fault(path, `is ${kindOf(value)}, which is neither a number nor text.`)
  const text = textIn(at)
  return Number.isFinite(Number(text)) ? Number(text) : text
}
