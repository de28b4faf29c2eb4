// Formats <-> IR.
export type * from './codec.ts'
export { createSseParser, defaultMaxEventBytes, type RawFrame, type SseParser } from './framing/sse.ts'
export { requestEdits, type RequestEdit } from './request-edits.ts'
