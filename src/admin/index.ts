// Control-plane API under /api/v1: what happened, for the operator.
export { createAdmin, type Admin, type AdminOptions } from './admin.ts'
export type { QueryPort, RequestFilters, RequestPage, StoredPayload } from './port.ts'
export type { PayloadPart, RequestDetail, RequestList, RequestRow } from './contract.ts'
