// Formats <-> IR.
export type * from './codec.ts'
export { createSseParser, defaultMaxEventBytes, type RawFrame, type SseParser } from './framing/sse.ts'
