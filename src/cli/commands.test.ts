// What the commands that change things say to the admin API, what they print, and what they refuse; with an API that answers from here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyCreated, KeyView } from '#control'
import { person, runCli, scriptedClient, type ScriptedApi } from './fakes.test.ts'

const nowMs = Date.UTC(2026, 10, 21, 12)
const laptop: KeyView = {
  id: 'key_aaaaaaaaaaaa',
  name: 'laptop',
  origin: 'stored',
  type: 'user',
  stream_usage: 'always',
  allow_config_override: true,
  state: 'active',
  prefix: 'tp-abcd',
  last4: 'wxyz',
  created_at: '2026-11-01T00:00:00.000Z',
  expires_at: null,
  revoked_at: null,
  previous: [],
}
const created: KeyCreated = { ...laptop, key: 'tp-the-key-itself' }
const keys = { data: [laptop, { ...laptop, id: 'key_bbbbbbbbbbbb', name: 'old', state: 'revoked' as const }], next_cursor: null }

async function ran(args: string, answers: ScriptedApi, more: Parameters<typeof runCli>[1] = {}) {
  const client = scriptedClient(answers)
  const result = await runCli(args.split(' '), { connect: async () => client, nowMs: () => nowMs, ...more })
  return { ...result, said: client.said, body: client.said.at(-1)?.body, last: client.said.at(-1) }
}

test('every command has a help with examples, and a help of its own at every level', async () => {
  const commands =
    'init,doctor,providers,providers add,providers list,providers show,providers test,providers remove,providers vendors,keys,keys create,keys list,keys show,keys update,keys rotate,keys revoke,users,users list,users add,users update,users remove,teams,teams list,teams add,teams update,teams remove,models,models list,models price,models price set,models price remove,models unpriced,aliases,aliases list,aliases set,aliases remove,configs,configs list,configs show,configs set,configs remove,configs versions,configs rollback,configs dry-run,accounts,accounts list,accounts show,accounts credit,accounts refund,accounts adjust,accounts statement,ledger,ledger list,ledger check,ledger export,audit,audit list,backup,restore'
  for (const command of commands.split(',')) {
    const { exitCode, out } = await runCli([...command.split(' '), '--help'])
    assert.equal(exitCode, 0, command)
    assert.match(out, new RegExp(`^Usage: turnpike ${command}\\b`), command)
    if (!out.includes('Commands:')) assert.match(out, /\nExamples:\n {2}/, command)
  }
})

test('misuse ends with 2, names the option that is missing, and asks nothing of the instance', async () => {
  const cases: [string, RegExp][] = [
    ['keys create', /--name/],
    ['keys create --name x --expires soon', /--expires takes a duration.*'soon'/],
    ['keys create --name x --expires 2020-01-01', /--expires names a time that is past/],
    ['keys create --name x --type robot', /--type.*user, service/],
    ['keys create --name x --metadata team', /--metadata takes key=value/],
    ['keys update laptop', /Say what to change/],
    ['keys update laptop --models a --all-models', /exclude each other/],
    ['keys rotate laptop --overlap long', /--overlap takes a duration/],
    ['keys revoke', /missing required argument 'key'/],
    ['keys revok x', /Did you mean revoke\?/],
    ['aliases set fast', /missing required argument 'model'/],
    ['models price set openai/gpt-4o --input 1', /--input and --output/],
    ['models price set openai/gpt-4o --free --input 1', /--free and --input/],
    ['models price set gpt-4o --free', /write provider\/model/],
    ['models price set openai/gpt-4o --input 1e3 --output 2', /--input takes an amount/],
    ['models price set a/b --input 1 --output 1 --cache-write-1h x', /--cache-write-1h takes an amount/],
    ['audit list --limit 0', /--limit takes a number/],
    ['providers add', /Name a vendor, such as openai/],
    ['providers add opnai --key-env X', /'opnai' is not a vendor.*Did you mean openai\?/],
    ['providers add openai', /OpenAI needs a key: pipe it in with --key-stdin/],
    ['providers add openai --key-env A --key-stdin', /exclude each other/],
    ['providers add openai --key sk-x', /unknown option '--key'/],
    ['providers add --base-url http://10.0.0.1/v1', /--slug/],
    [
      'providers add --base-url http://10.0.0.1/v1 --slug x',
      /10\.0\.0\.1 is an address of this machine or its network.*--allow-private-network/,
    ],
    ['providers add openai-compatible --slug x', /--base-url/],
    ['providers add ollama --priority high', /--priority takes a whole number/],
    ['backup', /missing required argument 'folder'/],
  ]
  for (const [args, message] of cases) {
    const { exitCode, out, remarks } = await runCli(args.split(' '))
    assert.equal(exitCode, 2, `${args}: ${remarks}`)
    assert.equal(out, '', args)
    assert.match(remarks, message, args)
  }
})

test('a key on the command line is refused, with why, and is not repeated', async () => {
  const key = `sk-ant-api03-${'a1B2'.repeat(20)}AA`
  const { exitCode, remarks } = await runCli(['providers', 'add', key])
  assert.equal(exitCode, 2)
  assert.match(remarks, /history of the shell.*--key-stdin/)
  assert.equal(remarks.includes(key.slice(0, 20)), false)
})

test('keys create sends what was said, and prints the key alone to stdout', async () => {
  const args =
    'keys create --name laptop --type service --models openai/*,claude-* --models x --expires 30d --client openclaw --metadata team=a'
  const { exitCode, out, remarks, last } = await ran(args, { 'POST keys': [201, created] })
  assert.equal(exitCode, 0, remarks)
  assert.equal(out, 'tp-the-key-itself\n')
  assert.match(remarks, /shown this once/)
  assert.deepEqual(last?.body, {
    name: 'laptop',
    type: 'service',
    models: ['openai/*', 'claude-*', 'x'],
    expires_at: '2026-12-21T12:00:00.000Z',
    client: 'openclaw',
    metadata: { team: 'a' },
  })
  assert.match(last.headers.get('idempotency-key') ?? '', /^[0-9a-f-]{36}$/)
  const asked = await ran('keys create', { 'POST keys': [201, created] }, { prompts: person('phone') })
  assert.deepEqual(asked.body, { name: 'phone' })
  const json = await ran('keys create --name laptop --json --expires never --client none', { 'POST keys': [201, created] })
  assert.deepEqual(json.body, { name: 'laptop' }, 'a new key has nothing to take away')
  assert.equal((JSON.parse(json.out) as KeyCreated).key, created.key)
})

test('keys are found by id, name or their own ends; doubt names the ids', async () => {
  const answers: ScriptedApi = { 'GET keys': keys, 'GET keys/key_aaaaaaaaaaaa': laptop }
  for (const wanted of ['key_aaaaaaaaaaaa', 'laptop', 'key_aaa', 'tp-abcd-middle-of-the-key-wxyz']) {
    assert.match(
      (await ran(`keys show ${wanted}`, answers)).out,
      /^id +key_aaaaaaaaaaaa\nname +laptop\nstate +active\nkey +tp-abcd\.\.\.wxyz$/m,
      wanted,
    )
  }
  const twins = { data: [laptop, { ...laptop, id: 'key_cccccccccccc' }], next_cursor: null }
  assert.match((await ran('keys show laptop', { 'GET keys': twins })).remarks, /Several keys.*key_aaaaaaaaaaaa.*key_cccccccccccc/)
  const secret = `tp-${'s'.repeat(40)}`
  const none = await ran(`keys show ${secret}`, answers)
  assert.equal(none.exitCode, 1)
  assert.equal(none.remarks.includes(secret), false)
})

test('keys list leaves out revoked keys, and --all shows them', async () => {
  assert.equal((await ran('keys list', { 'GET keys': keys })).out.split('\n').length, 3)
  assert.match((await ran('keys list --all', { 'GET keys': keys })).out, /^old .*revoked/m)
  assert.deepEqual(JSON.parse((await ran('keys list --json', { 'GET keys': keys })).out), keys)
})

test('keys update changes what was said and null takes away; rotate states the overlap', async () => {
  const answers: ScriptedApi = {
    'GET keys': keys,
    'PATCH keys/key_aaaaaaaaaaaa': laptop,
    'POST keys/key_aaaaaaaaaaaa/rotate': {
      ...created,
      previous: [{ prefix: 'tp-abcd', last4: 'wxyz', accepted_until: '2026-11-28T12:00:00.000Z' }],
    },
  }
  assert.deepEqual((await ran('keys update laptop --all-models --expires never --client none', answers)).body, {
    expires_at: null,
    client: null,
    models: null,
  })
  const rotated = await ran('keys rotate laptop --overlap 7d', answers)
  assert.deepEqual(rotated.body, { overlap_seconds: 604_800 })
  assert.equal(rotated.out, 'tp-the-key-itself\n')
  assert.match(rotated.remarks, /the old one is accepted until 2026-11-28/)
})

test('revoke and remove ask a person, not a script, and do nothing after a no', async () => {
  const answers: ScriptedApi = {
    'GET keys': keys,
    'DELETE keys/key_aaaaaaaaaaaa': [204],
    'GET providers/openai': { slug: 'openai', vendor: 'openai' },
    'DELETE providers/openai': [204],
  }
  for (const [args, question] of [
    ['keys revoke laptop', /Revoke the key 'laptop'/],
    ['providers remove openai', /Remove openai/],
  ] as const) {
    // prettier-ignore
    const no = person(false)
    const kept = await ran(args, answers, { prompts: no })
    assert.match(no.asked[0]!, question)
    assert.ok(kept.said.every(({ method }) => method === 'GET'))
    assert.equal((await ran(args, answers, { prompts: person(true) })).last?.method, 'DELETE')
    assert.equal((await ran(args, answers)).last?.method, 'DELETE')
    assert.equal((await ran(`${args} --yes`, answers, { prompts: person() })).last?.method, 'DELETE')
  }
})

test('aliases and prices are put under percent-encoded names', async () => {
  const alias = { name: 'a/b c', model: 'openai/gpt-4o', origin: 'stored', updated_at: null }
  const set = await ran('aliases set a/b openai/gpt-4o', { 'PUT aliases/a%2Fb': [201, alias] })
  assert.deepEqual(set.body, { model: 'openai/gpt-4o' })
  assert.equal((await ran('aliases remove a/b', { 'DELETE aliases/a%2Fb': [204] })).exitCode, 0)
  const price = { provider: 'openrouter', model: 'meta/llama:free', price: 'free', updated_at: '' }
  const put = await ran('models price set @openrouter/meta/llama:free --input $0.25 --output 2 --cache-write 1', {
    'PUT models/openrouter/meta%2Fllama%3Afree/price': { ...price, price: { input_per_million_usd: '0.25', output_per_million_usd: '2' } },
  })
  assert.deepEqual(put.body, { price: { input_per_million_usd: '0.25', output_per_million_usd: '2', cache_write_5m_per_million_usd: '1' } })
  assert.match(put.out, /\$0\.25 for a million input tokens, \$2 for a million output tokens/)
  const free = await ran('models price set openrouter/meta/llama:free --free', { 'PUT models/openrouter/meta%2Fllama%3Afree/price': price })
  assert.deepEqual(free.body, { price: 'free' })
})

test('a price with tiers is given as JSON, and says that it has them', async () => {
  const price = {
    input_per_million_usd: '1',
    output_per_million_usd: '4',
    tiers: [{ above_input_tokens: 200_000, input_per_million_usd: '2', output_per_million_usd: '6' }],
  }
  const answers: ScriptedApi = { 'PUT models/own/big/price': { provider: 'own', model: 'big', price, updated_at: '' } }
  const set = await ran('models price set own/big --json-file -', answers, { readStdin: async () => JSON.stringify(price) })
  assert.deepEqual(set.body, { price })
  assert.match(set.out, /\$1 for a million input tokens, \$4 for a million output tokens, tiers of its own/)
  const both = await ran('models price set own/big --json-file - --input 1', answers)
  assert.equal(both.exitCode, 2)
  assert.match(both.remarks, /--json-file says all that it costs; leave --input <usd> out/)
})

test('models unpriced lists what was asked for or is configured without a price, and how to give it one', async () => {
  const model = (provider: string, id: string, price: object | null) => ({
    provider,
    id,
    canonical: null,
    name: null,
    context_window: null,
    max_output_tokens: null,
    input_modalities: [],
    output_modalities: [],
    capabilities: [],
    price,
    price_source: null,
    allowed: true,
  })
  const row = (id: string, asked: string) => ({ id, provider: 'own', outcome: 'ok', model: { asked, served: null } })
  const answers: ScriptedApi = {
    'GET requests': { data: [row('r1', 'nick'), row('r2', 'own/asked'), row('r3', 'priced-since')], next_cursor: null },
    'GET requests/r1': { attempt_list: [{ model: 'asked' }] },
    'GET requests/r2': { attempt_list: [{ model: 'asked' }] },
    'GET requests/r3': { attempt_list: [{ model: 'priced-since' }] },
    'GET providers': {
      data: [{ slug: 'own', models: { known: 3, allow: ['listed', 'l*'], custom: [{ id: 'mine' }] } }],
      next_cursor: null,
    },
    'GET models': {
      data: [
        model('own', 'listed', null),
        model('own', 'mine', null),
        model('own', 'priced-since', { input_per_million_usd: '1', output_per_million_usd: '1' }),
        model('own', 'never-asked', null),
      ],
      next_cursor: null,
    },
  }
  const { out } = await ran('models unpriced', answers)
  assert.match(out, /^own\/asked +2 +turnpike models price set own\/asked --input <usd> --output <usd>$/m)
  assert.match(out, /^own\/listed +0 /m)
  assert.match(out, /^own\/mine +0 /m)
  assert.doesNotMatch(out, /priced-since|never-asked/)
  assert.match((await ran('models unpriced --all', answers)).out, /own\/never-asked/)
  const { data } = JSON.parse((await ran('models unpriced --json', answers)).out) as { data: object[] }
  assert.deepEqual(data[0], {
    model: 'own/asked',
    requests: 2,
    configured: false,
    price_command: 'turnpike models price set own/asked --input <usd> --output <usd>',
    free_command: 'turnpike models price set own/asked --free',
  })
})

test('models list reads every page, and hides what is not allowed', async () => {
  const model = (id: string, more: object = {}) => ({
    provider: 'p',
    id,
    canonical: null,
    name: null,
    context_window: 1000,
    max_output_tokens: null,
    input_modalities: ['text'],
    output_modalities: ['text'],
    capabilities: [],
    price: null,
    price_source: null,
    allowed: true,
    ...more,
  })
  const answers: ScriptedApi = {
    'GET models': ({ path }) =>
      path.includes('cursor=c2')
        ? {
            data: [model('b', { price: { input_per_million_usd: '1', output_per_million_usd: '2' }, price_source: 'catalog' })],
            next_cursor: null,
          }
        : { data: [model('a'), model('no', { allowed: false })], next_cursor: 'c2' },
  }
  const { out } = await ran('models list', answers)
  assert.match(out, /^p\/a +1,000 +- +- +- +unpriced$/m)
  assert.match(out, /^p\/b .*\$1\.00 .*catalog$/m)
  assert.doesNotMatch(out, /p\/no/)
  assert.doesNotMatch((await ran('models list --unpriced', answers)).out, /p\/b/)
  const few = await ran('models list --limit 1', answers)
  assert.match(few.remarks, /^1 of 2: /)
})

test('a refusal of the API is one sentence that names the field: 400 is misuse, the others are failures', async () => {
  const refusal = (code: string, message: string, field?: string) => ({
    error: { code, message, ...(field === undefined ? {} : { field }) },
  })
  const cases: [number, object, number, string][] = [
    [400, refusal('invalid_request', 'must not be empty.', 'model'), 2, 'turnpike: model: must not be empty.'],
    [400, refusal('invalid_request', "'model' is empty.", 'model'), 2, "turnpike: 'model' is empty."],
    [404, refusal('not_found', 'There is no provider.'), 1, 'turnpike: There is no provider.'],
    [409, refusal('read_only', 'turnpike.yaml declares it.'), 1, 'turnpike: turnpike.yaml declares it.'],
    [503, refusal('unavailable', 'The store cannot be written.'), 1, 'turnpike: The store cannot be written.'],
  ]
  for (const [status, body, exitCode, sentence] of cases) {
    const said = await ran('aliases set a b', { 'PUT aliases/a': [status, body] })
    assert.deepEqual([said.exitCode, said.out, said.remarks], [exitCode, '', sentence])
  }
})

test('the audit log is a table, newest first as it comes', async () => {
  const entry = {
    seq: 7,
    at: '2026-11-21T12:00:00.000Z',
    actor: 'cli',
    action: 'key.revoke',
    target: 'key_1',
    detail: { name: 'x\u001b[2J' },
  }
  const { out, last } = await ran('audit list --limit 3', { 'GET audit': { data: [entry], next_cursor: null } })
  assert.match(out, /cli +key\.revoke +key_1 +\{"name":"x\\u001b\[2J"\}$/m)
  assert.equal(last?.path, 'audit?limit=3')
})
