// What an arrived request is: where it was sent, and what is read of it before it can be routed.
export type { Arrival, Client, ClientListener, InspectedArrival, Refusal } from './arrival.ts'
export { decodedSegment, endpointOf, isGeminiMethod, modelPaths, type ModelEndpoint } from './endpoints.ts'
export { inspect, type Inspected } from './inspect.ts'
export { bytesPerToken, inputTokensOf } from './prompt-size.ts'
export { edited, largeBodyBytes, rewrite, type InspectedBody } from './request-body.ts'
export { RequestView } from './request-view.ts'
