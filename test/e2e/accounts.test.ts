// Accounts of every kind through the whole gateway: where a call goes, what it carries, what becomes of it when the account is refused,
// and that nothing of an account is in a record or an answer.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { isObject, type JsonObject } from '#kernel'
import { signatureFault } from '#test/aws-signature.ts'
import { entraJson, serviceAccountJson, tokenAnswer, tokenRefusal, userAccountJson } from '#test/tokens.ts'
import { wireScripts } from '#test/scripts.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createGate, createUpstream, waitFor, type Answer, type ScriptedUpstream } from '#test/upstream.ts'

const secretKey = 'aws-secret-key-0123456789'
const sessionToken = 'aws-session-token-0123456789'
const azureKey = 'azure-key-0123456789'
const nova = 'amazon.nova-lite-v1:0'
const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const profile = `arn:aws:bedrock:eu-west-1:123456789012:inference-profile/${claude}`

let upstream: ScriptedUpstream
let issuer: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  issuer = await createUpstream()
  const at = (vendor: string, base: string, models: readonly string[], ...secrets: readonly string[]): JsonObject => ({
    vendor,
    base_url: upstream.origin + base,
    credentials: secrets.map((value, index) => ({ name: `${vendor}-${index + 1}`, value })),
    models: { custom: models.map((id) => ({ ...pricedModel, id })) },
  })
  const aws = (secret: string): string =>
    JSON.stringify({ access_key_id: 'AKIDEXAMPLE', secret_access_key: secret, session_token: sessionToken, region: 'eu-west-1' })
  const vertexBase = '/v1/projects/acme-1/locations/europe-west1'
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: {
          azure: at('azure', '', ['gpt-4o'], azureKey),
          'azure-v1': at('azure', '/openai/v1', ['gpt-4o'], azureKey),
          'azure-old': at('azure-deployments', '', ['gpt-4o'], azureKey),
          'azure-app': at('azure', '', ['gpt-4o'], entraJson(issuer.origin)),
          aws: at('bedrock', '', [nova, claude, profile], aws(secretKey)),
          'aws-key': at('bedrock', '', [nova], 'bedrock-api-key-0123456789'),
          vertex: at('vertex', vertexBase, ['gemini-2.5-flash', 'claude-sonnet-4-5@20250929'], serviceAccountJson(issuer.origin)),
          'two-accounts': at('vertex', vertexBase, ['gemini-2.5-flash'], serviceAccountJson(issuer.origin), userAccountJson(issuer.origin)),
          // Whoever got no token once is asked after the others from then on.
          'left-account': at('vertex', vertexBase, ['gemini-2.5-flash'], serviceAccountJson(issuer.origin)),
        },
      },
    },
  )
})
after(async () => {
  await turnpike.end()
  await upstream.close()
  await issuer.close()
})
beforeEach(() => {
  upstream.clear()
  issuer.clear()
})

const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const chatAnswer = wireScripts['openai-chat'].json({ text: ['Hello'] })
const messagesAnswer = wireScripts['anthropic-messages'].json({ text: ['Hello'] })
/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11) */
const converseAnswer = json(200, {
  output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
  metrics: { latencyMs: 10 },
})
/** https://ai.google.dev/api/generate-content (2026-11) */
const geminiAnswer = json(200, {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP', index: 0 }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  modelVersion: 'gemini-2.5-flash',
})

const body = (model: string): JsonObject => ({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] })
const chat = (model: string, init?: RequestInit): Promise<Response> => turnpike.post('/v1/chat/completions', body(model), init)
const messages = (model: string): Promise<Response> => turnpike.post('/v1/messages', body(model))

async function worked(response: Response): Promise<JsonObject> {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.match(text, /Hello/)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.equal(record['outcome'], 'ok')
  assert.notEqual(record['cost_usd'], null, 'it is priced')
  return record
}

const asked = (index = 0) => upstream.received[index]!
const header = (name: string, index = 0) => asked(index).headers.get(name)

describe('Azure', () => {
  test('is called at its v1 endpoint with the key in a header of its own, wherever the base URL ends', async () => {
    for (const slug of ['azure', 'azure-v1']) {
      upstream.clear()
      upstream.enqueue(chatAnswer)
      await worked(await chat(`${slug}/gpt-4o`))
      assert.equal(asked().url, '/openai/v1/chat/completions')
      assert.equal(header('api-key'), azureKey)
      assert.equal(header('authorization'), undefined)
    }
  })

  test('is called by deployment and version where that is what was declared', async () => {
    upstream.enqueue(chatAnswer)
    await worked(await chat('azure-old/gpt-4o'))
    assert.equal(asked().url, '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21')
    assert.equal(header('api-key'), azureKey)
  })

  test('is given the token of an Entra application', async () => {
    issuer.enqueue(tokenAnswer('entra-token-1'))
    upstream.enqueue(chatAnswer, chatAnswer)
    await worked(await chat('azure-app/gpt-4o'))
    await worked(await chat('azure-app/gpt-4o'))
    assert.deepEqual([header('authorization', 0), header('authorization', 1)], ['Bearer entra-token-1', 'Bearer entra-token-1'])
    assert.equal(header('api-key'), undefined)
    assert.deepEqual(
      issuer.received.map(({ url }) => url),
      ['/tenant-1/oauth2/v2.0/token'],
    )
  })
})

describe('Bedrock', () => {
  test('is asked by Converse for what a chat client wants, signed over the path as it is sent', async () => {
    upstream.enqueue(converseAnswer)
    await worked(await chat(`aws/${nova}`))
    assert.equal(asked().url, '/model/amazon.nova-lite-v1%3A0/converse')
    assert.equal(signatureFault(asked(), secretKey), undefined)
    assert.equal(header('x-amz-security-token'), sessionToken)
    assert.match(header('authorization')!, /\/eu-west-1\/bedrock\/aws4_request/)
  })

  test('passes messages to Claude in its own wire, under the name of an inference profile with slashes too', async () => {
    upstream.enqueue(messagesAnswer, messagesAnswer)
    await worked(await messages(`aws/${claude}`))
    assert.equal(asked().url, `/model/${claude.replace(':', '%3A')}/invoke`)
    await worked(await messages(`@aws/${profile}`))
    assert.equal(asked(1).url, `/model/${profile.replaceAll(':', '%3A').replaceAll('/', '%2F')}/invoke`)
    for (const index of [0, 1]) assert.equal(signatureFault(asked(index), secretKey), undefined)
    assert.equal(asked().json()['anthropic_version'], 'bedrock-2023-05-31')
  })

  test('takes a key of its own as a bearer token', async () => {
    upstream.enqueue(converseAnswer)
    await worked(await chat(`aws-key/${nova}`))
    assert.equal(header('authorization'), 'Bearer bedrock-api-key-0123456789')
    assert.equal(header('x-amz-date'), undefined)
  })

  test("a client's own key is sent as it is: it is never an account, whatever it looks like", async () => {
    upstream.enqueue(converseAnswer)
    const own = '{"type":"service_account","token_uri":"http://169.254.169.254/"}'
    const response = await chat(`aws/${nova}`, {
      headers: { 'x-turnpike-api-key': 'tp-test-0123456789abcdef', authorization: `Bearer ${own}` },
    })
    assert.equal(response.status, 200, await response.text())
    assert.equal(header('authorization'), `Bearer ${own}`)
    assert.equal(issuer.received.length, 0)
  })
})

describe('Vertex', () => {
  test('is asked for Gemini by its own wire and for Claude by Anthropic’s, with one token of the service account', async () => {
    issuer.enqueue(tokenAnswer('ya29.vertex-token-1'))
    upstream.enqueue(geminiAnswer, messagesAnswer)
    await worked(await chat('vertex/gemini-2.5-flash'))
    await worked(await messages('vertex/claude-sonnet-4-5@20250929'))
    const base = '/v1/projects/acme-1/locations/europe-west1/publishers'
    assert.equal(asked().url, `${base}/google/models/gemini-2.5-flash:generateContent`)
    assert.equal(asked(1).url, `${base}/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict`)
    assert.equal(asked(1).json()['anthropic_version'], 'vertex-2023-10-16')
    assert.equal(asked(1).json()['model'], undefined)
    assert.deepEqual([header('authorization'), header('authorization', 1)], ['Bearer ya29.vertex-token-1', 'Bearer ya29.vertex-token-1'])
    assert.equal(issuer.received.length, 1)
  })

  test('an account that gets no token fails over to the next one, and the record says why without a secret', async () => {
    issuer.enqueue(tokenRefusal('invalid_grant', 'Invalid JWT Signature.'), tokenAnswer('ya29.user-token-1'))
    upstream.enqueue(geminiAnswer)
    const record = await worked(await chat('two-accounts/gemini-2.5-flash'))
    const attempts = record['attempt_list'] as JsonObject[]
    assert.deepEqual(
      attempts.map(({ credential, error }) => [credential, isObject(error) ? error['class'] : undefined]),
      [
        ['vertex-1', 'credential_rejected'],
        ['vertex-2', undefined],
      ],
    )
    assert.match(JSON.stringify(attempts[0]), /gave no token to the service account.*invalid_grant/)
    assert.equal(header('authorization'), 'Bearer ya29.user-token-1')
    assert.equal(header('x-goog-user-project'), 'acme-1')
  })

  test('a client that leaves while the token is awaited is recorded, and nothing is sent', async () => {
    const gate = createGate()
    issuer.enqueue({ ...tokenRefusal('invalid_grant', ''), before: [waitFor(gate)] })
    const leaving = new AbortController()
    const request = chat('left-account/gemini-2.5-flash', { signal: leaving.signal })
    await issuer.next()
    leaving.abort()
    await assert.rejects(request)
    for (;;) {
      const found = (await turnpike.records()).find(({ outcome }) => outcome === 'cancelled')
      if (found !== undefined) break
    }
    gate.open()
    assert.equal(upstream.received.length, 0)
  })
})

test('a provider that repeats what it was sent gives nothing of an account away', async () => {
  for (const repeated of [
    () => header('authorization')!,
    () => `token ${header('x-amz-security-token')!}`,
    () => `The secret is ${secretKey}, isn't it?`,
  ]) {
    upstream.clear()
    upstream.enqueue(() => json(403, { message: repeated() }))
    const response = await chat(`aws/${nova}`)
    const text = await response.text()
    const record = JSON.stringify(await turnpike.record(response.headers.get('x-turnpike-request-id')!))
    assert.match(record, /\[redacted\]/, 'the provider’s words are there')
    for (const said of [text, record])
      for (const secret of [sessionToken, secretKey, 'Signature=']) assert.ok(!said.includes(secret), secret)
  }
})

test('no secret of an account is in what the admin API says of providers', async () => {
  const response = await fetch(`${turnpike.url}/api/v1/providers?limit=100`, {
    headers: { authorization: 'Bearer test-admin-token-0123456789abcdef' },
  })
  const said = await response.text()
  const { data } = JSON.parse(said) as { data: JsonObject[] }
  assert.equal(data.filter(isObject).length >= 8, true)
  for (const secret of [secretKey, sessionToken, azureKey, 'entra-secret', 'PRIVATE KEY', 'refresh-token', 'client-secret'])
    assert.ok(!said.includes(secret), secret)
})
