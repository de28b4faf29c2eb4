// turnpike.yaml is read again while it runs: a good file counts from the next request on, a bad one changes nothing.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '#kernel'
import { stringify } from 'yaml'
import { createGate, createUpstream, waitFor, write, type ScriptedUpstream } from '#test/upstream.ts'
import { wireScripts } from '#test/scripts.ts'
import { adminToken, pricedModel, testKey } from '#test/turnpike.ts'
import { scratchFolder, startGateway } from '#test/turnpike-process.ts'

const chat = wireScripts['openai-chat']
const otherKey = 'tp-other-0123456789abcdef'

type Scene = {
  readonly upstream: ScriptedUpstream
  readonly url: string
  readonly declared: JsonObject
  /** Writes the file, has it read again, and resolves with what the log says of that. */
  reload(file: JsonObject | string): Promise<string>
  ask(changes?: JsonObject, key?: string): Promise<Response>
  admin(path: string): Promise<JsonObject>
  until(pattern: RegExp): Promise<RegExpExecArray>
}

async function scene(context: TestContext): Promise<Scene> {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  upstream.route('/v1/chat/completions', chat.json())
  const home = scratchFolder(context)
  const provider = {
    vendor: 'openai',
    base_url: `${upstream.origin}/v1`,
    credentials: [{ value: 'sk-x' }],
    models: { custom: [pricedModel] },
  }
  const declared = { providers: { chat: provider }, keys: [{ name: 'test', value: testKey }], settings: { admin_token: adminToken } }
  const file = path.join(home, 'turnpike.yaml')
  writeFileSync(file, stringify(declared))
  const gateway = await startGateway(context, home)
  const { url } = gateway.ready
  let lines = 0
  return {
    upstream,
    url,
    declared,
    async reload(changed) {
      writeFileSync(file, typeof changed === 'string' ? changed : stringify(changed))
      gateway.child.kill('SIGHUP')
      lines++
      // One line for each reload, whatever came of it.
      const pattern = new RegExp(String.raw`(?:[^]*?"msg":"turnpike\.yaml [^\n]*\n){${lines}}`)
      return (await gateway.until('stderr', pattern))[0].trimEnd().split('\n').at(-1)!
    },
    ask: (changes = {}, key = testKey) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'chat/model-1', messages: [{ role: 'user', content: 'hi' }], ...changes }),
      }),
    until: (pattern) => gateway.until('stderr', pattern),
    async admin(where) {
      const response = await fetch(`${url}/api/v1${where}`, { headers: { authorization: `Bearer ${adminToken}` } })
      assert.equal(response.status, 200)
      return (await response.json()) as JsonObject
    },
  }
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer
  await response.text()
  return response.status
}

test('what the file declares counts from the next request on, and what runs ends as it began', async (context) => {
  const { upstream, declared, reload, ask, admin } = await scene(context)
  const gate = createGate()
  const frames = chat.frames()
  upstream.enqueue({
    headers: { 'content-type': 'text/event-stream' },
    body: [...frames.slice(0, 2).map(write), waitFor(gate), ...frames.slice(2).map(write)],
  })
  const running = ask({ stream: true })
  await upstream.next()

  const { chat: provider } = declared['providers'] as JsonObject
  const line = await reload({
    providers: { renamed: provider! },
    keys: [{ name: 'other', value: otherKey }],
    aliases: { fast: 'renamed/model-1' },
    configs: { safe: { strategy: { mode: 'fallback' }, targets: [{ provider: '@renamed', override_params: { model: 'model-1' } }] } },
    settings: { admin_token: adminToken, retention_days: 3, log_level: 'debug' },
  })
  assert.match(line, /was read again and counts from the next request on/)
  assert.equal(await statusOf(ask({ model: 'fast' }, otherKey)), 200)
  assert.equal(await statusOf(ask({ model: 'safe' }, otherKey)), 200)
  assert.equal(await statusOf(ask()), 401, 'the key that is gone')
  assert.equal(await statusOf(ask({}, otherKey)), 404, 'the provider that is gone')
  const settings = (await admin('/settings'))['data'] as JsonObject[]
  assert.deepEqual(
    ['retention_days', 'log_level']
      .map((name) => settings.find((one) => one['name'] === name))
      .map((one) => [one!['value'], one!['origin']]),
    [
      [3, 'file'],
      ['debug', 'file'],
    ],
  )
  const keys = (await admin('/keys'))['data'] as JsonObject[]
  assert.deepEqual(
    keys.filter(({ origin }) => origin === 'file').map(({ name }) => name),
    ['other'],
  )

  gate.open()
  const answer = await running
  assert.match(await answer.text(), /\[DONE\]/)
})

test('a file that is wrong changes nothing, and its sentence is in the log', async (context) => {
  const { declared, reload, ask } = await scene(context)
  const wrong: readonly (readonly [JsonObject | string, RegExp])[] = [
    ['', /not taken, and what counted before stays: .*turnpike\.yaml is empty/],
    ['providers: [', /not taken, and what counted before stays: .*turnpike\.yaml/],
    [{ ...declared, aliasse: {} }, /not taken, and what counted before stays: .*aliasse.*aliases/],
    [{ ...declared, providers: { chat: { vendor: 'opnai', credentials: [{ value: 'x' }] } } }, /not taken, .*opnai.*openai/],
    [{ ...declared, settings: { retention_days: 0 } }, /not taken, .*retention_days/],
    [{ ...declared, keys: [{ name: 'test', value: testKey, config: 'no-such' }] }, /not taken, .*no-such/],
    [{ ...declared, keys: [{ name: 'test', env: 'NO_SUCH_VARIABLE' }] }, /not taken, .*NO_SUCH_VARIABLE/],
  ]
  for (const [file, says] of wrong) {
    assert.match(await reload(file), says)
    assert.equal(await statusOf(ask()), 200)
  }
  assert.match(await reload(declared), /was read again/)
  assert.equal(await statusOf(ask()), 200)
})

test('what only a start can change is said, and the rest of the file counts', async (context) => {
  const { declared, reload, ask, admin, until } = await scene(context)
  const line = await reload({
    ...declared,
    aliases: { fast: 'chat/model-1' },
    settings: { admin_token: 'another-admin-token-0123456789abcdef', host: '0.0.0.0', logging: 'metadata' },
  })
  assert.match(line, /was read again/)
  assert.equal(await statusOf(ask({ model: 'fast' })), 200)
  const settings = (await admin('/settings'))['data'] as JsonObject[]
  assert.deepEqual(
    ['host', 'logging'].map((name) => settings.find((one) => one['name'] === name)!['value']),
    ['127.0.0.1', 'metadata'],
  )
  const [warning] = await until(/^.*counts from the next start on.*$/m)
  assert.match(warning, /"settings":\["host","admin_token"\]/)
  assert.doesNotMatch(warning, /another-admin-token/)
})
