// A file that is read again: what has changed counts, what has not stays the very same, and what is wrong changes nothing.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ConfigError, readDeclared, readSettings } from '#config'
import { admin, openTestControl, type TestControl } from '#test/control.ts'

const openai = '  openai:\n    credentials: [{ value: sk-a }]\n'
const groq = (key: string): string => `  groq:\n    credentials: [{ value: ${key} }]\n`
const configs = 'configs:\n  safe: { targets: [{ provider: "@openai" }] }\n'

function reload(control: TestControl, text: string): Promise<readonly string[]> {
  const file = path.join(control.home, 'turnpike.yaml')
  writeFileSync(file, text)
  return control.reload({
    settings: readSettings({ overrides: { home: control.home }, env: {} }),
    declared: readDeclared(file, {}),
  })
}

test('providers and configs that are written as before stay the same objects; the others are new', async (context) => {
  const opened = await openTestControl(context, { declared: `providers:\n${openai}${groq('gsk-a')}${configs}` })
  const { control } = opened
  await control.aliases.put('fast', { model: 'groq/x' }, admin)
  const before = control.snapshot()
  assert.deepEqual(await reload(opened, `providers:\n${groq('gsk-b')}${openai}${configs}aliases: { slow: openai/x }\n`), [])
  const { providers, configs: now, aliases, version } = control.snapshot()
  assert.equal(providers.get('openai'), before.providers.get('openai'))
  assert.notEqual(providers.get('groq'), before.providers.get('groq'))
  assert.equal(providers.get('groq')!.credentials[0]!.secret, 'gsk-b')
  assert.equal(now.get('safe'), before.configs.get('safe'))
  assert.deepEqual([...aliases.keys()].toSorted(), ['fast', 'slow'], 'what is stored stays')
  assert.ok(version > before.version)
  // What the file declares now is read-only, and what it no longer declares is not.
  await assert.rejects(() => control.aliases.put('slow', { model: 'openai/y' }, admin), /have it read again \(SIGHUP\)/)
  await reload(opened, `providers:\n${openai}`)
  await control.aliases.put('slow', { model: 'openai/y' }, admin)
  assert.deepEqual([...control.snapshot().providers.keys()], ['openai'])
  assert.equal(control.snapshot().configs.size, 0)
})

test('a file that cannot be used is refused with its sentence, and nothing of it counts', async (context) => {
  const opened = await openTestControl(context, { declared: `providers:\n${openai}` })
  const before = opened.control.snapshot()
  await assert.rejects(
    () => reload(opened, `providers:\n${groq('gsk-a')}keys:\n  - { name: k, value: tp-0123456789abcdef, config: missing }\n`),
    (error) => error instanceof ConfigError && /keys\[0\]\.config is "missing"/.test(error.message),
  )
  assert.equal(opened.control.snapshot(), before)
  assert.equal(
    opened.control.keys.list().some(({ name }) => name === 'k'),
    false,
  )
  await opened.control.aliases.put('fast', { model: 'openai/x' }, admin)
  assert.deepEqual([...opened.control.snapshot().providers.keys()], ['openai'])
})

test('settings that can change while it runs do, and the others wait and are named', async (context) => {
  const opened = await openTestControl(context, { declared: 'settings: { log_level: warn }\n' })
  const changes: unknown[] = []
  opened.onRunning((running) => void changes.push(running))
  const waiting = await reload(opened, 'settings: { log_level: debug, log_max_bytes: 1GB, port: 9999, cache_max_bytes: 1MB }\n')
  assert.deepEqual(waiting, ['port', 'cache_max_bytes'])
  assert.deepEqual(changes, [{ logLevel: 'debug', logging: 'full', retentionDays: 30, logMaxBytes: 1_000_000_000, timeZone: 'UTC' }])
  const rows = opened.control.settings.list()
  const row = (wanted: string) => rows.find(({ name }) => name === wanted)!
  assert.deepEqual(
    [row('log_level').value, row('log_level').origin, row('port').value, row('port').origin],
    ['debug', 'file', 8640, 'default'],
  )
  assert.deepEqual(await reload(opened, 'settings: { retention_days: 9 }\n'), [])
  assert.deepEqual(opened.running(), { logLevel: 'info', logging: 'full', retentionDays: 9, logMaxBytes: 2_000_000_000, timeZone: 'UTC' })
})
