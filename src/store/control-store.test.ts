// The control store in its thread: one write is one transaction, in order, durable; failures are one sentence and change nothing.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { AuditNote, ControlChange, ControlState, ControlStore, StoredConfig, StoredKey, StoredProvider } from './control-state.ts'
import { createControlStore } from './control-store.ts'

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-control-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'control.db')
}

async function opened(t: TestContext, file = temporary(t), options = {}): Promise<{ store: ControlStore; file: string }> {
  const store = await createControlStore(file, options)
  t.after(() => store.close())
  return { store, file }
}

/** A file of its own: a worker thread takes over `--input-type`, which files don't allow. */
function program(file: string, text: string): string {
  const path = `${file}.program.mjs`
  writeFileSync(path, `import { createControlStore } from ${JSON.stringify(new URL('./control-store.ts', import.meta.url).href)}\n${text}`)
  return path
}

const note: AuditNote = { atMs: 1, actor: 'admin', action: 'alias.put', target: 'fast', detail: { model: 'm' } }
const aliasPut = (name: string, model: string): ControlChange => ({ put: 'alias', alias: { name, model, updatedAtMs: 5 } })

const provider: StoredProvider = {
  slug: 'openai',
  document: { vendor: 'openai', headers: { 'x-team': 'blue' }, text: 'ümläut "quoted" \u2028' },
  credentials: [
    { name: 'main', env: null, sealed: 'v1:opaque', last4: 'abcd', createdAtMs: 1 },
    { name: 'spare', env: 'SPARE', sealed: null, last4: null, createdAtMs: 2 },
  ],
  updatedAtMs: 1_760_000_000_000,
}

const key: StoredKey = {
  id: 'key_a',
  document: { name: 'laptop' },
  secrets: [
    { hash: 'h2', prefix: 'tp-2', last4: '2222', createdAtMs: 2, acceptedUntilMs: null },
    { hash: 'h1', prefix: 'tp-1', last4: '1111', createdAtMs: 1, acceptedUntilMs: 99 },
  ],
  createdAtMs: 1,
  revokedAtMs: null,
}

function configOf(slug: string, version: number, more: Partial<StoredConfig> = {}): StoredConfig {
  return { slug, version, document: { n: version }, sealed: null, comment: null, actor: 'admin', createdAtMs: version, ...more }
}

const empty: ControlState = {
  revision: 0,
  providers: [],
  dismissed: [],
  keys: [],
  aliases: [],
  configs: [],
  configNumbers: new Map(),
  prices: [],
  owners: [],
  settings: [],
  notes: new Map(),
}

test('a new store is empty at revision 0; what is written is loaded, also by the next process', async (t) => {
  const { store, file } = await opened(t)
  assert.deepEqual(await store.load(), empty)
  const price = { provider: 'openai', model: 'gpt-x', price: { input_per_million_usd: '0.1' }, updatedAtMs: 3 } as const
  const setting = { name: 'logging', value: 'off', updatedAtMs: 4 } as const
  const owner = { kind: 'user', id: 'user_1', document: { name: 'ada' }, createdAtMs: 6, updatedAtMs: 7 } as const
  const changes: ControlChange[] = [
    { put: 'owner', owner },
    { put: 'provider', provider },
    { put: 'dismissed', slug: 'mistral' },
    { put: 'key', key },
    aliasPut('fast', 'openai/gpt-x'),
    { put: 'config', config: configOf('chat', 1, { sealed: 'v1:opaque', comment: 'the "first" one' }) },
    { put: 'price', price },
    { put: 'setting', setting },
    { put: 'note', name: 'master_key_check', text: 'c' },
  ]
  assert.equal(await store.write(changes, note), 1)
  const expected: ControlState = {
    revision: 1,
    providers: [provider],
    dismissed: ['mistral'],
    keys: [key],
    aliases: [{ name: 'fast', model: 'openai/gpt-x', updatedAtMs: 5 }],
    configs: [configOf('chat', 1, { sealed: 'v1:opaque', comment: 'the "first" one' })],
    configNumbers: new Map([['chat', 1]]),
    prices: [price],
    owners: [owner],
    settings: [setting],
    notes: new Map([['master_key_check', 'c']]),
  }
  assert.deepEqual(await store.load(), expected)
  await store.close()
  const next = await opened(t, file)
  assert.deepEqual(await next.store.load(), expected)
})

test('a put replaces everything under its name, and a remove takes its credentials and secrets along', async (t) => {
  const { store, file } = await opened(t)
  await store.write(
    [
      { put: 'provider', provider },
      { put: 'key', key },
    ],
    note,
  )
  const fewer = { ...provider, document: { vendor: 'other' }, credentials: [{ ...provider.credentials[1]!, name: 'only' }] }
  const rotated = { ...key, secrets: [{ ...key.secrets[0]!, hash: 'h3' }, ...key.secrets], revokedAtMs: 7 }
  await store.write(
    [
      { put: 'provider', provider: fewer },
      { put: 'key', key: rotated },
    ],
    note,
  )
  const state = await store.load()
  assert.deepEqual([state.providers, state.keys], [[fewer], [rotated]])
  await store.write(
    [
      { remove: 'provider', slug: 'openai' },
      { remove: 'key', id: 'key_a' },
      { remove: 'alias', name: 'never was' },
    ],
    note,
  )
  assert.deepEqual(await store.load(), { ...empty, revision: 3 })
  await store.close()
  const db = new DatabaseSync(file)
  for (const table of ['credentials', 'key_secrets']) assert.equal(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'], 0, table)
  db.close()
})

test('of a write that fails in its middle nothing is there: no change, no audit row, no revision', async (t) => {
  const { store } = await opened(t)
  await store.write([{ put: 'key', key }], note)
  const before = await store.load()
  // The second key has a secret of the first one.
  const changes: ControlChange[] = [aliasPut('fast', 'm'), { put: 'key', key: { ...key, id: 'key_b' } }, aliasPut('slow', 'm')]
  await assert.rejects(store.write(changes, note), /^Error: The control store .* cannot be written: .*\. Nothing was changed\./)
  assert.deepEqual(await store.load(), before)
  assert.equal((await store.audit(10)).length, 1)
  assert.equal(await store.write([aliasPut('fast', 'm')], note), 2)
})

test('writes asked at once happen one after the other, in their order', async (t) => {
  const { store } = await opened(t)
  const writes = Array.from({ length: 200 }, (_, n) => store.write([aliasPut('fast', `model-${n}`)], { ...note, detail: { n } }))
  assert.deepEqual(
    await Promise.all(writes),
    writes.map((_, n) => n + 1),
  )
  assert.equal((await store.load()).aliases[0]?.model, 'model-199')
  assert.deepEqual(
    (await store.audit(3)).map(({ detail }) => detail['n']),
    [199, 198, 197],
  )
})

test('the audit log is paged from the newest on', async (t) => {
  const { store } = await opened(t)
  for (let n = 1; n <= 5; n++) await store.write([], { ...note, atMs: n, target: `t${n}` })
  const first = await store.audit(2)
  assert.deepEqual(first[0], { seq: 5, ...note, atMs: 5, target: 't5' })
  assert.deepEqual(
    (await store.audit(2, first.at(-1)!.seq)).map(({ target }) => target),
    ['t3', 't2'],
  )
  assert.deepEqual(await store.audit(10, 1), [])
})

test('a config is loaded in its latest version, its versions are paged from the newest on, and a removal takes all but the number', async (t) => {
  const { store, file } = await opened(t)
  for (let version = 1; version <= 5; version++)
    await store.write(
      [
        { put: 'config', config: configOf('chat', version) },
        { put: 'config', config: configOf('other', version) },
      ],
      note,
    )
  assert.deepEqual((await store.load()).configs, [configOf('chat', 5), configOf('other', 5)])
  const page = await store.configVersions('chat', 2)
  assert.deepEqual(page, [configOf('chat', 5), configOf('chat', 4)])
  assert.deepEqual(
    (await store.configVersions('chat', 9, page.at(-1)!.version)).map(({ version }) => version),
    [3, 2, 1],
  )
  assert.deepEqual(await store.configVersions('nobody', 9), [])
  await store.write([{ remove: 'config', slug: 'chat' }], note)
  const { configs, configNumbers } = await store.load()
  assert.deepEqual([configs, [...configNumbers]], [[configOf('other', 5)], [['chat', 5], ['other', 5]]]) // prettier-ignore
  assert.deepEqual(await store.configVersions('chat', 9), [])
  await store.close()
  const db = new DatabaseSync(file)
  assert.equal(db.prepare(`SELECT count(*) AS n FROM configs WHERE slug = 'chat'`).get()?.['n'], 0)
  db.close()
})

test('a version of a config is written once: a second one with its number is a defect, and changes nothing', async (t) => {
  const { store } = await opened(t)
  await store.write([{ put: 'config', config: configOf('chat', 1) }], note)
  const before = await store.load()
  await assert.rejects(
    store.write([aliasPut('fast', 'm'), { put: 'config', config: configOf('chat', 1) }], note),
    /contradicts what is there/,
  )
  assert.deepEqual(await store.load(), before)
})

test('an answer is kept under its key until it is forgotten, and can be part of a write', async (t) => {
  const { store } = await opened(t)
  assert.equal(await store.answer('a'), undefined)
  const answer = { key: 'a', requestHash: 'r', sealed: 's', atMs: 10 }
  await store.keepAnswer(answer)
  await store.write([{ put: 'answer', answer: { ...answer, key: 'b', atMs: 20 } }], note)
  assert.deepEqual(await store.answer('a'), answer)
  await store.forgetAnswers(20)
  assert.equal(await store.answer('a'), undefined)
  assert.equal((await store.answer('b'))?.atMs, 20)
})

test('any sequence of writes leaves what a plain map would hold', async (t) => {
  const name = fc.constantFrom('a', 'b', 'c', 'Ä', '')
  const at = fc.integer({ min: 0, max: 2 ** 45 })
  const change: fc.Arbitrary<ControlChange> = fc.oneof(
    fc.record({ name, model: fc.string(), updatedAtMs: at }, { noNullPrototype: true }).map((alias) => ({ put: 'alias', alias }) as const),
    name.map((alias) => ({ remove: 'alias', name: alias }) as const),
    fc
      .record(
        { name, value: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)), updatedAtMs: at },
        { noNullPrototype: true },
      )
      .map((setting) => ({ put: 'setting', setting }) as const),
    name.map((setting) => ({ remove: 'setting', name: setting }) as const),
    fc
      .record(
        { slug: name, document: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }), updatedAtMs: at },
        { noNullPrototype: true },
      )
      .map((it) => ({ put: 'provider', provider: { ...it, credentials: provider.credentials } }) as const),
    name.map((slug) => ({ remove: 'provider', slug }) as const),
  )
  const { store } = await opened(t)
  const model = { alias: new Map<string, unknown>(), setting: new Map<string, unknown>(), provider: new Map<string, unknown>() }
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
      for (const it of changes) {
        if ('put' in it) {
          if (it.put === 'alias') model.alias.set(it.alias.name, it.alias)
          if (it.put === 'setting') model.setting.set(it.setting.name, it.setting)
          if (it.put === 'provider') model.provider.set(it.provider.slug, it.provider)
        } else if (it.remove === 'alias' || it.remove === 'setting') model[it.remove].delete(it.name)
        else if (it.remove === 'provider') model.provider.delete(it.slug)
      }
      await store.write(changes, note)
      const { aliases, settings, providers } = await store.load()
      assert.deepEqual(new Map(aliases.map((it) => [it.name, it])), model.alias)
      assert.deepEqual(new Map(settings.map((it) => [it.name, it])), model.setting)
      assert.deepEqual(new Map(providers.map((it) => [it.slug, it])), model.provider)
    }),
    { numRuns: 150 },
  )
})

test('a full disk is said, nothing is changed, and writing goes on when there is room', async (t) => {
  const { store, file } = await opened(t)
  await store.write([aliasPut('fast', 'm')], note)
  const before = await store.load()
  await store.close()
  // SQLite says the same (SQLITE_FULL) when a database has reached its page limit, which it does for a file of its own alone.
  const text = `
    process.on('SIGXFSZ', () => {})
    const store = await createControlStore(${JSON.stringify(file)})
    const huge = { put: 'note', name: 'huge', text: 'x'.repeat(8 << 20) }
    const audit = ${JSON.stringify(note)}
    const said = await store.write([${JSON.stringify(aliasPut('fast', 'changed'))}, huge], audit).then(() => 'written', (error) => error.message)
    const { aliases, revision } = await store.load()
    const next = await store.write([], audit)
    console.log(JSON.stringify({ said, model: aliases[0].model, revision, next }))
    await store.close()`
  // `ulimit -f` counts blocks of 512 or 1024 bytes: files end at 2 or 4 MB.
  const child = spawn('sh', ['-c', 'ulimit -f 4096; exec "$0" "$@"', process.execPath, program(file, text)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await once(child, 'close')
  const seen = JSON.parse(output) as { said: string; model: string; revision: number; next: number }
  assert.match(seen.said, /^The control store .* cannot be written: the disk (is full|reports an error)\. Nothing was changed\. /)
  assert.deepEqual([seen.model, seen.revision, seen.next], ['m', before.revision, before.revision + 1])
})

test('a file that cannot be opened rejects, and leaves no thread behind', async (t) => {
  const file = join(temporary(t), 'nowhere', 'control.db')
  await assert.rejects(createControlStore(file), /^Error: The control store .* cannot be opened: /)
})

test('after the close every call rejects, and an idle store does not keep the process alive', async (t) => {
  const { store, file } = await opened(t)
  await store.close()
  await assert.rejects(store.load(), /The control store is closed\./)
  await assert.rejects(store.write([], note), /The control store is closed\./)
  const text = `
    const store = await createControlStore(${JSON.stringify(file)}); await store.load(); console.log('idle')`
  const child = spawn(process.execPath, [program(file, text)], { stdio: ['ignore', 'ignore', 'inherit'] })
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

/** SQLite removes its companion file when nobody has the database open. */
async function rested(file: string): Promise<void> {
  const deadline = performance.now() + 10_000
  while (existsSync(`${file}-wal`)) {
    assert.ok(performance.now() < deadline, 'its thread goes on without a question')
    await setImmediate()
  }
}

test('a store that is not asked lets go of the file, and answers the next question all the same', async (t) => {
  const { store, file } = await opened(t, temporary(t), { idleMs: 1 })
  for (let n = 1; n <= 3; n++) {
    assert.equal(await store.write([aliasPut('fast', `m${n}`)], note), n)
    await rested(file)
    assert.equal((await store.load()).aliases[0]?.model, `m${n}`)
    await rested(file)
  }
  await store.close()
  await assert.rejects(store.load(), /The control store is closed\./)
})

test('questions that meet the end of the thread are answered, each once and in order', async (t) => {
  const { store } = await opened(t, temporary(t), { idleMs: 0 })
  const revisions: Promise<number>[] = []
  for (let n = 0; n < 60; n++) {
    revisions.push(store.write([aliasPut('fast', `${n}`)], note))
    if (n % 3 === 0) await revisions.at(-1)
    if (n % 2 === 0) await setImmediate()
  }
  const last = store.write([], note)
  // Not awaited before: what was asked is answered before the end.
  await store.close()
  assert.deepEqual(
    await Promise.all([...revisions, last]),
    Array.from({ length: 61 }, (_, n) => n + 1),
  )
})

test('a file that cannot be opened again is said to each question, until it can', async (t) => {
  const { store, file } = await opened(t, temporary(t), { idleMs: 1 })
  await store.write([aliasPut('fast', 'm')], note)
  await rested(file)
  renameSync(file, `${file}.away`)
  mkdirSync(file)
  await assert.rejects(store.load(), /^Error: The control store .* cannot be opened: /)
  await assert.rejects(store.write([], note), /^Error: The control store .* cannot be opened: /)
  rmdirSync(file)
  renameSync(`${file}.away`, file)
  assert.equal((await store.load()).aliases[0]?.model, 'm')
})

test('what a killed process wrote is there', async (t) => {
  const file = temporary(t)
  const text = `
    const store = await createControlStore(${JSON.stringify(file)})
    for (let n = 1; ; n++) console.log(await store.write([{ put: 'note', name: 'n', text: String(n) }], ${JSON.stringify(note)}))`
  const child = spawn(process.execPath, [program(file, text)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.split('\n').length > 20) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const said = Number(output.split('\n').at(-2))
  const { store } = await opened(t, file)
  const state = await store.load()
  assert.ok(state.revision >= said && said >= 20, `${state.revision} of ${said}`)
  assert.equal(state.notes.get('n'), String(state.revision))
})

test('an alert is kept once under its id, waits until it was sent, and is forgotten with its time', async (t) => {
  const { store, file } = await opened(t)
  const alert = { id: 'alert_1', body: '{"share":0.8}', atMs: 5, sentAtMs: null }
  assert.equal(await store.keepAlert(alert), true)
  assert.equal(await store.keepAlert({ ...alert, body: 'another' }), false)
  assert.equal(await store.keepAlert({ ...alert, id: 'alert_0', atMs: 4 }), true)
  assert.deepEqual(await store.unsentAlerts(), [{ ...alert, id: 'alert_0', atMs: 4 }, alert])
  await store.alertSent('alert_0', 9)
  await store.close()
  const next = await opened(t, file)
  assert.deepEqual(await next.store.unsentAlerts(), [alert])
  assert.equal(await next.store.keepAlert({ ...alert, id: 'alert_0' }), false, 'what was sent is known too')
  await next.store.forgetAlerts(5)
  assert.equal(await next.store.keepAlert({ ...alert, id: 'alert_0' }), true)
  assert.equal((await next.store.load()).revision, 0)
})
