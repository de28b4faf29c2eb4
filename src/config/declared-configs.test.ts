// Routing configs in turnpike.yaml: read as the admin API reads them, wrong ones found by line and path, variables never repeated.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './config-error.ts'
import { readDeclared, type Declared } from './declared.ts'
import { parseRoutingConfig } from './routing-config-parser.ts'

function read(context: TestContext, text: string, env: Record<string, string> = {}): Declared {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-declared-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(path.join(folder, 'turnpike.yaml'), text)
  return readDeclared(path.join(folder, 'turnpike.yaml'), env)
}

function refusal(context: TestContext, text: string, env: Record<string, string> = {}): { subject: string; message: string } {
  try {
    read(context, text, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String((error as Error).stack))
    assert.ok(!error.message.includes('\n'), error.message)
    return error
  }
  assert.fail('the file was accepted')
}

const chat = `
configs:
  chat:
    strategy: { mode: fallback, on_status_codes: [429, 500] }
    retry: { attempts: 2 }
    targets:
      - provider: "@anthropic"
      - { provider: groq, api_key: "\${GROQ_KEY}", override_params: { model: llama-3.3-70b } }
  plain: { provider: openai }
keys:
  - { name: laptop, value: 0123456789abcdef0, config: chat, allow_config_override: false }
  - name: bot
    hash: ${'a'.repeat(64)}
    config: stored-one
    loop_guard: { mode: observe, requests: 50 }
`

test('a config of the file is what its JSON would be, with its variables filled in, and is shown without its secrets', (context) => {
  const { configs, keys, storedConfigs } = read(context, chat, { GROQ_KEY: 'gsk-0123456789' })
  assert.deepEqual([...configs.keys()], ['chat', 'plain'])
  const { config, document } = configs.get('chat')!
  const written = {
    strategy: { mode: 'fallback', on_status_codes: [429, 500] },
    retry: { attempts: 2 },
    targets: [{ provider: '@anthropic' }, { provider: 'groq', api_key: 'gsk-0123456789', override_params: { model: 'llama-3.3-70b' } }],
  }
  assert.deepEqual(config, parseRoutingConfig(written, { slug: 'chat' }))
  assert.equal(JSON.stringify(document).includes('gsk-'), false)
  assert.deepEqual(
    keys.map(({ config: slug, allow_config_override: allows, loop_guard: guard }) => [slug, allows, guard]),
    [
      ['chat', false, undefined],
      ['stored-one', undefined, { mode: 'observe', requests: 50 }],
    ],
  )
  assert.deepEqual(storedConfigs, [{ slug: 'stored-one', where: 'turnpike.yaml, line 14: keys[1].config' }])
})

test('what is wrong with one is named with the line, the path and the nearest known key', (context) => {
  const cases: [text: string, subject: string, message: RegExp][] = [
    [
      'configs:\n  chat:\n    targets:\n      - provider: a\n      - proivder: b\n',
      'configs.chat.targets[1].proivder',
      /^turnpike\.yaml, line 5: configs\.chat\.targets\[1\]\.proivder is not known here\. Did you mean provider\?/,
    ],
    ['configs:\n  chat:\n    targets: []\n', 'configs.chat.targets', /^turnpike\.yaml, line 3: configs\.chat\.targets is empty/],
    ['configs:\n  chat: 5\n', 'configs.chat', /^turnpike\.yaml, line 2: configs\.chat is 5, which is not an object/],
    ['configs:\n  chat:\n', 'configs.chat', /^turnpike\.yaml(, line \d)?: configs\.chat is null, which is not an object/],
    ['configs: [a]', 'configs', /configs is a list, which is not a mapping/],
    ['configs: { "My Config": {} }', 'configs.My Config', /the key "My Config" is not a slug/],
    ['configs:\n  a: &a\n    targets: [*a]\n', 'configs.a.targets[0]', /configs\.a\.targets\[0\] contains itself/],
    ['configs: { a: { weight: .inf } }', 'configs.a.weight', /configs\.a\.weight is Infinity/],
    ['keys: [{ name: a, value: 0123456789abcdef0, config: "Not A Slug" }]', 'keys[0].config', /keys\[0\]\.config is "Not A Slug": it is not a slug/],
    ['keys: [{ name: a, value: 0123456789abcdef0, loop_guard: enforce }]', 'keys[0].loop_guard', /keys\[0\]\.loop_guard is "enforce", which is not a mapping/],
  ] // prettier-ignore
  for (const [text, subject, message] of cases) {
    const refused = refusal(context, text)
    assert.equal(refused.subject, subject, text)
    assert.match(refused.message, message)
  }
})

test('what a variable held is in no sentence about it', (context) => {
  const text = 'configs:\n  chat: { strategy: { mode: "${MODE}" }, targets: [{ provider: a }] }\n'
  const { message } = refusal(context, text, { MODE: 'sk-secret-0123456789' })
  assert.match(message, /line 2: configs\.chat\.strategy\.mode/)
  assert.equal(message.includes('sk-secret'), false, message)
  // Right as it is written, wrong as it is filled in.
  const other = refusal(context, 'configs: { chat: { provider: "${NAME}" } }', { NAME: '@' })
  assert.match(other.message, /configs\.chat\.provider is wrong once its variables are filled in/)
})
