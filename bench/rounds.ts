// The rounds of one scenario: contenders started afresh, warmed, then measured in random order; doubtful rounds are repeated.
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { checkAnswer } from './check.ts'
import { startDirect, startNaive, startNginxPeer, startPortkey } from './contenders/peers.ts'
import { startTurnpike, startPlain } from './contenders/turnpike.ts'
import type { Contender, ContenderContext, ContenderName } from './contenders/contender.ts'
import { measure, type Bench, type Figures, type Tally } from './measure.ts'
import { startFaultyMock } from './nginx.ts'
import { freePort, loadCore, start } from './processes.ts'
import { readRssBytes } from './proc.ts'
import { shortened, type Scenario } from './scenarios.ts'
import { median, shuffled } from './statistics.ts'

export type Round = ReadonlyMap<ContenderName, Figures>
export type ScenarioResult = {
  readonly scenario: Scenario
  readonly rounds: readonly Round[]
  /** Why other rounds don't count. */
  readonly refused: readonly string[]
  /** Before any load. */
  readonly idleRssBytes: ReadonlyMap<ContenderName, number>
}

/** The direct run knows only mock and load: when it strays this far from the other rounds, the machine was busy with something else. */
const directMayStray = 0.2

const starters: Readonly<Record<ContenderName, (context: ContenderContext) => Promise<Contender>>> = {
  direct: startDirect,
  nginx: startNginxPeer,
  naive: startNaive,
  portkey: startPortkey,
  plain: startPlain,
  turnpike: startTurnpike,
}

export type RoundsOptions = {
  readonly contenders: readonly ContenderName[]
  readonly rounds: number
  readonly profile: boolean
  readonly say: (line: string) => void
}

export async function runScenario(
  bench: Bench,
  scenario: Scenario,
  { contenders: names, rounds: wanted, profile, say }: RoundsOptions,
): Promise<ScenarioResult> {
  const scratch = path.join(bench.scratch, scenario.name)
  mkdirSync(scratch)
  const started: Contender[] = []
  const provider = await startProvider(bench, scenario, scratch)
  try {
    for (const name of names.filter((one) => takesPart(one, scenario)))
      started.push(await starters[name]({ scratch, scenario, providerPort: provider.port, faultyPort: provider.faultyPort, profile }))
    const idleRssBytes = new Map(started.filter(({ pids }) => pids.length > 0).map(({ name, pids }) => [name, readRssBytes(pids)]))
    const tallies = new Map<ContenderName, Tally>()
    for (const contender of started) {
      const tally = { requests: await checkAnswer(contender, scenario), mayHaveMore: 0 }
      tallies.set(contender.name, tally)
      if (scenario.load.kind !== 'open-streams') await measure(bench, warmUp(scenario), contender, tally)
    }
    const rounds: Round[] = []
    const refused: string[] = []
    for (let tries = 1; rounds.length < wanted && tries <= wanted * 2 + 1; tries++) {
      const round = new Map<ContenderName, Figures>()
      for (const contender of shuffled(started))
        round.set(contender.name, await measure(bench, scenario, contender, tallies.get(contender.name)!))
      const problem = problemOf(round, rounds)
      if (problem === undefined) rounds.push(round)
      else refused.push(problem)
      say(`${scenario.name} round ${tries}${problem === undefined ? '' : ` refused: ${problem}`}`)
    }
    return { scenario, rounds, refused, idleRssBytes }
  } finally {
    for (const contender of started) await contender.stop()
    await provider.stop()
  }
}

/** Portkey's gateway is measured where it speaks both wires. */
function takesPart(name: ContenderName, { provider, client, load, extra }: Scenario): boolean {
  if (extra !== undefined) return name !== 'portkey' && name !== 'nginx'
  if (name === 'plain') return false
  return name !== 'portkey' || (client === 'openai-chat' && provider !== 'gemini' && load.kind !== 'beside-images')
}

type Provider = { readonly port: number; readonly faultyPort: number; stop(): Promise<void> }

async function startProvider(bench: Bench, { load, extra }: Scenario, scratch: string): Promise<Provider> {
  if (load.kind === 'saturate' || load.kind === 'rate') {
    const faultPercent = extra?.kind === 'routing' ? extra.faultPercent : 0
    if (faultPercent === 0) return { port: bench.mockPort, faultyPort: 0, stop: async () => {} }
    const faultyPort = await freePort()
    const faulty = await startFaultyMock(scratch, faultyPort, loadCore, bench.mockPort, faultPercent)
    return { port: bench.mockPort, faultyPort, stop: faulty.stop }
  }
  const port = await freePort()
  const script = path.join(import.meta.dirname, 'mock', 'stream-server.ts')
  const child = await start(process.execPath, [script, String(port), String(load.events), String(load.intervalMs)], {
    core: loadCore,
    port,
    logPath: path.join(scratch, 'stream-server.log'),
  })
  return { port, faultyPort: 0, stop: child.stop }
}

function problemOf(round: Round, earlier: readonly Round[]): string | undefined {
  for (const [name, { problems }] of round) if (problems.length > 0) return `${name}: ${problems.join('; ')}`
  const direct = round.get('direct')
  const others = earlier.map((one) => one.get('direct')!.unitsPerSecond)
  if (direct === undefined || others.length === 0) return undefined
  const usual = median(others)
  const strays = Math.abs(direct.unitsPerSecond / usual - 1)
  return strays > directMayStray ? `the direct run was off by ${Math.round(strays * 100)} %` : undefined
}

/**
 * Long enough for the compilers of a JavaScript engine, which run on the measured core too. The same for every contender. Two hundred requests a
 * second would take minutes to get there: what is measured at a rate is warmed as fast as it goes.
 */
function warmUp(scenario: Scenario): Scenario {
  const short = shortened(scenario)
  const { kind } = short.load
  if (kind === 'saturate') return { ...short, load: { ...short.load, seconds: 8 } }
  return kind === 'rate' ? { ...short, load: { kind: 'saturate', body: 'small', connections: 32, seconds: 8 } } : short
}
