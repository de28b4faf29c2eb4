// What an operator sees: the operational log, and redaction of everything that is printed or kept.
export { createLog, type Log, type LogOptions } from './log.ts'
export { createHeaderRecorder, createRedactor, ownerOfKey, redactHeaders, redactText } from './redact.ts'
