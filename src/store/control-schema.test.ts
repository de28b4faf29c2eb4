// The control store's file: made private, migrated forward from every version with data in it, refused when it isn't ours.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { readState } from './control-rows.ts'
import { controlMigrations, controlSchemaVersion, openControlDatabase } from './control-schema.ts'
import type { ControlState } from './control-state.ts'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-control-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'control.db')
}

const first = `INSERT INTO providers VALUES ('openai', '{"vendor":"openai","priority":3}', 1760000000001), ('local', '{"vendor":"ollama"}', 1760000000002);
   INSERT INTO credentials VALUES ('openai', 0, 'main', NULL, 'v1:sealed-text', 'abcd', 1760000000003), ('openai', 1, 'spare', 'SPARE_KEY', NULL, NULL, 1760000000004);
   INSERT INTO dismissed VALUES ('mistral');
   INSERT INTO keys VALUES ('key_1', '{"name":"laptop"}', 1760000000005, NULL), ('key_0', '{"name":"old"}', 1760000000000, 1760000000009);
   INSERT INTO key_secrets VALUES ('aa', 'key_1', 0, 'tp-abc', 'wxyz', 1760000000006, NULL), ('bb', 'key_1', 1, 'tp-def', 'stuv', 1760000000005, 1760000000007);
   INSERT INTO aliases VALUES ('fast', 'openai/gpt-x', 1760000000010);
   INSERT INTO prices VALUES ('openai', 'gpt-x', '{"input_per_million_usd":"1.25"}', 1760000000011), ('local', 'any', '"free"', 1760000000012);
   INSERT INTO settings VALUES ('logging', '"metadata"', 1760000000013), ('retention_days', '7', 1760000000014);
   INSERT INTO audit (at, actor, action, target, detail) VALUES (1760000000015, 'admin', 'provider.put', 'openai', '{"vendor":"openai"}');
   INSERT INTO idempotency VALUES ('idem-1', 'hash', 'v1:sealed-answer', 1760000000016);
   INSERT INTO notes VALUES ('master_key_check', 'v1:check');
   UPDATE revision SET number = 12;`

/**
 * For each released version, SQL that fills a store of that version. An entry is never changed once its version is released: what it
 * holds is what people's files hold.
 */
const contents: readonly string[] = [
  first,
  `${first}
   INSERT INTO configs VALUES ('chat', 1, '{"retry":{"attempts":1}}', NULL, 'first', 'admin', 1760000000017),
     ('chat', 2, '{"targets":[{"provider":"openai"}]}', 'v1:sealed-config', NULL, 'cli', 1760000000018);
   INSERT INTO config_numbers VALUES ('chat', 2), ('gone', 7);`,
  `${first}
   INSERT INTO owners VALUES ('user_1', 'user', '{"name":"ada","team":"team_1"}', 1760000000019, 1760000000020),
     ('team_1', 'team', '{"name":"core"}', 1760000000021, 1760000000021);
   INSERT INTO alerts VALUES ('alert_1', '{"type":"budget.alert"}', 1760000000022, NULL), ('alert_0', '', 1760000000020, 1760000000023);`,
]

/** What all of them mean, as the newest release reads it. */
const common: ControlState = {
  revision: 12,
  providers: [
    { slug: 'local', document: { vendor: 'ollama' }, credentials: [], updatedAtMs: 1760000000002 },
    {
      slug: 'openai',
      document: { vendor: 'openai', priority: 3 },
      credentials: [
        { name: 'main', env: null, sealed: 'v1:sealed-text', last4: 'abcd', createdAtMs: 1760000000003 },
        { name: 'spare', env: 'SPARE_KEY', sealed: null, last4: null, createdAtMs: 1760000000004 },
      ],
      updatedAtMs: 1760000000001,
    },
  ],
  dismissed: ['mistral'],
  keys: [
    { id: 'key_0', document: { name: 'old' }, secrets: [], createdAtMs: 1760000000000, revokedAtMs: 1760000000009 },
    {
      id: 'key_1',
      document: { name: 'laptop' },
      secrets: [
        { hash: 'aa', prefix: 'tp-abc', last4: 'wxyz', createdAtMs: 1760000000006, acceptedUntilMs: null },
        { hash: 'bb', prefix: 'tp-def', last4: 'stuv', createdAtMs: 1760000000005, acceptedUntilMs: 1760000000007 },
      ],
      createdAtMs: 1760000000005,
      revokedAtMs: null,
    },
  ],
  aliases: [{ name: 'fast', model: 'openai/gpt-x', updatedAtMs: 1760000000010 }],
  configs: [],
  configNumbers: new Map(),
  owners: [],
  prices: [
    { provider: 'local', model: 'any', price: 'free', updatedAtMs: 1760000000012 },
    { provider: 'openai', model: 'gpt-x', price: { input_per_million_usd: '1.25' }, updatedAtMs: 1760000000011 },
  ],
  settings: [
    { name: 'logging', value: 'metadata', updatedAtMs: 1760000000013 },
    { name: 'retention_days', value: 7, updatedAtMs: 1760000000014 },
  ],
  notes: new Map([['master_key_check', 'v1:check']]),
}

/** And what only some of them have. */
const meanings: readonly ControlState[] = [
  common,
  {
    ...common,
    configs: [
      {
        slug: 'chat',
        version: 2,
        document: { targets: [{ provider: 'openai' }] },
        sealed: 'v1:sealed-config',
        comment: null,
        actor: 'cli',
        createdAtMs: 1760000000018,
      },
    ],
    configNumbers: new Map([
      ['chat', 2],
      ['gone', 7],
    ]),
  },
  {
    ...common,
    owners: [
      { kind: 'team', id: 'team_1', document: { name: 'core' }, createdAtMs: 1760000000021, updatedAtMs: 1760000000021 },
      { kind: 'user', id: 'user_1', document: { name: 'ada', team: 'team_1' }, createdAtMs: 1760000000019, updatedAtMs: 1760000000020 },
    ],
  },
]

test('a store of each version, with data in it, becomes one of this release and means the same', (t) => {
  assert.equal(contents.length, controlSchemaVersion, 'a new migration needs contents of its version here')
  for (const [index, sql] of contents.entries()) {
    const file = temporary(t)
    const old = openControlDatabase(file, controlMigrations.slice(0, index + 1))
    old.exec(sql)
    old.close()
    const db = openControlDatabase(file)
    assert.equal(db.prepare('PRAGMA user_version').get()?.['user_version'], controlSchemaVersion)
    assert.deepEqual(readState(db), meanings[index])
    assert.deepEqual(db.prepare('PRAGMA foreign_key_check').all(), [])
    assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
    db.close()
  }
})

test('an upgraded store has the same tables as a new one', (t) => {
  const tables = (db: DatabaseSync) => db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
  const upgraded = temporary(t)
  openControlDatabase(upgraded, controlMigrations.slice(0, 1)).close()
  const db = openControlDatabase(upgraded)
  const fresh = openControlDatabase(temporary(t))
  assert.deepEqual(tables(db), tables(fresh))
  db.close()
  fresh.close()
})

test('a migration that fails leaves the store as it was, and the release before it can still use it', (t) => {
  const file = temporary(t)
  const old = openControlDatabase(file)
  old.exec(contents.at(-1)!)
  old.close()
  const broken = [...controlMigrations, `ALTER TABLE aliases ADD COLUMN note TEXT; UPDATE aliases SET note = 'x'; SELECT * FROM nowhere`]
  assert.throws(() => openControlDatabase(file, broken), /The control store .* cannot be opened: no such table: nowhere/)
  const again = openControlDatabase(file)
  assert.deepEqual(readState(again), meanings.at(-1))
  again.close()
})

test('a store from a newer release is refused in one sentence, and not touched', (t) => {
  const file = temporary(t)
  openControlDatabase(file, [...controlMigrations, 'CREATE TABLE later (x INTEGER) STRICT']).close()
  const before = readFileSync(file)
  assert.throws(
    () => openControlDatabase(file),
    (error: Error) =>
      error.message ===
      `The control store ${file} was written by a newer Turnpike (schema ${controlSchemaVersion + 1}; this release knows ${controlSchemaVersion}). Start that release, or use another home.`,
  )
  assert.deepEqual(readFileSync(file), before)
})

test('the file and its companions are for their owner only, also when the file was more open', (t) => {
  const file = temporary(t)
  const db = openControlDatabase(file)
  db.exec("INSERT INTO notes VALUES ('a', 'b')")
  for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
  db.close()
  chmodSync(file, 0o644)
  openControlDatabase(file).close()
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('another database, a damaged file, a folder and a missing folder are refused in one sentence each', (t) => {
  const other = temporary(t)
  const foreign = new DatabaseSync(other)
  foreign.exec('CREATE TABLE theirs (x)')
  foreign.close()
  assert.throws(() => openControlDatabase(other), /^Error: The file .* is a database, but not a control store of Turnpike\. Move it away/)

  const damaged = temporary(t)
  writeFileSync(damaged, 'this is not a database, whatever its name says. '.repeat(50))
  assert.throws(
    () => openControlDatabase(damaged),
    /^Error: The control store .* cannot be opened: it is damaged\. Restore it from a backup/,
  )

  const folder = join(temporary(t), '..')
  assert.throws(() => openControlDatabase(folder), /cannot be opened: .* Check/)
  assert.throws(
    () => openControlDatabase(join(folder, 'missing', 'control.db')),
    /cannot be opened: there is no such file and it cannot be made\./,
  )
})
