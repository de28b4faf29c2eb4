// The control plane: providers, keys, aliases, prices and settings, changed while it runs.
export type * from './accounts-port.ts'
export type * from './port.ts'
export { createAccounts, type AccountsDeps } from './accounts.ts'
export { createControl, type ControlDeps, type OpenControl } from './control.ts'
export { Refusal } from './refusal.ts'
