// `turnpike drill`: what is asked, what a person reads, and the exit code of a chain without cover; with an API that answers from here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Drill, DrillFault, DrillRun } from '#drill'
import { runCli, scriptedClient } from './fakes.test.ts'

const targets = [
  { target: 'config.targets[0]', provider: 'groq', model: 'llama', credentials: ['one', 'two'] },
  { target: 'config.targets[1]', provider: 'openai', model: 'gpt-5-mini', credentials: ['main'] },
]
const faults: readonly DrillFault[] = ['429', '500', 'stall', 'cut', 'error']

function runs(fault: DrillFault, isCovered: boolean): DrillRun[] {
  const failed = { status: 503, provider: null, model: null, text: '', error: { code: 'all_targets_failed', message: 'Every target failed.' }, retry_after: 5 } // prettier-ignore
  const answered = { status: 200, provider: 'openai', model: 'gpt-5-mini', text: 'Hello', error: null, retry_after: null }
  const waits = fault === 'stall' ? 60_000 : 0
  const first = { target: 1, class: 'cut' }
  return [
    isCovered
      ? { fault, failing: 1, attempts: [first, { target: 2, class: '' }], answered_by: 2, after_ms: waits, client: answered }
      : { fault, failing: 1, attempts: [first], answered_by: null, after_ms: waits, client: failed },
    { fault, failing: 2, attempts: [first, { target: 2, class: 'cut' }], answered_by: null, after_ms: 2 * waits, client: failed },
  ]
}

async function drilled(args: readonly string[], gaps: readonly DrillFault[] = []) {
  const client = scriptedClient({
    'POST configs/drill': ({ body }): Drill => {
      const [fault] = (body as { faults: DrillFault[] }).faults
      const isCovered = !gaps.includes(fault!)
      return {
        config: { slug: 'chat', version: 3 },
        model: 'gpt-5-mini',
        stream: true,
        targets,
        skipped: [{ target: 'config.targets[2]', provider: 'nobody', reason: 'this instance has no such provider' }],
        runs: runs(fault!, isCovered),
        covered: isCovered,
      }
    },
  })
  const ran = await runCli(['drill', ...args], { connect: async () => client })
  return { ...ran, bodies: client.said.map(({ body }) => body) }
}

test('each way to fail is drilled in turn, told on stderr, and shown as a row for each target that fails', async () => {
  const { exitCode, out, remarks, bodies } = await drilled(['chat', '--model', 'gpt-5-mini', '--key', 'laptop'])
  assert.equal(exitCode, 0)
  const body = { model: 'gpt-5-mini', stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  assert.deepEqual(bodies, faults.map((fault) => ({ slug: 'chat', request: { body, key: 'laptop' }, faults: [fault] }))) // prettier-ignore
  assert.deepEqual([remarks.trim().split('\n').length, /^1\/5 .* answers 429/.test(remarks)], [5, true])
  const lines = out.trimEnd().split('\n')
  assert.equal(lines[0], 'A streamed request for gpt-5-mini with the config chat, version 3:')
  assert.match(lines[2]!, /^1 +config\.targets\[0\] +groq\/llama +one, two$/)
  assert.match(lines[4]!, /config\.targets\[2\] is left out: this instance has no such provider/)
  assert.match(lines[6]!, /^FAILS +HOW +ASKED +ANSWERS +AFTER +THE CLIENT SEES$/)
  assert.match(lines[7]!, /^1 +answers 429 +1 2 +2 +at once +200 openai\/gpt-5-mini "Hello"$/)
  assert.match(lines[8]!, /^all +answers 429 +1 2 +nobody +at once +503 all_targets_failed, Retry-After 5 s: Every target failed\.$/)
  assert.match(lines[11]!, /^1 +says nothing +1 2 +2 +60\.0 s +200 /)
  assert.equal(lines.length, 17)
})

test('a chain without cover is a failure that names the gap, as JSON too', async () => {
  const gaps: readonly DrillFault[] = ['500', 'stall']
  const shown = await drilled(['chat'], gaps)
  assert.equal(shown.exitCode, 1)
  assert.match(
    shown.remarks,
    /When the first target \(config\.targets\[0\], groq\/llama\) fails, nobody answers: answers 500, says nothing\./,
  )
  const json = await drilled(['{"provider":"@groq"}', '--json'], gaps)
  const done = JSON.parse(json.out) as Drill
  assert.deepEqual([json.exitCode, done.covered, done.runs.length], [1, false, 10])
  assert.deepEqual(json.bodies[0], { config: { provider: '@groq' }, request: {}, faults: ['429'] })
})

test('without a config, a model and a request there is nothing to drill', async () => {
  const { exitCode, remarks, bodies } = await drilled([])
  assert.deepEqual([exitCode, bodies], [2, []])
  assert.match(remarks, /Say what to drill/)
})
