// Sockets to providers: pools, timeouts, cancellation, framing; the only room that opens them.
export { signatureOf, signCall, type AwsAccount } from './aws-signature.ts'
export { keyLines } from './key-lines.ts'
export { createNetwork } from './network.ts'
export { isPrivateAddress } from './private-network.ts'
export { probeProvider, type ProbedCredential, type ProbeReport } from './probe.ts'
export { postWebhook } from './webhook.ts'
export { createSim, simModels } from './sim.ts'
export type * from './port.ts'
