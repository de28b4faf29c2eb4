// What is lost between two wires. Run as a program it writes losses.json anew: `node test/conformance/losses.ts`. New entries come without
// a reason, with the codec's own words beside them; the test fails until each has a sentence of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { wireNames, type Wire } from '#ir'
import type { Step } from './translations.ts'

/** `path` of the IR request is lost from each of these client wires to each of these provider wires. */
export type Loss = {
  readonly path: string
  readonly from: readonly Wire[]
  readonly to: readonly Wire[]
  readonly reason: string
  /** Of an entry that waits for its reason. */
  readonly why?: string
}
/** One loss of one pair. */
export type Row = { readonly from: Wire; readonly to: Wire; readonly path: string; readonly why: string; readonly what: string }

const file = new URL('losses.json', import.meta.url)

export const readLedger = (): Loss[] => JSON.parse(readFileSync(file, 'utf8')) as Loss[]
export const keyOf = ({ from, to, path }: Pick<Row, 'from' | 'to' | 'path'>): string => `${from} -> ${to}: ${path}`

/** The ledger's entries, one for each pair. */
export function* rowsOf(ledger: readonly Loss[]): Generator<{ from: Wire; to: Wire; path: string; reason: string }> {
  for (const { path, from, to, reason } of ledger) {
    for (const one of from) for (const other of to) yield { from: one, to: other, path, reason }
  }
}

/** What the translations lose, the first example of each. Indexes of arrays are `[*]`. */
export function seenLosses(steps: Iterable<Step>): Map<string, Row> {
  const seen = new Map<string, Row>()
  for (const { from, to, translated, what } of steps) {
    for (const { code, path, why } of translated.notes) {
      const row = { from, to, path: path.replace(/\[\d+\]/g, '[*]'), why: `${code}: ${why}`, what }
      const key = keyOf(row)
      if (!seen.has(key)) seen.set(key, row)
    }
  }
  return seen
}

/** Rows with one path and one reason together, as far as they cover a rectangle of pairs. */
export function grouped(rows: readonly (Row & { readonly reason: string })[]): Loss[] {
  const order = (list: Iterable<Wire>) => {
    const has = new Set(list)
    return wireNames.filter((wire) => has.has(wire))
  }
  const byTarget = Map.groupBy(rows, ({ path, reason, to, why }) => JSON.stringify([path, reason, reason === '' ? why : '', to]))
  const columns = [...byTarget.values()].map((list) => ({ ...list[0]!, from: order(list.map(({ from }) => from)) }))
  const blocks = Map.groupBy(columns, ({ path, reason, why, from }) => JSON.stringify([path, reason, reason === '' ? why : '', from]))
  const losses = [...blocks.values()].map((list): Loss => {
    const { path, from, reason, why } = list[0]!
    return { path, from, to: order(list.map(({ to }) => to)), reason, ...(reason === '' ? { why } : {}) }
  })
  const rank = ({ path, to, from }: Loss) => `${path} ${wireNames.indexOf(to[0]!)} ${wireNames.indexOf(from[0]!)}`
  return losses.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

if (import.meta.main) {
  const { allRequests, translations } = await import('./translations.ts')
  const reasons = new Map([...rowsOf(readLedger())].map((row) => [keyOf(row), row.reason]))
  const seen = [...seenLosses(translations(allRequests()))]
  const ledger = grouped(seen.map(([key, row]) => ({ ...row, reason: reasons.get(key) ?? '' })))
  writeFileSync(file, `[\n${ledger.map((loss) => `  ${JSON.stringify(loss)}`).join(',\n')}\n]\n`)
  const open = ledger.filter(({ reason }) => reason === '').length
  process.stdout.write(`${ledger.length} entries, ${open} without a reason; now format it: oxfmt test/conformance/losses.json\n`)
}
