// Per-minute roll-ups: one row per minute and facet, its sums and mergeable histograms, and one per minute. Read once, kept in memory,
// written at commit.
import type { DatabaseSync } from 'node:sqlite'
import { createMinuteWriter } from './minutes.ts'
import { addTo, decodeHistogram, encodeHistogram, type Histogram } from './histogram.ts'
import type { Outcome } from './record.ts'

/** What one request adds. Absent token counts and costs add 0; absent times are not counted. */
export type RollupSample = {
  readonly atMs: number
  readonly facet: number
  readonly outcome: Outcome
  readonly attempts: number
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly reasoning: number
  readonly costNanoUsd: bigint
  readonly firstTokenUs: number | undefined
  readonly totalUs: number
  readonly overheadUs: number
}

type Row = {
  readonly minute: number
  readonly facet: number
  requests: number
  attempts: number
  input: number
  cached: number
  output: number
  reasoning: number
  costNanoUsd: bigint
  readonly firstToken: Histogram
  readonly total: Histogram
  readonly overhead: Histogram
}

export type RollupWriter = { add(sample: RollupSample): void; write(): void; reset(): void }

/** Rows kept between commits; more are read again when needed. */
const keptRows = 512

export function createRollupWriter(db: DatabaseSync): RollupWriter {
  const select = db.prepare('SELECT *, CAST(cost_nano_usd AS TEXT) AS cost FROM rollups WHERE minute = ? AND facet = ?')
  const replace = db.prepare('INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const minutes = createMinuteWriter(db)
  const rows = new Map<string, Row>()
  const changed = new Set<Row>()

  function rowFor(minute: number, facet: number): Row {
    const name = `${minute}:${facet}`
    let row = rows.get(name)
    if (row === undefined) {
      const stored = select.get(minute, facet)
      const count = (column: string): number => Number(stored?.[column] ?? 0)
      const histogram = (column: string): Histogram => (stored === undefined ? new Map() : decodeHistogram(stored[column] as Uint8Array))
      row = {
        minute,
        facet,
        requests: count('requests'),
        attempts: count('attempts'),
        input: count('input'),
        cached: count('cached'),
        output: count('output'),
        reasoning: count('reasoning'),
        costNanoUsd: BigInt((stored?.['cost'] as string | undefined) ?? 0),
        firstToken: histogram('first_token'),
        total: histogram('total'),
        overhead: histogram('overhead'),
      }
      rows.set(name, row)
    }
    return row
  }

  return {
    add(sample) {
      const row = rowFor(Math.floor(sample.atMs / 60_000), sample.facet)
      row.requests++
      row.attempts += sample.attempts
      row.input += sample.input
      row.cached += sample.cached
      row.output += sample.output
      row.reasoning += sample.reasoning
      row.costNanoUsd += sample.costNanoUsd
      if (sample.firstTokenUs !== undefined) addTo(row.firstToken, sample.firstTokenUs)
      addTo(row.total, sample.totalUs)
      addTo(row.overhead, sample.overheadUs)
      changed.add(row)
      minutes.add(sample)
    },
    write() {
      for (const row of changed) {
        replace.run(
          row.minute,
          row.facet,
          row.requests,
          row.attempts,
          row.input,
          row.cached,
          row.output,
          row.reasoning,
          row.costNanoUsd,
          encodeHistogram(row.firstToken),
          encodeHistogram(row.total),
          encodeHistogram(row.overhead),
        )
      }
      changed.clear()
      minutes.write()
      if (rows.size > keptRows) rows.clear()
    },
    reset() {
      rows.clear()
      changed.clear()
      minutes.reset()
    },
  }
}
