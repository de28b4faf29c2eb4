// docs/openclaw.md against the real thing: its transcript is run, its mistakes are made, and what is said is what it says.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createOpenClaw, installOpenClaw } from '#test/openclaw.ts'
import { startScene } from '#test/openclaw-scene.ts'
import { refusedPort } from '#test/ports.ts'
import { runCommand, startGateway } from '#test/turnpike-process.ts'

const skip = await installOpenClaw()
const paper = normal(readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'openclaw.md'), 'utf8'))

/** Without what differs from run to run: times, ids, durations, the tail of a key; blanks as one. */
function normal(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/\b01[0-9a-hjkmnp-tv-z]{24}\b/g, 'ID')
    .replaceAll(/\b[\d.]+ (ms|s)\b/g, 'N ms')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\n /g, '\n')
}

/** With the addresses and folders that the paper has. */
function asWritten(text: string, replacements: readonly (readonly [string, string])[]): string {
  let written = text
  for (const [from, to] of replacements) written = written.replaceAll(from, to)
  return normal(written)
}

function assertWritten(said: string): void {
  for (const line of said.split('\n').filter((one) => one.trim() !== ''))
    assert.ok(paper.includes(line), `docs/openclaw.md does not have: ${line}`)
}

test('the transcript of a first answer is what happens', { skip, timeout: 480_000 }, async (context) => {
  const turnpikeHome = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(turnpikeHome, { recursive: true, force: true, maxRetries: 5 }))
  const openclaw = createOpenClaw(context)
  const { ready, child, ended } = await startGateway(context, turnpikeHome)
  const turnpike = (...args: string[]) => runCommand(context, [...args, '--home', turnpikeHome], { env: openclaw.env })
  const replacements = [
    [ready.url, 'http://127.0.0.1:8640'],
    [openclaw.home, '/home/you'],
    [` --home ${turnpikeHome}`, ''],
    ['npm run -s turnpike -- ', 'turnpike '],
  ] as const

  const setup = await turnpike('openclaw', 'setup')
  assert.equal(setup.exitCode, 0, setup.stderr)
  assertWritten(asWritten(setup.stdout, replacements))

  const answer = await openclaw.run(['agent', '--local', '--agent', 'main', '-m', 'hi'], 90_000)
  assert.equal(answer.exitCode, 0, answer.stderr)
  // Its own log lines stand between.
  assert.ok(answer.stdout.split('\n').includes('hi'), answer.stdout)

  const check = await turnpike('openclaw', 'check')
  assert.equal(check.exitCode, 0, check.stdout)
  assertWritten(asWritten(check.stdout, replacements))

  const again = await turnpike('openclaw', 'setup')
  assertWritten(asWritten(again.stdout, replacements))

  const asGoogle = await turnpike('openclaw', 'setup', '--api', 'google-generative-ai')
  assert.equal(asGoogle.exitCode, 0, asGoogle.stderr)
  assertWritten(asWritten(asGoogle.stdout.split('\n', 1)[0]!, replacements))

  // What was chosen stays at the next setup; and nothing is written that OpenClaw would refuse.
  const refused = await turnpike('openclaw', 'setup', '--local-service')
  assert.equal(refused.exitCode, 2, refused.stdout)
  assert.match(refused.stderr, /OpenClaw starts nothing for google-generative-ai: leave --local-service out/)

  const local = await turnpike('openclaw', 'setup', '--api', 'anthropic-messages', '--local-service')
  assert.equal(local.exitCode, 0, local.stderr)
  child.kill('SIGTERM')
  await ended
  const alone = await openclaw.run(['agent', '--local', '--agent', 'main', '-m', 'and alone'], 90_000)
  assert.ok(alone.stdout.split('\n').includes('and alone'), `OpenClaw did not start turnpike: ${alone.stdout}${alone.stderr}`)
  // It ends with the OpenClaw that started it, and gives the home back.
  const after = await turnpike('requests', 'list', '--json')
  const { data } = JSON.parse(after.stdout) as { data: { wire: string }[] }
  assert.deepEqual(
    data.map(({ wire }) => wire),
    ['anthropic-messages', 'openai-chat'],
    after.stdout + after.stderr,
  )
})

test(
  'every common mistake in a configuration written by hand is found, with the words of the paper',
  { skip, timeout: 480_000 },
  async (context) => {
    const { url, turnpikeHome, openclaw, turnpike, admin } = await startScene(context)
    const dead = await refusedPort()
    context.after(() => dead.close())
    const replacements = [
      [url, 'http://127.0.0.1:8640'],
      [dead.origin, 'http://127.0.0.1:8641'],
      [openclaw.home, '/home/you'],
      [` --home ${turnpikeHome}`, ''],
      ['npm run -s turnpike -- ', 'turnpike '],
    ] as const
    const created = await admin('keys', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'by-hand', type: 'service', client: 'openclaw' }),
    })
    const { key, id } = (await created.json()) as { key: string; id: string }
    mkdirSync(path.dirname(openclaw.configFile), { recursive: true })
    const writeConfig = (text: string) => writeFileSync(openclaw.configFile, text, { mode: 0o600 })
    const writeEnv = (text: string) => writeFileSync(openclaw.envFile, text, { mode: 0o600 })
    const models = `models: [{ id: 'model-1', name: 'One' }]`
    const config = `// Written by hand.
{
  models: {
    providers: {
      'no-v1': { baseUrl: '${url}', apiKey: '\${GATEWAY_KEY}', api: 'openai-completions', ${models}, },
      'wrong-model': { baseUrl: '${url}/v1', apiKey: '\${GATEWAY_KEY}', models: [{ id: 'modle-1', name: 'Typo' }] },
      'wrong-key': { baseUrl: '${url}/v1', apiKey: { source: 'env', provider: 'default', id: 'TURNPIKE_API_KEY' }, ${models} },
      'wrong-api': { baseUrl: '${url}/v1', apiKey: '\${GATEWAY_KEY}', api: 'ollama', ${models} },
      turnpike: { baseUrl: '${dead.origin}/v1', apiKey: '\${GATEWAY_KEY}', ${models} }, // down
      other: { baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'x', ${models} },
    },
  },
  agents: { defaults: { model: { primary: 'wrong-model/modle-1' }, modelPolicy: { allow: [] } } },
}`
    writeConfig(config)
    writeEnv(`# kept\nGATEWAY_KEY=${key}\n`)

    await context.test('five at once', async () => {
      const { exitCode, stdout, stderr } = await turnpike('openclaw', 'check')
      assert.equal(exitCode, 1)
      assert.match(stderr, /5 things are wrong/)
      const said = asWritten(stdout, replacements)
      assert.equal(said.match(/^wrong /gm)?.length, 5, said)
      assertWritten(said)
      assert.equal(readFileSync(openclaw.configFile, 'utf8'), config, 'a check changes nothing')
      assert.equal(stdout.includes(key) || stderr.includes(key), false)
    })

    await context.test('as JSON, with a code for each', async () => {
      const { exitCode, stdout } = await turnpike('openclaw', 'check', '--json')
      assert.equal(exitCode, 1)
      const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { code: string; fix: string }[] }
      assert.equal(ok, false)
      assert.deepEqual(findings.map(({ code }) => code).sort(), [
        'gateway_down',
        'key_not_visible',
        'missing_v1',
        'wrong_api',
        'wrong_model',
      ])
    })

    await context.test("the gateway's own words reach the client", async () => {
      for (const place of ['/chat/completions', '/v1/chat/completions']) {
        const answer = await fetch(url + place, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'modle-1', messages: [{ role: 'user', content: 'hi' }] }),
        })
        const { error } = (await answer.json()) as { error: { message: string } }
        assertWritten(normal(error.message))
      }
    })

    await context.test('a key that was revoked', async () => {
      await admin(`keys/${id}`, { method: 'DELETE' })
      const { exitCode, stdout } = await turnpike('openclaw', 'check', '--provider', 'wrong-api')
      assert.equal(exitCode, 1)
      assertWritten(asWritten(stdout, replacements))
    })

    await context.test("a configuration that OpenClaw refuses, in OpenClaw's words", async () => {
      writeConfig('{ models: { providers: { gw: { baseUrl: 5 } } }')
      const { exitCode, stdout } = await turnpike('openclaw', 'check')
      assert.equal(exitCode, 1)
      assert.match(stdout, /OpenClaw refuses its configuration: .*JSON5/)
    })
  },
)
