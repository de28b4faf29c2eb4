// The cases of the fault matrix: each cell with every client, provider, mode and ending that it has.
import type { ClientWire } from '#ir'
import type { Answer } from './answer.ts'
import { clientScripts } from './client-scripts.ts'
import { faultSections, type Ending, type FaultCell, type Mode } from './fault-cells.ts'

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

export const faultCases: readonly FaultCase[] = faultSections
  .flatMap(({ title, cells }) =>
    cells.flatMap((cell) =>
      pairs.flatMap((pair) =>
        cell.modes.flatMap((mode) => cell.endings.map((ending) => ({ ...pair, section: title, cell, mode, ending }))),
      ),
    ),
  )
  .map((one, number) => ({ ...one, number }))

export function answerOf({ cell, provider, mode }: FaultCase): Answer {
  return cell.answer!(clientScripts[provider], mode)
}
