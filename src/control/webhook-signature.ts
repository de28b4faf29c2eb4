// How a delivery is signed: HMAC-SHA256 over the time and the body, so that neither can be changed, nor the whole sent again much later.
import { createHmac } from 'node:crypto'

export const signatureHeader = 'x-turnpike-signature'
export const eventHeader = 'x-turnpike-event-id'

/** `t=1760000000,v1=HEX`: of the bytes `1760000000.BODY`. */
export function signatureOf(secret: string, body: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`, 'utf8').digest('hex')}`
}
