// Budgets by metadata count a key's own as well, which its requests cannot talk away, and still do after a restart.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readSettings } from '#config'
import { startTurnpike, type Turnpike } from '#main'
import { providerOf } from '#test/client-scripts.ts'
import { call, flatModel, newCaller, administer, errorIn } from '#test/money.ts'
import { chat } from '#test/scripts.ts'
import { adminToken, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import path from 'node:path'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let again: Turnpike | undefined

before(async () => {
  upstream = await createUpstream()
  upstream.route(chat.path, chat.json())
  turnpike = await startTest(
    {},
    {
      declared: {
        providers: { one: { ...providerOf('openai-chat', upstream.origin), models: { custom: [flatModel] } } },
        budgets: [{ amount_usd: '0.03', period: 'total', metadata: { project: 'demo' } }],
      },
    },
  )
})

after(async () => {
  await again?.close(1000)
  await turnpike.end()
  await upstream.close()
})

test('a key cannot say that it is of another project than its own, and a restart remembers', async () => {
  const one = await newCaller(turnpike, 'tagged', { metadata: { project: 'demo' } })
  const other = { headers: { 'x-turnpike-metadata': '{"project":"other","step":"1"}' } }
  assert.equal((await call(turnpike, one, 'one/flat')).status, 200)
  assert.equal((await call(turnpike, one, 'one/flat', other)).status, 200)
  const { data } = await administer(turnpike, 'GET', '/requests?metadata.project=demo')
  assert.equal((data as unknown[]).length, 2)
  await turnpike.close(1000)
  const settings = readSettings({
    overrides: {
      home: turnpike.homePath,
      config: path.join(turnpike.homePath, 'turnpike.yaml'),
      port: '0',
      logLevel: 'silent',
      adminToken,
    },
    env: {},
  })
  again = await startTurnpike({ settings, version: 'test' })
  assert.equal((await call(again, one, 'one/flat', other)).status, 200)
  const refused = await call(again, one, 'one/flat', other)
  assert.equal(refused.status, 402)
  assert.match(errorIn(refused).message, /0\.03/)
})
