// Control-plane API under /api/v1: what happened and what is configured, for the operator.
export { createAdmin, type Admin, type AdminOptions, type InjectedRequest } from './admin.ts'
export type { QueryPort } from './port.ts'
