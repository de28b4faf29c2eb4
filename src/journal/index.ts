// Append-only record of what happened; group commit, recovery, loaders.
export { lacksUsage, withEstimatedUsage } from './estimate.ts'
export { listenedJournal } from './listened.ts'
export type * from './port.ts'
export { createRecorder, type Recorder, type RecorderOptions, type RecorderStats, type RecordQueryPort } from './recorder.ts'
export type { RecoverySummary } from './recovery.ts'
export { recordFiles } from './writer.ts'
export { createThreadedTokenCounter, type TokenCounter } from './token-counter.ts'
