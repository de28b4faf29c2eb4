// Every session and every value of metadata once: what a search for a part of them reads instead of the rows.
import type { DatabaseSync } from 'node:sqlite'

export const sessionName = 'session'
export const metadataPrefix = 'metadata.'

export type SearchedValues = { session(value: string): void; metadata(key: string, value: string): void; reset(): void }

const keptValues = 20_000

export function createSearchedValues(db: DatabaseSync): SearchedValues {
  const insert = db.prepare('INSERT OR IGNORE INTO searched_values VALUES (?, ?)')
  const sessions = new Set<string>()
  /** By key. */
  const values = new Map<string, Set<string>>()

  function note(known: Set<string>, name: string, value: string): void {
    if (known.has(value)) return
    insert.run(name, value)
    if (known.size >= keptValues) known.clear()
    known.add(value)
  }

  return {
    session: (value) => note(sessions, sessionName, value),
    metadata(key, value) {
      let known = values.get(key)
      if (known === undefined) {
        if (values.size >= 100) values.clear()
        values.set(key, (known = new Set()))
      }
      note(known, metadataPrefix + key, value)
    },
    reset() {
      sessions.clear()
      values.clear()
    },
  }
}
