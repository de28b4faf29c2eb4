// Faults that last: an hour of 401, a storm of 429, connections that die while they are idle. Clients notice none of it.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { clientWireNames } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { clientRequest, clientScripts, hear, looksComplete, providerOf, type Heard } from '#test/client-scripts.ts'
import { faults, rateLimited } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type Answer, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

const model = (id: string): JsonObject => ({
  id,
  max_output_tokens: 1000,
  price: { input_per_million_usd: '2', output_per_million_usd: '10' },
})

before(async () => {
  upstream = await createUpstream()
  const at = (slug: string, priority: number, ids: string[]) => ({
    ...providerOf('openai-chat', `${upstream.origin}/${slug}`),
    models: { allow: ids, custom: ids.map(model) },
    priority,
  })
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: {
          refused: at('refused', 1, ['of-refused']),
          limited: at('limited', 1, ['of-limited']),
          sound: at('sound', 2, ['of-refused', 'of-limited', 'alone']),
        },
      },
    },
  )
})
beforeEach(() => {
  upstream.clear()
  upstream.route(
    ({ url }) => url.startsWith('/sound/'),
    (request) => good(request.json()['stream'] === true),
  )
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

const script = clientScripts['openai-chat']
const good = (stream: boolean): Answer => (stream ? script.sse() : script.json())

async function ask(modelName: string, count: number): Promise<Heard[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const wire = clientWireNames[i % clientWireNames.length]!
      const stream = i % 8 < 4
      const { path, body } = clientRequest(wire, modelName, stream, `request ${i}`)
      const heard = await hear(await turnpike.post(path, body, { headers: { 'x-turnpike-session-id': `storm ${modelName} ${i}` } }))
      assert.equal(heard.status, 200, heard.body)
      assert.equal(heard.whole, true)
      assert.ok(!stream || looksComplete(wire, heard.body))
      return heard
    }),
  )
}

const askedOf = (slug: string): number => upstream.received.filter(({ url }) => url.startsWith(`/${slug}/`)).length

for (const [slug, answer] of [
  ['refused', script.error(401)],
  ['limited', rateLimited(script, 'seconds', 30_000)],
] as const) {
  test(`a provider that answers ${answer.status} for an hour costs no request`, async () => {
    upstream.route(({ url }) => url.startsWith(`/${slug}/`), answer)
    const heard = [...(await ask(`of-${slug}`, 1)), ...(await ask(`of-${slug}`, 48))]
    for (const { id } of heard) {
      const { attempt_list: attempts, outcome, provider } = (await turnpike.record(id)) as unknown as RequestDetail
      assert.deepEqual([outcome, provider], ['ok', 'sound'])
      assert.equal(attempts.at(-1)!.provider, 'sound')
      assert.ok(attempts.slice(0, -1).every((attempt) => attempt.provider === slug && attempt.status === answer.status))
    }
    assert.equal(askedOf('sound'), heard.length)
    assert.ok(askedOf(slug) <= 2, `once it is known to be sick it is left alone, but for a probe: asked ${askedOf(slug)} times`)
  })
}

for (const [size, bytes] of [
  ['small', 100],
  ['large', 3 << 20],
] as const) {
  for (const [how, dies] of [
    ['closed', faults.hangUp],
    ['reset', faults.resets],
  ] as const) {
    test(`a kept-alive connection that the provider ${how} while it was idle is no attempt of a ${size} request`, async () => {
      const text = 'x'.repeat(bytes)
      await ask('alone', 1)
      upstream.enqueue(dies(), good(false))
      const { path, body } = clientRequest('openai-chat', 'alone', false, text)
      const heard = await hear(await turnpike.post(path, body))
      assert.equal(heard.status, 200, heard.body)
      const sent = upstream.received.slice(-2)
      assert.deepEqual(
        sent.map((request) => (request.json()['messages'] as { content: string }[])[0]!.content === text),
        [true, true],
        'its whole body went out twice',
      )
      assert.notEqual(sent[0]!.connection, sent[1]!.connection)
      assert.equal(((await turnpike.record(heard.id)) as unknown as RequestDetail).attempt_list.length, 1)
    })
  }
}
