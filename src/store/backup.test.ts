// Backups of a home in use are whole and of one moment; a restore is checked first and never leaves half a home.
import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { createBackups, type BackupProgress } from './backup.ts'
import { parseManifest, type BackupManifest } from './backup-manifest.ts'
import { controlMigrations, controlSchemaVersion, openControlDatabase } from './control-schema.ts'
import { createControlStore } from './control-store.ts'
import { lockHome } from './home-lock.ts'
import { ledgerSchemaVersion, openLedgerDatabase } from './ledger-schema.ts'
import { openRecordDatabase } from './schema.ts'

const version = '9.8.7'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-backup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const note = { atMs: 1, actor: 'admin', action: 'note.put', target: 'n', detail: {} }

/** A stopped home: what is stored of it is `text`. */
async function homeWith(folder: string, text: string): Promise<string> {
  const home = join(folder, `home-${text}`)
  mkdirSync(join(home, 'journal'), { recursive: true })
  const store = await createControlStore(join(home, 'control.db'))
  await store.write([{ put: 'note', name: 'who', text }], note)
  await store.close()
  const records = openRecordDatabase(join(home, 'records.db'))
  records.prepare('INSERT INTO meta VALUES (?, ?)').run('who', text)
  records.close()
  writeFileSync(join(home, 'keys.json'), JSON.stringify({ keys: [], who: text }))
  writeFileSync(join(home, 'journal', '1-1.tpj'), text)
  writeFileSync(join(home, 'admin-token'), `tpa-secret-of-${text}`)
  writeFileSync(join(home, 'master-key'), `master-secret-of-${text}`)
  writeFileSync(join(home, 'turnpike.yaml'), `# ${text}: sk-in-the-clear`)
  return home
}

/** Who each of the home's files says that it is of. */
function whoIn(home: string): (string | undefined)[] {
  const ask = (file: string, sql: string) => {
    if (!existsSync(join(home, file))) return undefined
    const db = new DatabaseSync(join(home, file))
    const who = String(db.prepare(sql).get()?.['who'])
    db.close()
    return who
  }
  const keys = existsSync(join(home, 'keys.json'))
    ? (JSON.parse(readFileSync(join(home, 'keys.json'), 'utf8')) as { who: string }).who
    : undefined
  return [
    ask('control.db', "SELECT text AS who FROM notes WHERE name = 'who'"),
    ask('records.db', "SELECT value AS who FROM meta WHERE name = 'who'"),
    keys,
  ]
}

test('a backup has the databases and the key hashes with their sizes and SHA-256, and no secret of the home', async (t) => {
  const folder = temporary(t)
  const home = await homeWith(folder, 'a')
  const progress: BackupProgress[] = []
  const { path, manifest } = await createBackups({ home, version }).create(join(folder, 'to'), (step) => progress.push(step))
  assert.match(path, /\/turnpike-backup-\d{8}T\d{6}Z$/)
  assert.deepEqual(readdirSync(path).sort(), ['control.db', 'keys.json', 'manifest.json', 'records.db'])
  assert.deepEqual(parseManifest(readFileSync(join(path, 'manifest.json'), 'utf8'), 'it'), manifest)
  assert.equal(manifest.turnpike, version)
  assert.match(manifest.note, /master key.* not in this backup/)
  for (const { name, bytes } of manifest.files) assert.equal(statSync(join(path, name)).size, bytes)
  for (const name of readdirSync(path)) {
    assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name)
    const text = readFileSync(join(path, name), 'latin1')
    for (const secret of ['tpa-secret', 'master-secret', 'sk-in-the-clear']) assert.ok(!text.includes(secret), `${secret} in ${name}`)
  }
  assert.equal(statSync(path).mode & 0o777, 0o700)
  assert.deepEqual(whoIn(path), ['a', 'a', 'a'])
  const last = progress.at(-1)!
  assert.equal(last.doneBytes, last.totalBytes)
  assert.ok(progress.every((step, n) => step.doneBytes <= step.totalBytes && step.doneBytes >= (progress[n - 1]?.doneBytes ?? 0)))
})

test('a copy made while another thread writes without a pause is of one moment, and its end comes', async (t) => {
  const folder = temporary(t)
  const home = await homeWith(folder, 'a')
  const records = openRecordDatabase(join(home, 'records.db'))
  records.exec('CREATE TABLE pairs (n INTEGER PRIMARY KEY, one INTEGER, other INTEGER, padding BLOB)')
  records.exec(
    'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000) INSERT INTO pairs SELECT n, 0, 0, zeroblob(12000) FROM c',
  )
  records.close()
  // First and last row, hence pages far apart, always change together.
  const writer = new Worker(
    `const { DatabaseSync } = require('node:sqlite'); const { parentPort, workerData } = require('node:worker_threads')
     const db = new DatabaseSync(workerData); db.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL')
     let stop = false; parentPort.on('message', () => { stop = true })
     let n = 0
     const turn = () => { if (stop) { db.close(); parentPort.postMessage(n); parentPort.close(); return }
       db.exec('BEGIN IMMEDIATE; UPDATE pairs SET one = one + 1 WHERE n IN (1, 3000); COMMIT'); if (++n === 1) parentPort.postMessage(n); setImmediate(turn) }
     turn()`,
    { eval: true, workerData: join(home, 'records.db') },
  )
  t.after(() => writer.terminate())
  const exited = once(writer, 'exit')
  await once(writer, 'message')
  const progress: number[] = []
  const { path } = await createBackups({ home, version }).create(folder, ({ doneBytes }) => progress.push(doneBytes))
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
    'it never began again',
  )
  const written = once(writer, 'message')
  writer.postMessage('stop')
  const [count] = (await written) as [number]
  await exited
  assert.ok(count > 10, `the writer wrote ${count} times`)
  const copy = new DatabaseSync(join(path, 'records.db'))
  const rows = copy.prepare('SELECT one FROM pairs WHERE n IN (1, 3000)').all()
  assert.equal(rows[0]?.['one'], rows[1]?.['one'])
  assert.equal(copy.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok')
  copy.close()
})

test('bodies that the records refer to are in it, as far as they refer to them', async (t) => {
  const folder = temporary(t)
  const home = await homeWith(folder, 'a')
  mkdirSync(join(home, 'bodies'))
  writeFileSync(join(home, 'bodies', '3.tpr'), 'first body, second body, not committed')
  writeFileSync(join(home, 'bodies', '4.tpr'), 'nothing refers to it')
  const records = openRecordDatabase(join(home, 'records.db'))
  records.exec(`CREATE TABLE IF NOT EXISTS raw_blocks (id INTEGER PRIMARY KEY, file INTEGER, at INTEGER, crc INTEGER, at_ms INTEGER);
    INSERT INTO blocks VALUES (7, 1, 12, 0), (8, 1, 12, 0);
    INSERT INTO raw_blocks (id, file, at, crc, at_ms) VALUES (7, 3, 0, 0, 1), (8, 3, 12, 0, 1)`)
  records.close()
  const { path, manifest } = await createBackups({ home, version }).create(folder)
  assert.deepEqual(
    manifest.files.map(({ name }) => name),
    ['control.db', 'records.db', 'bodies/3.tpr', 'keys.json'],
  )
  assert.equal(readFileSync(join(path, 'bodies', '3.tpr'), 'utf8'), 'first body, second body,')
  const empty = join(folder, 'empty')
  createBackups({ home: empty, version }).restore(path)
  assert.equal(readFileSync(join(empty, 'bodies', '3.tpr'), 'utf8'), 'first body, second body,')
})

test('the ledger is in it, copied after the records, and comes back; one of a newer release is refused', async (t) => {
  const folder = temporary(t)
  const home = await homeWith(folder, 'a')
  const ledger = openLedgerDatabase(join(home, 'ledger.db'))
  ledger.exec("INSERT INTO accounts VALUES ('wallet:ada', 'wallet', 7)")
  const { path, manifest } = await createBackups({ home, version }).create(folder)
  assert.deepEqual(
    manifest.files.map(({ name }) => name),
    ['control.db', 'records.db', 'ledger.db', 'keys.json'],
  )
  const empty = join(folder, 'empty')
  createBackups({ home: empty, version }).restore(path)
  const restored = openLedgerDatabase(join(empty, 'ledger.db'))
  assert.equal(restored.prepare("SELECT opened_at FROM accounts WHERE id = 'wallet:ada'").get()?.['opened_at'], 7)
  restored.close()
  ledger.exec(`PRAGMA user_version = ${ledgerSchemaVersion + 1}`)
  ledger.close()
  const newer = await createBackups({ home, version }).create(join(folder, 'newer'))
  assert.throws(
    () => createBackups({ home: join(folder, 'other'), version }).restore(newer.path),
    /ledger\.db of the backup .* was written by a newer Turnpike/,
  )
})

test('a home that holds nothing, and a folder that cannot be written, are said, and nothing is left there', async (t) => {
  const folder = temporary(t)
  mkdirSync(join(folder, 'empty'))
  await assert.rejects(
    createBackups({ home: join(folder, 'empty'), version }).create(join(folder, 'to')),
    /^Error: The backup could not be made in .*: the home .* has nothing to back up\. Nothing was left there\.$/,
  )
  assert.deepEqual(readdirSync(join(folder, 'to')), [])
  writeFileSync(join(folder, 'file'), '')
  const home = await homeWith(folder, 'a')
  await assert.rejects(createBackups({ home, version }).create(join(folder, 'file')), /^Error: The backup could not be made in /)
})

test("a restore into a new home brings everything back; what is the home's own stays", async (t) => {
  const folder = temporary(t)
  const { path, manifest } = await createBackups({ home: await homeWith(folder, 'a'), version }).create(folder)
  const home = join(folder, 'new', 'home')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'master-key'), 'mine')
  const restored = createBackups({ home, version }).restore(path)
  assert.deepEqual(restored, { manifest, kept: undefined })
  assert.deepEqual(whoIn(home), ['a', 'a', 'a'])
  assert.equal(readFileSync(join(home, 'master-key'), 'utf8'), 'mine')
  assert.deepEqual(readdirSync(home).sort(), ['control.db', 'keys.json', 'lock', 'master-key', 'records.db'])
  assert.equal(statSync(join(home, 'control.db')).mode & 0o777, 0o600)
})

test('a home with data is refused by the names of its files, and forced, keeps them beside, journal included', async (t) => {
  const folder = temporary(t)
  const { path } = await createBackups({ home: await homeWith(folder, 'a'), version }).create(folder)
  const home = await homeWith(folder, 'b')
  const backups = createBackups({ home, version })
  assert.throws(() => backups.restore(path), /^Error: The home .* has data already \(control\.db, records\.db, keys\.json, journal\)\. /)
  assert.deepEqual(whoIn(home), ['b', 'b', 'b'])
  const { kept } = backups.restore(path, { force: true })
  assert.deepEqual(whoIn(home), ['a', 'a', 'a'])
  assert.ok(!existsSync(join(home, 'journal')))
  assert.ok(kept !== undefined && kept.startsWith(home))
  assert.deepEqual(whoIn(kept), ['b', 'b', 'b'])
  assert.equal(readFileSync(join(kept, 'journal', '1-1.tpj'), 'utf8'), 'b')
})

test('a home in use is refused, also by force', async (t) => {
  const folder = temporary(t)
  const { path } = await createBackups({ home: await homeWith(folder, 'a'), version }).create(folder)
  const home = await homeWith(folder, 'b')
  const lock = lockHome(home)
  assert.throws(() => createBackups({ home, version }).restore(path, { force: true }), /is in use by another Turnpike process/)
  lock.release()
  assert.deepEqual(whoIn(home), ['b', 'b', 'b'])
})

test('a backup that is damaged, incomplete, from a newer release, or none at all is refused, and nothing is changed', async (t) => {
  const folder = temporary(t)
  const { path, manifest } = await createBackups({ home: await homeWith(folder, 'a'), version }).create(folder)
  const home = await homeWith(folder, 'b')
  const before = readdirSync(home).sort()
  const cases: [RegExp, (copy: string) => void][] = [
    [/is not a backup: its manifest\.json cannot be read \(ENOENT\)/, (copy) => rmSync(join(copy, 'manifest.json'))],
    [/is not the manifest of a whole backup: it is not JSON/, (copy) => writeFileSync(join(copy, 'manifest.json'), '{"format":')],
    [/was written by a newer Turnpike \(format 2; this release knows 1\)/, (copy) => rewrite(copy, { ...manifest, format: 2 as 1 })],
    [
      /it names a file that a backup does not have \("\.\.\/up"\)/,
      (copy) => rewrite(copy, { ...manifest, files: [{ ...manifest.files[0]!, name: '../up' }] }),
    ],
    [/is not whole: records\.db is missing\. Nothing was changed/, (copy) => rmSync(join(copy, 'records.db'))],
    [
      /is damaged: records\.db is not what its manifest says\. Nothing was changed/,
      (copy) => {
        const bytes = readFileSync(join(copy, 'records.db'))
        bytes[bytes.length - 5]! ^= 1
        writeFileSync(join(copy, 'records.db'), bytes)
      },
    ],
    [/is damaged: keys\.json/, (copy) => writeFileSync(join(copy, 'keys.json'), '')],
  ]
  for (const [sentence, spoil] of cases) {
    const copy = join(folder, 'spoilt')
    cpSync(path, copy, { recursive: true })
    spoil(copy)
    assert.throws(() => createBackups({ home, version }).restore(copy, { force: true }), sentence)
    assert.deepEqual(whoIn(home), ['b', 'b', 'b'])
    assert.deepEqual(
      readdirSync(home)
        .filter((name) => name !== 'lock')
        .sort(),
      before,
    )
    rmSync(copy, { recursive: true })
  }
})

test('databases from a newer release are refused before anything is changed', async (t) => {
  const folder = temporary(t)
  const newer = join(folder, 'newer')
  mkdirSync(newer)
  openControlDatabase(join(newer, 'control.db'), [...controlMigrations, 'CREATE TABLE later (x INTEGER) STRICT']).close()
  const { path } = await createBackups({ home: newer, version }).create(folder)
  const home = await homeWith(folder, 'b')
  assert.throws(
    () => createBackups({ home, version }).restore(path, { force: true }),
    new RegExp(
      `control\\.db of the backup .* was written by a newer Turnpike \\(schema ${controlSchemaVersion + 1}; this release knows ${controlSchemaVersion}\\)\\. Nothing was changed`,
    ),
  )
  assert.deepEqual(whoIn(home), ['b', 'b', 'b'])
})

test('a restore that was killed between any two of its moves is finished by the next holder of the home', async (t) => {
  const folder = temporary(t)
  const { path } = await createBackups({ home: await homeWith(folder, 'a'), version }).create(folder)
  const names = ['control.db', 'records.db', 'keys.json', 'journal']
  // As it is after `cleared` moves aside and `filled` moves in.
  for (let step = 0; step <= names.length + 3; step++) {
    const home = await homeWith(folder, `b${step}`)
    const cleared = Math.min(step, names.length)
    const filled = Math.max(0, step - names.length)
    mkdirSync(join(home, 'before-restore-1'))
    cpSync(path, join(home, 'restore-clearing-1'), { recursive: true })
    for (const name of names.slice(0, cleared)) renameSync(join(home, name), join(home, 'before-restore-1', name))
    if (filled > 0) renameSync(join(home, 'restore-clearing-1'), join(home, 'restore-filling-1'))
    for (const name of names.slice(0, filled)) renameSync(join(home, 'restore-filling-1', name), join(home, name))
    lockHome(home).release()
    assert.deepEqual(whoIn(home), ['a', 'a', 'a'], `step ${step}`)
    assert.deepEqual(whoIn(join(home, 'before-restore-1')), [`b${step}`, `b${step}`, `b${step}`])
    assert.ok(!existsSync(join(home, 'journal')))
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith('restore-')),
      [],
    )
  }
  const home = await homeWith(folder, 'c')
  cpSync(path, join(home, 'restore-staged-1'), { recursive: true })
  lockHome(home).release()
  assert.deepEqual(whoIn(home), ['c', 'c', 'c'], 'nothing was decided yet')
})

function rewrite(copy: string, manifest: BackupManifest): void {
  chmodSync(join(copy, 'manifest.json'), 0o600)
  writeFileSync(join(copy, 'manifest.json'), JSON.stringify(manifest))
}
