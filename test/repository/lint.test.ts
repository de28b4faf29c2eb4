// Plants a violation of each rule about rooms in a scratch project and expects the linter to refuse it, in words that say why. A
// boundary without this proof is decoration: a linter that reads nothing also reports success.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'

const root = path.resolve(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-lint-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

type Diagnostic = { readonly message: string; readonly code: string; readonly filename: string }

function lint(cwd: string, ...options: string[]): { readonly exitCode: number | null; readonly diagnostics: readonly Diagnostic[] } {
  const linter = path.join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')
  const result = spawnSync(process.execPath, [linter, '--format=json', ...options], { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  assert.match(result.stdout, /^\s*\{/, `the linter did not run: ${result.stdout}${result.stderr}`)
  return { exitCode: result.status, diagnostics: (JSON.parse(result.stdout) as { diagnostics: Diagnostic[] }).diagnostics }
}

function place(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(scratch, file)), { recursive: true })
    writeFileSync(path.join(scratch, file), text)
  }
}

for (const file of ['.oxlintrc.json', 'package.json', 'tsconfig.json', 'scripts/rooms.ts', 'scripts/lint']) {
  cpSync(path.join(root, file), path.join(scratch, file), { recursive: true })
}
symlinkSync(path.join(root, 'node_modules'), path.join(scratch, 'node_modules'), 'dir')

/** File, text, and what must be said about it: rule and words. */
const planted: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'src/kernel/up.ts',
    `import { a } from '#ir'\nexport const b = a\n`,
    'turnpike(layers)',
    /'kernel' \(layer 0\) may not import '#ir' \(layer 1\): imports go only downward/,
  ],
  [
    'src/wires/type.ts',
    `import type { A } from '#gateway'\nexport type B = A\n`,
    'turnpike(layers)',
    /'wires' \(layer 2\) may not import '#gateway'/,
  ],
  [
    'src/ledger/side.ts',
    `import { a } from '#journal'\nexport const b = a\n`,
    'turnpike(layers)',
    /rooms of one layer never import each other/,
  ],
  [
    'src/gateway/inner.ts',
    `import type { A } from '#wires/codec'\nexport type B = A\n`,
    'turnpike(layers)',
    /There is no room '#wires\/codec'/,
  ],
  ['src/routing/again.ts', `export { a } from '#gateway'\n`, 'turnpike(layers)', /'routing' \(layer 3\) may not import '#gateway'/],
  ['src/store/late.ts', `export const a = () => import('#admin')\n`, 'turnpike(layers)', /'store' \(layer 2\) may not import '#admin'/],
  [
    'src/catalog/inline.ts',
    `export type A = import('#ingress').B\n`,
    'turnpike(layers)',
    /'catalog' \(layer 3\) may not import '#ingress'/,
  ],
  [
    'src/policy/up.test.ts',
    `import { a } from '#gateway'\nexport const b = a\n`,
    'turnpike(layers)',
    /'policy' \(layer 3\) may not import '#gateway'/,
  ],
  ['src/gateway/main.ts', `import { a } from '#main'\nexport const b = a\n`, 'turnpike(layers)', /only 'cli' starts it/],
  ['src/main.ts', `import { a } from '#cli'\nexport const b = a\n`, 'turnpike(layers)', /'main' may not import '#cli'/],
  ['src/ir/door.ts', `import { a } from '#ir'\nexport const b = a\n`, 'turnpike(layers)', /its own files with '.\/'/],
  ['src/attic/new.ts', `import { a } from '#kernel'\nexport const b = a\n`, 'turnpike(layers)', /'attic' is not a room/],
  ['src/gateway/unknown.ts', `import { a } from '#nowhere'\nexport const b = a\n`, 'turnpike(layers)', /There is no room '#nowhere'/],
  ['src/gateway/parent.ts', `import { a } from '../kernel/ids.ts'\nexport const b = a\n`, 'turnpike(layers)', /No '\.\.\/'/],
  ['src/wires/chat/parent.ts', `import { a } from './../codec.ts'\nexport const b = a\n`, 'turnpike(layers)', /No '\.\.\/'/],
  ['src/gateway/support.ts', `import { a } from '#test/upstream.ts'\nexport const b = a\n`, 'turnpike(layers)', /'#test\/' is for tests/],
  [
    'src/gateway/script.ts',
    `import { a } from '#scripts/rooms.ts'\nexport const b = a\n`,
    'turnpike(layers)',
    /'#scripts\/' is for scripts/,
  ],
  ['test/e2e/path.ts', `import { a } from '../../src/kernel/ids.ts'\nexport const b = a\n`, 'turnpike(layers)', /Reach rooms by '#room'/],
  [
    'src/gateway/socket.ts',
    `import { connect } from 'node:tls'\nexport const b = connect\n`,
    'turnpike(owners)',
    /Only 'upstream' imports 'node:tls'/,
  ],
  [
    'src/journal/database.ts',
    `import { DatabaseSync } from 'node:sqlite'\nexport const b = DatabaseSync\n`,
    'turnpike(owners)',
    /Only 'store' imports 'node:sqlite'/,
  ],
  ['src/journal/deep.ts', `import { Pool } from 'pg/lib/pool.js'\nexport const b = Pool\n`, 'turnpike(owners)', /Only 'store' imports 'pg/],
  ['src/cli/environment.ts', `export const home = process.env['HOME']\n`, 'turnpike(environment)', /Only 'config' reads process\.env/],
  [
    'src/cli/imported.ts',
    `import { env } from 'node:process'\nexport const home = env['HOME']\n`,
    'turnpike(environment)',
    /Only 'config' reads process\.env/,
  ],
  [
    'src/cli/taken.ts',
    `const { env } = process\nexport const home = env['HOME']\n`,
    'turnpike(environment)',
    /Only 'config' reads process\.env/,
  ],
  ['src/cli/indexed.ts', `export const home = process['env']['HOME']\n`, 'turnpike(environment)', /Only 'config' reads process\.env/],
  ['src/ir/clock.ts', `export const now = () => Date.now()\n`, 'turnpike(pure)', /may not use a clock \(Date\.now\)/],
  ['src/ir/date.ts', `export const now = () => new Date()\n`, 'turnpike(pure)', /may not use a clock \(new Date\)/],
  ['src/wires/chance.ts', `export const chance = () => Math.random()\n`, 'turnpike(pure)', /may not use randomness/],
  [
    'src/wires/uuid.ts',
    `import { randomUUID } from 'node:crypto'\nexport const id = () => randomUUID()\n`,
    'turnpike(pure)',
    /may not use randomness \(randomUUID\)/,
  ],
  [
    'src/wires/file.ts',
    `import { readFileSync } from 'node:fs'\nexport const a = () => readFileSync('a')\n`,
    'turnpike(pure)',
    /may not use 'node:fs'/,
  ],
  ['src/wires/timer.ts', `export const later = (run: () => void) => setTimeout(run, 1)\n`, 'turnpike(pure)', /may not use setTimeout\(\)/],
  ['src/routing/plan-clock.ts', `export const now = () => Date.now()\n`, 'turnpike(pure)', /may not use a clock/],
  ['src/kernel/index.ts', `export * from './ids.ts'\n`, 'turnpike(no-export-star)', /No 'export \*'/],
  ['src/kernel/colour.ts', `export enum Colour { Red }\n`, 'turnpike(no-enum)', /No enum/],
  ['src/ir/cycle-a.ts', `import { b } from './cycle-b.ts'\nexport const a = () => b\n`, 'import(no-cycle)', /cycle/i],
  ['src/ir/cycle-b.ts', `import { a } from './cycle-a.ts'\nexport const b = () => a\n`, 'import(no-cycle)', /cycle/i],
  ['src/ir/types-a.ts', `import type { B } from './types-b.ts'\nexport type A = { b: B }\n`, 'import(no-cycle)', /cycle/i],
  ['src/ir/types-b.ts', `import type { A } from './types-a.ts'\nexport type B = { a: A }\n`, 'import(no-cycle)', /cycle/i],
  ['src/kernel/any.ts', `export const a: any = 1\n`, 'typescript(no-explicit-any)', /any/],
  [
    'src/kernel/unawaited.ts',
    `export function a(): void { Promise.resolve(1) }\n`,
    'typescript(no-floating-promises)',
    /Promises must be awaited/,
  ],
]

/** What the rules must let pass. */
const allowed: Readonly<Record<string, string>> = {
  'src/kernel/ids.ts': `export const a = 1\nexport const now = () => Date.now()\n`,
  'src/gateway/down.ts': `import { a } from '#kernel'\nimport { c } from '#routing'\nimport { d } from './beside.ts'\nexport const b = [a, c, d]\n`,
  'src/gateway/beside.ts': `export const d = 1\n`,
  'src/gateway/down.test.ts': `import { a } from '#kernel'\nimport { c } from '#test/upstream.ts'\nexport const b = [a, c, process.env['CI']]\n`,
  'src/upstream/pool.ts': `import { connect } from 'node:tls'\nexport const b = connect\n`,
  'src/store/database.ts': `import { DatabaseSync } from 'node:sqlite'\nexport const b = DatabaseSync\n`,
  'src/config/environment.ts': `export const home = process.env['HOME']\n`,
  'src/wires/chat/inner.ts': `import type { A } from '#wires/codec'\nexport type B = A\n`,
  'src/cli/start.ts': `export const start = () => import('#main')\n`,
  'src/ir/hash.ts': `import { createHash } from 'node:crypto'\nexport const hash = (text: string) => createHash('sha256').update(text).digest('hex')\n`,
  'src/ir/stated.ts': `export const at = (ms: number) => new Date(ms)\nexport type * from './hash.ts'\n`,
  'src/wires/clock.test.ts': `export const now = () => Date.now()\n`,
  'test/e2e/rooms.ts': `import { a } from '#kernel'\nimport { b } from '#gateway'\nimport { c } from '#main'\nimport { d } from '#test/upstream.ts'\nexport const e = [a, b, c, d, process.env['CI']]\n`,
  'scripts/outer.ts': `import { a } from '#kernel'\nexport const b = a\n`,
}

place(allowed)
place(Object.fromEntries(planted.map(([file, text]) => [file, text])))
const { exitCode, diagnostics } = lint(scratch)
const saidAbout = (file: string) => diagnostics.filter(({ filename }) => filename === file)

test('the linter fails on a tree with violations', () => assert.equal(exitCode, 1))

for (const [file, text, rule, words] of planted) {
  test(`the linter refuses in ${path.dirname(file)}: ${text.split('\n', 1)[0]}`, () => {
    const said = saidAbout(file).filter(({ code }) => code === rule)
    assert.ok(
      said.some(({ message }) => words.test(message)),
      `said about ${file}: ${JSON.stringify(saidAbout(file))}`,
    )
  })
}

test('the linter says nothing against what the rules allow', () => {
  for (const file of Object.keys(allowed)) assert.deepEqual(saidAbout(file), [])
})

test('the boundaries hold in this tree', () => {
  const config = JSON.parse(readFileSync(path.join(root, '.oxlintrc.json'), 'utf8')) as {
    rules: Record<string, unknown>
    jsPlugins: string[]
  }
  const boundaries = Object.entries(config.rules).filter(([rule]) => rule.startsWith('turnpike/') || rule === 'import/no-cycle')
  assert.ok(boundaries.length > 5)
  const file = path.join(scratch, 'boundaries.json')
  const jsPlugins = config.jsPlugins.map((plugin) => path.join(root, plugin))
  writeFileSync(
    file,
    JSON.stringify({ plugins: ['import'], jsPlugins, categories: { correctness: 'off' }, rules: Object.fromEntries(boundaries) }),
  )
  const tree = lint(root, '--config', file, 'src', 'test', 'bench', 'scripts')
  assert.deepEqual(
    tree.diagnostics.map(({ filename, message }) => `${filename}: ${message}`),
    [],
  )
  assert.equal(tree.exitCode, 0)
})
