// AWS's own test suite of Signature Version 4, and published vectors of Bedrock: what is sent is what AWS computes.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { basename, sep } from 'node:path'
import { test } from 'node:test'
import { signatureOf, signCall, type AwsAccount } from '#upstream'
import { corpusPath, readCorpus, skipWithoutCorpus } from '#test/corpus.ts'

const suite = ['sigv4', 'aws-sig-v4-test-suite']
/** Of every case, as its documentation has them. */
const account: AwsAccount = {
  kind: 'aws',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
  service: 'service',
}
const at = new Date('2015-08-30T12:36:00Z')

type Case = { readonly name: string; readonly request: string; readonly authorization: string }

function cases(): Case[] {
  const folder = corpusPath(...suite)!
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.req'))
    .sort()
    .map((file) => {
      const read = (end: string): string => readCorpus(...suite, ...file.replace(/\.req$/, end).split(sep)).toString('utf8')
      return { name: basename(file, '.req'), request: read('.req'), authorization: read('.authz').trim() }
    })
}

/** A request as the suite writes it: no white space after the colon, a value over several lines, and no blank line when there is no body. */
function parse(text: string): { method: string; path: string; headers: Record<string, string[]>; body: string } {
  const [head = '', ...rest] = text.split(/\r?\n\r?\n/)
  const lines = head.split(/\r?\n/)
  const [, method = '', target = ''] = /^(\S+) (.*) HTTP\/1\.1$/.exec(lines[0]!)!
  const headers: Record<string, string[]> = {}
  let last: string[] = []
  for (const line of lines.slice(1)) {
    if (/^\s/.test(line)) {
      last.push(line.trim())
      continue
    }
    const colon = line.indexOf(':')
    last = headers[line.slice(0, colon).toLowerCase()] ??= []
    // The suite trims each value and joins those of one name.
    last.push(line.slice(colon + 1).trim())
  }
  return { method, path: target, headers, body: rest.join('\n\n') }
}

test('every case of AWS’s suite has the signature that AWS gives it', { skip: skipWithoutCorpus }, () => {
  const all = cases()
  assert.ok(all.length >= 30, String(all.length))
  for (const { name, request, authorization } of all) {
    const { method, path: target, headers, body } = parse(request)
    const bodyHash = createHash('sha256').update(body).digest('hex')
    assert.equal(signatureOf(account, { method, path: target, headers, bodyHash }, at), authorization, name)
  }
})

test('a call with temporary keys is signed as the published vector of Bedrock has it', { skip: skipWithoutCorpus }, () => {
  const vector = JSON.parse(readCorpus('sigv4', 'openai-bedrock-sigv4.json').toString('utf8')) as {
    signingDate: string
    region: string
    service: string
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
    request: { method: 'POST'; url: string; body: string; contentType: string }
    expected: { date: string; payloadHash: string; authorization: string }
  }
  const { origin, pathname } = new URL(vector.request.url)
  const lines = signCall(
    { kind: 'aws', ...vector.credentials, region: vector.region, service: vector.service },
    {
      method: vector.request.method,
      origin,
      path: pathname,
      headers: ['accept', 'application/json', 'content-type', vector.request.contentType, 'user-agent', 'turnpike'],
      body: Buffer.from(vector.request.body),
      allowPrivateNetwork: false,
    },
    new Date(vector.signingDate),
  ) as readonly string[]
  assert.deepEqual(lines, [
    'x-amz-date',
    vector.expected.date,
    'x-amz-content-sha256',
    vector.expected.payloadHash,
    'x-amz-security-token',
    vector.credentials.sessionToken,
    'authorization',
    vector.expected.authorization,
  ])
})

type Vector = {
  readonly id: string
  readonly kind: string
  readonly given: {
    readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string }
    readonly signing: { readonly service: string; readonly region: string; readonly timestamp: string }
    readonly request: {
      readonly method: string
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly body_base64: string
    }
  }
  readonly expected: { readonly headers: Readonly<Record<string, string>> }
}

test('the published vectors that sign more headers than we send are met as well', { skip: skipWithoutCorpus }, () => {
  const { cases: all } = JSON.parse(readCorpus('sigv4', 'openai-bedrock-auth-cases.json').toString('utf8')) as { cases: Vector[] }
  const vectors = all.filter(({ kind }) => kind === 'sigv4')
  assert.ok(vectors.length >= 2)
  for (const { id, given, expected } of vectors) {
    const { credentials, signing, request } = given
    const { authorization, ...added } = expected.headers
    const { region, service } = signing
    const keys = {
      kind: 'aws',
      accessKeyId: credentials.access_key_id,
      secretAccessKey: credentials.secret_access_key,
      region,
      service,
    } as const
    const bodyHash = createHash('sha256').update(Buffer.from(request.body_base64, 'base64')).digest('hex')
    const headers = { ...request.headers, ...added }
    const path = new URL(request.url).pathname
    assert.equal(signatureOf(keys, { method: request.method, path, headers, bodyHash }, new Date(signing.timestamp)), authorization, id)
  }
})
