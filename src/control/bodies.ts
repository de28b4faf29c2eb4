// Bodies of writes, checked as turnpike.yaml is: what is wrong is a refusal that names the field.
import { checkBody } from '#config'
import { Refusal } from './refusal.ts'

type Schema<T> = Parameters<typeof checkBody<T>>[0]

/** `path`: where the value is in what was sent; none for the body itself. Throws `Refusal`. */
export function checked<T>(schema: Schema<T>, value: unknown, ...path: readonly string[]): T {
  const result = checkBody(schema, value, path)
  if (!result.ok) throw new Refusal('invalid_request', result.sentence, result.field)
  return result.data
}

/** Throws the refusal of a name that is there twice. `field`: of the second one. */
export function refuseTwice(names: readonly string[], field: (index: number) => string): void {
  const seen = new Set<string>()
  for (const [index, name] of names.entries()) {
    if (seen.has(name))
      throw new Refusal(
        'invalid_request',
        `${field(index)} is ${JSON.stringify(name)}, which is there twice; change or remove one.`,
        field(index),
      )
    seen.add(name)
  }
}

/** Without the fields that are undefined, as the store keeps it. */
export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
}

export function timeText(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString()
}

/** Of a key that is long enough to keep four characters public; an account's JSON ends in nothing that tells it from another. */
export function lastFour(secret: string): string | null {
  return secret.length < 12 || secret.startsWith('{') ? null : secret.slice(-4)
}

/** Of a cursor that is the number of a row; `undefined` begins at the newest. */
export function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^\d{1,15}$/.test(cursor))
    throw new Refusal('invalid_request', 'The cursor is not one that this list gave; begin without it.', 'cursor')
  return Number(cursor)
}
