// Append-only record of what happened; group commit, recovery, loaders.
export type * from './port.ts'
