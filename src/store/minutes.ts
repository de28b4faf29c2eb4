// One row per minute: how its requests ended, their sums, and their extremes, which tell whether a minute has a row that is asked for.
import type { DatabaseSync } from 'node:sqlite'
import type { Outcome } from './record.ts'

export const outcomes = ['ok', 'client_error', 'upstream_error', 'interrupted', 'cancelled', 'denied'] as const satisfies readonly Outcome[]

export type MinuteSample = {
  readonly atMs: number
  readonly outcome: Outcome
  readonly attempts: number
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly reasoning: number
  readonly costNanoUsd: bigint
  readonly totalUs: number
}

type Minute = {
  readonly minute: number
  count: number
  readonly byOutcome: Record<Outcome, number>
  input: number
  cached: number
  output: number
  reasoning: number
  costNanoUsd: bigint
  maxCostNanoUsd: bigint
  maxTotalUs: number
  maxTokens: number
  minAttempts: number
  maxAttempts: number
}

export type MinuteWriter = { add(sample: MinuteSample): void; write(): void; reset(): void }

const keptMinutes = 64

export function createMinuteWriter(db: DatabaseSync): MinuteWriter {
  const select = db.prepare(
    'SELECT *, CAST(sum_cost_nano_usd AS TEXT) AS sum_cost, CAST(max_cost_nano_usd AS TEXT) AS max_cost FROM minutes WHERE minute = ?',
  )
  const replace = db.prepare('INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const minutes = new Map<number, Minute>()
  const changed = new Set<Minute>()
  /** The one of the last request is mostly that of the next. */
  let latest: Minute | undefined

  function read(minute: number): Minute {
    const stored = select.get(minute)
    const number = (column: string, absent = 0): number => Number(stored?.[column] ?? absent)
    return {
      minute,
      count: number('count'),
      byOutcome: {
        ok: number('count_ok'),
        client_error: number('count_client_error'),
        upstream_error: number('count_upstream_error'),
        interrupted: number('count_interrupted'),
        cancelled: number('count_cancelled'),
        denied: number('count_denied'),
      },
      input: number('sum_input'),
      cached: number('sum_cached'),
      output: number('sum_output'),
      reasoning: number('sum_reasoning'),
      costNanoUsd: BigInt((stored?.['sum_cost'] as string | undefined) ?? 0),
      maxCostNanoUsd: BigInt((stored?.['max_cost'] as string | undefined) ?? 0),
      maxTotalUs: number('max_total_us'),
      maxTokens: number('max_tokens'),
      minAttempts: number('min_attempts', Number.MAX_SAFE_INTEGER),
      maxAttempts: number('max_attempts'),
    }
  }

  function minuteOf(atMs: number): Minute {
    const minute = Math.floor(atMs / 60_000)
    if (latest?.minute === minute) return latest
    latest = minutes.get(minute)
    if (latest === undefined) minutes.set(minute, (latest = read(minute)))
    return latest
  }

  return {
    add(sample) {
      const row = minuteOf(sample.atMs)
      row.count++
      row.byOutcome[sample.outcome]++
      row.input += sample.input
      row.cached += sample.cached
      row.output += sample.output
      row.reasoning += sample.reasoning
      row.costNanoUsd += sample.costNanoUsd
      if (sample.costNanoUsd > row.maxCostNanoUsd) row.maxCostNanoUsd = sample.costNanoUsd
      if (sample.totalUs > row.maxTotalUs) row.maxTotalUs = sample.totalUs
      if (sample.input + sample.output > row.maxTokens) row.maxTokens = sample.input + sample.output
      if (sample.attempts < row.minAttempts) row.minAttempts = sample.attempts
      if (sample.attempts > row.maxAttempts) row.maxAttempts = sample.attempts
      changed.add(row)
    },
    write() {
      for (const row of changed) {
        const { ok, client_error, upstream_error, interrupted, cancelled, denied } = row.byOutcome
        replace.run(
          row.minute,
          row.count,
          ok,
          client_error,
          upstream_error,
          interrupted,
          cancelled,
          denied,
          safe(row.input),
          safe(row.cached),
          safe(row.output),
          safe(row.reasoning),
          row.costNanoUsd,
          row.maxCostNanoUsd,
          row.maxTotalUs,
          safe(row.maxTokens),
          row.minAttempts,
          row.maxAttempts,
        )
      }
      changed.clear()
      if (minutes.size > keptMinutes) reset()
    },
    reset,
  }

  function reset(): void {
    minutes.clear()
    changed.clear()
    latest = undefined
  }
}

/** A larger number would be stored as one with a fraction, which the column refuses. */
function safe(value: number): number {
  return Math.min(value, Number.MAX_SAFE_INTEGER)
}
