// What the tree promises about its files and no linter checks.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const root = path.resolve(import.meta.dirname, '..', '..')
const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
const skip = listed.status === 0 ? false : 'this is not a git clone, so what belongs to the project is not known'
const files = listed.stdout.split('\n').filter((file) => file !== '' && existsSync(path.join(root, file)))
const code = files.filter((file) => /\.(ts|mjs)$/.test(file))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

test('code files are named in kebab-case, by what they hold', { skip }, () => {
  const vague = /(^|-)(utils?|helpers?|common|managers?|services?|misc)(-|$)/
  for (const file of code) {
    const name = path.basename(file).replace(/(\.test)?\.(ts|mjs)$/, '')
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/, file)
    assert.doesNotMatch(name, vague, `${file}: say what it holds`)
  }
})

test('the first line of a code file says what it is for', { skip }, () => {
  const silent = code.filter((file) => {
    const [first = '', second = ''] = read(file).split('\n', 2)
    return !/^\/\/ \S|^\/\*\* \S/.test(first.startsWith('#!') ? second : first)
  })
  assert.deepEqual(silent, [])
})

test('no file names a place of the machine it was written on', { skip }, () => {
  const home = os.homedir().length > 3 && os.homedir() !== '/root' ? [os.homedir()] : []
  const places = [...home, ['', 'work', 'main'].join('/'), ['', 'work', 'shared'].join('/'), ['registry', 'npmjs', 'org'].join('.')]
  for (const file of files.filter((name) => /\.(ts|mjs|md|json|yaml|yml|txt|sh)$|\.ci\/run$/.test(name))) {
    const text = read(file)
    for (const place of places) assert.ok(!text.includes(place), `${file} contains ${place}`)
  }
})

test('nothing is left to be done later in code', { skip }, () => {
  const mark = new RegExp(String.raw`\b(TO${'DO'}|FIX${'ME'}|XX${'X'})\b`)
  for (const file of code) assert.doesNotMatch(read(file), mark, file)
})

test('the lockfile names versions and hashes, and no place they were fetched from', { skip }, () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { resolved?: string; integrity?: string }> }
  for (const [where, { resolved, integrity }] of Object.entries(packages)) {
    if (where === '') continue
    assert.equal(resolved, undefined, `${where}: run npm install again with the project's .npmrc`)
    assert.ok(integrity?.startsWith('sha512-'), where)
  }
})
