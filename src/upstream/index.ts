// Sockets to providers: pools, timeouts, cancellation, framing; the only importer of undici.
export type * from './port.ts'
