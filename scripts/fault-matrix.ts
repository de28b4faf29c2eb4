// `npm run docs:faults`: runs the fault matrix and writes docs/fault-matrix.md from what passed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { clientWireNames } from '#ir'
import { dripCases, faultCases, nameOf, pairs, type FaultCase } from '#test/fault-cases.ts'
import { dripSection, faultSections, type FaultCell } from '#test/fault-cells.ts'

export const faultFile = path.join(import.meta.dirname, '..', 'docs', 'fault-matrix.md')
const testFiles = ['test/e2e/fault-matrix.test.ts', 'test/e2e/fault-drip.test.ts']
export const tabledCases: readonly FaultCase[] = [...faultCases, ...dripCases]

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const promises: Readonly<Record<string, string>> = {
  'Before content': `The next provider, which speaks another wire, answers inside the same request: the client gets byte for byte what that provider's
answers look like, the record has both attempts, and only the answer is charged. Without a next provider the client gets an HTTP error in its
own wire: 408 for silence, the provider's own verdict where it blames the request, else 503 with \`Retry-After\`; nothing is charged.`,
  'After content': `There is no silent switch, although another provider is there: the stream ends with an error in the client's wire, without
\`[DONE]\`, a finish reason, \`response.completed\` or \`message_stop\`, the connection closes without the mark of a complete body, the record says
\`interrupted\`, and what was produced is counted and charged.`,
  'The client leaves': `The provider's connection is closed within a second, the record says \`cancelled\`, and what was used is counted and charged.`,
  'Odd, and right': `The answer arrives whole, with its text, its finish and its usage.`,
  'Slower than its floor': `A routing config can set a floor, in bytes a second. Before content the next target answers; after content the stream
carries on, and is complete.`,
}

/** The page. `passed`: names of cases. */
export function faultPage(passed: ReadonlySet<string>): string {
  const counted = (section: string, cell: FaultCell, client: string): string => {
    const mine = tabledCases.filter((one) => one.section === section && one.cell === cell && one.client === client)
    const good = mine.filter((one) => passed.has(nameOf(one))).length
    return good === mine.length ? String(good) : `**${mine.length - good} of ${mine.length} failed**`
  }
  const sections = [...faultSections, dripSection].map(({ title, cells }) => {
    const rows = cells.map((cell) => [cell.name, cell.modes.join(', '), ...clientWireNames.map((client) => counted(title, cell, client))])
    const head = [title === 'The client leaves' ? 'when' : 'a provider that', 'asked for', ...clientWireNames]
    return `## ${title}\n\n${promises[title]}\n\n${table(head, rows)}\n`
  })
  const providersOf = (client: string) =>
    pairs.flatMap((pair) =>
      pair.client !== client ? [] : pair.provider === client ? `${client} (its bytes pass)` : `${pair.provider} (translated)`,
    )
  return `# What happens when a provider fails

This page is written by \`npm run docs:faults\`, which runs ${testFiles.map((file) => `\`${file}\``).join(' and ')}: each number is how many tests of that cell passed, and all
of them did unless it says otherwise. Clients and providers are real sockets; a provider is a script that does wrong what its row says.
${tabledCases.filter((one) => passed.has(nameOf(one))).length} of ${tabledCases.length} passed.

${table(
  ['client', 'asked through it: providers of'],
  clientWireNames.map((client) => [client, providersOf(client).join(', ')]),
)}

${sections.join('\n')}
## Tested beside it

- \`test/e2e/early-head.test.ts\`: ten seconds of silence in every wire; the head goes out, keep-alives follow, and the same provider or the next
  one still answers.
- \`test/e2e/fault-storms.test.ts\`: 401 and 429 for every request of an hour; kept-alive connections that die while they are idle.
- \`test/e2e/fault-bombs.test.ts\`: compressed gigabytes, errors and events without an end.
- \`test/e2e/fault-ends.test.ts\`: a last event alone, a connection that stays open behind it, events without an end.
- \`test/e2e/fault-sdk.test.ts\`: the SDKs of OpenAI and Anthropic see an error after each cut.
- \`test/e2e/chaos.test.ts\`: 200 requests at once, of whose answers 30 % are bad, on every wire, with routing configs and with clients that leave.
- \`test/clients/watchdogs.test.ts\`: Codex and Claude Code wait where they would give up without our keep-alives.
`
}

if (import.meta.main) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-faults-'))
  const env = { ...process.env, FAULT_RESULTS: folder }
  const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...testFiles], { stdio: 'inherit', env })
  const passed = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as string[])
  rmSync(folder, { recursive: true })
  writeFileSync(faultFile, faultPage(new Set(passed)))
  console.log(`Wrote ${path.relative(process.cwd(), faultFile)}.`)
  process.exitCode = status ?? 1
}
