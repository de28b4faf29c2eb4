// What `users`, `teams` and the limits of keys say to the admin API, what they print, and what they refuse.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyCreated, OwnerView } from '#control'
import { runCli, scriptedClient, type ScriptedApi } from './fakes.test.ts'

const at = '2026-11-22T00:00:00.000Z'
const ada: OwnerView = { id: 'user_aaaaaaaaaaaa', name: 'ada', prepaid: false, created_at: at, updated_at: at }
const core: OwnerView = { ...ada, id: 'team_aaaaaaaaaaaa', name: 'core', budgets: [{ amount_usd: '200', period: 'month', soft: true }] }
const lists = { 'GET users': { data: [ada], next_cursor: null }, 'GET teams': { data: [core], next_cursor: null } }
const key: KeyCreated = {
  id: 'key_aaaaaaaaaaaa',
  name: 'laptop',
  origin: 'stored',
  type: 'service',
  stream_usage: 'always',
  allow_config_override: true,
  state: 'active',
  prefix: 'tp-abcd',
  last4: 'wxyz',
  created_at: at,
  expires_at: null,
  revoked_at: null,
  previous: [],
  key: 'tp-the-key-itself',
}

async function ran(args: readonly string[], answers: ScriptedApi = {}) {
  const client = scriptedClient({ ...lists, ...answers })
  const result = await runCli([...args], { connect: async () => client })
  const { said } = client
  return { ...result, writes: said.filter(({ method }) => method !== 'GET') }
}

test('the limits of a key are said as options, and its owners by name', async () => {
  const { exitCode, out, remarks, writes } = await ran(
    'keys create --name laptop --user ada --team core --budget 5/day --budget $50.25/month --budget 200000tokens/30d --rate 60/minute --rate 90000tokens/hour --concurrent 4'.split(' '),
    { 'POST keys': [201, key] },
  ) // prettier-ignore
  assert.equal(exitCode, 0, remarks)
  assert.equal(out, 'tp-the-key-itself\n')
  assert.deepEqual(writes[0]?.body, {
    name: 'laptop',
    user: ada.id,
    team: core.id,
    budgets: [
      { amount_usd: '5', period: 'day' },
      { amount_usd: '50.25', period: 'month' },
      { tokens: 200_000, period: { days: 30 } },
    ],
    rate_limits: [{ requests: 60, per: 'minute' }, { tokens: 90_000, per: 'hour' }, { concurrent: 4 }],
  })
})

test('a user that nobody has a record of is a label; none takes away; JSON says what options cannot', async () => {
  const keys = { 'GET keys': { data: [key], next_cursor: null }, [`PATCH keys/${key.id}`]: key }
  const labelled = await ran(['keys', 'update', 'laptop', '--user', 'grace'], keys)
  assert.deepEqual(labelled.writes[0]?.body, { user: 'grace' })
  const less = await ran('keys update laptop --user none --team none --no-budget --no-rate'.split(' '), keys)
  assert.deepEqual(less.writes[0]?.body, { user: null, team: null, budgets: null, rate_limits: null })
  const soft = '{"amount_usd":"5","period":"day","soft":true}'
  const json = await ran(['keys', 'update', 'laptop', '--budget', soft], keys)
  assert.deepEqual(json.writes[0]?.body, { budgets: [JSON.parse(soft)] })
})

test('lists show what may be spent', async () => {
  const limited = { ...key, budgets: [{ amount_usd: '5', period: 'day' }], rate_limits: [{ concurrent: 4 }] }
  const keys = await ran(['keys', 'list'], { 'GET keys': { data: [limited], next_cursor: null } })
  assert.match(keys.out, /LIMITS.*\n.*\$5\/day, 4 at once/)
  const teams = await ran(['teams', 'list'])
  assert.match(teams.out, /core +team_aaaaaaaaaaaa +\$200\/month \(soft\)/)
  assert.deepEqual(JSON.parse((await ran(['users', 'list', '--json'])).out), lists['GET users'])
})

test('users and teams are added, changed and removed by name', async () => {
  const added = await ran('users add --name bob --team core --budget 5/day --prepaid'.split(' '), { 'POST users': [201, ada] })
  assert.deepEqual(added.writes[0]?.body, { name: 'bob', team: core.id, budgets: [{ amount_usd: '5', period: 'day' }], prepaid: true })
  assert.match(added.out, /^id {4}user_aaaaaaaaaaaa$/m)
  const changed = await ran('teams update core --rate 5/second --no-prepaid'.split(' '), { [`PATCH teams/${core.id}`]: core })
  assert.deepEqual(changed.writes[0]?.body, { rate_limits: [{ requests: 5, per: 'second' }], prepaid: false })
  assert.match(changed.out, /^budgets {2}\$200\/month \(soft\)$/m)
  const removed = await ran(['users', 'remove', 'ada', '--json'], { [`DELETE users/${ada.id}`]: [204] })
  assert.deepEqual(JSON.parse(removed.out), { removed: ada.id })
  const missing = await ran(['teams', 'remove', 'nobody'])
  assert.deepEqual([missing.exitCode, missing.writes.length], [1, 0])
  assert.match(missing.remarks, /There is no team whose id or name is 'nobody'\. See: .*teams list/)
})

test('misuse names the option, and changes nothing', async () => {
  const cases: readonly [string, RegExp][] = [
    ['keys create --name x --budget 5', /--budget takes an amount and a period/],
    ['keys create --name x --budget -5/day', /--budget takes an amount/],
    ['keys create --name x --budget 5/year', /--budget takes an amount/],
    ['keys create --name x --budget {"amount_usd"', /not the JSON of a budget/],
    ['keys create --name x --rate 60', /--rate takes a number and a time/],
    ['keys create --name x --rate 60/week', /--rate takes a number/],
    ['keys create --name x --concurrent 0', /--concurrent takes a whole number/],
    ['keys update laptop --no-rate --concurrent 4', /--no-rate and --concurrent exclude each other/],
    ['users add', /needs a name/],
    ['users update ada', /Say what to change/],
    ['teams add --name x --team core', /unknown option '--team'/],
  ]
  for (const [args, says] of cases) {
    const { exitCode, remarks, writes } = await ran(args.split(' '))
    assert.deepEqual([exitCode, writes.length], [2, 0], `${args}: ${remarks}`)
    assert.match(remarks, says, args)
  }
})
