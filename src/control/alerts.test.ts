// Alerts of budgets reach a webhook: signed, tried again, told once, and never with the secret beside them.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import type { BudgetAlert } from '#ledger'
import { admin, openTestControl, refusalOf } from '#test/control.ts'
import { refusedPort } from '#test/ports.ts'
import { alertEvent } from './alert-words.ts'

const secret = 'whsec-0123456789-abcdefghij'

type Received = { readonly body: string; readonly headers: Readonly<Record<string, string | string[] | undefined>> }

/** Answers with these statuses, one after the other, then with 200. */
async function receiver(t: TestContext, ...statuses: number[]) {
  const received: Received[] = []
  const waiting: (() => void)[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ body: Buffer.concat(chunks).toString(), headers: request.headers })
      response.writeHead(statuses.shift() ?? 200).end('{}')
      for (const wake of waiting.splice(0)) wake()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/turnpike?team=core`,
    received,
    async got(count: number): Promise<void> {
      while (received.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    },
  }
}

function alertOf(name: string, spent = 4_020_000_000n): BudgetAlert {
  return {
    name,
    share: 0.8,
    atMs: Date.now(),
    budget: {
      kind: 'budget',
      id: 'key:key_1:usd:day',
      owner: { kind: 'key', id: 'key_1', name: 'laptop' },
      rule: { limit: { nanoUsd: 5_000_000_000n }, period: 'day', soft: false, models: ['gpt-*'], alertAt: [0.8] },
      unit: 'usd',
      spent,
      held: 0n,
      left: 980_000_000n,
      limit: 5_000_000_000n,
      window: { fromMs: Date.UTC(2026, 10, 22), toMs: Date.UTC(2026, 10, 23) },
    },
  }
}

/** As docs/money.md says it. */
function isSigned({ headers, body }: Received, key = secret): boolean {
  const { t, v1 } = Object.fromEntries(String(headers['x-turnpike-signature']).split(',').map((part) => part.split('='))) as Record<string, string> // prettier-ignore
  return Math.abs(Date.now() / 1000 - Number(t)) < 60 && v1 === createHmac('sha256', key).update(`${t}.${body}`).digest('hex')
}

test('an alert is posted signed, with what was spent of what, and told in the log', async (t) => {
  const hook = await receiver(t)
  const { control, warnings } = await openTestControl(t)
  await control.settings.update({ alerts: { webhook_url: hook.url, webhook_secret: secret, allow_private_network: true } }, admin)
  control.alerts.tell(alertOf('a'))
  await hook.got(1)
  const [first] = hook.received
  assert.ok(isSigned(first!))
  assert.ok(!isSigned(first!, 'another-secret-0123456789'))
  const event = JSON.parse(first!.body) as Record<string, unknown>
  assert.match(String(event['id']), /^alert_/)
  assert.equal(first!.headers['x-turnpike-event-id'], event['id'])
  assert.equal(first!.headers['content-type'], 'application/json')
  assert.deepEqual({ ...event, id: '', at: '' }, {
    id: '',
    type: 'budget.alert',
    at: '',
    limit: {
      id: 'key:key_1:usd:day',
      owner: { kind: 'key', id: 'key_1', name: 'laptop' },
      unit: 'usd',
      period: 'day',
      soft: false,
      models: ['gpt-*'],
    },
    share: 0.8,
    spent_usd: '4.02',
    amount_usd: '5',
    window: { from: '2026-11-22T00:00:00.000Z', to: '2026-11-23T00:00:00.000Z' },
  }) // prettier-ignore
  assert.deepEqual(warnings, ['80 % of the daily budget of the key "laptop" is spent: $4.02 of $5'])
})

test('the whole of a hard budget is told when it refuses, which may be before its last cent', () => {
  const { sentence } = alertEvent({ ...alertOf('whole'), share: 1 })
  assert.equal(sentence, 'the daily budget of the key "laptop" has refused a request: $4.02 of $5 is spent')
  const spent = alertEvent({ ...alertOf('whole', 5_000_000_000n), share: 1 })
  assert.equal(spent.sentence, '100 % of the daily budget of the key "laptop" is spent: $5 of $5')
})

test('a webhook that fails is asked again, and one that took it never is, not even after a start', async (t) => {
  const hook = await receiver(t, 500, 503, 302)
  const first = await openTestControl(t, { alertWaitsMs: [1, 2, 3] })
  await first.control.settings.update({ alerts: { webhook_url: hook.url, webhook_secret: secret, allow_private_network: true } }, admin)
  first.control.alerts.tell(alertOf('a'))
  await hook.got(4)
  assert.equal(new Set(hook.received.map(({ body }) => body)).size, 1, 'the same event each time')
  assert.ok(hook.received.every((one) => isSigned(one)))
  // Told again: by the same process, and by the next one.
  first.control.alerts.tell(alertOf('a', 4_500_000_000n))
  first.control.alerts.tell(alertOf('b'))
  await hook.got(5)
  await first.close()
  const again = await openTestControl(t, { home: first.home, alertWaitsMs: [1] })
  again.control.alerts.resume()
  again.control.alerts.tell(alertOf('a'))
  again.control.alerts.tell(alertOf('b'))
  again.control.alerts.tell(alertOf('c'))
  await hook.got(6)
  await again.close()
  const ids = hook.received.map(({ headers }) => headers['x-turnpike-event-id'])
  assert.deepEqual([ids.length, new Set(ids).size], [6, 3])
  assert.equal(first.warnings.length, 2)
  assert.equal(again.warnings.length, 1)
})

test('what one process could not send, the next one does', async (t) => {
  const nobody = await refusedPort()
  const first = await openTestControl(t, { alertWaitsMs: [3_600_000] })
  const alerts = (url: string) => ({ alerts: { webhook_url: url, webhook_secret: secret, allow_private_network: true } })
  await first.control.settings.update(alerts(nobody.origin), admin)
  first.control.alerts.tell(alertOf('a'))
  await first.close()
  await nobody.close()
  const hook = await receiver(t)
  const again = await openTestControl(t, { home: first.home })
  await again.control.settings.update(alerts(hook.url), admin)
  again.control.alerts.resume()
  await hook.got(1)
  assert.ok(isSigned(hook.received[0]!))
})

test('the secret is sealed, shown nowhere, and kept for its own address alone', async (t) => {
  const hook = await receiver(t, 500)
  const opened = await openTestControl(t)
  const { control, home, logged } = opened
  await control.settings.update({ alerts: { webhook_url: hook.url, webhook_secret: secret, allow_private_network: true } }, admin)
  const shown = control.settings.list().find(({ name }) => name === 'alerts')
  assert.deepEqual(shown?.value, { webhook_url: hook.url, allow_private_network: true })
  // The same address without the secret: it stays. Another one: it must be sent again.
  await control.settings.update({ alerts: { webhook_url: `${hook.url}&v=2`, allow_private_network: true } }, admin)
  const moved = await refusalOf(() => control.settings.update({ alerts: { webhook_url: 'https://elsewhere.example/' } }, admin))
  assert.deepEqual([moved.kind, moved.field], ['invalid_request', 'alerts.webhook_secret'])
  const tested = await control.alerts.test()
  assert.deepEqual([tested.ok, tested.status], [false, 500])
  assert.ok((await control.alerts.test()).ok)
  assert.ok(isSigned(hook.received[1]!))
  control.alerts.tell(alertOf('a'))
  await hook.got(3)
  const told = JSON.stringify([control.settings.list(), (await control.audit(50, undefined)).data, tested, logged])
  assert.ok(!told.includes(secret))
  await opened.close()
  assert.ok(!readFileSync(path.join(home, 'control.db')).includes(secret))
})

test('a webhook of the file may be anywhere, and is read-only here; without any, alerts are told in the log', async (t) => {
  const hook = await receiver(t)
  const declared = `alerts: { webhook_url: "${hook.url}", webhook_secret: "\${HOOK_SECRET}" }\n`
  const { control, logged } = await openTestControl(t, { declared, env: { HOOK_SECRET: secret } })
  assert.ok((await control.alerts.test()).ok)
  assert.ok(isSigned(hook.received[0]!))
  assert.equal((JSON.parse(hook.received[0]!.body) as { type: string }).type, 'test')
  assert.equal((await refusalOf(() => control.settings.update({ alerts: null }, admin))).kind, 'read_only')
  assert.ok(!logged.join().includes(secret))

  const without = await openTestControl(t)
  assert.equal((await refusalOf(() => without.control.alerts.test())).kind, 'conflict')
  without.control.alerts.tell(alertOf('a'))
  without.control.alerts.tell(alertOf('a'))
  await without.close()
  assert.equal(without.warnings.length, 1)
})

test('with another master key nothing is sent, which is said, until the secret is sent again', async (t) => {
  const hook = await receiver(t)
  const first = await openTestControl(t, { overrides: { masterKey: 'a-master-key-0123456789-0123456789-a' } })
  const alerts = { webhook_url: hook.url, webhook_secret: secret, allow_private_network: true }
  await first.control.settings.update({ alerts }, admin)
  await first.close()
  const again = await openTestControl(t, { home: first.home, overrides: { masterKey: 'b-master-key-0123456789-0123456789-b' } })
  assert.match(again.warnings.join(), /the webhook of alerts cannot be used: Its secret cannot be read with this master key/)
  assert.equal((await refusalOf(() => again.control.alerts.test())).kind, 'conflict')
  const kept = await refusalOf(() => again.control.settings.update({ alerts: { ...alerts, webhook_secret: undefined } }, admin))
  assert.equal(kept.field, 'alerts.webhook_secret')
  await again.control.settings.update({ alerts }, admin)
  assert.ok((await again.control.alerts.test()).ok)
})

test('each wrong field of a webhook is named, and its value is not', async (t) => {
  const { control } = await openTestControl(t)
  const url = 'https://ops.example/hook'
  const cases: readonly [alerts: object, field: string, says: RegExp][] = [
    [
      { webhook_url: 'ftp://ops.example', webhook_secret: secret },
      'alerts.webhook_url',
      /is set to something: it is not an http or https address/,
    ],
    [{ webhook_url: 'https://me:pass@ops.example/', webhook_secret: secret }, 'alerts.webhook_url', /without a user/],
    [{ webhook_url: url, webhook_secret: 'short-secret' }, 'alerts.webhook_secret', /fewer than 16/],
    [{ webhook_url: url }, 'alerts.webhook_secret', /is missing/],
    [{ webhook_secret: secret }, 'alerts.webhook_url', /is missing/],
    [{ webhook_url: url, webhook_secret: secret, secret: 'x' }, 'alerts.secret', /Did you mean webhook_secret\?/],
    [
      { webhook_url: 'http://127.0.0.1:9/', webhook_secret: secret },
      'alerts.webhook_url',
      /private or loopback address; set allow_private_network/,
    ],
    [{ webhook_url: 'http://169.254.169.254/', webhook_secret: secret }, 'alerts.webhook_url', /private or loopback address/],
  ]
  for (const [alerts, field, says] of cases) {
    const refused = await refusalOf(() => control.settings.update({ alerts }, admin))
    assert.equal(refused.field, field, JSON.stringify(alerts))
    assert.match(refused.message, says)
    assert.ok(!/pass|short-secret|whsec/.test(refused.message), refused.message)
  }
})
