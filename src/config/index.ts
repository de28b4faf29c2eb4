// Settings and declared state -> frozen snapshots; the only reader of process.env.
export type * from './snapshot.ts'
