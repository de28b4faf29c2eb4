// The cases of the fault matrix: each cell with every client, provider, mode and ending that it has.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ClientWire } from '#ir'
import type { Answer } from './answer.ts'
import { clientScripts } from './client-scripts.ts'
import { dripSection, faultSections, type Ending, type FaultCell, type FaultSection, type Mode } from './fault-cells.ts'

/** Client's wire, and that of the provider which has the fault. */
export type Pair = { readonly client: ClientWire; readonly provider: ClientWire }

/** Every client's own wire, and others such that every wire's answers are translated too. */
export const pairs: readonly Pair[] = [
  { client: 'openai-chat', provider: 'openai-chat' },
  { client: 'openai-chat', provider: 'anthropic-messages' },
  { client: 'openai-chat', provider: 'gemini' },
  { client: 'openai-responses', provider: 'openai-responses' },
  { client: 'openai-responses', provider: 'anthropic-messages' },
  { client: 'anthropic-messages', provider: 'anthropic-messages' },
  { client: 'anthropic-messages', provider: 'openai-chat' },
  { client: 'anthropic-messages', provider: 'openai-responses' },
  { client: 'gemini', provider: 'gemini' },
  { client: 'gemini', provider: 'openai-chat' },
]

export type FaultCase = Pair & {
  /** From 0: names its provider and its model. */
  readonly number: number
  readonly section: string
  readonly cell: FaultCell
  readonly mode: Mode
  readonly ending: Ending
}

function casesOf(sections: readonly FaultSection[]): FaultCase[] {
  return sections
    .flatMap(({ title, cells }) =>
      cells.flatMap((cell) =>
        pairs.flatMap((pair) =>
          cell.modes.flatMap((mode) => cell.endings.map((ending) => ({ ...pair, section: title, cell, mode, ending }))),
        ),
      ),
    )
    .map((one, number) => ({ ...one, number }))
}

export const faultCases: readonly FaultCase[] = casesOf(faultSections)
export const dripCases: readonly FaultCase[] = casesOf([dripSection])

/** Names a case in the results of a run. */
export function nameOf({ section, cell, client, provider, mode, ending }: FaultCase): string {
  return [section, cell.name, client, provider, mode, ending].join(' | ')
}

/** For whoever writes the page: what passed, into the folder that the environment names. */
export function writePassed(file: string, passed: readonly FaultCase[]): void {
  const folder = process.env['FAULT_RESULTS']
  if (folder !== undefined) writeFileSync(path.join(folder, `${file}.json`), JSON.stringify(passed.map(nameOf)))
}

export function answerOf({ cell, provider, mode }: FaultCase): Answer {
  return cell.answer!(clientScripts[provider], mode)
}
