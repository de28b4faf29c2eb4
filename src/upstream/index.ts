// Sockets to providers: pools, timeouts, cancellation, framing; the only importer of undici.
export { createNetwork } from './network.ts'
export { createSim, simModels } from './sim.ts'
export type * from './port.ts'
