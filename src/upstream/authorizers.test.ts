// Calls of accounts over real sockets: signed, or with a token that was fetched; what happens while it is fetched, and when it is refused.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { Account } from '#config'
import { Failure } from '#kernel'
import { signatureFault } from '#test/aws-signature.ts'
import { claimsOf, formOf, serviceAccountJson, serviceEmail, tokenAnswer, tokenRefusal } from '#test/tokens.ts'
import { createGate, createUpstream, waitFor, type ScriptedUpstream } from '#test/upstream.ts'
import { signCall } from './aws-signature.ts'
import { createNetwork } from './network.ts'
import type { Upstream, UpstreamCall, UpstreamRequest } from './port.ts'

let provider: ScriptedUpstream
let issuer: ScriptedUpstream
let network: Upstream
before(async () => {
  provider = await createUpstream()
  issuer = await createUpstream()
})
after(async () => {
  await provider.close()
  await issuer.close()
})
beforeEach(() => {
  provider.clear()
  issuer.clear()
  provider.route(() => true, { status: 200, headers: {}, body: 'fine' })
  network = createNetwork()
})
afterEach(() => network.close())

type Ended = { readonly call: UpstreamCall; readonly status: number; readonly text: string; readonly failure: Failure | undefined }

function send(account: Account, more: Partial<UpstreamRequest> = {}): { readonly call: UpstreamCall; readonly over: Promise<Ended> } {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  let status = 0
  let text = ''
  const call: UpstreamCall = network.send(
    {
      origin: provider.origin,
      path: '/v1/x',
      method: 'POST',
      headers: ['content-type', 'application/json'],
      body: Buffer.from('{"a":1}'),
      connectMs: 2000,
      allowPrivateNetwork: true,
      account,
      ...more,
    },
    {
      head: (code) => (status = code),
      data: (chunk) => (text += chunk.toString()),
      end: () => queueMicrotask(() => resolve({ call, status, text, failure: undefined })),
      error: (failure) => queueMicrotask(() => resolve({ call, status, text, failure })),
    },
  )
  return { call, over: promise }
}

const aws = {
  kind: 'aws',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'aws-secret-0123456789',
  region: 'eu-west-1',
  service: 'bedrock',
} satisfies Account

const service = (): Account => {
  const fields = JSON.parse(serviceAccountJson(issuer.origin)) as { private_key: string; token_uri: string }
  return { kind: 'google-service-account', clientEmail: serviceEmail, privateKey: fields.private_key, tokenUrl: fields.token_uri }
}
const user = (): Account => ({
  kind: 'google-user',
  clientId: 'client-1',
  clientSecret: 'user-secret-0123',
  refreshToken: 'refresh-0123456789',
  tokenUrl: `${issuer.origin}/token`,
  quotaProject: 'acme-1',
})
const metadata = (): Account => ({ kind: 'google-metadata', origin: issuer.origin })
const entra = (): Account => ({
  kind: 'entra',
  tenantId: 'tenant/1',
  clientId: 'app-1',
  clientSecret: 'entra-secret-0123456789',
  authority: issuer.origin,
  scope: 'https://cognitiveservices.azure.com/.default',
})
const authorizations = () => provider.received.map(({ headers }) => headers.get('authorization'))

describe('a call of an AWS account', () => {
  test('is signed with every character of the path as it is sent', async () => {
    const path = '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123%3Ainference-profile%2Feu.anthropic.claude-v1%3A0/converse'
    const { over } = send(aws, { path })
    const { status, call } = await over
    assert.equal(status, 200)
    const [received] = provider.received
    assert.equal(received!.url, path)
    assert.equal(signatureFault(received!, aws.secretAccessKey), undefined)
    assert.match(signatureFault(received!, 'another-secret') ?? '', /another one/)
    assert.match(received!.headers.get('authorization')!, /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request/)
    assert.deepEqual(call.secrets, [received!.headers.get('authorization')])
  })

  test('carries the token of temporary keys, signed too', async () => {
    await send({ ...aws, sessionToken: 'session-token-0123456789' }).over
    const [received] = provider.received
    assert.equal(received!.headers.get('x-amz-security-token'), 'session-token-0123456789')
    assert.equal(signatureFault(received!, aws.secretAccessKey), undefined)
  })

  test('is signed over a large body as well, which is hashed in slices', async () => {
    const body = Buffer.alloc(5_000_001, 'ab')
    const call = { method: 'POST', origin: provider.origin, path: '/', headers: [], body, allowPrivateNetwork: true } as const
    assert.ok(signCall(aws, call, new Date()) instanceof Promise)
    assert.ok(Array.isArray(signCall(aws, { ...call, body: body.subarray(0, 1 << 20) }, new Date())), 'a smaller one at once')
    assert.equal((await send(aws, { body }).over).status, 200)
    assert.equal(signatureFault(provider.received[0]!, aws.secretAccessKey), undefined)
  })
})

describe('a token is fetched', () => {
  test('for a service account, by an assertion that its key has signed', async () => {
    issuer.enqueue(tokenAnswer('ya29.one'))
    assert.equal((await send(service()).over).text, 'fine')
    const form = formOf(issuer.received[0]!)
    assert.equal(issuer.received[0]!.headers.get('content-type'), 'application/x-www-form-urlencoded')
    assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    const claims = claimsOf(form.get('assertion')!)
    assert.equal(claims['iss'], serviceEmail)
    assert.equal(claims['scope'], 'https://www.googleapis.com/auth/cloud-platform')
    assert.equal(claims['aud'], 'https://oauth2.googleapis.com/token')
    assert.deepEqual(authorizations(), ['Bearer ya29.one'])
  })

  test('for a user, by the refresh token; the project that pays is named', async () => {
    issuer.enqueue(tokenAnswer('ya29.two'))
    await send(user()).over
    assert.deepEqual(Object.fromEntries(formOf(issuer.received[0]!)), {
      grant_type: 'refresh_token',
      client_id: 'client-1',
      client_secret: 'user-secret-0123',
      refresh_token: 'refresh-0123456789',
    })
    assert.deepEqual(authorizations(), ['Bearer ya29.two'])
    assert.equal(provider.received[0]!.headers.get('x-goog-user-project'), 'acme-1')
  })

  test('for the machine, from the metadata server, wherever the provider may be', async () => {
    issuer.enqueue(tokenAnswer('ya29.three'))
    await send(metadata()).over
    assert.equal(issuer.received[0]!.url, '/computeMetadata/v1/instance/service-accounts/default/token')
    assert.equal(issuer.received[0]!.headers.get('metadata-flavor'), 'Google')
    assert.deepEqual(authorizations(), ['Bearer ya29.three'])
  })

  test('for an application of Entra, by its secret', async () => {
    issuer.enqueue(tokenAnswer('eyJ.four'))
    await send(entra()).over
    assert.equal(issuer.received[0]!.url, '/tenant%2F1/oauth2/v2.0/token')
    assert.deepEqual(Object.fromEntries(formOf(issuer.received[0]!)), {
      grant_type: 'client_credentials',
      client_id: 'app-1',
      client_secret: 'entra-secret-0123456789',
      scope: 'https://cognitiveservices.azure.com/.default',
    })
    assert.deepEqual(authorizations(), ['Bearer eyJ.four'])
  })

  test('once for calls at the same time and after each other; again when the provider has refused it', async () => {
    const account = service()
    issuer.enqueue(tokenAnswer('one'), tokenAnswer('two'))
    await Promise.all([send(account).over, send(account).over, send(account).over])
    provider.enqueue({ status: 401, headers: {}, body: '' })
    assert.equal((await send(account).over).status, 401)
    await send(account).over
    assert.equal(issuer.received.length, 2)
    assert.deepEqual(authorizations(), [...Array<string>(4).fill('Bearer one'), 'Bearer two'])
  })
})

describe('while the token is fetched', () => {
  test('nothing is sent, and an abort ends the call without a word', async () => {
    const gate = createGate()
    issuer.enqueue({ ...tokenAnswer('late'), before: [waitFor(gate)] })
    const account = entra()
    const left = send(account)
    const stays = send(account)
    await issuer.next()
    assert.equal(left.call.bodySent(), false)
    left.call.abort()
    assert.equal(left.call.bodySent(), true, 'it never will be, and nobody waits for it')
    gate.open()
    await stays.over
    assert.equal(provider.received.length, 1)
    assert.equal(issuer.received.length, 1)
  })

  test('a pause holds for the answer that comes later', async () => {
    const gate = createGate()
    issuer.enqueue({ ...tokenAnswer('late'), before: [waitFor(gate)] })
    let heard = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const call = network.send(
      {
        origin: provider.origin,
        path: '/',
        method: 'GET',
        headers: [],
        body: undefined,
        connectMs: 2000,
        allowPrivateNetwork: true,
        account: entra(),
      },
      { head() {}, data: () => heard++, end: resolve, error: (failure) => assert.fail(failure) },
    )
    call.pause()
    gate.open()
    const received = await provider.next()
    assert.equal(await received.closed, 'answered')
    // Whatever has come is read by the time that a later answer has.
    assert.equal((await send(aws).over).text, 'fine')
    assert.equal(heard, 0)
    call.resume()
    await promise
    assert.equal(heard, 1)
  })
})

describe('without a token', () => {
  async function refusal(account: Account, more: Partial<UpstreamRequest> = {}): Promise<Failure> {
    const { failure } = await send(account, more).over
    assert.ok(failure instanceof Failure)
    assert.equal(failure.kind, 'credential_rejected')
    for (const secret of ['user-secret', 'refresh-0123', 'entra-secret', 'PRIVATE KEY', 'assertion'])
      assert.ok(!`${failure.message} ${String(failure.details.cause)}`.includes(secret), failure.message)
    assert.equal(provider.received.length, 0)
    return failure
  }

  test('the call fails as the credential’s, in words that say who refused what, and nothing of what was sent', async () => {
    issuer.enqueue(tokenRefusal('invalid_grant', 'Invalid JWT: assertion eyJhbGciOi'))
    assert.match((await refusal(service())).message, /^Google gave no token to the service account gateway@acme-1.*invalid_grant/)
    issuer.enqueue(tokenRefusal('invalid_client', 'AADSTS7000215: Invalid client secret provided: entra-secret-0123456789.'))
    assert.match((await refusal(entra())).message, /^Microsoft Entra gave no token to the application app-1.*invalid_client, AADSTS7000215/)
    issuer.enqueue({ status: 503, headers: {}, body: 'refresh-0123456789' })
    assert.match((await refusal(user())).message, /has trouble \(status 503\)/)
    issuer.enqueue({ status: 200, headers: {}, body: '<html>' })
    assert.match((await refusal(metadata())).message, /without a token/)
  })

  test('a token endpoint that is not there, or at an address that the provider may not be at, is no other failure', async () => {
    await issuer.refuse()
    assert.match((await refusal(entra())).message, /did not answer \(connect_failed\)/)
    await issuer.accept()
    assert.match((await refusal(user(), { allowPrivateNetwork: false })).message, /did not answer \(private_address\)/)
    assert.equal(issuer.received.length, 0)
  })

  test('a private key that is none is said without showing it', async () => {
    const account = { ...service(), privateKey: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----' } as Account
    assert.match((await refusal(account)).message, /private_key is no key in PEM form/)
  })

  test('a metadata server is asked although the provider may not be at a private address', async () => {
    issuer.enqueue(tokenAnswer('ya29'))
    const { failure } = await send(metadata(), { allowPrivateNetwork: false }).over
    assert.equal(failure?.kind, 'private_address', 'of the provider, which is on this machine here')
    assert.equal(issuer.received.length, 1)
  })
})
