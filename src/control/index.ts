// The control plane: providers, keys, aliases, prices and settings, changed while it runs.
export type * from './port.ts'
export { createControl, type ControlDeps, type OpenControl } from './control.ts'
export { Refusal } from './refusal.ts'
