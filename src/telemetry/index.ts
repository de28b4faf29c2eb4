// What an operator sees: the operational log, metrics, and redaction of everything that is printed or kept.
export { createLog, type Log, type LogOptions } from './log.ts'
export { isOwnKey, keyShapeOf, keyShapes, ownerOfKey, type KeyShape } from './key-shapes.ts'
export { createHeaderRecorder, createRedactor, redactHeaders, redactText } from './redact.ts'
export { createMetrics, metricsType, type Metrics, type MetricsOptions } from './metrics.ts'
export type { CountedRequest } from './request-metrics.ts'
export type { GatewayState } from './state-metrics.ts'
