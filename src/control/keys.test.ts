// Gateway keys: shown once, kept as hashes, rotated with an overlap, expired, revoked for good.
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { hashKey } from '#config'
import { admin, openTestControl, refusalOf } from '#test/control.ts'

test('a key is shown once; the store has its hash, its first seven and its last four characters', async (t) => {
  const first = await openTestControl(t)
  const made = await first.control.keys.create(
    { name: 'laptop', user: 'ada', metadata: { team: 'core' }, models: ['gpt-*'], expires_at: '2999-01-01T00:00:00+01:00' },
    admin,
  )
  assert.match(made.key, /^tp-[A-Za-z0-9_-]{43}$/)
  assert.equal(Buffer.from(made.key.slice(3), 'base64url').length, 32, '256 bits')
  assert.deepEqual([made.prefix, made.last4, made.type, made.state], [made.key.slice(0, 7), made.key.slice(-4), 'user', 'active'])
  assert.equal(made.expires_at, '2998-12-31T23:00:00.000Z')
  assert.deepEqual(first.control.snapshot().keys.get(hashKey(made.key)), {
    id: made.id,
    name: 'laptop',
    hash: hashKey(made.key),
    streamUsage: 'always',
    models: ['gpt-*'],
    expiresAtMs: Date.parse('2998-12-31T23:00:00Z'),
    metadata: { team: 'core' },
  })
  const { key, ...view } = made
  assert.deepEqual(first.control.keys.get(made.id), view)
  await first.close()
  assert.ok(!readFileSync(path.join(first.home, 'control.db')).includes(key.slice(10, 40)))
  const again = await openTestControl(t, { home: first.home })
  assert.deepEqual(again.control.keys.get(made.id), view)
  assert.equal(again.firstKey, undefined)
})

test('the first start of a home makes a key, and no later one does, not even when it was revoked', async (t) => {
  const first = await openTestControl(t)
  assert.ok(first.control.snapshot().keys.has(hashKey(first.firstKey!)))
  const [only] = first.control.keys.list()
  await first.control.keys.revoke(only!.id, admin)
  await first.close()
  const again = await openTestControl(t, { home: first.home })
  assert.equal(again.firstKey, undefined)
  assert.deepEqual(
    again.control.keys.list().map(({ name, state }) => [name, state]),
    [['first', 'revoked']],
  )
})

test('a rotated key works until its overlap is over, and the new one at once; without overlap the old one is over now', async (t) => {
  const { control } = await openTestControl(t)
  const made = await control.keys.create({ name: 'bot' }, admin)
  const before = Date.now()
  const rotated = await control.keys.rotate(made.id, undefined, admin)
  assert.equal(rotated.id, made.id)
  const { keys } = control.snapshot()
  const old = keys.get(hashKey(made.key))!
  assert.ok(old.replaced === true && old.expiresAtMs! >= before + 86_400_000 && old.expiresAtMs! < before + 86_500_000, 'a day')
  assert.equal(keys.get(hashKey(rotated.key))!.expiresAtMs, undefined)
  assert.deepEqual(
    rotated.previous.map(({ prefix, last4 }) => [prefix, last4]),
    [[made.prefix, made.last4]],
  )
  const last = await control.keys.rotate(made.id, { overlap_seconds: 0 }, admin)
  assert.ok(control.snapshot().keys.get(hashKey(rotated.key))!.expiresAtMs! <= Date.now())
  assert.equal(last.previous.length, 1, 'the one before is still accepted')
  await control.keys.revoke(made.id, admin)
  for (const plain of [made.key, rotated.key, last.key]) assert.equal(control.snapshot().keys.get(hashKey(plain))!.revoked, true)
  assert.deepEqual(control.keys.get(made.id).previous, [])
})

test('a rotation never makes a key live longer than it was given', async (t) => {
  const { control } = await openTestControl(t)
  const soon = new Date(Date.now() + 60_000).toISOString()
  const made = await control.keys.create({ name: 'brief', expires_at: soon }, admin)
  await control.keys.rotate(made.id, { overlap_seconds: 3600 }, admin)
  assert.equal(control.snapshot().keys.get(hashKey(made.key))!.expiresAtMs, Date.parse(soon))
})

test('an update changes what it names and null takes away; a revoked key does not change', async (t) => {
  const { control } = await openTestControl(t)
  const { id } = await control.keys.create({ name: 'bot', models: ['a*'], metadata: { a: 'b' }, client: 'openclaw' }, admin)
  const changed = await control.keys.update(id, { name: 'robot', models: null, stream_usage: 'on_request' }, admin)
  assert.deepEqual(
    [changed.name, changed.models, changed.metadata, changed.client, changed.stream_usage],
    ['robot', undefined, { a: 'b' }, 'openclaw', 'on_request'],
  )
  const revoked = await control.keys.revoke(id, admin)
  assert.equal(revoked.state, 'revoked')
  assert.deepEqual(await control.keys.revoke(id, admin), revoked, 'once more is the same')
  for (const act of [() => control.keys.update(id, { name: 'x' }, admin), () => control.keys.rotate(id, {}, admin)])
    assert.equal((await refusalOf(act)).kind, 'conflict')
  // Its name is free again, and it stays listed.
  await control.keys.create({ name: 'robot' }, admin)
  assert.equal(control.keys.list().filter(({ name }) => name === 'robot').length, 2)
})

test('each wrong field is named', async (t) => {
  const { control } = await openTestControl(t, { declared: 'keys: [{ name: of-the-file, value: tp-of-the-file-0123456789 }]\n' })
  const cases: readonly [body: unknown, kind: string, field: string | undefined, says: RegExp][] = [
    [{}, 'invalid_request', 'name', /^name is missing/],
    [{ name: '' }, 'invalid_request', 'name', /is empty/],
    [{ name: 'x'.repeat(129) }, 'invalid_request', 'name', /more than 128/],
    [{ name: 'a\u0000b' }, 'invalid_request', 'name', /control character/],
    [{ name: 7 }, 'invalid_request', 'name', /^name is 7, which is not a string/],
    [{ name: 'x', modles: [] }, 'invalid_request', 'modles', /Did you mean models\?/],
    [{ name: 'x', team: 'core' }, 'invalid_request', 'team', /there is no team with that id/],
    [{ name: 'x', type: 'robot' }, 'invalid_request', 'type', /not one of user, service/],
    [{ name: 'x', type: 'service', user: 'ada' }, 'invalid_request', undefined, /a service key belongs to nobody/],
    [{ name: 'x', metadata: { a: 'x'.repeat(129) } }, 'invalid_request', 'metadata.a', /more than 128/],
    [{ name: 'x', expires_at: 'tomorrow' }, 'invalid_request', 'expires_at', /is not a time with its zone/],
    [{ name: 'x', expires_at: '2999-13-01T00:00:00Z' }, 'invalid_request', 'expires_at', /is not a time/],
    [{ name: 'x', expires_at: '2001-01-01T00:00:00Z' }, 'invalid_request', 'expires_at', /is in the past/],
    [{ name: 'first' }, 'conflict', 'name', /There is a key named "first" already/],
    [{ name: 'of-the-file' }, 'conflict', 'name', /already/],
  ]
  for (const [body, kind, field, says] of cases) {
    const refused = await refusalOf(() => control.keys.create(body, admin))
    assert.deepEqual([refused.kind, refused.field], [kind, field], JSON.stringify(body))
    assert.match(refused.message, says)
  }
  const inFile = control.keys.list().find(({ origin }) => origin === 'file')!
  assert.deepEqual([inFile.prefix, inFile.last4], ['tp-of-t', '6789'])
  for (const act of [
    () => control.keys.update(inFile.id, {}, admin),
    () => control.keys.rotate(inFile.id, {}, admin),
    () => control.keys.revoke(inFile.id, admin),
  ])
    assert.equal((await refusalOf(act)).kind, 'read_only')
  assert.equal((await refusalOf(() => control.keys.get('key_x'))).kind, 'not_found')
  assert.equal((await refusalOf(() => control.keys.rotate(inFile.id, { overlap_seconds: -1 }, admin))).field, 'overlap_seconds')
})

test('a key of the file has all that a stored one has', async (t) => {
  const { control } = await openTestControl(t, {
    declared: `keys:
  - { name: team, value: tp-of-the-team-0123456789, type: user, user: ada, models: ["gpt-*"], metadata: { a: b }, expires_at: 2001-01-01T00:00:00Z }
`,
  })
  const view = control.keys.list()[0]!
  assert.deepEqual([view.type, view.user, view.models, view.metadata, view.state], ['user', 'ada', ['gpt-*'], { a: 'b' }, 'expired'])
  const key = control.snapshot().keys.get(hashKey('tp-of-the-team-0123456789'))!
  assert.deepEqual([key.models, key.metadata, key.expiresAtMs], [['gpt-*'], { a: 'b' }, Date.parse('2001-01-01')])
})

test('a home of the version before this one keeps its keys: they are taken into the store once', async (t) => {
  const first = await openTestControl(t, { declared: '{}\n' })
  await first.close()
  const hash = hashKey('tp-old-key')
  const file = path.join(first.home, 'keys.json')
  writeFileSync(file, JSON.stringify({ keys: [{ id: 'key_old', name: 'old', hash, stream_usage: 'on_request' }] }))
  for (let start = 0; start < 2; start++) {
    const { control, close } = await openTestControl(t, { home: first.home })
    const key = control.snapshot().keys.get(hash)!
    assert.deepEqual([key.id, key.name, key.streamUsage], ['key_old', 'old', 'on_request'])
    const view = control.keys.get('key_old')
    assert.deepEqual([view.prefix, view.last4, view.created_at, view.state], [null, null, null, 'active'])
    assert.throws(() => statSync(file), /ENOENT/)
    await close()
  }
})
