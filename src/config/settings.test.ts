// Settings come from the right place, and a wrong one stops the start with one sentence that names it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './config-error.ts'
import { listSettings, parseRunningSetting, readSettings, type SettingOverrides } from './settings.ts'

function homeFor(context: TestContext): string {
  const home = mkdtempSync(path.join(os.tmpdir(), 'turnpike-settings-'))
  context.after(() => rmSync(home, { recursive: true, force: true }))
  return home
}

function refusal(env: Record<string, string>, overrides: SettingOverrides = {}): string {
  try {
    readSettings({ env, overrides })
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.ok(!error.message.includes('\n'), 'one sentence on one line')
    return error.message
  }
  assert.fail('the settings were accepted')
}

test('without anything set, the defaults of the contract', (context) => {
  const home = homeFor(context)
  const { origins, ...settings } = readSettings({ env: { TURNPIKE_HOME: home } })
  assert.equal(origins.home, 'environment')
  assert.equal(origins.port, 'default')
  assert.deepEqual(settings, {
    home,
    host: '127.0.0.1',
    port: 8640,
    publicUrl: undefined,
    adminToken: undefined,
    metricsToken: undefined,
    masterKey: undefined,
    configPath: undefined,
    logging: 'full',
    retentionDays: 30,
    logMaxBytes: 2_000_000_000,
    cacheMaxBytes: 64 * 2 ** 20,
    logLevel: 'info',
    timeZone: 'UTC',
  })
  assert.ok(Object.isFrozen(readSettings({ env: { TURNPIKE_HOME: home } })))
})

test('the home is below the user by default, and ~ is the user', () => {
  assert.equal(readSettings({ env: {} }).home, path.join(os.homedir(), '.turnpike'))
  assert.equal(readSettings({ env: { TURNPIKE_HOME: '~/gateway-home-of-a-test' } }).home, path.join(os.homedir(), 'gateway-home-of-a-test'))
})

test('the command line wins over the environment, which wins over the file, which wins over the default', (context) => {
  const home = homeFor(context)
  writeFileSync(
    path.join(home, 'turnpike.yaml'),
    'settings:\n  port: 1001\n  host: 0.0.0.0\n  logging: off\n  log_max_bytes: 1GiB\n  retention_days: 7\n',
  )
  const settings = readSettings({
    env: { TURNPIKE_HOME: home, TURNPIKE_PORT: '1002', TURNPIKE_LOGGING: 'metadata' },
    overrides: { port: '1003' },
  })
  assert.equal(settings.port, 1003)
  assert.equal(settings.logging, 'metadata')
  assert.equal(settings.host, '0.0.0.0')
  assert.equal(settings.logMaxBytes, 2 ** 30)
  assert.equal(settings.retentionDays, 7)
  assert.equal(settings.configPath, path.join(home, 'turnpike.yaml'))
  const { origins } = settings
  assert.deepEqual([origins.port, origins.logging, origins.host, origins.logLevel], ['environment', 'environment', 'file', 'default'])
  const listed = new Map(listSettings(settings).map((one) => [one.name, one]))
  assert.deepEqual(listed.get('log_max_bytes'), {
    name: 'log_max_bytes',
    variable: 'TURNPIKE_LOG_MAX_BYTES',
    value: 2 ** 30,
    default: 2_000_000_000,
    origin: 'file',
    key: 'logMaxBytes',
  })
})

test('sizes are read as people write them', (context) => {
  const home = homeFor(context)
  const sizes = [
    ['2GB', 2_000_000_000],
    ['500 MB', 500_000_000],
    ['1.5gb', 1_500_000_000],
    ['64KiB', 65_536],
    ['123456', 123_456],
  ] as const
  for (const [text, bytes] of sizes) {
    const { logMaxBytes, cacheMaxBytes } = readSettings({
      env: { TURNPIKE_HOME: home, TURNPIKE_LOG_MAX_BYTES: text, TURNPIKE_CACHE_MAX_BYTES: text },
    })
    assert.deepEqual([logMaxBytes, cacheMaxBytes], [bytes, bytes], text)
  }
  assert.equal(readSettings({ env: { TURNPIKE_HOME: home, TURNPIKE_CACHE_MAX_BYTES: '0' } }).cacheMaxBytes, 0)
})

test('an empty variable counts as not set; the public address loses its slash', (context) => {
  const home = homeFor(context)
  const settings = readSettings({ env: { TURNPIKE_HOME: home, TURNPIKE_PORT: '', TURNPIKE_PUBLIC_URL: 'https://ai.example.com/' } })
  assert.equal(settings.port, 8640)
  assert.equal(settings.publicUrl, 'https://ai.example.com')
})

test('a setting that does not exist is refused with the nearest one; the variables of the tests and of clients are not settings', () => {
  assert.equal(refusal({ TURNPIKE_PROT: '1' }), 'TURNPIKE_PROT is not a setting of this version. Did you mean TURNPIKE_PORT?')
  assert.match(refusal({ TURNPIKE_REDIS_URL: 'x' }), /^TURNPIKE_REDIS_URL is not a setting of this version\./)
  // OpenClaw reads its key from such a variable, and hands it to a turnpike that it starts.
  readSettings({ env: { TURNPIKE_HOME: '/nowhere', TURNPIKE_CORPUS: '/corpus', TURNPIKE_API_KEY: 'tp-1' } })
})

test('a bad value is refused by a sentence with the setting, the value and what is expected', () => {
  const TURNPIKE_HOME = '/nowhere'
  assert.equal(
    refusal({ TURNPIKE_HOME, TURNPIKE_PORT: '70000' }),
    'TURNPIKE_PORT is "70000", which is not a port from 0 to 65535 (0: any free one).',
  )
  assert.match(refusal({ TURNPIKE_HOME }, { port: '8640x' }), /^--port is "8640x"/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_HOST: 'http://localhost' }), /^TURNPIKE_HOST is "http:\/\/localhost".*without http/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_HOST: 'localhost:80' }), /the port is a setting of its own/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_LOGGING: 'on' }), /"on", which is not one of full, metadata, off/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_RETENTION_DAYS: '0' }), /TURNPIKE_RETENTION_DAYS is "0"/)
  for (const size of ['2 gigs', '-1', '0', '1e9', 'GB'])
    assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_LOG_MAX_BYTES: size }), /2GB, 500MB/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_LOG_LEVEL: 'verbose' }), /one of fatal, error, warn/)
  assert.match(refusal({ TURNPIKE_HOME, TURNPIKE_PUBLIC_URL: 'ftp://x' }), /^TURNPIKE_PUBLIC_URL is not the http/)
  assert.match(
    refusal({ TURNPIKE_HOME, TURNPIKE_CONFIG: '/nowhere/at/all.yaml' }),
    /^TURNPIKE_CONFIG names \/nowhere\/at\/all\.yaml, which does not exist/,
  )
})

test('a setting that can change while it runs is checked as at the start', () => {
  assert.equal(parseRunningSetting('logMaxBytes', '1.5GB'), 1_500_000_000)
  assert.equal(parseRunningSetting('retentionDays', 7), 7)
  assert.throws(() => parseRunningSetting('logLevel', 'verbose'), /^ConfigError: log_level is "verbose", which is not one of fatal/)
})

test('a client looks at nothing but the settings of the file: the rest may need an environment that the gateway alone has', (context) => {
  const home = homeFor(context)
  const env = { TURNPIKE_HOME: home }
  const rest = 'providers: { a: { base_url: "${ONLY_THERE}", credentials: [{ env: ONLY_THERE }] } }\nkeys: [{ name: k, env: ONLY_THERE }]\n'
  const write = (text: string) => writeFileSync(path.join(home, 'turnpike.yaml'), text)
  write(`${rest}settings: { port: "\${THE_PORT}" }\n`)
  assert.throws(() => readSettings({ env: { ...env, THE_PORT: '8650' } }), /ONLY_THERE is not set/)
  assert.equal(readSettings({ env: { ...env, THE_PORT: '8650' }, asClient: true }).port, 8650)
  assert.throws(() => readSettings({ env, asClient: true }), /turnpike\.yaml, line 3: the environment variable THE_PORT is not set/)
  write(`${rest}settings: { prot: 1 }\n`)
  assert.throws(() => readSettings({ env, asClient: true }), /turnpike\.yaml, line 3: settings\.prot .*port/)
  for (const text of ['', '[]', rest]) {
    write(text)
    assert.equal(readSettings({ env, asClient: true }).port, 8640)
  }
})

test('the list of settings has no secret', (context) => {
  const secret = 'a-very-secret-value-of-a-setting-0123456789'
  const env = { TURNPIKE_HOME: homeFor(context), TURNPIKE_ADMIN_TOKEN: secret, TURNPIKE_MASTER_KEY: secret }
  const listed = listSettings(readSettings({ env }))
  assert.ok(!JSON.stringify(listed).includes(secret))
  assert.equal(listed.find(({ name }) => name === 'master_key')?.origin, 'environment')
})

test('a secret is never repeated', () => {
  const master = 'much-too-short-a-key'
  const short = refusal({ TURNPIKE_HOME: '/nowhere', TURNPIKE_MASTER_KEY: master })
  assert.match(short, /^TURNPIKE_MASTER_KEY has 20 characters and needs at least 32/)
  assert.ok(!short.includes(master))
  const token = 'far-too-short-secret'
  const sentence = refusal({ TURNPIKE_HOME: '/nowhere', TURNPIKE_ADMIN_TOKEN: token })
  assert.match(sentence, /^TURNPIKE_ADMIN_TOKEN has 20 characters and needs at least 32/)
  assert.ok(!sentence.includes(token))
  const spaced = `${'a'.repeat(32)} b`
  assert.ok(!refusal({ TURNPIKE_HOME: '/nowhere', TURNPIKE_ADMIN_TOKEN: spaced }).includes(spaced))
  assert.ok(!refusal({ TURNPIKE_HOME: '/nowhere', TURNPIKE_PUBLIC_URL: 'https://me:hunter2@x.example' }).includes('hunter2'))
})
