// Pages of lists that are in memory, by a cursor that stays right when entries come and go between two pages.
import type { Page } from '#control'
import { wrongParameter } from './failure.ts'

/** Entries in the order of their keys, from behind the cursor on. `keyOf` is unique. Throws a 400 for a cursor that is not one of ours. */
export function pageOf<T>(
  entries: readonly T[],
  keyOf: (entry: T) => string,
  { limit, cursor }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): Page<T> {
  const after = cursor === undefined ? undefined : keyOfCursor(cursor)
  const keyed = entries.map((entry) => ({ entry, key: keyOf(entry) })).filter(({ key }) => after === undefined || key > after)
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1))
  const shown = limit === undefined ? keyed : keyed.slice(0, limit)
  const next = shown.length < keyed.length ? cursorOf(shown.at(-1)!.key) : null
  return { data: shown.map(({ entry }) => entry), next_cursor: next }
}

function cursorOf(key: string): string {
  return Buffer.from(JSON.stringify([key])).toString('base64url')
}

function keyOfCursor(cursor: string): string {
  try {
    const [key] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if (typeof key === 'string') return key
  } catch {
    // Said below.
  }
  throw wrongParameter('cursor', 'The cursor is not one that this instance made. Begin again without it.')
}
