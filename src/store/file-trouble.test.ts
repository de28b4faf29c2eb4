// A damaged file of a home is named, with what to do about it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockHome } from './home-lock.ts'
import { openLedgerDatabase } from './ledger-schema.ts'
import { openRecordDatabase } from './schema.ts'

const openers: readonly [name: string, open: (file: string) => { close(): void }, says: RegExp][] = [
  [
    'records.db',
    openRecordDatabase,
    /^Error: The record store \S+records\.db cannot be opened: it is damaged\. Restore .* or move it away/,
  ],
  ['ledger.db', openLedgerDatabase, /^Error: The ledger \S+ledger\.db cannot be opened: it is damaged\. Restore the home from a backup/],
]

for (const [name, open, says] of openers) {
  test(`${name} is its owner's alone; when it is damaged, it is named with what to do`, (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'turnpike-trouble-'))
    context.after(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, name)
    open(file).close()
    assert.equal(statSync(file).mode & 0o777, 0o600)
    writeFileSync(file, 'not a database, whatever its name says. '.repeat(100))
    assert.throws(() => open(file), says)
    assert.throws(() => open(join(folder, 'missing', name)), /cannot be opened: there is no such file and it cannot be made\. Check/)
  })
}

test('a lock that is no lock is named, and may be removed', (context) => {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-trouble-'))
  context.after(() => rmSync(home, { recursive: true, force: true }))
  writeFileSync(join(home, 'lock'), 'garbage')
  assert.throws(() => lockHome(home), /cannot be locked: \S+lock cannot be opened: it is damaged\. It holds nothing: remove it/)
})
