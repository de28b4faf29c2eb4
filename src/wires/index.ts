// Formats <-> IR.
export type * from './codec.ts'
export { createSseParser, defaultMaxEventBytes, type RawFrame, type SseParser } from './framing/sse.ts'
export { codecOf, wires } from './registry.ts'
export { decodeCountTokens, encodeTokenCount } from './anthropic-messages/index.ts'
