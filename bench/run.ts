// `npm run bench`: Turnpike beside its peers, in one run, as ratios. See README.md in this folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { installPortkey, portkeyVersion } from './contenders/peers.ts'
import { entryPoint, profileFolder } from './contenders/turnpike.ts'
import { promptTexts } from './load/texts.ts'
import { startNginxMock } from './nginx.ts'
import { readOptions, usage, type Options } from './options.ts'
import { freePort, loadCore, stopAll, stopAllOnExit } from './processes.ts'
import { topOfProfiles } from './profile.ts'
import { jsonOf, machine, ratios, renderMarkdown, renderText, tableOf } from './report.ts'
import { runScenario, type ScenarioResult } from './rounds.ts'
import { scenarios, shortened } from './scenarios.ts'
import { findTools } from './tools.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  const tools = findTools()
  if (os.cpus().length < 2) throw new Error('The bench needs two cores: one for the gateway, one for mock and load.')
  const turn = await takeTurn()
  if (options.contenders.includes('portkey')) installPortkey()
  stopAllOnExit()
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-bench-'))
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  try {
    const textsPath = path.join(scratch, 'texts.txt')
    writeFileSync(textsPath, promptTexts(4096, Date.now() % 2 ** 31))
    const mockPort = await freePort()
    await startNginxMock(scratch, mockPort, loadCore)
    const results: ScenarioResult[] = []
    for (const name of options.scenarios) {
      const scenario = options.smoke ? shortened(scenarios[name]) : scenarios[name]
      const result = await runScenario({ scratch, textsPath, mockPort }, scenario, { ...options, say })
      results.push(result)
      if (!options.json && result.rounds.length > 0) console.log(`${renderText(tableOf(result))}\n`)
    }
    if (options.profile)
      for (const name of options.scenarios)
        console.log(`${name}, where the CPU goes:\n${topOfProfiles(profileFolder(path.join(scratch, name)), 25)}\n`)
    finish(options, results, tools)
  } finally {
    await stopAll()
    turn.close()
    if (process.env['BENCH_KEEP'] === undefined) rmSync(scratch, { recursive: true, force: true })
    else say(`kept ${scratch}`)
  }
}

/** Two runs on the same two cores measure each other. An abstract socket goes with its process, whatever ends it. */
async function takeTurn(): Promise<Server> {
  const turn = createServer().listen({ path: '\0turnpike-bench' })
  try {
    await once(turn, 'listening')
  } catch {
    throw new Error('Another bench is running on this machine; wait for its end.')
  }
  return turn
}

function finish(options: Options, results: readonly ScenarioResult[], tools: Record<string, string>): void {
  const versions = {
    node: process.version,
    turnpike: path.basename(path.dirname(path.dirname(entryPoint()))),
    'portkey-gateway': portkeyVersion,
    ...tools,
  }
  const tables = results.map(tableOf)
  const report = {
    at: new Date().toISOString(),
    command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
    machine: machine(),
    versions,
    scenarios: results.map((result, n) => jsonOf(result, tables[n]!)),
  }
  if (options.json) console.log(JSON.stringify(report, null, 2))
  if (!options.smoke && !options.profile) {
    const folder = path.join(import.meta.dirname, 'results')
    mkdirSync(folder, { recursive: true })
    const file = path.join(folder, report.at.slice(0, 16).replace(':', ''))
    writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 1)}\n`)
    writeFileSync(
      `${file}.md`,
      `${report.command} on ${report.machine['cpu']}, ${report.at.slice(0, 10)}\n\n${tables.map(renderMarkdown).join('\n')}`,
    )
    process.stderr.write(`written: ${path.relative(process.cwd(), file)}.json and .md\n`)
  }
  const empty = results.filter(({ rounds }) => rounds.length < options.rounds)
  for (const { scenario, rounds, refused } of empty)
    process.stderr.write(`${scenario.name}: only ${rounds.length} of ${options.rounds} rounds count. ${refused.at(-1) ?? ''}\n`)
  if (options.smoke && empty.length === 0) smokeLine(results)
  process.exitCode = empty.length > 0 ? 1 : 0
}

/** The smoke asserts that nothing failed and nothing was lost (else its round was refused), and prints ratios without judging them. */
function smokeLine(results: readonly ScenarioResult[]): void {
  const parts = results.map(
    ({ scenario, rounds }) => `${scenario.name} ${ratios(rounds, 'turnpike', 'naive', (figures) => figures.allUs)[0]?.toFixed(2) ?? '-'}`,
  )
  console.log(`bench smoke: no errors, every request recorded. CPU as a multiple of the naive proxy: ${parts.join(', ')}`)
}

try {
  if (process.argv.includes('--help')) console.log(usage)
  else await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
