// Money by command: a wallet is credited, a request is paid from it, refunded, stated, exported and checked; with a gateway and without.
import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { openDatabase } from '#test/databases.ts'
import { createCheckedAdmin } from '#test/openapi-check.ts'
import { wireScripts } from '#test/scripts.ts'
import { adminToken, startTest } from '#test/turnpike.ts'
import { runCommand, scratchFolder, startGateway, type Ended } from '#test/turnpike-process.ts'
import { createUpstream } from '#test/upstream.ts'
import { stringify } from 'yaml'

type Account = {
  readonly id: string
  readonly balance_usd: string
  readonly paid_usd: string
  readonly promo_usd: string
  readonly held_usd: string
}

/** 12 input tokens at 2 and 2 output tokens at 10 USD per million, as the script's answer says. */
async function begin(context: TestContext) {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  upstream.route('/v1/chat/completions', () => wireScripts['openai-chat'].json({ model: 'm-1' }))
  const folder = scratchFolder(context)
  const home = path.join(folder, 'home')
  const config = path.join(folder, 'turnpike.yaml')
  const price = { input_per_million_usd: '2', output_per_million_usd: '10' }
  writeFileSync(
    config,
    stringify({
      providers: {
        basement: {
          vendor: 'openai',
          base_url: `${upstream.origin}/v1`,
          credentials: [{ value: 'sk-provider-secret-1' }],
          models: { custom: [{ id: 'm-1', max_output_tokens: 1000, price }] },
        },
      },
    }),
  )
  const options = { env: { TURNPIKE_HOME: home, TURNPIKE_CONFIG: config } }
  const run = (...args: string[]): Promise<Ended> => runCommand(context, args, options)
  const done = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(...args)
    assert.equal(exitCode, 0, `${args.join(' ')}\n${stdout}\n${stderr}`)
    return stdout
  }
  await done('keys', 'create', '--name', 'first')
  return { folder, home, options, run, done }
}

test('a prepaid request is paid from the wallet, promo first, refunded once, and everything adds up', async (context) => {
  const { folder, home, options, run, done } = await begin(context)
  await done('users', 'add', '--name', 'ada', '--prepaid')
  const key = (await done('keys', 'create', '--name', 'laptop', '--user', 'ada')).trim()
  // Nobody holds the home: the same API in this process.
  await done('accounts', 'credit', 'ada', '0.00003', '--pot', 'promo')
  assert.match(await done('ledger', 'check'), /The ledger adds up/)

  const { ready, child, ended } = await startGateway(context, home, [], options)
  assert.match(
    await done('accounts', 'credit', 'ada', '25.50', '--note', 'invoice, "7"'),
    /\$25\.50 for ada, whose balance is \$25\.50003 now/,
  )
  const answer = await fetch(`${ready.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'basement/m-1', messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  assert.equal(answer.status, 200)
  await answer.text()
  const [row] = (JSON.parse(await done('requests', 'list', '--json')) as { data: { id: string; cost_usd: string }[] }).data
  assert.ok(row !== undefined && Number(row.cost_usd) > 0.00003)

  const account = async () => JSON.parse(await done('accounts', 'show', 'ada', '--json')) as Account
  const paid = await account()
  assert.equal(Number(paid.balance_usd).toFixed(9), (25.50003 - Number(row.cost_usd)).toFixed(9))
  assert.deepEqual([paid.promo_usd, paid.held_usd], ['0', '0'])

  assert.match((await run('accounts', 'refund', 'ada', row.id, '--amount', '1')).stderr, /cost \$0\.0000\d+; \$1 is more than that/)
  await done('accounts', 'refund', 'ada', row.id)
  assert.equal((await account()).balance_usd, '25.50003')
  assert.match((await run('accounts', 'refund', 'ada', row.id)).stderr, /all of which has been refunded/)

  const statement = await done('accounts', 'statement', 'ada')
  assert.match(statement, new RegExp(`credit +\\$0\\.00003 .*credit +\\$25\\.50 .*request ${row.id}.*refund of ${row.id}`, 's'))
  const file = path.join(folder, 'ledger.csv')
  await done('ledger', 'export', '--output', file)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const csv = await done('ledger', 'export', '--account', 'cash:manual')
  const [head, ...lines] = csv.split('\r\n')
  assert.equal(head, 'transfer,at,kind,account,pot,amount_usd,requests,request_id,actor,note')
  assert.match(lines[0]!, /^2,20\d\d-[^,]+Z,credit,cash:manual,,-25\.5,0,,admin,"invoice, ""7"""$/)
  assert.match(lines[1]!, /^2,[^,]+,credit,wallet:user_[^,]+,paid,25\.5,0,,admin,"invoice, ""7"""$/)
  assert.deepEqual(lines.slice(2), [''])
  const audit = JSON.parse(await done('audit', 'list', '--json')) as { data: { action: string }[] }
  assert.deepEqual(
    audit.data.map(({ action }) => action).filter((action) => action.startsWith('account.')),
    ['account.refund', 'account.credit', 'account.credit'],
  )

  const verdict = JSON.parse(await done('ledger', 'check', '--json')) as { ok: boolean; records: number; charges: number }
  assert.deepEqual([verdict.ok, verdict.records, verdict.charges], [true, 1, 1])
  child.kill('SIGKILL')
  await ended
  assert.match(await done('ledger', 'check'), /The ledger adds up: 1 request/)
  const db = openDatabase(path.join(home, 'ledger.db'))
  db.exec("UPDATE wallets SET paid = paid + 1 WHERE account <> 'wallet:instance'")
  db.close()
  const wrong = await run('ledger', 'check')
  assert.equal(wrong.exitCode, 1)
  assert.match(wrong.stdout, /^The paid pot of wallet:user_\S+ says \$25\.500000001, and its entries sum to \$25\.5\./)
  assert.match(wrong.stderr, /does not add up: 1 violation\./)
})

test('nobody is removed whose wallet has money', async (context) => {
  const { run, done } = await begin(context)
  for (const [kind, name] of [
    ['users', 'ada'],
    ['teams', 'lab'],
  ] as const) {
    await done(kind, 'add', '--name', name)
    await done('accounts', 'credit', name, '2')
    const refused = await run(kind, 'remove', name)
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /The wallet of (user|team)_\S+ has \$2; .*turnpike accounts adjust/)
    await done('accounts', 'adjust', name, '--take', '2', '--note', 'paid back')
    await done(kind, 'remove', name)
    assert.equal(JSON.parse(await done(kind, 'list', '--json')).data.length, 0)
  }
  assert.match(await done('ledger', 'check'), /The ledger adds up/)
})

test('what is misused says so and ends with 2', async (context) => {
  const { run, done } = await begin(context)
  await done('users', 'add', '--name', 'ada')
  const cases: [string, RegExp][] = [
    ['accounts credit ada -5', /unknown option|is an amount of USD/],
    ['accounts credit ada 1e3', /is an amount of USD like 25 or 0\.50/],
    ['accounts credit ada 0.0000000001', /with 10 decimals; it may have 9 at most/],
    [`accounts credit ada ${'9'.repeat(30)}`, /moves \$1000000 at most/],
    ['accounts credit ada 0', /must be more than 0/],
    ['accounts credit ada 1 --pot gold', /pot/],
    ['accounts adjust ada --note x', /Say either --add or --take/],
    ['accounts adjust ada --take 1', /--note/],
    ['accounts statement ada --from soon', /--from takes a duration/],
    ['ledger list --kind gift', /charge, credit, refund, adjustment/],
    ['ledger export --format xml', /csv/],
  ]
  for (const [args, message] of cases) {
    const { exitCode, stdout, stderr } = await run(...args.split(' '))
    assert.equal(exitCode, 2, `${args}: ${stderr}`)
    assert.equal(stdout, '', args)
    assert.match(stderr, message, args)
  }
  const missing = await run('accounts', 'credit', 'nobody', '1')
  assert.equal(missing.exitCode, 1)
  assert.match(missing.stderr, /There is no account "nobody"/)
})

test('the API describes what it does; a write is made once for its key, and counts for the next request', async (context) => {
  const upstream = await createUpstream()
  upstream.route('/v1/chat/completions', () => wireScripts['openai-chat'].json({ model: 'model-1' }))
  const turnpike = await startTest({ one: { wire: 'openai-chat', origin: upstream.origin } })
  context.after(async () => {
    await turnpike.end()
    await upstream.close()
  })
  const { ask, check } = await createCheckedAdmin(turnpike.url, adminToken)
  const user = (await ask('POST', '/users', { name: 'ada', prepaid: true })).json['id'] as string
  const key = (await ask('POST', '/keys', { name: 'laptop', type: 'user', user })).json['key'] as string
  const call = async (): Promise<number> => {
    const answer = await turnpike.post(
      '/v1/chat/completions',
      { model: 'one/model-1', messages: [{ role: 'user', content: 'Hello!' }] },
      { headers: { authorization: `Bearer ${key}` } },
    )
    await answer.text()
    return answer.status
  }
  assert.equal(await call(), 402)

  const once = { 'idempotency-key': 'invoice-7' }
  const credited = await ask('POST', `/accounts/${user}/credits`, { amount_usd: '2', note: 'invoice 7' }, once)
  assert.equal(credited.status, 201)
  const again = await ask('POST', `/accounts/${user}/credits`, { amount_usd: '2', note: 'invoice 7' }, once)
  assert.deepEqual([again.status, again.headers.get('idempotent-replayed'), again.text], [201, 'true', credited.text])
  const other = await ask('POST', `/accounts/${user}/credits`, { amount_usd: '3', note: 'invoice 7' }, once)
  assert.deepEqual([other.status, other.json.error.code, other.json.error.field], [409, 'conflict', 'Idempotency-Key'])
  assert.equal(await call(), 200)

  for (const amount of ['0.0000000001', '-1', 'NaN', '9'.repeat(30)]) {
    const refused = await ask('POST', `/accounts/${user}/credits`, { amount_usd: amount })
    assert.deepEqual([refused.status, refused.json.error.field], [400, 'amount_usd'], amount)
  }
  assert.equal((await ask('POST', '/accounts/nobody/credits', { amount_usd: '1' })).status, 404)
  const charged = (await ask('GET', `/ledger?account=${user}&kind=charge`)).json.data
  const request = String(charged[0]?.['request_id'])
  assert.equal((await ask('POST', `/accounts/${user}/refunds`, { request_id: request, amount_usd: '1' })).status, 409)
  assert.equal((await ask('POST', `/accounts/${user}/refunds`, { request_id: request })).status, 201)
  assert.equal((await ask('POST', `/accounts/${user}/adjustments`, { amount_usd: '-2', note: 'closed' })).status, 201)
  assert.equal((await ask('GET', `/accounts/${user}`)).json['balance_usd'], '0')
  assert.equal(await call(), 402)
  const statement = await ask('GET', `/accounts/${user}/statement?from=2020-01-01&limit=2`)
  assert.deepEqual([statement.json.data.length, statement.json['opening_usd']], [2, '0'])
  assert.equal((await ask('GET', `/accounts/${user}/statement?cursor=${statement.json.next_cursor}`)).json.data.length, 2)
  assert.equal((await ask('GET', `/accounts/${user}/statement?since=1`)).status, 400)
  assert.equal((await ask('GET', '/ledger?from=yesterday')).status, 400)
  assert.equal((await ask('GET', '/accounts?limit=3')).json.data.length, 3)
  assert.deepEqual((await ask('GET', '/ledger/check')).json['violations'], [])
  assert.deepEqual(
    check.unexercised().filter((name) => /Account|Transfer|Statement|Ledger|refundCharge/.test(name)),
    [],
  )
})
