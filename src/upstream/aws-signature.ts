// Signature Version 4 of AWS: the header lines that sign one request.
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import aws4 from 'aws4'
import type { Account } from '#config'
import type { AuthorizedCall } from './authorizer.ts'

export type AwsAccount = Extract<Account, { kind: 'aws' }>

/** What is signed: the path as it is sent, with its query; headers that are there more than once as their values in order. */
export type SignedRequest = {
  readonly method: string
  readonly path: string
  /** Lower-case names. Those of the body's hash and of the time are among them. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** Lower-case hex SHA-256. */
  readonly bodyHash: string
}

/** Larger bodies are hashed in slices, and other requests get their turns between. */
const sliceBytes = 1 << 20
const nothing = new Uint8Array()
const hashHeader = 'x-amz-content-sha256'

/** Header lines to add. A promise only where the body is large. Proxies may change headers, so few are signed. */
export function signCall(account: AwsAccount, call: AuthorizedCall, at: Date): readonly string[] | Promise<readonly string[]> {
  const body = call.body ?? nothing
  if (body.length <= sliceBytes) return linesOf(account, call, createHash('sha256').update(body).digest('hex'), at)
  return hashInSlices(body).then((hash) => linesOf(account, call, hash, at))
}

function linesOf(account: AwsAccount, { method, origin, path, headers }: AuthorizedCall, bodyHash: string, at: Date): readonly string[] {
  const added = ['x-amz-date', timeText(at), hashHeader, bodyHash]
  if (account.sessionToken !== undefined) added.push('x-amz-security-token', account.sessionToken)
  const signed: Record<string, string> = { host: new URL(origin).host }
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === 'content-type') signed['content-type'] = headers[i + 1]!
  for (let i = 0; i < added.length; i += 2) signed[added[i]!] = added[i + 1]!
  return [...added, 'authorization', signatureOf(account, { method, path, headers: signed, bodyHash }, at)]
}

/** The value of `authorization`. */
export function signatureOf(account: AwsAccount, { method, path, headers, bodyHash }: SignedRequest, at: Date): string {
  const { accessKeyId, secretAccessKey, region, service } = account
  const values = Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : value.join(',')] as const)
  const signer = new aws4.RequestSigner(
    {
      method,
      path,
      service,
      region,
      headers: { ...Object.fromEntries(values), [hashHeader]: bodyHash },
      doNotModifyHeaders: true,
      // AWS encodes a path as it is sent, once more; one that still has to be encoded before it can be sent (its suite has some) only once.
      doNotEncodePath: !/^[!-~]*$/.test(path),
      // The hash is for the signer; it is a signed header only where it is sent.
      ...(headers[hashHeader] === undefined ? { extraHeadersToIgnore: { [hashHeader]: true } } : {}),
    },
    { accessKeyId, secretAccessKey },
  )
  signer.datetime = timeText(at)
  return signer.authHeader()
}

async function hashInSlices(body: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < body.length; at += sliceBytes) {
    hash.update(body.subarray(at, at + sliceBytes))
    await setImmediate()
  }
  return hash.digest('hex')
}

/** `20150830T123600Z` */
function timeText(at: Date): string {
  return at.toISOString().replace(/[:-]|\.\d{3}/g, '')
}
