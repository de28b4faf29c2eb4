// Control-plane API under /api/v1: what happened, for the operator.
export { createAdmin, type Admin, type AdminOptions } from './admin.ts'
export type { QueryPort, RequestFilters, RequestPage, StoredPayload } from './port.ts'
export { outcomes, requestKinds, type PayloadPart, type RequestDetail, type RequestList, type RequestRow } from './contract.ts'
