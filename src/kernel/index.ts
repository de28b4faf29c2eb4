// Words with no domain.
export { Failure, failureTable, invalidRequest, type Fault, type FailureDetails, type FailureKind, type FailureRow } from './failure.ts'
export { newRequestId, timeOfRequestId } from './ids.ts'
export { asCount, asText, isObject, type JsonObject, type JsonValue } from './json.ts'
export { nearestNames } from './nearest.ts'
export { siblingModule } from './sibling.ts'
