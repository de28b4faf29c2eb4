// Whatever is written through the control plane, and in whatever order: what requests see is what is stored.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { openHome, readDeclared, readSettings, type Snapshot } from '#config'
import { createControl, Refusal, type Actor, type Control, type OpenControl } from '#control'
import { createControlStore, type ControlStore } from '#store'
import fc from 'fast-check'

const home = mkdtempSync(path.join(os.tmpdir(), 'turnpike-law-'))
after(() => rmSync(home, { recursive: true, force: true }))
const actor: Actor = { kind: 'admin' }
const env = { OPENAI_API_KEY: 'sk-environment-0123456789', TEAM_KEY: 'team-secret-0123456789' }
const file = path.join(home, 'turnpike.yaml')
writeFileSync(
  file,
  `providers:
  declared: { base_url: "http://declared.example/v1", models: { custom: [{ id: fixed, price: free }] } }
keys: [{ name: of-the-file, value: tp-of-the-file-0123456789 }]
aliases: { usual: declared/fixed }
configs: { team: { targets: [{ provider: declared }] } }
`,
)
const settings = readSettings({ overrides: { home, config: file }, env: {} })
openHome(settings)

function open(store?: ControlStore): Promise<OpenControl> {
  return createControl({
    ...(store === undefined ? {} : { store }),
    settings,
    declared: readDeclared(file, env),
    env,
    adminToken: 'an-admin-token-0123456789-0123456789',
    makesFirstKey: true,
    toleratesMisfits: false,
    log: { warn() {} },
  })
}

// Few names, so that writes meet one another.
const slug = fc.constantFrom('work', 'lab', 'openai', 'groq', 'declared', 'sim')
const model = fc.constantFrom('m1', 'm2', 'gpt-4o-mini', 'fixed')
const alias = fc.constantFrom('fast', 'cheap', 'usual', 'team/best', 'm1')
const rate = fc.integer({ min: 1, max: 9_999 }).map((n) => String(n / 100))
const price = fc.oneof(fc.constant('free'), fc.record({ input_per_million_usd: rate, output_per_million_usd: rate }))
const credential = fc.oneof(
  fc.record({ value: fc.stringMatching(/^[a-z]{12,20}$/) }),
  fc.record({ name: fc.constantFrom('main', 'spare'), value: fc.stringMatching(/^[a-z]{12,20}$/) }),
  fc.record({ name: fc.constantFrom('main', 'spare') }),
  fc.record({ env: fc.constantFrom('TEAM_KEY', 'NOT_SET_KEY') }),
)
const providerBody = fc.record(
  {
    vendor: fc.constantFrom('openai', 'groq', 'openai-compatible', 'no-such-vendor'),
    base_url: fc.constantFrom('https://a.example/v1', 'https://b.example/v1', 'http://127.0.0.1:9/v1'),
    credentials: fc.array(credential, { maxLength: 3 }),
    headers: fc.constantFrom({ 'x-team': 'core' }, { 'api-key': 'header-secret-0123456789' }),
    models: fc.record(
      { allow: fc.constant(['m*']), custom: fc.array(fc.record({ id: model, price }, { requiredKeys: ['id'] }), { maxLength: 2 }) },
      { requiredKeys: [] },
    ),
    priority: fc.nat(5),
    price_multiplier: fc.constantFrom('1', '1.5'),
    allow_private_network: fc.boolean(),
    budgets: fc.constantFrom([{ tokens: 5, period: 'day' }], [{ tokens: 9, period: 'total' }]),
  },
  { requiredKeys: [] },
)
const budgets = fc.array(
  fc.record(
    {
      amount_usd: fc.constantFrom('5', 0.25, 0, 7, '1.5', '-1'),
      period: fc.constantFrom('day', 'total', { days: 7 }),
      soft: fc.boolean(),
      alert_at: fc.constantFrom([], [0.5, 1]),
    },
    { requiredKeys: ['amount_usd', 'period'] },
  ),
  { maxLength: 1 },
)
const rateLimits = fc.constantFrom([{ requests: 60, per: 'minute' }], [{ concurrent: 2 }], [{ tokens: 9, per: 'day' }])
const limits = { budgets, rate_limits: rateLimits }
const keyFields = {
  ...limits,
  models: fc.constantFrom(['m*'], ['gpt-4o*', 'fast']),
  metadata: fc.constant({ team: 'core' }),
  stream_usage: fc.constantFrom('always', 'on_request'),
  expires_at: fc.constantFrom('2999-01-01T00:00:00Z', '2001-01-01T00:00:00Z'),
  config: fc.constantFrom('team', 'team', 'team', 'chat', 'night'),
  allow_config_override: fc.boolean(),
  loop_guard: fc.record(
    { mode: fc.constantFrom('off', 'observe', 'enforce'), repeats: fc.integer({ min: 2, max: 9 }) },
    { requiredKeys: ['mode'] },
  ),
}
const configSlug = fc.constantFrom('chat', 'chat', 'chat', 'night', 'night', 'team', 'Not a slug')
const configBody = fc.record(
  {
    config: fc.oneof(
      fc.record(
        {
          strategy: fc.constantFrom({ mode: 'fallback' }, { mode: 'loadbalance' }, { mode: 'single' }, { mode: 'of-next-year' }),
          targets: fc.array(
            fc.record(
              {
                provider: fc.constantFrom('@work', 'openai', '@nobody'),
                api_key: fc.constantFrom('config-secret-0123456789', 'config-secret-0123456789', '[secret]'),
              },
              { requiredKeys: ['provider'] },
            ),
            { minLength: 1, maxLength: 2 },
          ),
          retry: fc.record({ attempts: fc.integer({ min: 1, max: 3 }) }),
        },
        { requiredKeys: ['targets'] },
      ),
      fc.constantFrom({}, { retry: { attempts: 1 } }, { targets: [] }, { cache: { mode: 'simple' } }),
    ),
    comment: fc.constantFrom('why', ''),
  },
  { requiredKeys: ['config'] },
)
const keyBody = fc.record({ name: fc.constantFrom('laptop', 'bot', 'of-the-file'), ...keyFields }, { requiredKeys: ['name'] })

type Write = (control: Control) => Promise<unknown>
/** One of the users and teams that there are, or none. */
const someOwner = (control: Control, kind: 'users' | 'teams', at: number): string | null => {
  const all = control[kind].list()
  return all[at % (all.length + 1)]?.id ?? null
}
const ownerKind = fc.constantFrom('users', 'teams')
const ownerName = fc.constantFrom('ada', 'grace', 'core', 'ops', 'lab')
/** One of the keys that there are. */
const someKey = (control: Control, at: number): string => {
  const all = control.keys.list()
  return all[at % all.length]?.id ?? 'none'
}
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.tuple(slug, providerBody).map(
    ([name, body]): Write =>
      (control) =>
        control.providers.put(name, body, actor),
  ),
  slug.map(
    (name): Write =>
      (control) =>
        control.providers.remove(name, actor),
  ),
  keyBody.map(
    (body): Write =>
      (control) =>
        control.keys.create(body, actor),
  ),
  fc.tuple(fc.nat(), fc.record({ ...keyFields, name: fc.constantFrom('laptop', 'desk') }, { requiredKeys: [] })).map(
    ([at, body]): Write =>
      (control) =>
        control.keys.update(someKey(control, at), body, actor),
  ),
  fc
    .tuple(ownerKind, fc.nat(), fc.record({ name: ownerName, ...limits, prepaid: fc.boolean() }, { requiredKeys: ['name'] }))
    .map(([kind, at, body]): Write => (control) => {
      const team = kind === 'users' ? someOwner(control, 'teams', at) : null
      return control[kind].create({ ...body, ...(team === null ? {} : { team }) }, actor)
    }),
  fc.tuple(ownerKind, fc.nat(), fc.record({ name: ownerName, ...limits }, { requiredKeys: [] })).map(
    ([kind, at, body]): Write =>
      (control) =>
        control[kind].update(someOwner(control, kind, at) ?? 'none', body, actor),
  ),
  fc.tuple(ownerKind, fc.nat()).map(
    ([kind, at]): Write =>
      (control) =>
        control[kind].remove(someOwner(control, kind, at) ?? 'none', actor),
  ),
  fc.tuple(fc.nat(), fc.nat()).map(
    ([at, owner]): Write =>
      (control) =>
        control.keys.update(
          someKey(control, at),
          { type: 'user', user: someOwner(control, 'users', owner), team: someOwner(control, 'teams', owner) },
          actor,
        ),
  ),
  fc.nat().map(
    (at): Write =>
      (control) =>
        control.keys.rotate(someKey(control, at), { overlap_seconds: at % 2 }, actor),
  ),
  fc.nat().map(
    (at): Write =>
      (control) =>
        control.keys.revoke(someKey(control, at), actor),
  ),
  fc.tuple(configSlug, configBody).map(
    ([name, body]): Write =>
      (control) =>
        control.configs.put(name, body, actor),
  ),
  fc.tuple(configSlug, fc.integer({ min: 1, max: 40 })).map(
    ([name, version]): Write =>
      (control) =>
        control.configs.rollback(name, { version }, actor),
  ),
  configSlug.map(
    (name): Write =>
      (control) =>
        control.configs.remove(name, actor),
  ),
  fc.tuple(alias, fc.constantFrom('work/m1', 'fixed', 'gpt-4o-mini', '@lab/m2', 'nowhere', 'fast')).map(
    ([name, target]): Write =>
      (control) =>
        control.aliases.put(name, { model: target }, actor),
  ),
  alias.map(
    (name): Write =>
      (control) =>
        control.aliases.remove(name, actor),
  ),
  fc.tuple(slug, model, price).map(
    ([name, id, cost]): Write =>
      (control) =>
        control.models.putPrice(name, id, { price: cost }, actor),
  ),
  fc.tuple(slug, model).map(
    ([name, id]): Write =>
      (control) =>
        control.models.removePrice(name, id, actor),
  ),
  fc
    .record(
      {
        log_level: fc.constantFrom('warn', 'debug', null),
        sim: fc.constantFrom(true, false, null),
        time_zone: fc.constantFrom('Asia/Tokyo', null),
        budgets: fc.constantFrom([{ amount_usd: '5', period: 'day', metadata: { a: 'b' } }], null),
        alerts: fc.constantFrom(
          { webhook_url: 'https://ops.example/a', webhook_secret: 'alert-secret-0123456789' },
          { webhook_url: 'https://ops.example/b' },
          null,
        ),
      },
      { requiredKeys: [] },
    )
    .map(
      (body): Write =>
        (control) =>
          control.settings.update(body, actor),
    ),
)

/** All that requests see; versions count the changes of one process. */
function seen({ version: _, ...rest }: Snapshot): object {
  return { ...rest, order: [...rest.providers.keys()] }
}

test('after 1,000 random sequences of writes the snapshot is the one that the reopened store makes', { timeout: 240_000 }, async () => {
  let opened = await open()
  // A second connection sees what is in the file; a thread for each sequence would take minutes.
  const second = await createControlStore(path.join(home, 'control.db'))
  const onTheFile = { ...second, close: async () => {} }
  const done = { written: 0, refused: 0 }
  const sequences = fc.sample(fc.array(write, { minLength: 1, maxLength: 6 }), { numRuns: 1000, seed: 3 })
  for (const [number, sequence] of sequences.entries()) {
    // Not one after the other: the control plane puts them in order.
    const results = await Promise.allSettled(sequence.map((act) => act(opened.control)))
    for (const result of results) {
      if (result.status === 'fulfilled') done.written++
      else {
        assert.ok(result.reason instanceof Refusal, String((result.reason as Error).stack))
        done.refused++
      }
    }
    const before = allOf(opened.control)
    assert.deepEqual(allOf((await open(onTheFile)).control), before, `after sequence ${number}`)
    if (number % 100 < 99) continue
    await opened.control.close()
    opened = await open()
    assert.deepEqual(allOf(opened.control), before, `after sequence ${number} and a start`)
  }
  await opened.control.close()
  await second.close()
  assert.ok(done.written > 1000 && done.refused > 500, JSON.stringify(done))
})

function allOf(control: Control): object {
  return {
    snapshot: seen(control.snapshot()),
    providers: control.providers.list(),
    // Whether a predecessor is still accepted depends on the time.
    keys: control.keys.list().map(({ previous: _, ...key }) => key),
    aliases: control.aliases.list(),
    configs: control.configs.list(),
    users: control.users.list(),
    teams: control.teams.list(),
    settings: control.settings.list(),
  }
}
