// Formats <-> IR.
export type * from './codec.ts'
