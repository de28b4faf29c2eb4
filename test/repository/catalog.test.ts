// The catalog's data files are what the script makes of the public tables, always the same, and never overwritten by what looks wrong.
import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { corpusPath, skipWithoutCorpus } from '#test/corpus.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-catalog-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

function rebuild(from: string, to: string, ...more: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [path.join(root, 'scripts', 'catalog.ts'), from, '--to', to, ...more], { encoding: 'utf8' })
}

/** Every file of it, by its path. */
function filesOf(folder: string): Record<string, string> {
  const names = ['vendors.json', ...readdirSync(path.join(folder, 'models')).map((file) => `models/${file}`)].sort()
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]))
}

function emptyFolder(name: string): string {
  const folder = path.join(scratch, name)
  mkdirSync(folder)
  return folder
}

test('two runs make the same bytes, and they are the committed ones', { skip: skipWithoutCorpus }, () => {
  const [one, other] = [emptyFolder('one'), emptyFolder('other')]
  const corpus = path.dirname(corpusPath('README.md')!)
  for (const folder of [one, other]) {
    const { status, stderr, stdout } = rebuild(corpus, folder)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /\d+ vendors with \d+ models, \d+ with a price/)
  }
  assert.deepEqual(filesOf(one), filesOf(other))
  assert.deepEqual(filesOf(one), filesOf(path.join(root, 'src', 'catalog')))
})

test('a vendor that lost its models and a price that jumped are listed, and nothing is written', { skip: skipWithoutCorpus }, () => {
  const tables = emptyFolder('tables')
  for (const part of ['catalog', 'prices']) cpSync(corpusPath(part)!, path.join(tables, part), { recursive: true, mode: 0 })
  const target = emptyFolder('target')
  assert.equal(rebuild(tables, target).status, 0)
  const before = filesOf(target)

  const models = readFileSync(path.join(tables, 'catalog', 'models.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject & { cost?: { input?: number } })
    .filter(({ provider }) => provider !== 'venice')
    .map((model) => {
      if (model['provider'] !== 'groq' || model['id'] !== 'llama-3.3-70b-versatile') return model
      return { ...model, cost: { ...model.cost, input: model.cost!.input! * 1000 } }
    })
  const changed = path.join(tables, 'catalog', 'changed.jsonl')
  writeFileSync(changed, models.map((model) => `${JSON.stringify(model)}\n`).join(''))
  rmSync(path.join(tables, 'catalog', 'models.jsonl'), { force: true })
  cpSync(changed, path.join(tables, 'catalog', 'models.jsonl'))

  const refused = rebuild(tables, target)
  assert.equal(refused.status, 1)
  assert.match(refused.stdout, /venice lost all of its \d+ models/)
  assert.match(refused.stdout, /groq\/llama-3\.3-70b-versatile: input was 0\.59 and is 590 USD per million tokens/)
  assert.deepEqual(filesOf(target), before)
  assert.equal(rebuild(tables, target, '--accept').status, 0)
  assert.ok(!Object.hasOwn(filesOf(target), 'models/venice.json'))
})

test('without its tables it says what it needs', () => {
  const { status, stderr } = rebuild(path.join(scratch, 'nowhere'), scratch)
  assert.equal(status, 2)
  assert.match(stderr, /^Usage: node scripts\/catalog\.ts/)
})
