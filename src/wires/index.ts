// Formats <-> IR.
export type * from './codec.ts'
export { placeParam, placesOf } from './client-params.ts'
export { endpointPath } from './endpoint-path.ts'
export { createSseParser, defaultMaxEventBytes } from './framing/sse.ts'
export { clientWires, codecOf, providerCodecOf, wires } from './registry.ts'
export { createArrayStream, encodeModel, pageOfModels, type GeminiModel } from './gemini/index.ts'
export { embeddingCodecOf, embeddings, embeddingUsage, sumOfUsages } from './embeddings/index.ts'
export type * from './embeddings/codec.ts'
