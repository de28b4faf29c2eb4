// The client's own provider key beside the gateway key (BYOK): who sees it, who pays, and what is said when it is not one.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { wireScripts } from '#test/scripts.ts'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

const ownKey = 'sk-ant-client-0123456789abcdef-own'
const unknownKey = 'client-0123456789abcdef'

let first: ScriptedUpstream
let second: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  first = await createUpstream()
  second = await createUpstream()
  turnpike = await startTest({
    one: { wire: 'openai-chat', origin: first.origin },
    two: { wire: 'anthropic-messages', origin: second.origin, more: { vendor: 'anthropic' } },
  })
})
after(async () => {
  await turnpike.end()
  await first.close()
  await second.close()
})
beforeEach(() => {
  first.clear()
  second.clear()
})

const body = { model: 'one/model-1', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }
const ask = (headers: Record<string, string>, more: object = {}): Promise<Response> =>
  turnpike.post('/v1/chat/completions', { ...body, ...more }, { headers: { 'x-turnpike-api-key': testKey, ...headers } })
const errorOf = async (response: Response): Promise<{ code: string; message: string; param?: string }> =>
  ((await response.json()) as { error: { code: string; message: string; param?: string } }).error

test("a provider that the model names gets the client's key instead of the operator's, and the record says whose it was", async () => {
  first.enqueue(wireScripts['openai-chat'].json({ text: ['Hello'] }))
  const response = await ask({ authorization: `Bearer ${unknownKey}` })
  assert.equal(response.status, 200, await response.clone().text())
  assert.equal(first.received[0]!.headers.get('authorization'), `Bearer ${unknownKey}`)
  const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
  assert.deepEqual(
    (record['attempt_list'] as { credential: string }[]).map(({ credential }) => credential),
    ['client'],
  )
  assert.equal(JSON.stringify(record).includes(unknownKey), false, 'the record keeps no key')
})

test('the header x-portkey-provider names the provider as well, and the key may be in x-api-key', async () => {
  second.enqueue(wireScripts['anthropic-messages'].json({ text: ['Hello'] }))
  const response = await ask({ 'x-portkey-provider': 'two', 'x-api-key': unknownKey }, { model: 'model-1' })
  assert.equal(response.status, 200, await response.clone().text())
  assert.equal(second.received[0]!.headers.get('x-api-key'), unknownKey)
})

test('a model that several providers serve goes only to the vendor whose key it is', async () => {
  second.enqueue({ status: 500, body: '{}' })
  const response = await ask({ authorization: `Bearer ${ownKey}` }, { model: 'model-1' })
  assert.equal(response.status, 503)
  assert.equal(second.received[0]!.headers.get('x-api-key'), ownKey)
  assert.equal(first.received.length, 0, 'another vendor never sees it')
})

test('a key that says nothing of its vendor needs a name', async () => {
  const response = await ask({ authorization: `Bearer ${unknownKey}` }, { model: 'model-1' })
  assert.equal(response.status, 400)
  const { param, message } = await errorOf(response)
  assert.equal(param, 'x-turnpike-provider')
  assert.match(message, /nothing says whose/)
  assert.equal(message.includes(unknownKey), false)
  assert.equal(first.received.length + second.received.length, 0)
})

test("without such a key the operator's pays: a placeholder, the gateway key again, nothing", async () => {
  for (const authorization of ['Bearer dummy', 'Bearer not-needed-at-all', `Bearer ${testKey}`, '']) {
    first.enqueue(wireScripts['openai-chat'].json({ text: ['Hello'] }))
    const response = await ask(authorization === '' ? {} : { authorization }, { model: 'model-1' })
    assert.equal(response.status, 200, authorization)
    assert.equal(first.received.at(-1)!.headers.get('authorization'), 'Bearer sk-provider-secret-1', authorization)
  }
})

test("a key that the provider rejects is the client's to mend, and says so", async () => {
  first.enqueue({ status: 401, body: '{"error":{"message":"Incorrect API key provided"}}' })
  const response = await ask({ authorization: `Bearer ${unknownKey}` })
  assert.equal(response.status, 401)
  const { code, message } = await errorOf(response)
  assert.equal(code, 'invalid_api_key')
  assert.match(message, /one rejected the provider key/)
})

test('Authorization without a gateway key beside it is a gateway key or nothing', async () => {
  const response = await turnpike.post('/v1/chat/completions', body, { headers: { authorization: `Bearer ${ownKey}` } })
  assert.equal(response.status, 401)
  assert.match((await errorOf(response)).message, /provider's own key/)
})
