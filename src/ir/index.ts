// The language between wires: requests, responses, events, usage, notes; fold, explode, grammar. Pure.
export type * from './request.ts'
export { clientWireNames, wireNames } from './request.ts'
export type * from './response.ts'
export type * from './target.ts'
export {
  embeddingFormNames,
  type EmbeddingForm,
  type EmbeddingInput,
  type EmbeddingRequest,
  type Vector,
  type VectorEncoding,
} from './embedding.ts'
export { billedCounts, costOf, usageCounts, type Cost, type CostLine, type UsageCounts } from './cost.ts'
export { formatPicoUsd, formatUsd, formatUsdPerMillion, parseNanoUsd, parsePicoUsd, usdNumber } from './money.ts'
export { freePrice, priceAt, priceOf, scalePrice, type Rates } from './price.ts'
export { createGrammar, type Grammar } from './grammar.ts'
export { Notes } from './notes.ts'
export { fold } from './fold.ts'
export { explode } from './explode.ts'
