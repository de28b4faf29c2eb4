// Whether a condition of a routing config holds. A field that is missing fails every comparison but `$ne`, `$nin` and `$exists: false`.
import { isDeepStrictEqual } from 'node:util'
import type { Condition } from '#config'
import type { JsonValue } from '#kernel'

/** Of all expressions that one request meets: states times characters, each some 100 ns at worst, which is about a tenth of a second. */
export const mostSteps = 1_000_000

/** `spare`: what is left of them. */
export function holds(
  condition: Condition,
  valueOf: (path: string) => JsonValue | undefined,
  spare: { steps: number } = { steps: mostSteps },
): boolean {
  switch (condition.op) {
    case 'all':
      return condition.of.every((one) => holds(one, valueOf, spare))
    case 'any':
      return condition.of.some((one) => holds(one, valueOf, spare))
    case 'not':
      return !holds(condition.of, valueOf, spare)
    case '$length': {
      const value = valueOf(condition.path)
      return Array.isArray(value) && holds(condition.of, () => value.length, spare)
    }
    case '$regex': {
      const value = valueOf(condition.path)
      return isScalar(value) && condition.matches(String(value), spare)
    }
    default:
      return compares(condition, valueOf(condition.path))
  }
}

type Comparison = Extract<Condition, { readonly value: JsonValue }>

function compares({ op, value: wanted }: Comparison, value: JsonValue | undefined): boolean {
  switch (op) {
    case '$exists':
      return (value !== undefined) === (wanted !== false)
    case '$eq':
      return value !== undefined && equal(value, wanted)
    case '$ne':
      return value === undefined || !equal(value, wanted)
    case '$in':
      return value !== undefined && Array.isArray(wanted) && wanted.some((one) => equal(value, one))
    case '$nin':
      return value === undefined || !Array.isArray(wanted) || !wanted.some((one) => equal(value, one))
    case '$contains':
      if (typeof value === 'string') return typeof wanted === 'string' && value.includes(wanted)
      return Array.isArray(value) && value.some((one) => equal(one, wanted))
    case '$gt':
      return ordered(value, wanted, (sign) => sign > 0)
    case '$gte':
      return ordered(value, wanted, (sign) => sign >= 0)
    case '$lt':
      return ordered(value, wanted, (sign) => sign < 0)
    case '$lte':
      return ordered(value, wanted, (sign) => sign <= 0)
    default:
      return op satisfies never
  }
}

/** Metadata and headers are texts: `"5"` is 5 to a number. */
function equal(value: JsonValue, wanted: JsonValue): boolean {
  if (typeof wanted === 'number' && typeof value === 'string') return numberIn(value) === wanted
  if (typeof wanted === 'boolean' && typeof value === 'string') return value === String(wanted)
  return typeof value === 'object' ? isDeepStrictEqual(value, wanted) : value === wanted
}

/** Numbers by size; two texts that are not both numbers, by their letters. */
function ordered(value: JsonValue | undefined, wanted: JsonValue, is: (sign: number) => boolean): boolean {
  const [a, b] = [numberIn(value), numberIn(wanted)]
  if (a !== undefined && b !== undefined) return is(a - b)
  if (typeof value !== 'string' || typeof wanted !== 'string') return false
  return is(value < wanted ? -1 : Number(value > wanted))
}

function numberIn(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}
