// The real OpenClaw with each of its API types that Turnpike serves, connected as docs/openclaw.md says, and a provider of every wire behind.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import { pairsOf, startClientScene } from '#test/client-scene.ts'
import { agentMetaOf, createOpenClaw, installOpenClaw, repliesOf } from '#test/openclaw.ts'
import { followRecords } from '#test/record-stream.ts'
import { runCommand } from '#test/turnpike-process.ts'
import { adminToken, testKey } from '#test/turnpike.ts'

const skip = await installOpenClaw()
const paper = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'openclaw.md'), 'utf8')

const apiOf: Readonly<Record<ClientWire, string>> = {
  'openai-chat': 'openai-completions',
  'openai-responses': 'openai-responses',
  'anthropic-messages': 'anthropic-messages',
  gemini: 'google-generative-ai',
}

test("OpenClaw's API types through Turnpike", { skip, timeout: 540_000 }, async (context) => {
  const scene = await startClientScene(context)
  const { url, homePath } = scene.turnpike
  const openclaw = createOpenClaw(context)
  const workspace = path.join(openclaw.home, '.openclaw', 'workspace')
  mkdirSync(workspace, { recursive: true })
  const models = clientWireNames.map((wire) => {
    const id = scene.modelOf(wire)
    // As setup writes them.
    const cost = { input: 2, output: 10, cacheRead: 2, cacheWrite: 2 }
    const compat = { supportsUsageInStreaming: true, supportsPromptCacheKey: true, sendSessionAffinityHeaders: true }
    return { id, name: id, contextWindow: 200_000, maxTokens: 8192, cost, compat }
  })
  const rows = [...paper.matchAll(/^\| `([\w-]+)` \| `http:\/\/127\.0\.0\.1:8640(\S*)` \|/gm)]
  assert.deepEqual(new Set(rows.map(([, api]) => api)), new Set(Object.values(apiOf)))
  const providers = Object.fromEntries(rows.map(([, api, end]) => [api!, { baseUrl: url + end!, api: api!, apiKey: testKey, models }]))
  const defaults = {
    model: { primary: `google-generative-ai/${scene.modelOf('gemini')}` },
    compaction: { model: `openai-responses/${scene.modelOf('openai-responses')}` },
  }
  writeFileSync(openclaw.configFile, JSON.stringify({ models: { providers }, agents: { defaults } }), { mode: 0o600 })
  const service = await openclaw.startService()
  const records = await followRecords(context, url, adminToken)
  const ask = (message: string, wire: ClientWire, model: string, session: string) =>
    service.turn(message, { model: `${apiOf[wire]}/${model}`, session })
  let turns = 0

  for (const wire of clientWireNames) {
    const api = apiOf[wire]
    // A check takes some seconds, and the older two types have theirs in openclaw.test.ts.
    if (wire === 'openai-responses' || wire === 'gemini') {
      await context.test(`${api}: check finds nothing wrong with what the paper says`, async () => {
        const args = ['openclaw', 'check', '--provider', api, '--home', homePath]
        const { exitCode, stdout, stderr } = await runCommand(context, args, { env: openclaw.env })
        assert.equal(exitCode, 0, stdout + stderr)
        assert.ok(stdout.includes(`reaches ${providers[api]!.baseUrl} as ${api}`), stdout)
      })
    }

    const sessions = new Set<string>()
    const before = (await scene.turnpike.records()).length
    for (const pair of pairsOf(wire)) {
      await context.test(`${api}, ${pair.provider} provider`, (context) =>
        scene.check(context, pair, {
          call:
            ({ file }) =>
            (tools) =>
              tools.has('read') ? { name: 'read', args: { path: file } } : undefined,
          async turn({ prompt, model, note }) {
            writeFileSync(path.join(workspace, note.file), note.text)
            const turn = await ask(prompt, wire, model, `agent:main:turn-${++turns}`)
            const meta = agentMetaOf(turn)
            sessions.add(meta.sessionId)
            assert.ok(meta.costUsd !== undefined && meta.costUsd > 0, JSON.stringify(meta))
            return repliesOf(turn).join('\n')
          },
        }),
      )
    }

    await context.test(`${api}: each turn is recorded with its session, as the user's`, async () => {
      const records = (await scene.turnpike.records()).slice(0, -before || undefined)
      assert.ok(records.length >= 12)
      assert.deepEqual(new Set(records.map(({ kind }) => kind)), new Set(['user']))
      assert.deepEqual(new Set(records.map(({ session }) => session)), sessions)
    })
  }

  await context.test('a heartbeat over google-generative-ai is recorded as one', async () => {
    await service.call('wake', { text: 'Look around.', mode: 'now' })
    const [record] = await records.until(1, ({ kind }) => kind === 'heartbeat')
    assert.deepEqual([record!.wire, record!.outcome], ['gemini', 'ok'])
    assert.match(record!.session, /^[0-9a-f-]{36}$/)
  })

  await context.test('a compaction over openai-responses is recorded as one, in the session of its conversation', async () => {
    const key = 'agent:main:compacted'
    const turn = await ask('Remember the number 4711.', 'openai-responses', scene.modelOf('openai-responses'), key)
    const { compacted } = await service.call('sessions.compact', { key })
    assert.equal(compacted, true)
    const [record] = await records.until(1, ({ kind }) => kind === 'compaction')
    assert.deepEqual([record!.wire, record!.session, record!.outcome], ['openai-responses', agentMetaOf(turn).sessionId, 'ok'])
  })
})
