// Checks a signature as AWS does, from its published algorithm alone: what a scripted Bedrock uses to tell a signed call from another.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (2026-11)
import { createHash, createHmac } from 'node:crypto'
import type { Received } from './upstream.ts'

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** Why the signature is not that of the secret key; undefined: it is. */
export function signatureFault({ method, url, headers, body }: Received, secretAccessKey: string): string | undefined {
  const authorization = headers.get('authorization') ?? ''
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
  const [, , date, region, service, signedHeaders, signature] = parts.exec(authorization) ?? []
  if (date === undefined || signedHeaders === undefined) return `no signature: ${authorization.slice(0, 40)}`
  const names = signedHeaders.split(';')
  if (!names.includes('host')) return 'the host is not signed'
  for (const [name] of headers) if (name.startsWith('x-amz-') && !names.includes(name)) return `${name} is not signed`
  const time = headers.get('x-amz-date') ?? ''
  if (!time.startsWith(date)) return 'the day is not that of the time'
  const [path = '', query = ''] = url.split('?', 2)
  const canonical = [
    method,
    // Each segment is encoded twice: as it was sent, and once more.
    path.split('/').map(encoded).join('/'),
    query.split('&').sort().join('&'),
    ...names.map((name) => `${name}:${(headers.get(name) ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, date), region!), service!), 'aws4_request')
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'the signature is another one'
}
