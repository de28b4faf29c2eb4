// Lists over a million rows while requests are recorded: p95 of every filter, and what the queries do to the data plane.
// Run: npm run bench:rows -- [--rows 1000000] [--seconds 40] [--rounds 2] [--home <filled home>] [--json]
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { entryPoint } from '../contenders/turnpike.ts'
import { startNginxMock } from '../nginx.ts'
import { freePort, loadCore, run, start, stopAll, stopAllOnExit } from '../processes.ts'
import { median, percentile } from '../statistics.ts'
import { filterCases, type Case } from './cases.ts'
import { fillRecords } from './fill.ts'

const gatewayKey = 'tp-bench-0123456789abcdef0123456789abcdef'
const adminToken = 'bench-admin-token-0123456789abcdef0123456789'
const requestsPerSecond = 200
/** One list after the other, so many a second: more than any person or dashboard asks. */
const queriesPerSecond = 10
const listLimitMs = 100
const shiftLimitMs = 2
/** With a slower p99 than this when nothing is asked, the machine does something else, and the round tells nothing about lists. */
const quietLimitMs = 8

const { values: asked } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '2' },
    home: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const rows = Number(asked.rows)
const say = (text: string): void => {
  if (!asked.json) console.error(text)
}

stopAllOnExit()
const scratch = mkdtempSync(path.join(tmpdir(), 'turnpike-rows-'))
try {
  process.exitCode = await measure()
} finally {
  await stopAll()
  rmSync(scratch, { recursive: true, force: true })
}

async function measure(): Promise<number> {
  const home = asked.home ?? path.join(scratch, 'home')
  const nowMs = Date.now()
  let fillUs: number | undefined
  if (asked.home === undefined) {
    say(`writing ${rows} rows ...`)
    mkdirSync(home, { mode: 0o700 })
    fillUs = fillRecords(home, rows, nowMs)
  }
  const storeMb = Math.round(statSync(path.join(home, 'records.db')).size / 1e6)
  const mockPort = await freePort()
  await startNginxMock(scratch, mockPort, loadCore)
  const port = await startGateway(home, mockPort)
  const list = async (query: string): Promise<{ data: { id: string }[]; next_cursor: string | null }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/requests?${query}`, { headers: { authorization: `Bearer ${adminToken}` } })
    if (!answer.ok) throw new Error(`${query}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as { data: { id: string }[]; next_cursor: string | null }
  }
  const old = await list(`limit=1&to=${new Date(nowMs - 20 * 86_400_000).toISOString()}`)
  const cases = filterCases(nowMs, old.data[0]!.id)
  for (const one of cases) checkHits(one, (await list(one.query)).data.length)

  await load(port, 5)
  const quiet: number[] = []
  const busy: number[] = []
  const times = new Map<Case, number[]>(cases.map((one) => [one, []]))
  const rounds = Number(asked.rounds)
  for (let tries = 0; quiet.length < rounds && tries < rounds * 2; tries++) {
    say(`${requestsPerSecond} requests a second alone, then with ${queriesPerSecond} lists a second ...`)
    const alone = percentile(await load(port, Number(asked.seconds)), 0.99)
    if (alone > quietLimitMs) {
      say(`refused: the p99 alone was ${alone.toFixed(1)} ms; something else runs on this machine`)
      continue
    }
    const stop = new AbortController()
    const asking = askAll(cases, times, list, stop.signal)
    const together = percentile(await load(port, Number(asked.seconds)), 0.99)
    stop.abort()
    await asking
    quiet.push(alone)
    busy.push(together)
  }
  if (quiet.length < rounds) {
    say(`Only ${quiet.length} of ${rounds} rounds count: the machine is too busy to measure on.`)
    return 1
  }

  const lists = cases.map((one) => ({
    ...one,
    asked: times.get(one)!.length,
    p50: percentile(times.get(one)!, 0.5),
    p95: percentile(times.get(one)!, 0.95),
  }))
  const shiftMs = median(busy.map((ms, round) => ms - quiet[round]!))
  const slow = lists.filter((one) => !(one.p95 < listLimitMs))
  const report = {
    rows,
    storeMb,
    fillUs,
    requestsPerSecond,
    queriesPerSecond,
    lists,
    p99Ms: { quiet, busy, shift: shiftMs },
    limits: { listMs: listLimitMs, shiftMs: shiftLimitMs },
  }
  if (asked.json) console.log(JSON.stringify(report))
  else print(report)
  for (const one of slow) say(`ABOVE THE LIMIT: ${one.query} has a p95 of ${one.p95.toFixed(1)} ms, and ${listLimitMs} are allowed`)
  if (shiftMs > shiftLimitMs)
    say(`ABOVE THE LIMIT: the data plane's p99 moved by ${shiftMs.toFixed(1)} ms, and ${shiftLimitMs} are allowed`)
  return slow.length > 0 || shiftMs > shiftLimitMs ? 1 : 0
}

/** A question that finds something else than it is meant to would be measured for nothing. */
function checkHits({ hits, query }: Case, found: number): void {
  const right = hits === 'none' ? found === 0 : hits === 'common' ? found === 50 : found > 0
  if (!right) throw new Error(`${query} was meant to have ${hits} hits, and its page has ${found}`)
}

async function askAll(
  cases: readonly Case[],
  times: ReadonlyMap<Case, number[]>,
  list: (query: string) => Promise<unknown>,
  stop: AbortSignal,
): Promise<void> {
  for (let index = 0; !stop.aborted; index++) {
    // Those that have been asked least come first.
    const one = cases.toSorted((a, b) => times.get(a)!.length - times.get(b)!.length)[0]!
    const beganMs = performance.now()
    await list(one.query)
    const tookMs = performance.now() - beganMs
    times.get(one)!.push(tookMs)
    await wait(Math.max(0, 1000 / queriesPerSecond - tookMs))
  }
}

async function load(port: number, seconds: number): Promise<number[]> {
  const text = await run(
    process.execPath,
    [path.join(import.meta.dirname, 'load.ts'), String(port), gatewayKey, String(requestsPerSecond), String(seconds)],
    (seconds + 30) * 1000,
  )
  const { latencies, failed } = JSON.parse(text) as { latencies: number[]; failed: number }
  if (failed > 0) throw new Error(`${failed} of ${latencies.length} requests failed`)
  return latencies
}

async function startGateway(home: string, mockPort: number): Promise<number> {
  const port = await freePort()
  const config = path.join(scratch, 'turnpike.yaml')
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      keys: [{ name: 'bench', value: gatewayKey }],
      providers: {
        mock: {
          vendor: 'openai',
          base_url: `http://127.0.0.1:${mockPort}/v1`,
          credentials: [{ value: 'sk-provider' }],
          models: { custom: [{ id: 'gpt-4o-mini', price: { input_per_million_usd: '0.15', output_per_million_usd: '0.6' } }] },
        },
      },
    }),
  )
  const env = Object.fromEntries(Object.keys(process.env).filter((name) => name.startsWith('TURNPIKE_') || /_(API_KEY|TOKEN)$/.test(name)).map((name) => [name, undefined])) // prettier-ignore
  // On both cores, as anyone runs it.
  await start('taskset', ['-c', '0,1', process.execPath, entryPoint(), 'up'], {
    core: 0,
    port,
    logPath: path.join(scratch, 'turnpike.log'),
    env: {
      ...env,
      TURNPIKE_HOME: home,
      TURNPIKE_PORT: String(port),
      TURNPIKE_CONFIG: config,
      TURNPIKE_ADMIN_TOKEN: adminToken,
      TURNPIKE_LOG_MAX_BYTES: '50000000000',
    },
  })
  return port
}

type Report = {
  readonly rows: number
  readonly storeMb: number
  readonly lists: readonly (Case & { readonly asked: number; readonly p50: number; readonly p95: number })[]
  readonly p99Ms: { readonly quiet: readonly number[]; readonly busy: readonly number[]; readonly shift: number }
}

function print({ rows: count, storeMb, lists, p99Ms }: Report): void {
  console.log(`${count} rows, ${storeMb} MB; ${requestsPerSecond} requests a second recorded meanwhile\n`)
  console.log('| list by | hits | p50 ms | p95 ms | asked |\n|---|---|---|---|---|')
  for (const one of lists)
    console.log(`| \`${decodeURIComponent(one.query)}\` | ${one.hits} | ${one.p50.toFixed(1)} | ${one.p95.toFixed(1)} | ${one.asked} |`)
  const each = (values: readonly number[]): string => values.map((ms) => ms.toFixed(2)).join(', ')
  console.log(`\nData plane p99, ms: alone ${each(p99Ms.quiet)}; with lists ${each(p99Ms.busy)}; moved by ${p99Ms.shift.toFixed(2)}`)
}
