// The home is made once, private, and what is wrong with it is said.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './config-error.ts'
import { hashKey, openHome, readAdminToken } from './home.ts'
import { readSettings, type Settings } from './settings.ts'

function settingsFor(context: TestContext, ...below: string[]): Settings {
  const root = mkdtempSync(path.join(os.tmpdir(), 'turnpike-home-'))
  context.after(() => rmSync(root, { recursive: true, force: true }))
  return readSettings({ env: { TURNPIKE_HOME: path.join(root, ...below) } })
}

function refusal(settings: Settings): string {
  try {
    openHome(settings)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.message
  }
  assert.fail('the home was opened')
}

const modeOf = (...segments: string[]): number => statSync(path.join(...segments)).mode & 0o777

test('the first start makes a private home with an admin token and a gateway key; the next one finds them', (context) => {
  const settings = settingsFor(context, 'new', 'home')
  const first = openHome(settings)
  assert.equal(modeOf(settings.home), 0o700)
  assert.equal(modeOf(settings.home, 'admin-token'), 0o600)
  assert.equal(modeOf(settings.home, 'keys.json'), 0o600)
  assert.ok(first.created.home && first.created.adminToken)
  const key = first.created.gatewayKey!
  assert.match(key, /^tp-[A-Za-z0-9_-]{43}$/)
  assert.ok(first.adminToken.length >= 32)
  assert.equal(first.keys[0]!.hash, hashKey(key))

  const second = openHome(settings)
  assert.deepEqual(second.created, { home: false, adminToken: false, gatewayKey: undefined })
  assert.equal(second.adminToken, first.adminToken)
  assert.deepEqual(second.keys, first.keys)
  assert.equal(readAdminToken(settings), first.adminToken)
})

test('the plain gateway key is nowhere in the home', (context) => {
  const settings = settingsFor(context, 'home')
  const key = openHome(settings).created.gatewayKey!
  assert.ok(!readFileSync(path.join(settings.home, 'keys.json'), 'utf8').includes(key))
})

test('the hash of a key is plain SHA-256', () => {
  assert.equal(hashKey('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('a home that others may read is made private', (context) => {
  const settings = settingsFor(context, 'home')
  mkdirSync(settings.home)
  chmodSync(settings.home, 0o755)
  openHome(settings)
  assert.equal(modeOf(settings.home), 0o700)
})

test('an admin token from the settings is used and not written', (context) => {
  const base = settingsFor(context, 'home')
  const settings = { ...base, adminToken: 'x'.repeat(32) }
  const home = openHome(settings)
  assert.equal(home.adminToken, 'x'.repeat(32))
  assert.equal(home.created.adminToken, false)
  assert.throws(() => statSync(path.join(settings.home, 'admin-token')), /ENOENT/)
})

test('a file in the place of the home, or of a directory above it, is said', (context) => {
  const settings = settingsFor(context, 'home')
  writeFileSync(settings.home, '')
  assert.match(refusal(settings), /^The home .*home cannot be created: a file is in its place; .*TURNPIKE_HOME/)
  assert.match(refusal({ ...settings, home: path.join(settings.home, 'deeper') }), /a part of its path is a file/)
})

test('a home that may not be written is said', (context) => {
  const settings = settingsFor(context)
  const asRoot = process.getuid?.() === 0
  chmodSync(settings.home, asRoot ? 0o755 : 0o500)
  // Root may write anywhere, so it becomes somebody else for a moment.
  if (asRoot) process.seteuid!(65_534)
  try {
    assert.match(refusal({ ...settings, home: path.join(settings.home, 'inside') }), /cannot be created: this user may not access it/)
    assert.match(refusal(settings), asRoot ? /cannot be used: this user may not access it/ : /this user may not access it/)
  } finally {
    if (asRoot) process.seteuid!(0)
  }
})

test('a damaged key file and a token that is too short are said, and nothing is overwritten', (context) => {
  const settings = settingsFor(context, 'home')
  openHome(settings)
  const keys = path.join(settings.home, 'keys.json')
  for (const damage of ['', '{"keys":', '[]', '{"keys":[{"id":"a","name":"b","hash":"short"}]}', '{"keys":[null]}']) {
    writeFileSync(keys, damage)
    assert.match(refusal(settings), /keys\.json is damaged/)
    assert.equal(readFileSync(keys, 'utf8'), damage)
  }
  writeFileSync(path.join(settings.home, 'admin-token'), 'short\n')
  assert.match(refusal(settings), /admin-token has 5 characters and needs at least 32/)
})
