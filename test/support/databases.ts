// Databases of a home, for tests that look behind the store.
import { DatabaseSync } from 'node:sqlite'

export type { DatabaseSync } from 'node:sqlite'

export function openDatabase(file: string): DatabaseSync {
  return new DatabaseSync(file)
}
