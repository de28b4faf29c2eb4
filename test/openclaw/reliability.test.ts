// What keeps OpenClaw going, point for point, with the real one: its provider fails, is silent, says no, overflows, runs in circles.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { createOpenClaw, installOpenClaw, repliesOf } from '#test/openclaw.ts'
import { refusedPort } from '#test/ports.ts'
import { followRecords } from '#test/record-stream.ts'
import { adminToken, startTest } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'
import { answers } from './reliability/answers.ts'
import { failover } from './reliability/failover.ts'
import { kinds, mainModel } from './reliability/kinds.ts'
import { overflow } from './reliability/overflow.ts'
import type { World } from './reliability/part.ts'
import { runaway } from './reliability/runaway.ts'
import { sentencesPart } from './reliability/sentences.ts'
import { silence } from './reliability/silence.ts'

const skip = await installOpenClaw()

// The minute of silence passes beside the rest.
test('OpenClaw on a bad day', { skip, timeout: 540_000, concurrency: 3 }, async (context) => {
  const upstream = async (): Promise<ScriptedUpstream> => {
    const created = await createUpstream()
    context.after(() => created.close())
    return created
  }
  const dead = await refusedPort()
  context.after(() => dead.close())
  const parts = {
    failover: failover(await upstream(), await upstream(), dead.origin),
    silence: silence(await upstream(), await upstream()),
    sentences: sentencesPart(await upstream()),
    overflow: overflow(await upstream()),
    answers: answers(await upstream(), await upstream()),
    kinds: kinds(await upstream()),
    runaway: runaway(await upstream()),
  }
  const all = Object.values(parts)
  const turnpike = await startTest(
    {},
    {
      declared: {
        providers: Object.assign({}, ...all.map(({ providers }) => providers)),
        configs: Object.assign({}, ...all.map(({ configs }) => configs)),
        keys: all.flatMap(({ keys = [] }) => keys),
      },
    },
  )
  context.after(() => turnpike.end())
  const records = await followRecords(context, turnpike.url, adminToken)

  const openclaw = createOpenClaw(context)
  mkdirSync(path.dirname(openclaw.configFile), { recursive: true })
  const config = {
    models: { providers: Object.assign({}, ...all.map(({ clients }) => clients(turnpike.url))) },
    agents: {
      // The runs of the silent providers must not be in the way of others.
      defaults: { model: { primary: mainModel }, maxConcurrent: 16, skipBootstrap: true },
      entries: { main: { default: true }, ...Object.assign({}, ...all.map(({ agents }) => agents)) },
    },
  }
  writeFileSync(openclaw.configFile, JSON.stringify(config), { mode: 0o600 })
  const service = await openclaw.startService()
  const world: World = { turnpike, service, records }

  await context.test('the first turn, which takes longer than any other', async () => {
    const turn = await service.turn('hi', { session: 'agent:main:first' })
    assert.deepEqual(repliesOf(turn), ['Good day from the thoughtful one.'])
  })
  const run =
    (context: TestContext, ...names: (keyof typeof parts)[]) =>
    async () => {
      for (const name of names) await context.test(name, (context) => parts[name].run(context, world))
    }
  await Promise.all([
    context.test('silence', { concurrency: true }, (context) => parts.silence.run(context, world)),
    run(context, 'failover', 'overflow', 'kinds')(),
    run(context, 'sentences', 'answers', 'runaway')(),
  ])
})
