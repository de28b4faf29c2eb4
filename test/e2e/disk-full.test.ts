// A disk that fills up while requests run: clients are answered, the operator hears of it, and the records come once there is room.
import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { createCrashLoad, crashConfig, createRandom } from '#test/crash-load.ts'
import { seenBy, skipWithoutDisks, withDisk } from '#test/namespaces.ts'
import { auditRecords, type StoredRow } from '#test/record-audit.ts'
import { runCommand, scratchFolder, startGateway } from '#test/turnpike-process.ts'

const adminToken = 'disk-full-admin-token-0123456789abcdef'
const limitedKey = 'tp-disk-full-limited-0123456789abcdef'

test(
  'keys without a budget are answered while the disk is full, and every record is there once there is room',
  { skip: skipWithoutDisks },
  async (context) => {
    const load = await createCrashLoad(createRandom(1))
    context.after(() => load.close())
    const folder = scratchFolder(context)
    const config = path.join(folder, 'turnpike.yaml')
    const limited = { name: 'limited', value: limitedKey, budgets: [{ amount_usd: '100', period: 'day' }] }
    const { budgets: _, ...declared } = JSON.parse(crashConfig(load.upstream.origin)) as {
      keys: { name: string; value: string }[]
      budgets?: object
    }
    const unlimited = declared.keys.map(({ name, value }) => ({ name, value }))
    writeFileSync(config, JSON.stringify({ ...declared, keys: [...unlimited, limited] }))
    const home = scratchFolder(context)
    const gateway = await startGateway(context, home, ['--config', config], {
      env: { TURNPIKE_ADMIN_TOKEN: adminToken },
      through: withDisk(home, '8m'),
    })
    const { url } = gateway.ready
    const askEach = async (): Promise<void> => {
      for (const kind of ['whole', 'fast', 'uncounted', 'refused', 'cut', 'whole'] as const) {
        const ask = await load.ask(url, kind)
        if (kind !== 'cut') assert.ok(ask.complete, `${kind} was not answered`)
      }
    }
    await askEach()
    assert.equal((await recorded(url)).length, load.asks.length)

    const filler = path.join(seenBy(gateway.child.pid!, home), 'filler')
    fill(filler)
    for (let n = 0; n < 10; n++) await askEach()
    await gateway.until('stderr', /ENOSPC[^\n]*the recorder has trouble/)
    const before = load.upstream.received.length
    const refused = await askLimited(url)
    assert.equal(refused.status, 503)
    assert.match(await refused.text(), /"code":"store_unavailable"/)
    assert.equal(load.upstream.received.length, before, 'a key with a budget was let off')
    assert.ok((await recorded(url)).length < load.asks.length, 'the disk was not full')

    assert.ok(readdirSync(path.join(seenBy(gateway.child.pid!, home), 'journal')).length < 10, 'every failed write left a file')
    rmSync(filler)
    await askEach()
    const rows = (await recorded(url)).filter((row) => load.asks.some(({ marker }) => marker === row.session))
    assert.deepEqual(auditRecords(load.asks, rows, () => Infinity, 0).violations, [])
    assert.equal(rows.length, load.asks.length)
    // A query writes what waits; until then, who has a limit may still be refused.
    const after = load.upstream.received.length
    assert.doesNotMatch(await (await askLimited(url)).text(), /store_unavailable/)
    assert.ok(load.upstream.received.length > after, 'the key with a budget is served again')

    gateway.child.kill('SIGTERM')
    assert.equal((await gateway.ended).exitCode, 0)
  },
)

test('a start on a full disk says so in one sentence', { skip: skipWithoutDisks }, async (context) => {
  for (const size of ['16k', '64k', '256k']) {
    const home = scratchFolder(context)
    const { exitCode, stdout, stderr } = await runCommand(context, ['up', '--home', home, '--port', '0'], { through: withDisk(home, size) })
    assert.equal(exitCode, 1, `${size}: ${stdout}${stderr}`)
    assert.match(stderr, /^turnpike: [^\n]*(full|space)[^\n]*\n$/, size)
  }
})

/** As a key with a budget. */
function askLimited(url: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${limitedKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'chat/model-1', max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] }),
  })
}

/** Writes until there is no room for another byte. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w')
  try {
    for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) {
      try {
        for (;;) writeSync(descriptor, Buffer.alloc(bytes))
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

type ApiRow = {
  readonly id: string
  readonly session: string
  readonly outcome: string
  readonly error?: { readonly class: string }
  readonly provider: string
  readonly cost_source: string
  readonly cost_usd: string | null
  readonly tokens: { readonly input: number | null; readonly output: number | null }
}

async function recorded(url: string): Promise<StoredRow[]> {
  const response = await fetch(`${url}/api/v1/requests?limit=1000`, { headers: { authorization: `Bearer ${adminToken}` } })
  const { data } = (await response.json()) as { data: ApiRow[] }
  return data.map((row) => ({
    id: row.id,
    session: row.session,
    outcome: row.outcome,
    errorClass: row.error?.class ?? '',
    provider: row.provider,
    costSource: row.cost_source,
    input: row.tokens.input,
    output: row.tokens.output,
    costNanoUsd: row.cost_usd === null ? null : nanoUsd(row.cost_usd),
  }))
}

function nanoUsd(usd: string): bigint {
  const [whole = '0', fraction = ''] = usd.split('.')
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}
