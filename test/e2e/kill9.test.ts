// The journal's promise under SIGKILL: what was answered is recorded and charged once, what was in flight costs its last progress, and no
// budget or wallet is passed.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createCrashLoad, crashConfig, createRandom, type Ask } from '#test/crash-load.ts'
import { createCrashMoney, openLedger } from '#test/crash-money.ts'
import { auditRecords, differingRollups, journalFiles, readRows } from '#test/record-audit.ts'
import { scratchFolder, startCommand, startGateway } from '#test/turnpike-process.ts'

// `npm run test:kill9` runs the whole campaign. KILL9_KILLS and KILL9_SEED choose another length, and repeat a run.
const kills = Number(process.env['KILL9_KILLS'] ?? (process.env['npm_lifecycle_event'] === 'test:kill9' ? 20 : 5))
const seed = Number(process.env['KILL9_SEED'] ?? Date.now() % 1_000_000)

const clients = 30
/** A progress record is due every second, on a clock of 50 ms ticks; the rest is what a busy machine adds. */
const intervalMs = 1000 + 50 + 450
/** Most starts take a second; one that waits for a busy machine is no failure, one that hangs is. */
const slowestStartMs = 20_000
const medianStartMs = 5000
const journalBytes = 64 * 1024 * 1024

test(`kill -9 under load, ${kills} times: the journal keeps its promise, the ledger adds up, and no limit is passed`, async (context) => {
  context.diagnostic(`seed ${seed} (KILL9_SEED=${seed} KILL9_KILLS=${kills} repeats it)`)
  const random = createRandom(seed)
  const load = await createCrashLoad(random)
  context.after(() => load.close())
  const home = scratchFolder(context)
  writeFileSync(path.join(home, 'turnpike.yaml'), crashConfig(load.upstream.origin))
  const killedAt = new Map<Ask, number>()
  const startsMs: number[] = []
  let killedStarts = 0
  const first = await startGateway(context, home, ['--log-level', 'warn'])
  const money = await createCrashMoney(home, openLedger(context, home), first.ready.url, load)
  first.child.kill('SIGKILL')
  await first.ended

  for (let kill = 1; kill <= kills; kill++) {
    await money.credit()
    const gateway = await checkedStart(kill)
    const before = load.asks.length
    const running = load.start(gateway.ready.url, clients)
    // Every fourth run lasts for more than one progress interval.
    await delay(kill % 4 === 0 ? 2000 + random() * 1500 : 200 + random() * 1800)
    gateway.child.kill('SIGKILL')
    const killedMs = performance.now()
    running.stop()
    const { stderr } = await gateway.ended
    await running.ended
    for (const ask of load.asks.slice(before)) killedAt.set(ask, killedMs)
    assert.deepEqual(troubles(stderr), [], `process ${kill} had trouble`)
    if (random() < 0.3) await killedStart()
  }
  const last = await checkedStart(kills + 1)
  last.child.kill('SIGTERM')
  assert.equal((await last.ended).exitCode, 0)
  assert.deepEqual(journalFiles(home), [], 'a clean stop leaves nothing in the journal')
  assert.deepEqual(await money.audit(), [])

  const { answered, beyond, orphans, bounded, worstLoss } = auditRecords(load.asks, readRows(home), (ask) => killedAt.get(ask)!, intervalMs)
  context.diagnostic(
    `${load.asks.length} requests, ${answered} answered, ${beyond} of them refused for a limit, ${orphans} in flight when killed, ${bounded} of them for longer than an interval`,
  )
  context.diagnostic(
    `the most that a charge stayed behind: ${worstLoss.tokens} tokens, ${worstLoss.ageMs} ms old; ${killedStarts} starts were killed as well`,
  )
  const medianMs = startsMs.toSorted((a, b) => a - b)[startsMs.length >> 1]!
  context.diagnostic(`start after a kill: ${Math.round(Math.max(...startsMs))} ms at most, ${Math.round(medianMs)} ms in the median`)
  assert.ok(medianMs < medianStartMs, 'starts after a kill are slow')
  assert.ok(answered > kills * 5, `only ${answered} were answered: nothing was tested`)
  assert.ok(orphans > kills, `only ${orphans} were in flight: nothing was tested`)
  assert.ok(beyond > kills, `only ${beyond} were refused for a limit: nothing was tested`)
  assert.ok(money.probes > kills / 2, `only ${money.probes} limits had something left that could be asked for: nothing was tested`)
  assert.ok(bounded > 0, 'no stream was killed after more than an interval: the lower bound was not tested')

  /** Starts number `start` on the home, and holds what is recorded against what was seen until then. */
  async function checkedStart(start: number): Promise<Awaited<ReturnType<typeof startGateway>>> {
    const beganMs = performance.now()
    const gateway = await startGateway(context, home, ['--log-level', 'warn'])
    const tookMs = performance.now() - beganMs
    startsMs.push(tookMs)
    assert.ok(tookMs < slowestStartMs, `start ${start} took ${Math.round(tookMs)} ms`)
    const { violations } = auditRecords(load.asks, readRows(home), (ask) => killedAt.get(ask)!, intervalMs)
    assert.deepEqual(violations, [], `at start ${start}`)
    assert.deepEqual(differingRollups(home), [], `roll-ups at start ${start}`)
    assert.deepEqual(await money.audit(), [], `the ledger at start ${start}`)
    assert.deepEqual(await money.probe(gateway.ready.url), [], `limits at start ${start}`)
    const files = journalFiles(home)
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    assert.ok(bytes < journalBytes && files.length < 10, `the journal has ${files.length} files, ${bytes} bytes, when everything is loaded`)
    return gateway
  }

  /** Recovery itself is killed at a random moment; the next start does the rest. */
  async function killedStart(): Promise<void> {
    const { child, ended } = startCommand(context, ['up', '--home', home, '--port', '0', '--json', '--log-level', 'warn'])
    await delay(100 + random() * 500)
    child.kill('SIGKILL')
    await ended
    killedStarts++
  }
})

/** Lines of the log above a warning, and what is no line of the log. */
function troubles(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !/^\{"level":"(?:info|warn)"/.test(line))
}
