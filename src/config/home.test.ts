// The home is made once, private, and what is wrong with it is said.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './config-error.ts'
import { hashKey, makeMasterKey, openHome, readAdminToken, readMasterKey, readOldKeys, retireOldKeys } from './home.ts'
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

test('the first start makes a private home with an admin token; the next one finds it', (context) => {
  const settings = settingsFor(context, 'new', 'home')
  const first = openHome(settings)
  assert.equal(modeOf(settings.home), 0o700)
  assert.equal(modeOf(settings.home, 'admin-token'), 0o600)
  assert.deepEqual(first.created, { home: true, adminToken: true })
  assert.ok(first.adminToken.length >= 32)

  const second = openHome(settings)
  assert.deepEqual(second.created, { home: false, adminToken: false })
  assert.equal(second.adminToken, first.adminToken)
  assert.equal(readAdminToken(settings), first.adminToken)
})

test('the master key is made once, private; the one of the settings wins; one that is too short or has white space is refused', (context) => {
  const settings = settingsFor(context, 'home')
  openHome(settings)
  assert.equal(readMasterKey(settings), undefined)
  const made = makeMasterKey(settings)
  assert.equal(modeOf(settings.home, 'master-key'), 0o600)
  assert.equal(Buffer.from(made.text, 'base64url').length, 32)
  assert.deepEqual(readMasterKey(settings), made)
  const theirs = 'm'.repeat(32)
  assert.deepEqual(readMasterKey({ ...settings, masterKey: theirs }), { text: theirs, where: 'TURNPIKE_MASTER_KEY' })
  writeFileSync(path.join(settings.home, 'master-key'), 'short\n')
  assert.throws(() => readMasterKey(settings), /master-key has 5 characters and needs at least 32/)
  writeFileSync(path.join(settings.home, 'master-key'), `${'m'.repeat(32)} x\n`)
  assert.throws(() => readMasterKey(settings), /master-key contains white space/)
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

test('a folder of others is not closed to them by a slip of the hand; one with nothing else becomes a home', (context) => {
  const settings = settingsFor(context, 'shared')
  mkdirSync(settings.home)
  chmodSync(settings.home, 0o755)
  writeFileSync(path.join(settings.home, 'theirs.txt'), '')
  chmodSync(settings.home, 0o1777)
  assert.match(refusal(settings), /^Everybody may write in the folder .*shared, .* set TURNPIKE_HOME to a folder of its own\.$/)
  assert.equal(modeOf(settings.home), 0o777)
  chmodSync(settings.home, 0o755)
  openHome(settings)
  assert.equal(modeOf(settings.home), 0o755)
  assert.equal(modeOf(path.join(settings.home, 'admin-token')), 0o600)
  openHome(settings)
  assert.equal(modeOf(settings.home), 0o755, 'nor by the next start')
  rmSync(path.join(settings.home, 'theirs.txt'))
  writeFileSync(path.join(settings.home, 'turnpike.yaml'), '')
  openHome(settings)
  assert.equal(modeOf(settings.home), 0o700)
})

test('where the system makes no directory, it is said and not tried for ever', { skip: !existsSync('/proc/self') }, (context) => {
  assert.match(refusal({ ...settingsFor(context), home: '/proc/turnpike/home' }), /cannot be created: the system makes no directory there/)
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

test('the keys of an older home are read, and then kept beside under another name', (context) => {
  const settings = settingsFor(context, 'home')
  openHome(settings)
  assert.equal(readOldKeys(settings.home), undefined)
  const hash = hashKey('tp-old')
  writeFileSync(
    path.join(settings.home, 'keys.json'),
    JSON.stringify({ keys: [{ id: 'key_1', name: 'first', hash, stream_usage: 'on_request' }] }),
  )
  assert.deepEqual(readOldKeys(settings.home), [{ id: 'key_1', name: 'first', hash, streamUsage: 'on_request' }])
  retireOldKeys(settings.home)
  assert.equal(readOldKeys(settings.home), undefined)
  assert.ok(readFileSync(path.join(settings.home, 'keys.json.imported'), 'utf8').includes(hash))
})

test('a damaged key file and a token that is too short are said, and nothing is overwritten', (context) => {
  const settings = settingsFor(context, 'home')
  openHome(settings)
  const keys = path.join(settings.home, 'keys.json')
  for (const damage of ['', '{"keys":', '[]', '{"keys":[{"id":"a","name":"b","hash":"short"}]}', '{"keys":[null]}']) {
    writeFileSync(keys, damage)
    assert.throws(() => readOldKeys(settings.home), /keys\.json is damaged/)
    assert.equal(readFileSync(keys, 'utf8'), damage)
  }
  writeFileSync(path.join(settings.home, 'admin-token'), 'short\n')
  assert.match(refusal(settings), /admin-token has 5 characters and needs at least 32/)
})
