// OpenClaw's `.env`: what is read as OpenClaw reads it, and that nothing but one line changes.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { CliFailure } from './failure.ts'
import { readEnvFile, readVariables, withVariable, writeEnvFile } from './openclaw-env-file.ts'

test('variables are read with quotes, comments, export and the last line of a name', () => {
  const text = '# comment\nA=1\n export B = two \r\nC="x # y"\nD=\'q\' # why\nE=plain # why\nF=\nA=3\nnot a line\n'
  assert.deepEqual(Object.fromEntries(readVariables(text)), { A: '3', B: 'two', C: 'x # y', D: 'q', E: 'plain', F: '' })
})

test('setting a variable replaces its line and keeps every other byte', () => {
  const cases: [before: string, after: string][] = [
    ['', 'K=v\n'],
    ['A=1\n', 'A=1\nK=v\n'],
    ['A=1', 'A=1\nK=v\n'],
    ['A=1\r\nB=2\r\n', 'A=1\r\nB=2\r\nK=v\r\n'],
    ['A=1\nK=old\n\n# end', 'A=1\nK=v\n\n# end'],
    ['K=old\r\nA="K=x"\r\n', 'K=v\r\nA="K=x"\r\n'],
    ['export K=old # mine\nA=1\nK=older\n', 'K=v\nA=1\n'],
    ['KK=1\nXK=2\n#K=3\n', 'KK=1\nXK=2\n#K=3\nK=v\n'],
    ['K=v\n', 'K=v\n'],
  ]
  for (const [before, after] of cases) assert.equal(withVariable(before, 'K', 'v'), after, JSON.stringify(before))
  assert.equal(withVariable('K=1\n', 'K', "$&$'x"), "K=$&$'x\n")
})

test('the file is written whole, for its owner alone, and behind a link', (context) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'state', '.env')
  assert.equal(readEnvFile(file), undefined)
  writeEnvFile(file, 'K=v\n')
  assert.deepEqual(readEnvFile(file), { text: 'K=v\n', mode: 0o600 })
  chmodSync(file, 0o644)
  const link = path.join(folder, 'link')
  symlinkSync(file, link)
  writeEnvFile(link, 'K=w\n')
  assert.equal(readFileSync(file, 'utf8'), 'K=w\n')
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('a file that cannot be written or read is a sentence that names it', (context) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(path.join(folder, 'state'), '')
  const file = path.join(folder, 'state', '.env')
  assert.throws(() => writeEnvFile(file, ''), (error: unknown) => error instanceof CliFailure && error.message.startsWith(`${file} cannot be written (`)) // prettier-ignore
  assert.throws(() => readEnvFile(file), (error: unknown) => error instanceof CliFailure && error.message.startsWith(`${file} cannot be read (`)) // prettier-ignore
})
