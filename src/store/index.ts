// Persistence: the record's shape, and the only importer of database drivers.
export type * from './control-state.ts'
export type * from './ledger.ts'
export type * from './record.ts'
export { createBackups, type BackupMade, type BackupProgress, type Backups } from './backup.ts'
export type { BackupManifest } from './backup-manifest.ts'
export { createControlStore } from './control-store.ts'
export { lockHome, type HomeLock } from './home-lock.ts'
export { createLedger } from './ledger-store.ts'
export { createRecordReader, CursorError, type RecordReaderPort } from './reader.ts'
export type {
  FacetField,
  FacetSummary,
  RequestDetail,
  RequestFilters,
  RequestHistogram,
  RequestPage,
  StoredPayload,
  StreamPage,
} from './query-types.ts'
export { frameAt, recordId, RecordReader, RecordWriter } from './record-bytes.ts'
export {
  decodeFinish,
  decodeFinishSummary,
  decodeProgress,
  decodeReserve,
  encodeFinish,
  encodeProgress,
  encodeReserve,
  recordType,
} from './record-codec.ts'
export { createRecordStore, type JournalPosition, type LoggingMode, type OpenRequest, type RecordStore } from './record-store.ts'
export type { RetentionLimits } from './retention.ts'
export { openRecordDatabase } from './schema.ts'
