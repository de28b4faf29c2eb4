// Control-plane API under /api/v1: what happened, for the operator.
export { createAdmin, type Admin, type AdminOptions } from './admin.ts'
export type { QueryPort } from './port.ts'
