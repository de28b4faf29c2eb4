// What an operator sees: the operational log, and redaction of everything that is printed or kept.
export { createLog, type Log, type LogOptions } from './log.ts'
export { keyShapeOf, keyShapes, ownerOfKey, type KeyShape } from './key-shapes.ts'
export { createHeaderRecorder, createRedactor, redactHeaders, redactText } from './redact.ts'
