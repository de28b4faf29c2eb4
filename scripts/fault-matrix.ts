// `npm run docs:faults`: runs the fault matrix and writes docs/fault-matrix.md from what passed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { clientWireNames } from '#ir'
import { faultCases, pairs } from '#test/fault-cases.ts'
import { faultSections, type FaultCell } from '#test/fault-cells.ts'

export const faultFile = path.join(import.meta.dirname, '..', 'docs', 'fault-matrix.md')
const testFile = 'test/e2e/fault-matrix.test.ts'

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
}

/** The page. `passed`: by the number of the case. */
export function faultPage(passed: readonly boolean[]): string {
  const counted = (section: string, cell: FaultCell, client: string): string => {
    const mine = faultCases.filter((one) => one.section === section && one.cell === cell && one.client === client)
    const good = mine.filter(({ number }) => passed[number] === true).length
    return good === mine.length ? String(good) : `**${mine.length - good} of ${mine.length} failed**`
  }
  const sections = faultSections.map(({ title, cells }) => {
    const rows = cells.map((cell) => [cell.name, cell.modes.join(', '), ...clientWireNames.map((client) => counted(title, cell, client))])
    const head = [title === 'The client leaves' ? 'when' : 'a provider that', 'asked for', ...clientWireNames]
    return `## ${title}\n\n${promises[title]}\n\n${table(head, rows)}\n`
  })
  const providersOf = (client: string) =>
    pairs.flatMap((pair) =>
      pair.client !== client ? [] : pair.provider === client ? `${client} (its bytes pass)` : `${pair.provider} (translated)`,
    )
  const good = passed.filter(Boolean).length
  return `# What happens when a provider fails

This page is written by \`npm run docs:faults\`, which runs \`${testFile}\`: each number is how many tests of that cell passed, and all
of them did unless it says otherwise. Clients and providers are real sockets; a provider is a script that does wrong what its row says.
${good} of ${faultCases.length} passed.

${table(
  ['client', 'asked through it: providers of'],
  clientWireNames.map((client) => [client, providersOf(client).join(', ')]),
)}

${sections.join('\n')}`
}

if (import.meta.main) {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-faults-'))
  const results = path.join(scratch, 'results.json')
  const env = { ...process.env, FAULT_RESULTS: results }
  const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', testFile], { stdio: 'inherit', env })
  const passed = JSON.parse(readFileSync(results, 'utf8')) as boolean[]
  rmSync(scratch, { recursive: true })
  writeFileSync(faultFile, faultPage(passed))
  console.log(`Wrote ${path.relative(process.cwd(), faultFile)}.`)
  process.exitCode = status ?? 1
}
