// Routing configs as the control plane keeps them: versions, secrets, keys they are attached to, and what requests then meet.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { RoutingNode } from '#config'
import { createControlStore } from '#store'
import { rule } from '#test/planning.ts'
import { admin, openTestControl, refusalOf, type TestControl } from '#test/control.ts'

const env = { OPENAI_API_KEY: 'sk-0123456789abcdef' }
const fallback = { strategy: { mode: 'fallback' }, targets: [{ provider: '@openai' }, { provider: '@groq' }] }
const secret = 'gsk-of-the-config-0123456789'
const secretive = { targets: [{ provider: 'groq', api_key: secret }, { provider: '@openai' }] }

function rootOf({ control }: TestControl, slug: string) {
  return control.snapshot().configs.get(slug)!.root
}

function firstKeyOf(node: RoutingNode): string | undefined {
  return node.kind === 'leaf' ? node.apiKey : firstKeyOf(node.targets[0]!)
}

test('a config that is put is in the next snapshot, each put is a version, and the earlier ones stay', async (t) => {
  const opened = await openTestControl(t, { env })
  const { configs } = opened.control
  const made = await configs.put('chat', { config: fallback, comment: 'first' }, admin)
  assert.equal(made.created, true)
  const { updated_at: at, ...view } = made.config
  assert.ok(Math.abs(Date.parse(at!) - Date.now()) < 60_000)
  assert.deepEqual(view, {
    slug: 'chat',
    origin: 'stored',
    version: 1,
    config: fallback,
    comment: 'first',
    keys: [],
    warnings: ['config.targets[1].provider is "groq", and this instance has no such provider: the target is skipped until it has.'],
    updated_by: 'admin',
  })
  assert.deepEqual(
    [opened.control.snapshot().configs.get('chat')?.slug, opened.control.snapshot().configs.get('chat')?.version],
    ['chat', 1],
  )
  const single = { provider: '@openai' }
  const second = await configs.put('chat', { config: single }, admin)
  assert.deepEqual([second.created, second.config.version, second.config.warnings, second.config.comment], [false, 2, [], null])
  assert.equal(rootOf(opened, 'chat').kind, 'leaf')
  await configs.put('other', { config: {} }, admin)
  assert.deepEqual(
    configs.list().map(({ slug, version }) => [slug, version]),
    [['chat', 2], ['other', 1]],
  ) // prettier-ignore
  const page = await configs.versions('chat', 1, undefined)
  assert.deepEqual([page.data.map(({ version, config }) => [version, config]), page.next_cursor], [[[2, single]], '2'])
  const rest = await configs.versions('chat', 1, page.next_cursor!)
  assert.deepEqual([rest.data.map(({ version, comment }) => [version, comment]), rest.next_cursor], [[[1, 'first']], null])
})

test('a rollback is one call: what an earlier version said is a version again', async (t) => {
  const opened = await openTestControl(t, { env })
  const { configs } = opened.control
  await configs.put('chat', { config: secretive }, admin)
  await configs.put('chat', { config: fallback }, admin)
  const back = await configs.rollback('chat', { version: 1 }, admin)
  assert.deepEqual([back.version, back.comment], [3, 'rollback to version 1'])
  assert.equal(firstKeyOf(rootOf(opened, 'chat')), secret, 'with its secrets')
  assert.equal((await configs.rollback('chat', { version: 2, comment: 'no' }, admin)).comment, 'no')
  assert.deepEqual(configs.get('chat').config, fallback)
  for (const [slug, body, kind, field, says] of [
    ['chat', { version: 9 }, 'not_found', 'version', /has no version 9; its latest is 4\./],
    ['chat', { version: 0 }, 'invalid_request', 'version', /less than 1/],
    ['chat', { version: '1' }, 'invalid_request', 'version', /not a/],
    ['chat', { versoin: 1 }, 'invalid_request', 'versoin', /Did you mean version\?/],
    ['chat', {}, 'invalid_request', 'version', /is missing/],
    ['chta', { version: 1 }, 'not_found', undefined, /no routing config "chta"\. Did you mean chat\?/],
  ] as const) {
    const refused = await refusalOf(() => configs.rollback(slug, body, admin))
    assert.deepEqual([refused.kind, refused.field], [kind, field], JSON.stringify(body))
    assert.match(refused.message, says)
  }
})

test('what a config cannot say is refused with the key at fault, and nothing is stored', async (t) => {
  const { control } = await openTestControl(t, { env, declared: 'configs: { declared: { retry: { attempts: 2 } } }\n' })
  const { configs } = control
  const before = await control.audit(10, undefined)
  for (const [slug, body, kind, field, says] of [
    ['chat', { config: { targts: [] } }, 'invalid_request', 'config.targts', /config\.targts is not known here\. Did you mean targets\?/],
    ['chat', { config: { targets: [] } }, 'invalid_request', 'config.targets', /is empty/],
    ['chat', { config: { targets: [{ weight: 'x' }] } }, 'invalid_request', 'config.targets[0].weight', /not a number/],
    ['chat', { config: [] }, 'invalid_request', 'config', /a list, which is not an object/],
    ['chat', { config: null }, 'invalid_request', 'config', /null, which is not an object/],
    ['chat', {}, 'invalid_request', 'config', /is missing/],
    ['chat', undefined, 'invalid_request', undefined, /is missing; send a JSON object/],
    ['chat', { config: fallback, coment: 'x' }, 'invalid_request', 'coment', /Did you mean comment\?/],
    ['chat', { config: fallback, comment: 'x'.repeat(1001) }, 'invalid_request', 'comment', /more than 1000/],
    ['chat', fallback, 'invalid_request', 'config', /the body is \{"config": \{\.\.\.\}/],
    ['Chat!', { config: fallback }, 'invalid_request', 'slug', /is not a slug/],
    ['', { config: fallback }, 'invalid_request', 'slug', /is not a slug/],
    ['declared', { config: fallback }, 'read_only', undefined, /declared in turnpike\.yaml/],
  ] as const) {
    const refused = await refusalOf(() => configs.put(slug, body, admin))
    assert.deepEqual([refused.kind, refused.field], [kind, field], JSON.stringify(body))
    assert.match(refused.message, says)
  }
  assert.equal((await refusalOf(() => configs.remove('declared', admin))).kind, 'read_only')
  assert.equal((await refusalOf(() => configs.rollback('declared', { version: 1 }, admin))).kind, 'read_only')
  assert.equal((await refusalOf(() => configs.get('chat'))).kind, 'not_found')
  assert.equal((await refusalOf(() => configs.versions('chat', 1, undefined))).kind, 'not_found')
  assert.equal(
    (await refusalOf(() => configs.versions('declared', 1, undefined).then(() => configs.remove('chat', admin)))).kind,
    'not_found',
  )
  assert.deepEqual(await control.audit(10, undefined), before)
})

test('a config that keys are attached to stays until they are not, and the refusal names them', async (t) => {
  const { control } = await openTestControl(t, { env })
  const { configs, keys } = control
  await configs.put('chat', { config: fallback }, admin)
  const made = await keys.create({ name: 'laptop', config: 'chat', allow_config_override: false }, admin)
  const other = await keys.create({ name: 'old', config: 'chat' }, admin)
  assert.deepEqual(configs.get('chat').keys, [{ id: made.id, name: 'laptop' }, { id: other.id, name: 'old' }]) // prettier-ignore
  const refused = await refusalOf(() => configs.remove('chat', admin))
  assert.equal(refused.kind, 'conflict')
  assert.match(refused.message, new RegExp(`attached to the keys "laptop" \\(${made.id}\\), "old" \\(${other.id}\\); give them`))
  await keys.revoke(other.id, admin)
  assert.match((await refusalOf(() => configs.remove('chat', admin))).message, /the key "laptop" .*; give it another config, or none/)
  await keys.update(made.id, { config: null }, admin)
  await configs.remove('chat', admin)
  assert.equal((await refusalOf(() => configs.get('chat'))).kind, 'not_found')
  assert.equal(control.snapshot().configs.has('chat'), false)
  // No number is given twice: a record of version 1 never means another config.
  assert.equal((await configs.put('chat', { config: {} }, admin)).config.version, 2)
  assert.deepEqual((await configs.versions('chat', 9, undefined)).data.map(({ version }) => version), [2]) // prettier-ignore
})

test('the fields of a key that are about configs and loops are checked, shown, and what requests meet', async (t) => {
  const { control } = await openTestControl(t, { env })
  await control.configs.put('chat', { config: fallback }, admin)
  const plain = await control.keys.create({ name: 'plain' }, admin)
  assert.deepEqual([plain.config, plain.allow_config_override, plain.loop_guard], [undefined, true, undefined])
  const guard = { mode: 'enforce', repeats: 5, window_seconds: 60 } as const
  const made = await control.keys.create({ name: 'bot', config: 'chat', allow_config_override: false, loop_guard: guard }, admin)
  assert.deepEqual([made.config, made.allow_config_override, made.loop_guard], ['chat', false, guard])
  const met = (id: string) => {
    const { config, refusesConfigs, loopGuard } = [...control.snapshot().keys.values()].find((key) => key.id === id)!
    return [config, refusesConfigs, loopGuard]
  }
  assert.deepEqual(met(made.id), ['chat', true, { mode: 'enforce', repeats: 5, windowMs: 60_000 }])
  assert.deepEqual(met(plain.id), [undefined, undefined, undefined])
  const changed = await control.keys.update(made.id, { config: null, allow_config_override: true, loop_guard: null }, admin)
  assert.deepEqual([changed.config, changed.allow_config_override, changed.loop_guard], [undefined, true, undefined])
  assert.deepEqual(met(made.id), [undefined, undefined, undefined])
  for (const [body, field, says] of [
    [{ config: 'chta' }, 'config', /"chta", and there is no such routing config\. Did you mean chat\?/],
    [{ config: 'not a slug' }, 'config', /is not a slug/],
    [{ config: { targets: [] } }, 'config', /not a string/],
    [{ allow_config_override: 'no' }, 'allow_config_override', /not true or false/],
    [{ loop_guard: 'off' }, 'loop_guard', /not an object/],
    [{ loop_guard: {} }, 'loop_guard.mode', /is missing/],
    [{ loop_guard: { mode: 'stop' } }, 'loop_guard.mode', /not one of off, observe, enforce/],
    [{ loop_guard: { mode: 'off', repeats: 1 } }, 'loop_guard.repeats', /less than 2/],
    [{ loop_guard: { mode: 'off', request: 1 } }, 'loop_guard.request', /Did you mean requests\?/],
  ] as const) {
    for (const write of [() => control.keys.create({ name: 'x', ...body }, admin), () => control.keys.update(plain.id, body, admin)]) {
      const refused = await refusalOf(write)
      assert.deepEqual([refused.kind, refused.field], ['invalid_request', field], JSON.stringify(body))
      assert.match(refused.message, says)
    }
  }
})

test('a key in a config is sealed, is in no view, no version, no audit entry and no file, and comes back with the next start', async (t) => {
  const first = await openTestControl(t, { env })
  const { configs } = first.control
  const made = await configs.put('chat', { config: secretive }, admin)
  await configs.put('chat', { config: { ...secretive, retry: { attempts: 1 } } }, admin)
  const shown = JSON.stringify([
    made,
    configs.list(),
    await configs.versions('chat', 9, undefined),
    await first.control.audit(9, undefined),
  ])
  assert.equal(shown.includes(secret), false)
  assert.match(shown, /"api_key":"\[secret\]"/)
  await first.close()
  for (const name of readdirSync(first.home)) assert.equal(readFileSync(path.join(first.home, name)).includes(secret), false, name)
  const again = await openTestControl(t, { env, home: first.home })
  assert.equal(firstKeyOf(rootOf(again, 'chat')), secret)
  const own = await refusalOf(() => again.control.configs.put('chat', { config: { provider: 'groq', api_key: first.firstKey! } }, admin))
  assert.match(own.message, /is a gateway key of this instance/)
})

test('a config that was shown, edited and sent back keeps its keys, but no key goes where it was not given for', async (t) => {
  const opened = await openTestControl(t, { env })
  const { configs } = opened.control
  const config = {
    custom_host: 'https://models.example.com/v1',
    input_guardrails: [{ webhook: 'https://a.example', authorization: 'guard-0123456789' }],
    targets: [{ provider: 'groq', api_key: secret, override_params: { token: '[secret]' } }, { provider: '@openai' }],
  }
  await configs.put('chat', { config }, admin)
  const shown = configs.get('chat').config as typeof config
  assert.equal(shown.targets[0]!.api_key, '[secret]')
  await configs.put('chat', { config: { ...shown, retry: { attempts: 2 } } }, admin)
  assert.equal(firstKeyOf(rootOf(opened, 'chat')), secret)
  await configs.rollback('chat', { version: 2 }, admin)
  assert.equal(firstKeyOf(rootOf(opened, 'chat')), secret, 'filled in before it was sealed')
  const [first, second] = shown.targets
  for (const [edited, field, says] of [
    [
      { ...shown, custom_host: 'https://evil.example/v1' },
      'config.targets[0].api_key',
      /the stored one was given for another place; send the key/,
    ],
    [{ ...shown, targets: [{ ...first, provider: 'openai' }, second] }, 'config.targets[0].api_key', /given for another place/],
    [{ ...shown, targets: [second, first] }, 'config.targets[1].api_key', /no key is stored in this place/],
    [
      { ...shown, input_guardrails: [{ webhook: 'https://b.example', authorization: '[secret]' }] },
      'config.input_guardrails[0].authorization',
      /another place/,
    ],
  ] as const) {
    const refused = await refusalOf(() => configs.put('chat', { config: edited }, admin))
    assert.deepEqual([refused.kind, refused.field], ['invalid_request', field])
    assert.match(refused.message, says)
  }
  const fresh = await refusalOf(() => configs.put('new', { config: { provider: 'groq', api_key: '[secret]' } }, admin))
  assert.match(fresh.message, /^config\.api_key is "\[secret\]", which stands for a key that is not shown, and no key is stored/)
  assert.equal(configs.get('chat').version, 3)
})

test('a config whose master key is gone stops the start with its name; whoever opens the home all the same can remove it', async (t) => {
  const first = await openTestControl(t, { env })
  await first.control.configs.put('chat', { config: secretive }, admin)
  await first.control.configs.put('plain', { config: fallback }, admin)
  await first.close()
  const overrides = { masterKey: 'another-master-key-0123456789-0123456789' }
  await assert.rejects(
    openTestControl(t, { env, home: first.home, overrides }),
    /is not the one that a secret of the config chat was stored with\. Bring that key back, .*\(turnpike configs remove chat\)/,
  )
  const { control, close } = await openTestControl(t, { env, home: first.home, overrides, toleratesMisfits: true })
  assert.match(control.configs.get('chat').trouble!, /stored with another master key/)
  assert.deepEqual([...control.snapshot().configs.keys()], ['plain'])
  assert.match(control.snapshot().brokenConfigs!.get('chat')!, /another master key/)
  const refused = await refusalOf(() => control.configs.rollback('chat', { version: 1 }, admin))
  assert.match(refused.message, /Version 1 of the routing config chat cannot be read: .* another master key/)
  await control.configs.remove('chat', admin)
  await close()
  await openTestControl(t, { env, home: first.home, overrides })
})

test('a stored config that this version cannot read stops nothing: a warning, and its slug says what is wrong', async (t) => {
  const first = await openTestControl(t, { env })
  await first.control.configs.put('chat', { config: fallback }, admin)
  await first.control.configs.put('good', { config: fallback }, admin)
  const key = await first.control.keys.create({ name: 'laptop', config: 'chat' }, admin)
  await first.close()
  // As another version of Turnpike may have stored it.
  const store = await createControlStore(path.join(first.home, 'control.db'))
  const document = { strategy: { mode: 'of-next-year' }, targets: [{}] }
  const foreign = { slug: 'chat', version: 2, document, sealed: null, comment: null, actor: 'admin', createdAtMs: 1 }
  await store.write([{ put: 'config', config: foreign }], { atMs: 1, actor: 'admin', action: 'config.put', target: 'chat', detail: {} })
  await store.close()
  const { control, warnings } = await openTestControl(t, { env, home: first.home })
  assert.match(
    warnings.join('\n'),
    /a stored routing config cannot be used: This version of Turnpike cannot read it: config\.strategy\.mode/,
  )
  assert.match(control.configs.get('chat').trouble!, /config\.strategy\.mode/)
  assert.deepEqual([...control.snapshot().configs.keys()], ['good'])
  assert.match(control.snapshot().brokenConfigs!.get('chat')!, /config\.strategy\.mode/)
  assert.deepEqual(control.configs.get('chat').keys, [{ id: key.id, name: 'laptop' }])
  const refused = await refusalOf(() => control.configs.rollback('chat', { version: 2 }, admin))
  assert.deepEqual([refused.kind, refused.field], ['invalid_request', 'config.strategy.mode'])
  await control.configs.rollback('chat', { version: 1 }, admin)
  assert.equal(control.configs.get('chat').trouble, undefined)
  assert.equal(control.snapshot().brokenConfigs!.size, 0)
})

test('what would not work is a warning, not an error, and goes when it works', async (t) => {
  const { control } = await openTestControl(t, {
    env,
    declared: 'providers: { own: { base_url: "http://127.0.0.1:9/v1", models: { allow: [m1] } } }\n',
  })
  const config = {
    strategy: { mode: 'loadbalance' },
    input_guardrails: ['pii-check'],
    targets: [
      { provider: '@opnai' },
      { provider: '@openai', override_params: { model: 'gpt-4o' } },
      { provider: 'groq', api_key: secret },
      { provider: '@own', model: 'm2' },
      { model: 'no-such-model-anywhere' },
      { provider: 'x-ai', api_key: secret },
      { model: 'other' },
      { provider: '@keyless' },
      { api_key: 'of-nobody-0123456789' },
    ],
  }
  await control.configs.put('other', { config: { provider: '@openai', model: 'gpt-4o' } }, admin)
  await control.providers.put('keyless', { vendor: 'mistral', credentials: [{ env: 'NOT_SET_HERE' }] }, admin)
  const { warnings } = (await control.configs.put('chat', { config }, admin)).config
  const said = warnings.join('\n')
  assert.match(said, /config\.input_guardrails is stored and not available yet/)
  assert.match(said, /config\.targets\[0\]\.provider is "opnai", and this instance has no such provider.* Did you mean openai\?/)
  assert.match(said, /config\.targets\[3\]'s model is "m2", which the allow-list or deny-list of its provider excludes\./)
  assert.match(said, /config\.targets\[4\]'s model is "no-such-model-anywhere", which no provider of this instance serves\./)
  assert.match(said, /config\.targets\[7\]\.provider is "keyless", which (cannot be used now|has no credential)/)
  assert.match(said, /config\.targets\[8\]\.api_key does not look like one of a vendor/)
  assert.doesNotMatch(said, /targets\[[1256]\]/)
  await control.providers.put('opnai', { vendor: 'openai', credentials: [{ value: 'sk-0123456789' }] }, admin)
  assert.doesNotMatch(control.configs.get('chat').warnings.join('\n'), /targets\[0\]/)
})

test('a condition on what no request will ever have is warned of: a header that is not seen, a provider that is not there', async (t) => {
  const { control } = await openTestControl(t, { env })
  const query = {
    $or: [
      { 'headers.authorization': { $exists: true } },
      { $not: { 'headers.X-Tenant': 'a' } },
      { 'headers.User-Agent': { $regex: 'curl' }, 'headers.x-tenant': 'b' },
      { 'provider.opnai.available': false, 'provider.openai.available': false },
      { 'metadata.headers': 'x', 'params.provider': 'x' },
    ],
  }
  const config = {
    strategy: { mode: 'conditional', conditions: [rule(query, 'a')], default: 'a' },
    targets: [
      {
        name: 'a',
        strategy: { mode: 'loadbalance', sticky: { hash_fields: ['headers.x-user', 'metadata.user'] } },
        targets: [{ provider: '@openai' }],
      },
    ],
  }
  const { warnings } = (await control.configs.put('chat', { config }, admin)).config
  const asked = warnings.map((sentence) => /^(\S+) asks for "([^"]+)"/.exec(sentence)?.slice(1).join(' '))
  assert.deepEqual(asked, [
    'config.strategy headers.authorization',
    'config.strategy headers.X-Tenant',
    'config.strategy headers.x-tenant',
    'config.strategy provider.opnai.available',
    'config.targets[0].strategy headers.x-user',
  ])
  assert.match(warnings[0]!, /Send it as metadata/)
  assert.match(warnings[3]!, /Did you mean openai\?/)
})

test('configs that nobody changed stay the same objects through other writes, so that plans made from them stay good', async (t) => {
  const { control } = await openTestControl(t, { env })
  await control.configs.put('chat', { config: fallback }, admin)
  const { configs } = control.snapshot()
  await control.aliases.put('fast', { model: 'gpt-4o' }, admin)
  assert.equal(control.snapshot().configs, configs)
  await control.configs.put('other', { config: fallback }, admin)
  assert.equal(control.snapshot().configs.get('chat'), configs.get('chat'))
})

test('a key of the file whose config is nowhere stops the start with its line; one that is stored is found, and stays while the key has it', async (t) => {
  const declared = 'keys:\n  - { name: bot, value: 0123456789abcdef0 }\n  - { name: laptop, value: 0123456789abcdef1, config: chat }\n'
  const home = (await openTestControl(t, { env })).home
  const lost = openTestControl(t, { env, declared })
  await assert.rejects(
    lost,
    /^ConfigError: turnpike\.yaml, line 3: keys\[1\]\.config is "chat", and there is no such routing config, in the file or stored; declare/,
  )
  const first = await openTestControl(t, {
    env,
    declared,
    home: mkdtempSync(path.join(path.dirname(home), 'turnpike-control-')),
    toleratesMisfits: true,
  })
  t.after(() => rmSync(first.home, { recursive: true, force: true }))
  assert.match(first.warnings.join(), /keys\[1\]\.config is "chat"/)
  await first.control.configs.put('chat', { config: fallback }, admin)
  await first.close()
  const { control } = await openTestControl(t, { env, home: first.home })
  assert.deepEqual(control.configs.get('chat').keys.map(({ name }) => name), ['laptop']) // prettier-ignore
  assert.match((await refusalOf(() => control.configs.remove('chat', admin))).message, /attached to the key "laptop"/)
})

test('a config of the file counts over a stored one of its name, and both come and go with the file', async (t) => {
  const first = await openTestControl(t, { env })
  await first.control.configs.put('chat', { config: fallback }, admin)
  const key = await first.control.keys.create({ name: 'laptop', config: 'chat' }, admin)
  await first.close()
  const declared = 'configs: { chat: { provider: openai, api_key: "of-the-file-0123456789" }, other: {} }\n'
  const second = await openTestControl(t, { env, home: first.home, declared })
  const { config, version, origin, keys, updated_at: at } = second.control.configs.get('chat')
  assert.deepEqual([config, version, origin, at], [{ provider: 'openai', api_key: '[secret]' }, null, 'file', null])
  assert.deepEqual(keys, [{ id: key.id, name: 'laptop' }])
  assert.deepEqual(second.control.configs.list().map(({ slug }) => slug), ['chat', 'other']) // prettier-ignore
  assert.equal(firstKeyOf(rootOf(second, 'chat')), 'of-the-file-0123456789')
  await second.control.keys.update(key.id, { config: 'other' }, admin)
  await second.close()
  const third = await openTestControl(t, { env, home: first.home, declared: 'sim: true\n' })
  assert.deepEqual(third.control.configs.list().map(({ slug, version: latest }) => [slug, latest]), [['chat', 1]]) // prettier-ignore
  assert.match(third.warnings.join(), /the key "laptop" follows the routing config other, and there is no such config/)
})

test('the audit log says who stored, went back and removed which version, and the comment', async (t) => {
  const { control } = await openTestControl(t, { env })
  await control.configs.put('chat', { config: fallback, comment: 'why' }, admin)
  await control.configs.put('chat', { config: {} }, { kind: 'cli' })
  await control.configs.rollback('chat', { version: 1 }, admin)
  await control.configs.remove('chat', admin)
  assert.deepEqual(
    (await control.audit(4, undefined)).data.map(({ actor, action, target, detail }) => [actor, action, target, detail]),
    [
      ['admin', 'config.delete', 'chat', { version: 3 }],
      ['admin', 'config.rollback', 'chat', { version: 3, from: 2, to: 1, comment: 'rollback to version 1' }],
      ['cli', 'config.put', 'chat', { version: 2, created: false }],
      ['admin', 'config.put', 'chat', { version: 1, created: true, comment: 'why' }],
    ],
  )
})

test('a config that was sent as text is refused without a word of it', async (t) => {
  const { control } = await openTestControl(t, { env })
  const refusal = await refusalOf(() => control.configs.put('chat', { config: JSON.stringify(secretive) }, admin))
  assert.match(refusal.message, /^config is JSON in a string, which is not an object\.$/)
})
