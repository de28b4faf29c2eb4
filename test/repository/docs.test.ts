// The papers, held against the code: README's tables and examples, links and names of files everywhere, the error reference.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { buildProviders, vendors } from '#catalog'
import { bodySchemas, ConfigError, nothingDeclared, readDeclared, readSettings } from '#config'
import { errorReference, notYet, referenceFile } from '#scripts/error-reference.ts'
import { vendorFile, vendorReference } from '#scripts/vendor-reference.ts'

const root = path.resolve(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-docs-'))
after(() => rmSync(scratch, { recursive: true, force: true }))
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const readme = read('README.md')
const papers = globSync(['*.md', 'docs/**/*.md', 'bench/**/*.md'], { cwd: root }).filter((file) => !file.includes('node_modules'))
const sources = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))

/** Text of one code span, if the cell is nothing else. */
const code = (cell: string | undefined): string | undefined => /^`([^`]+)`$/.exec(cell ?? '')?.[1]

/** Rows of the table below a heading, cell by cell, without its head. */
function tableBelow(heading: string): string[][] {
  const section = readme.split(new RegExp(`^## ${heading}$`, 'm'))[1]?.split(/^## /m)[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

// Settings.

const settings = tableBelow('Settings').map(([variable, key, option, preset]) => ({
  variable: code(variable) ?? '',
  key: code(key),
  option: code(option),
  preset: code(preset),
}))

test("README's table has exactly the settings that there are", () => {
  const known = [...read('src/config/settings.ts').matchAll(/variable: '(TURNPIKE_\w+)'/g)].map(([, name = '']) => name)
  assert.ok(known.length >= 10)
  assert.deepEqual(settings.map(({ variable }) => variable).sort(), known.sort())
})

test("the defaults of README's settings are the defaults", () => {
  const base = { overrides: { home: scratch }, env: {} }
  const { origins: _, ...usual } = readSettings(base)
  const checked = settings.filter(({ preset }) => preset !== undefined)
  assert.ok(checked.length >= 6)
  for (const { variable, preset } of checked) {
    if (variable === 'TURNPIKE_HOME')
      assert.equal(readSettings({ env: { TURNPIKE_HOME: preset! } }).home, path.join(os.homedir(), '.turnpike'))
    else {
      const { origins: _, ...said } = readSettings({ ...base, env: { [variable]: preset! } })
      assert.deepEqual(said, usual, variable)
    }
  }
})

test('turnpike.yaml takes the settings that README says it takes, and no others', () => {
  const examples = new Map([
    ['host', 'localhost'],
    ['port', '9000'],
    ['public_url', 'https://ai.example.com'],
    ['admin_token', 'x'.repeat(32)],
    ['logging', 'off'],
    ['retention_days', '3'],
    ['log_max_bytes', '1GB'],
    ['cache_max_bytes', '16MiB'],
    ['log_level', 'debug'],
    ['time_zone', 'Europe/Berlin'],
  ])
  const withFile = (text: string) => {
    const file = path.join(scratch, 'settings.yaml')
    writeFileSync(file, text)
    return readSettings({ overrides: { home: scratch, config: file }, env: {} })
  }
  const usual = withFile('{}')
  for (const { variable, key } of settings) {
    if (key === undefined) {
      const name = variable.replace(/^TURNPIKE_/, '').toLowerCase()
      assert.throws(() => withFile(`settings: { ${name}: x }`), ConfigError, name)
    } else {
      assert.notDeepEqual(withFile(`settings: { ${key}: "${examples.get(key)}" }`), usual, key)
    }
  }
  assert.deepEqual(settings.flatMap(({ key }) => key ?? []).sort(), [...examples.keys()].sort())
})

test("README's options of up are the ones that its help shows", () => {
  const help = spawnSync(process.execPath, ['src/cli/turnpike.ts', 'up', '--help'], { cwd: root, encoding: 'utf8' })
  const shown = [...help.stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].flatMap(([, name = '']) =>
    ['--json', '--help'].includes(name) ? [] : name,
  )
  assert.deepEqual(settings.flatMap(({ option }) => option ?? []).sort(), shown.sort(), help.stderr)
})

// Providers.

test('each variable of README registers its provider, and the page of the catalog has every vendor', () => {
  const rows = tableBelow('Your own providers').map(([slug, variables = '']) => ({
    slug: code(slug),
    variables: [...variables.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  }))
  for (const { slug, variables } of rows) {
    for (const variable of variables) {
      const found = buildProviders({ declared: nothingDeclared, env: { [variable]: 'a-key' } })
      assert.deepEqual(
        found.map((provider) => provider.slug),
        [slug],
        variable,
      )
    }
  }
  assert.ok(rows.length >= 16)
  assert.equal(readFileSync(vendorFile, 'utf8'), vendorReference(), 'run npm run docs')
  for (const { id, registeredBy } of vendors.values())
    for (const variable of registeredBy)
      assert.match(read('docs/catalog.md'), new RegExp(`\\| \`${id}\` \\|.*\\*\\*\`${variable}\`\\*\\*`), variable)
})

test("README's turnpike.yaml loads, says nothing doubtful and gives the providers it names", () => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? []
  const variables = [...yaml.matchAll(/env: (\w+)|\$\{(\w+)\}|takes (\w+_API_KEY)/g)].flatMap(([, a, b, c]) => a ?? b ?? c ?? [])
  assert.ok(variables.length >= 4)
  const env = Object.fromEntries(variables.map((name) => [name, `secret-of-${name}`]))
  const file = path.join(scratch, 'turnpike.yaml')
  writeFileSync(file, yaml)
  const declared = readDeclared(file, env)
  assert.deepEqual(declared.hints, [])
  const providers = buildProviders({ declared, env })
  assert.deepEqual(
    providers.map(({ slug, credentials }) => [slug, credentials.length]),
    [
      ['openai', 2],
      ['anthropic', 1],
      ['basement', 0],
      ['sim', 0],
    ],
  )
  assert.equal(readSettings({ overrides: { home: scratch, config: file }, env }).retentionDays, 14)
})

// Errors.

test('docs/errors.md is what npm run docs writes', () => {
  assert.equal(readFileSync(referenceFile, 'utf8'), errorReference(), 'run npm run docs')
})

test('the kinds that the error reference leaves out are the ones that nothing answers', () => {
  const texts = sources.filter((file) => !file.endsWith('kernel/failure.ts')).map(read)
  for (const kind of notYet)
    assert.ok(!texts.some((text) => text.includes(`'${kind}'`)), `${kind} is used now: take it out of notYet in scripts/error-reference.ts`)
})

// Links and names.

const headings = (text: string) =>
  [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

test('every relative link of every paper leads somewhere', () => {
  let links = 0
  for (const paper of papers) {
    const prose = read(paper)
      .replaceAll(/```[\s\S]*?```/g, '')
      .replaceAll(/`[^`\n]*`/g, '')
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      links++
      const [file = '', anchor] = target.split('#')
      const full = file === '' ? path.join(root, paper) : path.join(root, path.dirname(paper), file)
      assert.ok(existsSync(full), `${paper} links to ${target}`)
      if (anchor !== undefined)
        assert.ok(headings(readFileSync(full, 'utf8')).includes(anchor), `${paper} links to ${target}, a heading that is not there`)
    }
  }
  assert.ok(links > 20)
})

test('the budgets and rate limits of docs/limits.md are what a key takes', () => {
  const [, example = ''] = /```json\n(.*?)```/s.exec(read('docs/limits.md')) ?? []
  const { budgets, rate_limits: rates } = bodySchemas.key.parse({ name: 'x', ...JSON.parse(example) })
  assert.deepEqual([budgets?.length, rates?.length], [3, 3])
})

test('every decision is in the index', () => {
  const index = read('docs/decisions/README.md')
  for (const file of globSync('docs/decisions/0*.md', { cwd: root })) assert.ok(index.includes(`(${path.basename(file)})`), file)
})

test('every file and npm script that a paper names is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const paper of papers) {
    const text = read(paper)
    for (const [, name = ''] of text.matchAll(/`((?:src|test|scripts|docs|bench)\/[\w./-]+)`/g))
      assert.ok(existsSync(path.join(root, name)), `${paper} names ${name}`)
    for (const [, name = ''] of text.matchAll(/\bnpm run (?:-s |--silent )?(\w+(?::\w+)*)/g))
      assert.ok(name in scripts, `${paper} names npm run ${name}`)
  }
})

test("the architecture's map has every room on its layer, and so has AGENTS'", async () => {
  const { layers } = await import('#scripts/rooms.ts')
  for (const paper of ['ARCHITECTURE.md', 'AGENTS.md']) {
    const map = [...read(paper).matchAll(/^src\/(\w+)\/ *(\d) /gm)].map(([, room = '', layer]) => [room, Number(layer)] as const)
    assert.deepEqual(new Map(map), layers, paper)
  }
})
