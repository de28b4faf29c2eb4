// Users and teams: made, changed, attached to keys, and kept while something belongs to them; what may be spent, as requests meet it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashKey } from '#config'
import { admin, openTestControl, refusalOf } from '#test/control.ts'

const keyOf = (control: Awaited<ReturnType<typeof openTestControl>>['control'], plain: string) =>
  control.snapshot().keys.get(hashKey(plain))!

test('a user of a team, with limits, is in the snapshot at once and after a start', async (t) => {
  const first = await openTestControl(t)
  const { control } = first
  const team = await control.teams.create({ name: 'core', budgets: [{ amount_usd: '50', period: 'month', soft: true }] }, admin)
  const user = await control.users.create(
    { name: 'Ada', team: team.id, budgets: [{ amount_usd: 5, period: 'day', alert_at: [1, 0.5, 1] }], rate_limits: [{ concurrent: 2 }], prepaid: true },
    admin,
  ) // prettier-ignore
  assert.match(team.id, /^team_/)
  assert.match(user.id, /^user_/)
  assert.deepEqual(user.budgets, [{ amount_usd: '5', period: 'day', alert_at: [1, 0.5, 1] }])
  const made = await control.keys.create(
    { name: 'laptop', user: user.id, team: team.id, rate_limits: [{ requests: 60, per: 'minute' }] },
    admin,
  )
  const snapshots = [control.snapshot()]
  await first.close()
  const again = await openTestControl(t, { home: first.home })
  snapshots.push(again.control.snapshot())
  for (const snapshot of snapshots) {
    assert.deepEqual(snapshot.users.get(user.id), {
      id: user.id,
      name: 'Ada',
      teamId: team.id,
      budgets: [{ limit: { nanoUsd: 5_000_000_000n }, period: 'day', soft: false, alertAt: [0.5, 1] }],
      rateLimits: [{ of: 'concurrent', limit: 2, perMs: 0 }],
      prepaid: true,
    })
    assert.deepEqual(snapshot.teams.get(team.id)?.budgets, [
      { limit: { nanoUsd: 50_000_000_000n }, period: 'month', soft: true, alertAt: [0.5, 0.8, 1] },
    ])
    const key = snapshot.keys.get(hashKey(made.key))!
    assert.deepEqual([key.userId, key.teamId, key.rateLimits], [user.id, team.id, [{ of: 'requests', limit: 60, perMs: 60_000 }]])
  }
  assert.deepEqual(again.control.users.get(user.id), user)
})

test('a user of a key that is no id stays a label; what looks like an id, and every team, must be there', async (t) => {
  const { control } = await openTestControl(t)
  const labelled = await control.keys.create({ name: 'old', user: 'ada' }, admin)
  assert.deepEqual([labelled.user, keyOf(control, labelled.key).userId], ['ada', undefined])
  const team = await control.teams.create({ name: 'core' }, admin)
  const grace = await control.users.create({ name: 'grace' }, admin)
  const wrong: readonly [object, string, RegExp][] = [
    [{ name: 'x', user: 'grace' }, 'user', new RegExp(`Its name stands for ${grace.id}\\.`)],
    [{ name: 'x', user: 'user_unknown' }, 'user', /there is no user with that id/],
    [{ name: 'x', team: 'core' }, 'team', new RegExp(`Its name stands for ${team.id}\\.`)],
    [{ name: 'x', user: team.id, type: 'service' }, '', /belongs to nobody/],
  ]
  for (const [body, field, says] of wrong) {
    const refused = await refusalOf(() => control.keys.create(body, admin))
    assert.deepEqual([refused.kind, refused.field ?? ''], ['invalid_request', field])
    assert.match(refused.message, says)
  }
  assert.equal((await refusalOf(() => control.users.create({ name: 'x', team: 'nowhere' }, admin))).field, 'team')
  assert.equal((await refusalOf(() => control.teams.create({ name: 'x', team: team.id }, admin))).field, 'team')
  assert.equal((await refusalOf(() => control.teams.create({ name: 'core' }, admin))).kind, 'conflict')
  assert.equal((await refusalOf(() => control.users.get(team.id))).kind, 'not_found')
})

test('one that keys or users belong to is not removed, and the refusal names them', async (t) => {
  const { control } = await openTestControl(t)
  const team = await control.teams.create({ name: 'core' }, admin)
  const user = await control.users.create({ name: 'Ada', team: team.id }, admin)
  const key = await control.keys.create({ name: 'laptop', user: user.id, team: team.id }, admin)
  const ofTeam = await refusalOf(() => control.teams.remove(team.id, admin))
  assert.equal(ofTeam.kind, 'conflict')
  assert.ok(ofTeam.message.includes(`the key "laptop" (${key.id}) and the user "Ada" (${user.id})`), ofTeam.message)
  assert.ok((await refusalOf(() => control.users.remove(user.id, admin))).message.includes(key.id))
  await control.keys.update(key.id, { user: null, type: 'service', team: null }, admin)
  await control.users.update(user.id, { team: null, budgets: [{ tokens: 5, period: 'total' }] }, admin)
  assert.deepEqual(control.snapshot().users.get(user.id)?.teamId, undefined)
  await control.teams.remove(team.id, admin)
  await control.keys.update(key.id, { type: 'user', user: user.id }, admin)
  await control.keys.revoke(key.id, admin)
  await control.users.remove(user.id, admin)
  assert.deepEqual([control.users.list(), control.teams.list()], [[], []])
  assert.deepEqual(
    (await control.audit(3, undefined)).data.map(({ action, target }) => [action, target]),
    [
      ['user.delete', user.id],
      ['key.revoke', key.id],
      ['key.update', key.id],
    ],
  )
})

test('limits of providers, keys and the instance come from the file or the store, and null takes them away', async (t) => {
  const file = await openTestControl(t, {
    declared: `budgets: [{ amount_usd: 100, period: month, metadata: { project: demo } }]
settings: { time_zone: Europe/Berlin }
providers:
  local: { base_url: "http://local.example/v1", budgets: [{ tokens: 1000, period: { days: 30 }, models: ["small*"] }], rate_limits: [{ tokens: 50, per: hour }] }
keys: [{ name: ci, value: tp-of-the-file-0123456789, budgets: [{ amount_usd: 0, period: total, alert_at: [] }] }]
`,
  })
  const { budgets, timeZone, providers } = file.control.snapshot()
  assert.equal(timeZone, 'Europe/Berlin')
  assert.deepEqual(budgets, [
    { limit: { nanoUsd: 100_000_000_000n }, period: 'month', soft: false, metadata: { project: 'demo' }, alertAt: [0.5, 0.8, 1] },
  ])
  const local = providers.get('local')!
  assert.deepEqual(local.budgets, [
    { limit: { tokens: 1000 }, period: { days: 30 }, soft: false, models: ['small*'], alertAt: [0.5, 0.8, 1] },
  ])
  assert.deepEqual(local.rateLimits, [{ of: 'tokens', limit: 50, perMs: 3_600_000 }])
  assert.deepEqual(keyOf(file.control, 'tp-of-the-file-0123456789').budgets, [
    { limit: { nanoUsd: 0n }, period: 'total', soft: false, alertAt: [] },
  ])
  assert.equal((await refusalOf(() => file.control.settings.update({ budgets: [] }, admin))).kind, 'read_only')
  assert.equal((await refusalOf(() => file.control.settings.update({ time_zone: 'UTC' }, admin))).kind, 'read_only')

  const { control } = await openTestControl(t)
  await control.settings.update({ time_zone: 'Asia/Tokyo', budgets: [{ amount_usd: '1', period: 'week', models: ['gpt-*'] }] }, admin)
  assert.equal(control.snapshot().timeZone, 'Asia/Tokyo')
  assert.deepEqual(control.snapshot().budgets[0]?.models, ['gpt-*'])
  const shown = control.settings.list().find(({ name }) => name === 'budgets')!
  assert.deepEqual([shown.value, shown.origin, shown.writable], [[{ amount_usd: '1', period: 'week', models: ['gpt-*'] }], 'stored', true])
  for (const zone of ['Mars/Olympus', '+01:00', ''])
    assert.equal((await refusalOf(() => control.settings.update({ time_zone: zone }, admin))).field, 'time_zone')
  await control.settings.update({ time_zone: null, budgets: null }, admin)
  assert.deepEqual([control.snapshot().timeZone, control.snapshot().budgets], ['UTC', []])

  const made = await control.keys.create({ name: 'k', budgets: [{ amount_usd: '5', period: 'day' }] }, admin)
  assert.deepEqual((await control.keys.update(made.id, { budgets: null }, admin)).budgets, undefined)
  assert.equal(keyOf(control, made.key).budgets, undefined)
  const put = await control.providers.put(
    'lab',
    { base_url: 'https://lab.example/v1', budgets: [{ amount_usd: '5', period: 'day' }] },
    admin,
  )
  assert.deepEqual(put.provider.budgets, [{ amount_usd: '5', period: 'day' }])
})

test('a key of the file that belongs to a team that is not there stops the start', async (t) => {
  const declared = 'keys: [{ name: ci, value: tp-of-the-file-0123456789, team: team_gone }]\n'
  await assert.rejects(
    openTestControl(t, { declared }),
    /keys\[0\]\.team in the config file is "team_gone", and there is no team with that id/,
  )
  const opened = await openTestControl(t, { declared, toleratesMisfits: true })
  assert.equal(opened.warnings.length, 1)
})
