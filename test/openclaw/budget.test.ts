// A daily budget, with the real OpenClaw: its user reads the gateway's own sentence, and goes on as soon as the limit is raised.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { accountOf, administer, newCaller } from '#test/money.ts'
import { createOpenClaw, installOpenClaw, repliesOf } from '#test/openclaw.ts'
import { chat } from '#test/scripts.ts'
import { startTest } from '#test/turnpike.ts'
import { createUpstream } from '#test/upstream.ts'
import { client, provider } from './reliability/part.ts'

const skip = await installOpenClaw()

test('OpenClaw reaches the limit of its day', { skip, timeout: 180_000 }, async (context) => {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  upstream.route(chat.path, () => chat.sse({ model: 'model-1', text: ['Good day', '.'] }))
  const price = { input_per_million_usd: '0', output_per_million_usd: '0', request_usd: '2.5' }
  const one = provider('openai-chat', upstream.origin, [], {
    models: { custom: [{ id: 'model-1', context_window: 128_000, capabilities: ['tools'], price }] },
  })
  const turnpike = await startTest({}, { declared: { providers: { one } } })
  context.after(() => turnpike.end())
  const key = await newCaller(turnpike, 'lobster', { client: 'openclaw', budgets: [{ amount_usd: '5', period: 'day' }] })

  const openclaw = createOpenClaw(context)
  mkdirSync(path.dirname(openclaw.configFile), { recursive: true })
  const config = {
    models: { providers: { turnpike: client(turnpike.url, 'openai-completions', key.key, ['model-1']) } },
    agents: { defaults: { model: { primary: 'turnpike/model-1' }, skipBootstrap: true }, entries: { main: { default: true } } },
  }
  writeFileSync(openclaw.configFile, JSON.stringify(config), { mode: 0o600 })
  const service = await openclaw.startService()
  const says = async (): Promise<string[]> => repliesOf(await service.turn('hi'))

  await context.test('two turns of $2.50 use up the $5 of the day', async () => {
    assert.deepEqual([await says(), await says()], [['Good day.'], ['Good day.']])
  })

  await context.test('the third one ends with the sentence of the gateway', async () => {
    const shown = /Daily spending limit of \$5\.00 reached for key 'lobster'\. Resets in \d+ (hours|minutes|seconds?)\./
    await assert.rejects(says(), (error: Error) => {
      assert.match(error.message, shown)
      return true
    })
    assert.equal(upstream.received.length, 2, 'the provider is not asked')
  })

  await context.test('once the limit is raised, the next turn is answered', async () => {
    await administer(turnpike, 'PATCH', `/keys/${key.id}`, { budgets: [{ amount_usd: '7.5', period: 'day' }] })
    assert.deepEqual(await says(), ['Good day.'])
    const { limit, limit_remaining: left, usage_daily: spent } = await accountOf(turnpike, key)
    assert.deepEqual({ limit, left, spent }, { limit: 7.5, left: 0, spent: 7.5 })
  })
})
