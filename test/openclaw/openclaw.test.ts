// The real OpenClaw through a real gateway, against scripted providers: set up from nothing, answers, tools, cost, kinds.
import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import { agentMetaOf, installOpenClaw, openClawVersion, readOr, repliesOf } from '#test/openclaw.ts'
import { startScene } from '#test/openclaw-scene.ts'
import { chat, messages } from '#test/scripts.ts'

const skip = await installOpenClaw()

test('OpenClaw through Turnpike', { skip, timeout: 540_000 }, async (context) => {
  const scene = await startScene(context)
  const { openclaw, alpha, beta, gamma, turnpike, newRecords } = scene
  const usage = { input: 9000, output: 12, cacheRead: 4000 }
  // 5000 input at $2, 4000 from the cache at $0.50, 12 output at $10, all for a million.
  const cost = 0.01212
  alpha.route(chat.path, () => chat.sse({ model: 'model-1', text: ['Good day', ' from alpha.'], usage }))
  beta.route(chat.path, () => chat.sse({ model: 'model-1', text: ['Good day', ' from beta.'], usage }))
  gamma.route(messages.path, () => messages.sse({ model: 'model-2', text: ['Good day', ' from gamma.'], usage }))

  await context.test('a dry run says what it would write, and writes nothing', async () => {
    const { exitCode, stdout, stderr } = await turnpike('openclaw', 'setup', '--dry-run', '--json', '--fallback', 'model-2')
    assert.equal(exitCode, 0, stderr)
    const said = JSON.parse(stdout) as { changed: boolean; env: JsonObject; config: { file: string; patch: JsonObject }; primary: string }
    assert.equal(said.changed, true)
    assert.equal(said.primary, 'model-1')
    assert.deepEqual(said.env, { file: openclaw.envFile, line: 'TURNPIKE_API_KEY=(the new key)', changed: true })
    assert.equal(said.config.file, openclaw.configFile)
    assert.deepEqual(said.config.patch['tools'], { loopDetection: { enabled: true } })
    assert.equal(readOr(openclaw.envFile), undefined)
    assert.equal(readOr(openclaw.configFile), undefined)
    const { data } = (await (await scene.admin('keys')).json()) as { data: { name: string }[] }
    assert.equal(data.some(({ name }) => name === 'openclaw'), false) // prettier-ignore
  })

  await context.test('setup connects an OpenClaw that was never configured', async () => {
    writeFileSync(path.join(openclaw.home, 'before'), '')
    const { exitCode, stdout, stderr } = await turnpike('openclaw', 'setup', '--fallback', 'model-2')
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, new RegExp(`^OpenClaw ${openClawVersion.replaceAll('.', '\\.')} now uses ${scene.url}/v1\\.$`, 'm'))
    assert.match(readOr(openclaw.envFile) ?? '', /^TURNPIKE_API_KEY=tp-[\w-]{43}\n$/)
    assert.equal(statSync(openclaw.envFile).mode & 0o777, 0o600)
    const config = readOr(openclaw.configFile) ?? ''
    const secret = (readOr(openclaw.envFile) ?? '').slice('TURNPIKE_API_KEY='.length).trim()
    assert.equal(config.includes(secret) || stdout.includes(secret), false, 'the key is in .env and nowhere else')
    const { models, agents } = JSON.parse(config) as { models: { providers: Record<string, JsonObject> }; agents: { defaults: JsonObject } }
    const entry = models.providers['turnpike']!
    assert.equal(entry['baseUrl'], `${scene.url}/v1`)
    assert.equal(entry['api'], 'openai-completions')
    assert.deepEqual(entry['apiKey'], { source: 'env', provider: 'default', id: 'TURNPIKE_API_KEY' })
    assert.deepEqual((entry['models'] as JsonObject[])[0], {
      id: 'model-1',
      name: 'model-1',
      reasoning: false,
      input: ['text'],
      contextWindow: 128_000,
      maxTokens: 8192,
      cost: { input: 2, output: 10, cacheRead: 0.5, cacheWrite: 2 },
      compat: { supportsUsageInStreaming: true, supportsPromptCacheKey: true, sendSessionAffinityHeaders: true },
    })
    assert.deepEqual(agents.defaults['model'], { primary: 'turnpike/model-1', fallbacks: ['turnpike/model-2'] })
    const { data } = (await (await scene.admin('keys')).json()) as { data: { name: string; client?: string; type: string }[] }
    const key = data.find(({ name }) => name === 'openclaw')
    assert.deepEqual([key?.client, key?.type], ['openclaw', 'service'])
  })

  await context.test('an answer of a chat provider comes with usage, cost, session and kind', async () => {
    const turn = await openclaw.json(['agent', '--local', '--agent', 'main', '-m', 'hi'], 90_000)
    assert.deepEqual(repliesOf(turn), ['Good day from alpha.'])
    const meta = agentMetaOf(turn)
    assert.equal(meta.costUsd, cost)
    assert.deepEqual(meta.usage?.cost, { total: cost, totalOrigin: 'provider-billed' })
    assert.deepEqual([meta.usage?.input, meta.usage?.cacheRead, meta.usage?.output], [5000, 4000, 12])
    const [record] = await newRecords(1)
    assert.deepEqual(
      [record!.kind, record!.session, record!.outcome, record!.provider, record!.model.served, Number(record!.cost_usd)],
      ['user', meta.sessionId, 'ok', 'alpha', 'model-1', cost],
    )
    assert.equal(record!.key.name, 'openclaw')
  })

  await context.test('a second setup changes nothing and says so', async () => {
    const before = [readOr(openclaw.envFile), readOr(openclaw.configFile)]
    const { exitCode, stdout, stderr } = await turnpike('openclaw', 'setup')
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, /^Nothing to change: /)
    assert.deepEqual([readOr(openclaw.envFile), readOr(openclaw.configFile)], before)
    const { data } = (await (await scene.admin('keys')).json()) as { data: { name: string }[] }
    assert.equal(data.filter(({ name }) => name.startsWith('openclaw')).length, 1)
  })

  await context.test('check finds nothing wrong', async () => {
    const { exitCode, stdout, stderr } = await turnpike('openclaw', 'check')
    assert.equal(exitCode, 0, stdout + stderr)
    assert.match(stdout, /reaches .*\/v1 as openai-completions; agents\.defaults\.model\.primary is turnpike\/model-1/)
    assert.match(stdout, /Last request, .* user: Served by alpha\/model-1 on attempt 1\. \$0\.0121/)
  })

  const service = await openclaw.startService()

  await context.test('an answer of an Anthropic provider is translated, with the same cost', async () => {
    const turn = await service.turn('hi again', { model: 'turnpike/model-2' })
    assert.deepEqual(repliesOf(turn), ['Good day from gamma.'])
    const meta = agentMetaOf(turn)
    assert.deepEqual([meta.model, meta.costUsd, meta.usage?.cost?.totalOrigin], ['model-2', cost, 'provider-billed'])
    const [record] = await newRecords(1)
    assert.deepEqual([record!.provider, record!.lane, record!.kind, record!.session], ['gamma', 'translate', 'user', meta.sessionId])
  })

  for (const { name, upstream, wire, id, model } of [
    { name: 'a chat provider', upstream: alpha, wire: chat, id: 'call_abc-DEF.1', model: 'model-1' },
    { name: 'an Anthropic provider', upstream: gamma, wire: messages, id: 'toolu_01A-b_C', model: 'model-2' },
  ] as const) {
    await context.test(`${name} has a tool used and reads its result`, async () => {
      const secret = `the-note-of-${model}`
      writeFileSync(path.join(openclaw.home, '.openclaw', 'workspace', `${model}.txt`), secret)
      const count = upstream.received.length
      upstream.enqueue(wire.sse({ model, toolCalls: [{ id, name: 'read', args: { path: `${model}.txt` } }], usage }))
      const turn = await service.turn(`Read ${model}.txt`, { model: `turnpike/${model}` })
      assert.match(repliesOf(turn).join(), /^Good day from (alpha|gamma)\.$/)
      const [asked, answered] = upstream.received.slice(count).map(({ body }) => body.toString())
      assert.equal(asked?.includes(secret), false)
      assert.ok(answered?.includes(secret), 'the second request has what the tool returned')
      const records = await newRecords(2)
      assert.deepEqual(records.map(({ outcome }) => outcome), ['ok', 'ok']) // prettier-ignore
      assert.equal(agentMetaOf(turn).costUsd, 2 * cost)
    })
  }

  await context.test('a heartbeat is recorded as one', async () => {
    await service.call('wake', { text: 'Look around.', mode: 'now' })
    const [record] = await newRecords(1)
    assert.deepEqual([record!.kind, record!.outcome], ['heartbeat', 'ok'])
    assert.match(record!.session, /^[0-9a-f-]{36}$/)
  })

  await context.test('a compaction is recorded as one, in the session of its conversation', async () => {
    const turn = await service.turn('Remember the number 4711.')
    await newRecords(1)
    const { compacted } = await service.call('sessions.compact', { key: 'agent:main:main' })
    assert.equal(compacted, true)
    const records = await newRecords(1)
    assert.deepEqual(records.map(({ kind, session, outcome }) => [kind, session, outcome])[0], [
      'compaction',
      agentMetaOf(turn).sessionId,
      'ok',
    ])
  })

  await context.test('what OpenClaw shows for a wrong model and a missing /v1 is in the paper', async () => {
    const paper = readOr(path.resolve(import.meta.dirname, '..', '..', 'docs', 'openclaw.md')) ?? ''
    const shown = async (...more: string[]) => {
      const { exitCode, stdout } = await openclaw.run(['agent', '--agent', 'main', '-m', 'hi', ...more, '--json'])
      assert.notEqual(exitCode, 0)
      return (JSON.parse(stdout) as { error: { message: string } }).error.message
    }
    const wrongModel = await shown('--model', 'turnpike/modle-1')
    assert.ok(paper.includes(`"${wrongModel}"`), wrongModel)
    const { exitCode, stderr } = await openclaw.run(['config', 'set', 'models.providers.turnpike.baseUrl', scene.url])
    assert.equal(exitCode, 0, stderr)
    const missing = await shown('--model', 'turnpike/model-1')
    assert.ok(paper.includes(`"${missing}"`), missing)
  })
})
