// `turnpike configs` and what keys have of it: what is sent, what is printed where, and what is refused; with an API that answers from here.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import type { ConfigVersionView, ConfigView, KeyView } from '#control'
import type { DryRun } from '#planning'
import { person, runCli, scriptedClient, type ScriptedApi } from './fakes.test.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-cli-configs-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const config = { strategy: { mode: 'fallback' }, targets: [{ provider: '@groq', api_key: '[secret]' }, { provider: '@openai' }] }
const chat: ConfigView = {
  slug: 'chat',
  origin: 'stored',
  version: 3,
  config,
  comment: 'groq first',
  keys: [{ id: 'key_1', name: 'laptop' }],
  warnings: ['config.targets[0].provider is "groq", and this instance has no such provider: the target is skipped until it has.'],
  updated_at: '2026-11-21T12:00:00.000Z',
  updated_by: 'admin',
}
const versions: ConfigVersionView[] = [3, 2].map((version) => ({
  version,
  config,
  comment: null,
  created_at: '2026-11-21T12:00:00.000Z',
  created_by: 'cli',
}))

async function ran(args: readonly string[], answers: ScriptedApi = {}, more: Parameters<typeof runCli>[1] = {}) {
  const client = scriptedClient(answers)
  const result = await runCli(args, { connect: async () => client, ...more })
  return {
    ...result,
    said: client.said.map(({ method, path: where }) => `${method} ${where}`),
    body: client.said.at(-1)?.body,
    last: client.said.at(-1),
  }
}

function file(name: string, text: string): string {
  const where = path.join(folder, name)
  writeFileSync(where, text)
  return where
}

test('list shows each config with its keys and whether it would work; without any it says how to make one', async () => {
  const broken = { ...chat, slug: 'old', warnings: [], trouble: 'This version cannot read it.', keys: [] }
  const ofFile = { ...chat, slug: 'team', origin: 'file', version: null, warnings: [], updated_at: null, comment: null }
  const { out } = await ran(['configs', 'list'], { 'GET configs': { data: [chat, broken, ofFile], next_cursor: null } })
  const [titles, ...rows] = out.trimEnd().split('\n')
  assert.match(titles!, /^CONFIG +VERSION +KEYS +CHANGED +FROM +STATE +COMMENT$/)
  assert.match(rows[0]!, /^chat +3 +laptop +2026-.* 1 warning +groq first$/)
  assert.match(rows[1]!, /^old +3 +- .* not usable +groq first$/)
  assert.match(rows[2]!, /^team +- +laptop +- +turnpike\.yaml +ok$/)
  const none = await ran(['configs', 'list'], { 'GET configs': { data: [], next_cursor: null } })
  assert.equal(none.out, '')
  assert.match(none.remarks, /Make one: turnpike configs set chat chat\.json/)
})

test('show prints the JSON alone to stdout, so that a file of it can be edited and set again', async () => {
  const shown = await ran(['configs', 'show', 'chat'], { 'GET configs/chat': { ...chat, trouble: 'broken' } })
  assert.deepEqual(JSON.parse(shown.out), config)
  assert.match(
    shown.remarks,
    /^chat, version 3, of 2026-.*: groq first\nattached to: laptop\nwarning: config\.targets\[0\].*\nNOT USABLE: broken$/,
  )
  const older = await ran(['configs', 'show', 'chat', '--at', '2'], {
    'GET configs/chat/versions': { data: versions.slice(1), next_cursor: null },
  })
  assert.deepEqual([older.said, JSON.parse(older.out)], [['GET configs/chat/versions?limit=1&cursor=3'], config])
  const never = await ran(['configs', 'show', 'chat', '--at', '9'], { 'GET configs/chat/versions': { data: versions, next_cursor: null } })
  assert.deepEqual([never.exitCode, never.out], [1, ''])
  assert.match(never.remarks, /has no version 9/)
})

test('set takes a file, JSON in quotes, or stdin; warnings are remarks', async () => {
  const answers: ScriptedApi = { 'PUT configs/chat': [201, chat] }
  const name = file('chat.json', `\u{feff}${JSON.stringify(config, undefined, 2)}\n`)
  for (const [args, stdin] of [
    [[name], ''],
    [[JSON.stringify(config)], ''],
    [['-'], JSON.stringify(config)],
    [[], JSON.stringify(config)],
  ] as const) {
    const { exitCode, out, remarks, body, last } = await ran(['configs', 'set', 'chat', ...args, '--comment', 'groq first'], answers, {
      readStdin: async () => stdin,
    })
    assert.equal(exitCode, 0, remarks)
    assert.deepEqual(body, { config, comment: 'groq first' })
    assert.equal(out, 'chat is at version 3 from the next request on.\n')
    assert.match(remarks, /^warning: config\.targets\[0\]/)
    assert.match(last!.headers.get('idempotency-key') ?? '', /^[0-9a-f-]{36}$/)
  }
  assert.deepEqual(JSON.parse((await ran(['configs', 'set', 'chat', name, '--json'], answers)).out), chat)
})

test('what is no JSON object is misuse that says which line, and repeats nothing of it', async () => {
  const secret = 'sk-secret-0123456789'
  const broken = file('broken.json', `{\n  "targets": [\n    { "api_key": "${secret}", }\n  ]\n}\n`)
  for (const [args, stdin, exitCode, says] of [
    [[broken], '', 2, /^turnpike: The file .*broken\.json is not JSON \(line 3\); a routing config is one JSON object\.$/],
    [['-'], '', 2, /What came on stdin for a routing config is empty/],
    [['-'], '[]', 2, /is not an object/],
    [[`{"api_key": "${secret}"`], '', 2, /^turnpike: The JSON of a routing config is not JSON/],
    [[path.join(folder, 'none.json')], '', 1, /none\.json cannot be read \(ENOENT\)\. Give a routing config as a file/],
    [[folder], '', 1, /cannot be read \(EISDIR\)/],
  ] as const) {
    const answer = await ran(['configs', 'set', 'chat', ...args], {}, { readStdin: async () => stdin })
    assert.equal(answer.exitCode, exitCode, answer.remarks)
    assert.match(answer.remarks, says)
    assert.equal(answer.remarks.includes(secret), false)
    assert.deepEqual(answer.said, [])
  }
  const nothing = await ran(['configs', 'set', 'chat'], {}, { prompts: person() })
  assert.equal(nothing.exitCode, 2)
  assert.match(nothing.remarks, /Say which config/)
})

test('a refusal of the API is misuse with the key at fault, a conflict is a failure', async () => {
  const error = { code: 'invalid_request', message: 'config.targts is not known here. Did you mean targets?', field: 'config.targts' }
  const wrong = await ran(['configs', 'set', 'chat', '{}'], { 'PUT configs/chat': [400, { error }] })
  assert.deepEqual([wrong.exitCode, wrong.remarks], [2, 'turnpike: config.targts is not known here. Did you mean targets?'])
  const attached = { code: 'conflict', message: 'The routing config chat is attached to the key "laptop" (key_1); ...' }
  const kept = await ran(['configs', 'remove', 'chat'], { 'DELETE configs/chat': [409, { error: attached }] })
  assert.equal(kept.exitCode, 1)
  assert.match(kept.remarks, /attached to the key "laptop"/)
})

test('remove asks a person, and does what it is told', async () => {
  const answers: ScriptedApi = { 'DELETE configs/chat': [204] }
  const no = await ran(['configs', 'remove', 'chat'], answers, { prompts: person(false) })
  assert.deepEqual([no.said, no.remarks], [[], 'Nothing was removed.'])
  assert.equal((await ran(['configs', 'remove', 'chat'], answers, { prompts: person(true) })).out, 'Removed: chat\n')
  assert.equal((await ran(['configs', 'remove', 'chat', '-y', '--json'], answers, { prompts: person() })).out, '{"removed":"chat"}\n')
})

test('versions lists them, rollback says which counts', async () => {
  const listed = await ran(
    ['configs', 'versions', 'chat', '--limit', '2'],
    { 'GET configs/chat/versions': { data: versions, next_cursor: '2' } },
    { isTty: true },
  )
  assert.deepEqual(listed.said, ['GET configs/chat/versions?limit=2'])
  assert.match(listed.out, /^VERSION +AT +WHO +COMMENT +CONFIG\n +3 +2026-.* cli /)
  assert.match(listed.remarks, /--cursor 2/)
  const back = await ran(['configs', 'rollback', 'chat', '2', '--comment', 'no'], { 'POST configs/chat/rollback': chat })
  assert.deepEqual(back.body, { version: 2, comment: 'no' })
  assert.equal(back.out, 'chat says what version 2 said, as version 3, from the next request on.\n')
  const wrong = await ran(['configs', 'rollback', 'chat', 'last'])
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.remarks, /<version> takes a number/)
})

const timeouts = { connect_ms: 5000, first_token_ms: null, idle_ms: 60000, request_timeout: 600000, floor: null }
const dry: DryRun = {
  config: { slug: 'chat', version: 3 },
  model: 'gpt-5-mini',
  steps: [
    {
      target: 'config.targets[0]',
      provider: 'groq',
      model: 'llama',
      credential: 'main',
      lane: 'translate',
      wire: 'openai-chat',
      reason: 'first of the fallback',
      exits: ['after any failure: step 2 (config.targets[1], openai, main)'],
      retry: { attempts: 2, on_status_codes: [429, 503], use_retry_after_header: true },
      timeouts: { ...timeouts, first_token_ms: 2000, floor: 10 },
      price: { input_per_million_usd: '0.05', output_per_million_usd: '0.08' },
      notes: ['top_k: the wire has no place for it'],
    },
    { target: 'config.targets[1]', provider: 'openai', model: 'gpt-5-mini', credential: 'main', lane: 'pass', wire: 'openai-chat', reason: 'next', exits: [], retry: null, timeouts, price: null, notes: [] }, // prettier-ignore
  ],
  skipped: [{ target: 'config.targets[2]', provider: 'nobody', reason: 'this instance has no such provider' }],
  cache: { max_age: 60, namespace: 'team', tools: false, single_flight: false },
}

test('a dry run is a readable plan: order, reasons, prices, what fails over where, what is skipped', async () => {
  const answers: ScriptedApi = { 'POST configs/dry-run': dry }
  const { out, body } = await ran(
    ['configs', 'dry-run', 'chat', '--model', 'gpt-5-mini', '--metadata', 'tier=paid', '--header', 'X-A: b:c', '--key', 'laptop'],
    answers,
  )
  assert.deepEqual(body, {
    slug: 'chat',
    request: {
      body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Hello' }] },
      key: 'laptop',
      headers: { 'x-a': 'b:c', 'x-turnpike-metadata': '{"tier":"paid"}' },
    },
  })
  const lines = out.trimEnd().split('\n')
  assert.equal(lines[0], 'A request for gpt-5-mini with the config chat, version 3:')
  assert.match(lines[1]!, /^# +TARGET +MODEL +KEY +IN \/ MILLION +OUT \/ MILLION +WHY$/)
  assert.match(lines[2]!, /^1 +config\.targets\[0\] +groq\/llama +main +\$0\.0500? +\$0\.0800? +first of the fallback$/)
  assert.deepEqual(lines.slice(3, 8).map((line) => line.trim()), [
    'translated to openai-chat',
    'tried 2 more times after 429, 503',
    'timeouts: connect 5000 ms, first token 2000 ms, idle 60000 ms, whole 600000 ms, at least 10 bytes/s',
    'then: after any failure: step 2 (config.targets[1], openai, main)',
    'note: top_k: the wire has no place for it',
  ]) // prettier-ignore
  assert.match(lines[8]!, /^2 +config\.targets\[1\] +openai\/gpt-5-mini +main +- +- +next$/)
  assert.match(out, /\nSKIPPED +PROVIDER +WHY\nconfig\.targets\[2\] +nobody +this instance has no such provider\n/)
  assert.match(out, /An answer is kept for 60 s, shared as team\./)
  assert.deepEqual(JSON.parse((await ran(['configs', 'dry-run', '--model', 'x', '--json'], answers)).out), dry)
})

test('a dry run takes a file or JSON instead of a slug, a body or a recorded request instead of a model', async () => {
  const answers: ScriptedApi = { 'POST configs/dry-run': { ...dry, config: null, steps: [], skipped: [], cache: null } }
  const body = { model: 'm', messages: [] }
  const byFile = await ran(
    [
      'configs',
      'dry-run',
      file('a.json', '{"retry":{"attempts":1}}'),
      '--request',
      file('b.json', JSON.stringify(body)),
      '--endpoint',
      '/v1/messages',
    ],
    answers,
  )
  assert.deepEqual(byFile.body, { config: { retry: { attempts: 1 } }, request: { body, endpoint: '/v1/messages' } })
  assert.match(byFile.out, /with no routing config:\nNo target can answer it\.\n$/)
  assert.deepEqual((await ran(['configs', 'dry-run', '{}', '--request-id', 'req_1'], answers)).body, { config: {}, request_id: 'req_1' })
  for (const [args, says] of [
    [['chat'], /one of --model, --request and --request-id/],
    [['chat', '--model', 'a', '--request-id', 'b'], /one of --model, --request and --request-id/],
    [['--request-id', 'b', '--key', 'laptop'], /--request-id and --key exclude each other/],
    [['--model', 'a', '--header', 'nothing'], /--header takes name:value/],
  ] as const) {
    const answer = await ran(['configs', 'dry-run', ...args], answers)
    assert.deepEqual([answer.exitCode, answer.said], [2, []], answer.remarks)
    assert.match(answer.remarks, says)
  }
})

test('a key is made with a config, and told to take no other', async () => {
  const key = { id: 'key_aaaaaaaaaaaa', name: 'laptop', origin: 'stored', type: 'user', stream_usage: 'always', config: 'chat', allow_config_override: false, loop_guard: { mode: 'enforce', repeats: 5 }, state: 'active', prefix: 'tp-abcd', last4: 'wxyz', created_at: null, expires_at: null, revoked_at: null, previous: [] } satisfies KeyView // prettier-ignore
  const answers: ScriptedApi = {
    'POST keys': [201, { ...key, key: 'tp-x' }],
    'GET keys': { data: [key], next_cursor: null },
    'PATCH keys/key_aaaaaaaaaaaa': key,
  }
  const made = await ran(
    ['keys', 'create', '--name', 'laptop', '--config', 'chat', '--no-config-override', '--loop-guard', 'enforce'],
    answers,
  )
  assert.deepEqual(made.body, { name: 'laptop', config: 'chat', allow_config_override: false, loop_guard: { mode: 'enforce' } })
  assert.deepEqual((await ran(['keys', 'create', '--name', 'laptop'], answers)).body, { name: 'laptop' }, 'nothing that was not said')
  const changed = await ran(['keys', 'update', 'laptop', '--no-config', '--config-override', '--loop-guard', 'default'], answers)
  assert.deepEqual(changed.body, { config: null, allow_config_override: true, loop_guard: null })
  assert.match(changed.out, /^config +chat\nother configs +refused\nloop guard +enforce, 5 equal calls in a row$/m)
  assert.match((await ran(['keys', 'list'], answers)).out, /CONFIG.*\n.* chat /)
  assert.deepEqual(JSON.parse((await ran(['keys', 'list', '--json'], answers)).out), { data: [key], next_cursor: null })
})
