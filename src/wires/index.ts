// Formats <-> IR.
export type * from './codec.ts'
export { createSseParser, defaultMaxEventBytes } from './framing/sse.ts'
export { clientWires, codecOf, providerCodecOf, wires } from './registry.ts'
