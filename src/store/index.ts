// Persistence: the record's shape, and the only importer of database drivers.
export type * from './record.ts'
