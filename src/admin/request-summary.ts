// What a histogram's buckets are, and which fields facets are asked of.
import { nearestNames } from '#kernel'
import type { FacetField, RequestFilters } from '#store'
import { facetFields } from './contract.ts'
import { wrongParameter } from './failure.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const unitMs = { m: minuteMs, h: hourMs, d: dayMs } as const

/** Lengths that people read easily; longer ones are whole days. */
const usualMs = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * minuteMs)
const mostBuckets = 1000
const usualBuckets = 60

export type Buckets = { readonly fromMs: number; readonly toMs: number; readonly intervalMs: number }

/** The time asked for, by default the last day, widened to whole buckets. Throws a 400. */
export function bucketsOf(
  filters: RequestFilters,
  asked: { readonly interval?: string | undefined; readonly buckets?: number | undefined },
  nowMs: number,
): Buckets {
  const toMs = filters.toMs ?? nowMs
  const fromMs = filters.fromMs ?? toMs - dayMs
  if (fromMs >= toMs) throw wrongParameter('from', "'from' must be before 'to' (which is now when it is not given).")
  if (asked.interval !== undefined && asked.buckets !== undefined)
    throw wrongParameter('buckets', "'interval' and 'buckets' exclude each other: give one of them.")
  const intervalMs = asked.interval === undefined ? intervalFor(toMs - fromMs, asked.buckets ?? usualBuckets) : lengthOf(asked.interval)
  const widened = { fromMs: Math.floor(fromMs / intervalMs) * intervalMs, toMs: Math.ceil(toMs / intervalMs) * intervalMs, intervalMs }
  const buckets = (widened.toMs - widened.fromMs) / intervalMs
  if (buckets > mostBuckets + 1)
    throw wrongParameter(
      'interval',
      `That would be ${buckets} buckets, and ${mostBuckets} are the most; take a longer 'interval' or a shorter time.`,
    )
  return widened
}

/** The shortest usual length of which `buckets` cover the time, wherever it begins. */
function intervalFor(spanMs: number, buckets: number): number {
  const least = spanMs / Math.max(1, buckets - 1)
  return usualMs.find((ms) => ms >= least) ?? Math.ceil(least / dayMs) * dayMs
}

function lengthOf(interval: string): number {
  const ms = Number(interval.slice(0, -1)) * unitMs[interval.slice(-1) as keyof typeof unitMs]
  if (ms === 0) throw wrongParameter('interval', "'interval' must be longer than nothing.")
  return ms
}

/** Throws a 400 that names the wrong one. */
export function fieldsOf(text: string | undefined): readonly FacetField[] {
  if (text === undefined) return facetFields
  const names = text.split(',').map((name) => name.trim())
  return [...new Set(names)].map((name) => {
    const field = facetFields.find((known) => known === name)
    if (field !== undefined) return field
    const [nearest] = nearestNames(name, facetFields, 1)
    const hint = nearest === undefined ? `Known: ${facetFields.join(', ')}.` : `Did you mean '${nearest}'?`
    throw wrongParameter('fields', `There is no field '${name.slice(0, 64)}'. ${hint}`)
  })
}
