// One measurement: one load on one contender, what came of it, and what it cost.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Contender } from './contenders/contender.ts'
import { mockRequests } from './nginx.ts'
import { cpuBetween, readCpu, readRssBytes, type Cpu } from './proc.ts'
import { run } from './processes.ts'
import type { Load, Scenario } from './scenarios.ts'
import { percentile } from './statistics.ts'
import type { BenchWire } from './load/wires.ts'

export type Figures = {
  /** Requests, chunks or streams that the CPU is divided by. */
  readonly units: number
  readonly unitsPerSecond: number
  /** Microseconds of CPU per unit, absent for the direct run. */
  readonly allUs?: number
  readonly mainUs?: number
  readonly byThreadUs?: Readonly<Record<string, number>>
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** The longest time between two chunks of any stream, while images were under way; and how long an image took, the median. */
  readonly longestGapMs?: number
  readonly imageMs?: number
  readonly rssBytes?: number
  readonly rssPerStreamBytes?: number
  /** Share of one core while streams are open. */
  readonly coreShare?: number
  /** What is wrong with it; such a round is refused. */
  readonly problems: readonly string[]
}

export type Bench = { readonly scratch: string; readonly textsPath: string; readonly mockPort: number }

export type Tally = {
  /** Requests that the provider got from the contender since it started: a recorder must have stored each. */
  requests: number
  /** How many more it may have: their client left before they reached the provider. */
  mayHaveMore: number
}

type Loaded = {
  readonly requests: number
  readonly units: number
  readonly seconds: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly longestGapMs?: number
  readonly imageMs?: number
  readonly problems: string[]
}

export const smallBody =
  '{"model":"mock/gpt-4o-mini","messages":[{"role":"user","content":"Say in one sentence why a toll road remembers."}],"max_tokens":100,"n":1,"stream":false}'
const chatPath = '/v1/chat/completions'

export async function measure(bench: Bench, scenario: Scenario, contender: Contender, tally: Tally): Promise<Figures> {
  const { load } = scenario
  const before = readCpu(contender.pids)
  const watched: { cpu?: Cpu; rssBytes?: number } = {}
  const loaded =
    load.kind === 'open-streams' ? await openStreams(bench, load, contender, watched) : await generate(bench, load, contender, scenario)
  const problems = [...loaded.problems]
  tally.requests += loaded.requests
  if (contender.recorded !== undefined) problems.push(...(await recordProblems(contender, tally, load)))
  const cpu = watched.cpu ?? cpuBetween(before, readCpu(contender.pids))
  const figures: Figures = {
    units: loaded.units,
    unitsPerSecond: loaded.units / loaded.seconds,
    problems,
    ...(loaded.p50Ms === undefined ? {} : { p50Ms: loaded.p50Ms }),
    ...(loaded.p99Ms === undefined ? {} : { p99Ms: loaded.p99Ms }),
    ...(loaded.longestGapMs === undefined ? {} : { longestGapMs: loaded.longestGapMs }),
    ...(loaded.imageMs === undefined ? {} : { imageMs: loaded.imageMs }),
  }
  if (contender.pids.length === 0) return figures
  if (load.kind === 'open-streams') {
    const rssBytes = watched.rssBytes ?? 0
    return { ...figures, rssPerStreamBytes: rssBytes / load.connections, coreShare: (watched.cpu?.allUs ?? 0) / 1e6 / load.watchSeconds }
  }
  return {
    ...figures,
    allUs: cpu.allUs / loaded.units,
    mainUs: cpu.mainUs / loaded.units,
    byThreadUs: perUnit(cpu.byThreadUs, loaded.units),
    rssBytes: readRssBytes(contender.pids),
  }
}

async function generate(
  bench: Bench,
  load: Exclude<Load, { kind: 'open-streams' }>,
  contender: Contender,
  scenario: Scenario,
): Promise<Loaded> {
  switch (load.kind) {
    case 'saturate':
      return saturate(bench, load, contender)
    case 'rate':
      return atRate(bench, load, contender)
    case 'streams':
      return streams(load, contender, scenario)
    case 'beside-images':
      return besideImages(load, contender, scenario)
  }
}

async function saturate(bench: Bench, load: Extract<Load, { kind: 'saturate' }>, contender: Contender): Promise<Loaded> {
  const before = await mockRequests(bench.mockPort)
  const headers = Object.entries(contender.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const script = path.join(import.meta.dirname, 'load', 'saturate.lua')
  const seed = String(Math.floor(Math.random() * 2 ** 31))
  const args = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '20s', '--latency', ...headers, '-s', script]
  const output = await run(
    'wrk',
    [...args, `http://127.0.0.1:${contender.port}${chatPath}`, load.body, bench.textsPath, seed],
    (load.seconds + 40) * 1000,
  )
  const result = JSON.parse(/^RESULT (.*)$/m.exec(output)?.[1] ?? '{}') as {
    requests: number
    seconds: number
    errors: Record<string, number>
    p50Ms: number
    p99Ms: number
  }
  const problems = Object.entries(result.errors)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind} errors`)
  // The provider's count includes the few that were under way when the load stopped: the gateway worked for them too.
  await quiet(contender)
  const requests = (await mockRequests(bench.mockPort)) - before - 1
  return { requests, units: requests, seconds: result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms, problems }
}

async function atRate(bench: Bench, load: Extract<Load, { kind: 'rate' }>, contender: Contender): Promise<Loaded> {
  const bodyPath = path.join(bench.scratch, 'small.json')
  const logPath = path.join(bench.scratch, `rate-${contender.name}-${Date.now()}.log`)
  writeFileSync(bodyPath, smallBody)
  const headers = Object.entries({ 'content-type': 'application/json', ...contender.headers }).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const count = load.perSecond * load.seconds
  const args = [
    '--h1',
    '-t1',
    `-c${load.connections}`,
    `-n${count}`,
    `--rps=${load.perSecond / load.connections}`,
    '-d',
    bodyPath,
    `--log-file=${logPath}`,
    ...headers,
  ]
  await run('h2load', [...args, `http://127.0.0.1:${contender.port}${chatPath}`], (load.seconds + 30) * 1000)
  const rows = readFileSync(logPath, 'latin1')
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number))
  const bad = rows.filter(([, status]) => status !== 200).length + (count - rows.length)
  const micros = rows.map((row) => row[2]!)
  return {
    requests: count,
    units: count,
    seconds: load.seconds,
    p50Ms: percentile(micros, 0.5) / 1000,
    p99Ms: percentile(micros, 0.99) / 1000,
    problems: bad > 0 ? [`${bad} requests without a 200`] : [],
  }
}

type StreamsResult = {
  streams: number
  content: number
  seconds: number
  firstContentMs: number[]
  longestGapMs: number[]
  imageMs: number[]
  errors: Record<string, number>
}

async function besideImages(load: Extract<Load, { kind: 'beside-images' }>, contender: Contender, scenario: Scenario): Promise<Loaded> {
  const { connections, events, images, imageBytes } = load
  const job = { connections, streamsEach: 1, events, wire: wireOf(contender, scenario), images: { count: images, bytes: imageBytes } }
  const result = await runStreams(job, contender, events * load.intervalMs * 3 + 60_000)
  return {
    requests: result.streams + result.imageMs.length,
    units: result.streams,
    seconds: result.seconds,
    longestGapMs: Math.max(...result.longestGapMs),
    imageMs: percentile(result.imageMs, 0.5),
    problems: Object.entries(result.errors).map(([why, count]) => `${count} streams: ${why}`),
  }
}

async function streams(load: Extract<Load, { kind: 'streams' }>, contender: Contender, scenario: Scenario): Promise<Loaded> {
  const atEachEvent = load.streamsEach * (load.events + 2) * load.intervalMs
  const result = await runStreams({ ...load, wire: wireOf(contender, scenario) }, contender, atEachEvent * 3 + 30_000)
  return {
    requests: result.streams,
    units: result.content,
    seconds: result.seconds,
    p50Ms: percentile(result.firstContentMs, 0.5),
    p99Ms: percentile(result.firstContentMs, 0.99),
    problems: Object.entries(result.errors).map(([why, count]) => `${count} streams: ${why}`),
  }
}

async function openStreams(
  bench: Bench,
  load: Extract<Load, { kind: 'open-streams' }>,
  contender: Contender,
  watched: { cpu?: Cpu; rssBytes?: number },
): Promise<Loaded> {
  const holdFile = path.join(bench.scratch, `open-${contender.name}-${Date.now()}`)
  const idleBytes = readRssBytes(contender.pids)
  let ended = false
  const running = runStreams(
    { connections: load.connections, streamsEach: 1, events: load.events, holdFile, wire: 'openai-chat' },
    contender,
    load.events * load.intervalMs + 60_000,
  ).finally(() => (ended = true))
  running.catch(() => {})
  while (!existsSync(holdFile) && !ended) await wait(100)
  const before = readCpu(contender.pids)
  await wait(load.watchSeconds * 1000)
  const late = ended ? ['the streams ended before they were watched'] : []
  watched.cpu = cpuBetween(before, readCpu(contender.pids))
  watched.rssBytes = readRssBytes(contender.pids) - idleBytes
  const result = await running
  const problems = [...late, ...Object.entries(result.errors).map(([why, count]) => `${count} streams: ${why}`)]
  return { requests: result.streams, units: result.streams, seconds: result.seconds, problems }
}

function perUnit(byThreadUs: Readonly<Record<string, number>>, units: number): Record<string, number> {
  return Object.fromEntries(Object.entries(byThreadUs).map(([name, us]) => [name, us / units]))
}

/** A peer that only forwards brings the provider's own frames to the client. */
function wireOf({ name }: Contender, { provider, client }: Scenario): BenchWire {
  return name === 'turnpike' || name === 'portkey' ? client : provider
}

async function runStreams(
  job: Readonly<Record<'connections' | 'streamsEach' | 'events', number>> & {
    holdFile?: string
    wire: BenchWire
    images?: { count: number; bytes: number }
  },
  contender: Contender,
  timeoutMs: number,
): Promise<StreamsResult> {
  const argument = { ...job, port: contender.port, headers: contender.headers }
  const output = await run(process.execPath, [path.join(import.meta.dirname, 'load', 'streams.ts'), JSON.stringify(argument)], timeoutMs)
  return JSON.parse(output) as StreamsResult
}

async function recordProblems(contender: Contender, tally: Tally, load: Load): Promise<string[]> {
  const recorded = await contender.recorded!({ requests: tally.requests })
  // wrk leaves in the middle of as many requests as it has connections: some of those reached the gateway and not the provider.
  if (load.kind === 'saturate') tally.mayHaveMore += load.connections
  const more = recorded.requests - tally.requests
  const problems: string[] = []
  if (more < 0) problems.push(`${-more} of ${tally.requests} requests are not recorded, ${recorded.open} of them are known as begun`)
  if (more > tally.mayHaveMore) problems.push(`${more} requests more are recorded than the ${tally.requests} that the provider got`)
  if (recorded.bodies < recorded.answered * 2)
    problems.push(`${recorded.bodies} bodies are stored for ${recorded.answered} answered requests`)
  if (recorded.failures > 0) problems.push(`${recorded.failures} requests are recorded as failed`)
  return problems
}

/** Until the contender has nothing to do: three times 50 ms without CPU worth naming, at most two seconds. */
async function quiet(contender: Contender): Promise<void> {
  for (let tries = 0, calm = 0; tries < 40 && calm < 3; tries++) {
    const before = readCpu(contender.pids)
    await wait(50)
    calm = cpuBetween(before, readCpu(contender.pids)).allUs < 2_000 ? calm + 1 : 0
  }
}
