// A journal whose end is damaged: truncated, overwritten, or with garbage behind it. It always starts, and what lies before is there.
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { createCrashLoad, crashConfig, createRandom, type Ask } from '#test/crash-load.ts'
import { openLedger } from '#test/crash-money.ts'
import { auditRecords, differingRollups, journalFiles, readRows } from '#test/record-audit.ts'
import { scratchFolder, startGateway } from '#test/turnpike-process.ts'

const rounds = Number(process.env['KILL9_KILLS'] ?? (process.env['npm_lifecycle_event'] === 'test:kill9' ? 12 : 4))
const seed = Number(process.env['KILL9_SEED'] ?? Date.now() % 1_000_000)
const requestsPerRound = 40

/** What somebody's disk may do to the end of a file, from `at` on. */
const damages = {
  truncated: (file, at) => truncateSync(file, at),
  'with flipped bits': (file, at, random) => {
    const bytes = readFileSync(file)
    for (let n = 0; n < 8; n++) {
      const place = at + Math.floor(random() * (bytes.length - at))
      bytes[place] = bytes[place]! ^ (1 << Math.floor(random() * 8))
    }
    writeFileSync(file, bytes)
  },
  'full of zeros': (file, at) => writeFileSync(file, readFileSync(file).fill(0, at)),
  'with garbage behind it': (file, _at, random) =>
    appendFileSync(file, Buffer.from(Array.from({ length: 1 + Math.floor(random() * 3000) }, () => Math.floor(random() * 256)))),
} as const satisfies Record<string, (file: string, at: number, random: () => number) => void>

test(`a journal whose end is damaged by hand, ${rounds} times, starts and has every record from before the damage`, async (context) => {
  context.diagnostic(`seed ${seed} (KILL9_SEED=${seed} KILL9_KILLS=${rounds} repeats it)`)
  const random = createRandom(seed)
  const load = await createCrashLoad(random)
  context.after(() => load.close())
  const home = scratchFolder(context)
  writeFileSync(path.join(home, 'turnpike.yaml'), crashConfig(load.upstream.origin))
  /** Asks whose records lie behind a place that was damaged: they may be gone. */
  const exposed = new Set<Ask>()
  let lost = 0
  let torn = 0

  const ledger = openLedger(context, home)
  let gateway = await startGateway(context, home, ['--log-level', 'warn'])
  for (let round = 0; round < rounds; round++) {
    const ends: { ask: Ask; bytes: number }[] = []
    for (let n = 0; n < requestsPerRound; n++) {
      const ask = await load.ask(gateway.ready.url, 'fast')
      assert.ok(ask.complete)
      // Its last record was written before its last byte came.
      ends.push({ ask, bytes: newestSegment(home).bytes })
    }
    gateway.child.kill('SIGKILL')
    await gateway.ended

    const segment = newestSegment(home)
    const names = Object.keys(damages) as (keyof typeof damages)[]
    const damage = names[round % names.length]!
    const at = Math.floor(segment.bytes * (1 - random() ** 3))
    damages[damage](path.join(home, 'journal', segment.name), at, random)
    if (damage !== 'with garbage behind it') for (const { ask, bytes } of ends) if (bytes > at) exposed.add(ask)

    gateway = await startGateway(context, home, ['--log-level', 'warn'])
    const rows = readRows(home)
    const bySession = Map.groupBy(rows, ({ session }) => session)
    /** Behind a damage a record may be gone, or have lost its end; one that says ok must be right. */
    const damaged = new Set([...exposed].filter(({ marker }) => bySession.get(marker)?.[0]?.outcome !== 'ok').map(({ marker }) => marker))
    lost = damaged.size
    const of = `round ${round}, a journal ${damage} from ${at} of ${segment.bytes}`
    const { violations } = auditRecords(
      load.asks.filter(({ marker }) => !damaged.has(marker)),
      rows.filter(({ session }) => !damaged.has(session)),
      () => Infinity,
      0,
    )
    assert.deepEqual(violations, [], of)
    assert.deepEqual(differingRollups(home), [], of)
    assert.deepEqual((await ledger.check()).violations, [], of)
    for (const marker of damaged) {
      const own = bySession.get(marker) ?? []
      assert.ok(own.length <= 1, `${of}: ${marker} has ${own.length} records`)
      for (const { outcome } of own) assert.equal(outcome, 'interrupted', `${of}: ${marker}`)
    }
    if (journalFiles(home).some(({ name }) => name === `${segment.name}.torn`)) torn++
  }
  context.diagnostic(
    `${load.asks.length} requests, ${exposed.size} behind a damage, ${lost} of them lost; ${torn} damaged ends kept beside`,
  )
  assert.ok(torn > 0, 'no damage was in what had to be read: nothing was tested')
})

test('a journal that is shorter than what had been loaded from it starts, and costs nothing', async (context) => {
  const load = await createCrashLoad(createRandom(seed))
  context.after(() => load.close())
  const home = scratchFolder(context)
  writeFileSync(path.join(home, 'turnpike.yaml'), crashConfig(load.upstream.origin))
  const first = await startGateway(context, home)
  for (let n = 0; n < 5; n++) await load.ask(first.ready.url, 'fast')
  const authorization = `Bearer ${readFileSync(path.join(home, 'admin-token'), 'utf8').trim()}`
  // Whoever asks sees all that was recorded: it has been loaded.
  assert.equal((await fetch(`${first.ready.url}/api/v1/requests`, { headers: { authorization } })).status, 200)
  first.child.kill('SIGKILL')
  await first.ended
  const { name, bytes } = newestSegment(home)
  truncateSync(path.join(home, 'journal', name), bytes - 5)
  await startGateway(context, home)
  assert.deepEqual(auditRecords(load.asks, readRows(home), () => Infinity, 0).violations, [])
  assert.equal(readRows(home).length, 5)
  assert.deepEqual((await openLedger(context, home).check()).violations, [])
})

function newestSegment(home: string): { readonly name: string; readonly bytes: number } {
  const place = (name: string): number => Number(/^\d+-(\d+)\.tpj$/.exec(name)?.[1] ?? 0)
  return journalFiles(home)
    .filter(({ name }) => name.endsWith('.tpj'))
    .reduce((newest, file) => (place(file.name) > place(newest.name) ? file : newest))
}
