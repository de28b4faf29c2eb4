// Aliases, prices, settings, the audit log, repeated writes, and writers that come at once.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { admin, openTestControl, refusalOf } from '#test/control.ts'

const declared = `providers:
  own:
    base_url: http://127.0.0.1:9/v1
    models: { deny: [secret-*], custom: [{ id: m1, price: { input_per_million_usd: 1, output_per_million_usd: 2 } }, { id: m2 }, { id: secret-1 }] }
aliases: { usual: own/m1 }
`

test('an alias is in the next snapshot, of the file it is read-only, and one that could not work is refused with the reason', async (t) => {
  const { control } = await openTestControl(t, { declared })
  const made = await control.aliases.put('fast', { model: 'm2' }, admin)
  assert.deepEqual([made.created, made.alias.model, made.alias.origin], [true, 'm2', 'stored'])
  assert.equal((await control.aliases.put('fast', { model: '@own/m1' }, admin)).created, false)
  assert.deepEqual(Object.fromEntries(control.snapshot().aliases), { fast: '@own/m1', usual: 'own/m1' })
  await control.configs.put('chat', { config: { provider: 'own' } }, admin)
  const cases: readonly [name: string, body: unknown, kind: string, field: string | undefined, says: RegExp][] = [
    ['x', {}, 'invalid_request', 'model', /is missing/],
    ['x', { model: 'm1', weight: 1 }, 'invalid_request', 'weight', /not known here/],
    ['x', { model: 'm3' }, 'invalid_request', 'model', /"m3", which no provider of this instance serves\./],
    ['x', { model: 'own/secret-1' }, 'invalid_request', 'model', /allow-list or deny-list/],
    ['x', { model: 'chat' }, 'invalid_request', 'model', /which is a routing config; aliases stand for models/],
    ['x', { model: 'fast' }, 'invalid_request', 'model', /stands for fast, which is an alias itself; name its model, @own\/m1/],
    ['m1', { model: 'm1' }, 'invalid_request', 'name', /stands for itself/],
    ['@own/x', { model: 'm1' }, 'invalid_request', 'name', /begins with @/],
    ['own/x', { model: 'm1' }, 'invalid_request', 'name', /begins with the provider own/],
    ['a b', { model: 'm1' }, 'invalid_request', 'name', /white space/],
    ['x'.repeat(300), { model: 'm1' }, 'invalid_request', 'name', /more than 256/],
    ['own/m1', { model: 'm2' }, 'invalid_request', 'name', /begins with the provider own/],
    ['usual', { model: 'm2' }, 'read_only', undefined, /declared in turnpike\.yaml/],
  ]
  for (const [name, body, kind, field, says] of cases) {
    const refused = await refusalOf(() => control.aliases.put(name, body, admin))
    assert.deepEqual([refused.kind, refused.field], [kind, field], name)
    assert.match(refused.message, says)
  }
  await control.aliases.put('target', { model: 'm1' }, admin)
  await control.aliases.remove('target', admin)
  assert.equal((await refusalOf(() => control.aliases.remove('target', admin))).kind, 'not_found')
  // A provider may not take over the meaning of an alias.
  await control.aliases.put('team/best', { model: 'm1' }, admin)
  const taken = await refusalOf(() => control.providers.put('team', { base_url: 'https://t.example/v1' }, admin))
  assert.deepEqual([taken.kind, taken.field], ['conflict', 'slug'])
})

test("a price of one's own counts at once and is told apart; without it the catalog's or the custom one counts again", async (t) => {
  const { control } = await openTestControl(t, { declared: `${declared}sim: true\n`, env: { OPENAI_API_KEY: 'sk-0123456789abcdef' } })
  const priceNow = (id: string) => control.snapshot().providers.get('openai')!.models.get(id)?.price
  const catalog = priceNow('gpt-4o-mini')!
  const rates = { input_per_million_usd: '7', output_per_million_usd: '9.5' }
  const put = await control.models.putPrice('openai', 'gpt-4o-mini', { price: rates }, admin)
  assert.deepEqual([put.provider, put.model, put.price], ['openai', 'gpt-4o-mini', rates])
  const first = priceNow('gpt-4o-mini')!
  assert.equal(first.output, 9_500_000n)
  assert.match(first.version, /^override 20\d\d-.*Z openai\/gpt-4o-mini$/)
  await control.models.putPrice('openai', 'gpt-4o-mini', { price: rates }, admin)
  assert.notEqual(priceNow('gpt-4o-mini')!.version, first.version, 'a record says which of two prices it was')
  const row = () => control.models.list({ provider: 'openai', q: '4O-MINI' }).find(({ id }) => id === 'gpt-4o-mini')!
  assert.equal(row().price_source, 'override')
  await control.models.removePrice('openai', 'gpt-4o-mini', admin)
  assert.deepEqual(priceNow('gpt-4o-mini'), catalog)
  assert.equal(row().price_source, 'catalog')

  await control.models.putPrice('own', 'm2', { price: 'free' }, admin)
  assert.equal(control.snapshot().providers.get('own')!.models.get('m2')!.free, true)
  await control.models.putPrice('own', 'not-listed', { price: { ...rates, request_usd: '0.01' } }, admin)
  assert.equal(control.snapshot().providers.get('own')!.models.get('not-listed')!.price!.request, 10_000_000_000n)
  assert.equal((await refusalOf(() => control.models.putPrice('own', 'm1', { price: 'free' }, admin))).kind, 'read_only')
  assert.equal((await refusalOf(() => control.models.putPrice('none', 'm1', { price: 'free' }, admin))).kind, 'not_found')
  for (const [price, field, says] of [
    ['cheap', 'price', /"cheap", which is not "free" or an object with/],
    [{ input_per_million_usd: '1' }, 'price.output_per_million_usd', /is missing/],
    [{ input_per_million_usd: '-1', output_per_million_usd: '1' }, 'price.input_per_million_usd', /not a decimal/],
    [{ input_per_million_usd: '0', output_per_million_usd: '0' }, 'price', /0 throughout/],
    [{ ...rates, request: '1' }, 'price.request', /Did you mean request_usd\?/],
  ] as const) {
    const refused = await refusalOf(() => control.models.putPrice('openai', 'gpt-4o', { price }, admin))
    assert.equal(refused.field, field)
    assert.match(refused.message, says)
  }
  const denied = control.models.list({ provider: 'own' }).find(({ id }) => id === 'secret-1')!
  assert.deepEqual([denied.allowed, denied.price], [false, null])
})

test('settings that can change while it runs change at once and stay; others say where they are set', async (t) => {
  const first = await openTestControl(t, { declared: 'settings: { retention_days: 7 }\n' })
  const heard: string[] = []
  first.onRunning(({ logLevel, logMaxBytes }) => void heard.push(`${logLevel} ${logMaxBytes}`))
  await first.control.settings.update({ log_level: 'debug', log_max_bytes: '1GB' }, admin)
  assert.deepEqual(heard, ['debug 1000000000'])
  await first.close()
  const { control, running } = await openTestControl(t, { home: first.home })
  assert.equal(running().logLevel, 'debug')
  const row = (name: string) => control.settings.list().find((one) => one.name === name)
  assert.deepEqual(row('log_level'), { name: 'log_level', value: 'debug', default: 'info', origin: 'stored', writable: true })
  assert.deepEqual(row('retention_days'), { name: 'retention_days', value: 7, default: 30, origin: 'file', writable: false })
  assert.deepEqual([row('port')!.writable, row('master_key')!.value, row('sim')!.value], [false, null, true])
  await control.settings.update({ log_level: null, sim: false }, admin)
  assert.deepEqual([running().logLevel, row('log_level')!.origin, control.snapshot().providers.size], ['info', 'default', 0])
  for (const [body, kind, field, says] of [
    [
      { port: 9000 },
      'read_only',
      'port',
      /port cannot change while Turnpike runs; set TURNPIKE_PORT or settings\.port in turnpike\.yaml, and start it again/,
    ],
    [{ retention_days: 3 }, 'read_only', 'retention_days', /set by settings\.retention_days in turnpike\.yaml/],
    [{ log_level: 'loud' }, 'invalid_request', 'log_level', /"loud", which is not one of fatal/],
    [{ log_max_bytes: -1 }, 'invalid_request', 'log_max_bytes', /which is not a size/],
    [{ log_levle: 'info' }, 'invalid_request', 'log_levle', /Did you mean log_level\?/],
    [{ sim: 'yes' }, 'invalid_request', 'sim', /not true or false/],
  ] as const) {
    const refused = await refusalOf(() => control.settings.update(body, admin))
    assert.deepEqual([refused.kind, refused.field], [kind, field])
    assert.match(refused.message, says)
  }
})

test('every write is in the audit log with who did it, newest first, page by page, without secrets', async (t) => {
  const { control } = await openTestControl(t)
  const secret = 'a-planted-secret-0123456789'
  await control.providers.put(
    'work',
    { base_url: 'https://x.example/v1', credentials: [{ value: secret }], headers: { 'api-key': secret } },
    admin,
  )
  await control.aliases.put('fast', { model: 'work/m' }, { kind: 'cli' })
  await refusalOf(() => control.providers.put('work', {}, admin))
  const all = await control.audit(10, undefined)
  assert.deepEqual(
    all.data.map(({ action, target, actor }) => [action, target === all.data[2]!.target ? 'id' : target, actor]),
    [
      ['alias.put', 'fast', 'cli'],
      ['provider.put', 'work', 'admin'],
      ['key.create', 'id', 'start'],
    ],
  )
  assert.ok(!JSON.stringify(all).includes(secret))
  const page = await control.audit(2, undefined)
  assert.deepEqual((await control.audit(2, page.next_cursor!)).data, all.data.slice(2))
  assert.equal((await refusalOf(() => control.audit(2, 'x'))).field, 'cursor')
})

test('a write that is sent again with its Idempotency-Key gets its first answer, also after a start and at the same time', async (t) => {
  const first = await openTestControl(t)
  let done = 0
  const act = (control: typeof first.control) => async () => {
    done++
    return control.keys.create({ name: `made-${done}` }, admin)
  }
  const [one, two] = await Promise.all([
    first.control.once('k1', 'POST /keys {}', act(first.control)),
    first.control.once('k1', 'POST /keys {}', act(first.control)),
  ])
  assert.equal(done, 1)
  assert.deepEqual([one.replayed, two.replayed], [false, true])
  assert.deepEqual(two.value, one.value)
  await first.close()
  assert.ok(!readFileSync(path.join(first.home, 'control.db')).includes(one.value.key.slice(8, 40)), 'the answer is kept, but not readable')
  const { control } = await openTestControl(t, { home: first.home })
  assert.deepEqual(await control.once('k1', 'POST /keys {}', act(control)), { value: one.value, replayed: true })
  assert.equal((await refusalOf(() => control.once('k1', 'POST /keys {"name":"x"}', act(control)))).kind, 'conflict')
  // What was refused may be tried again.
  await refusalOf(() => control.once('k2', 'r', () => control.keys.create({ name: one.value.name }, admin)))
  assert.equal((await control.once('k2', 'r', act(control))).replayed, false)
  assert.equal((await refusalOf(() => control.once('x'.repeat(256), 'r', act(control)))).field, 'Idempotency-Key')
})

test('of two writers that want the same name one gets it, and both hear the truth', async (t) => {
  const { control } = await openTestControl(t)
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => control.keys.create({ name: 'same' }, admin)))
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(control.keys.list().filter(({ name }) => name === 'same').length, 1)
  const versions: number[] = []
  control.onSnapshot(({ version }) => void versions.push(version))
  await Promise.all(Array.from({ length: 20 }, (_, n) => control.providers.put(`p${n}`, { base_url: 'https://x.example/v1' }, admin)))
  assert.equal(control.snapshot().providers.size, 20)
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  )
})

test('a write that the store refuses changes nothing', async (t) => {
  const { control } = await openTestControl(t)
  const before = control.snapshot()
  await control.close()
  const refused = await refusalOf(() => control.aliases.put('fast', { model: 'sim/echo' }, admin))
  assert.equal(refused.kind, 'unavailable')
  assert.equal(control.snapshot(), before)
})
