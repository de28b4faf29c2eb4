// Usage that no provider stated: counted from what was kept of the answer, or taken from a crash's last progress. Marked `estimated`.
import { createRequire } from 'node:module'
import { costOf } from '#ir'
import type { FinishRecord, FinishSummary, ProgressRecord, ReserveRecord, UsageCounts } from '#store'

export type CountTokens = (text: string) => number

/** The tokenizer's tables take 100 ms and 50 MB, so they are loaded when the first answer without usage comes. */
export function createTokenCounter(): CountTokens {
  let count: CountTokens | undefined
  return (text) => {
    count ??= load()
    return count(text)
  }

  function load(): CountTokens {
    // Synchronous on purpose: the writer thread never returns to its event loop.
    const require = createRequire(import.meta.url)
    const encoding = require('gpt-tokenizer/encoding/o200k_base') as {
      countTokens(text: string, options: { disallowedSpecial: Set<string> }): number
    }
    const options = { disallowedSpecial: new Set<string>() }
    return (text) => {
      let tokens = 0
      for (const piece of piecesOf(text)) tokens += encoding.countTokens(piece, options)
      return tokens
    }
  }
}

/** The tokenizer's time is quadratic in a run without a boundary: 50 KB of spaces take 1.5 s (gpt-tokenizer 4.0, 2026-11). */
const maxRunCharacters = 256
const longRuns = new RegExp(`\\S{${maxRunCharacters + 1},}|\\s{${maxRunCharacters + 1},}`, 'g')

/** The text as it is, but long runs in pieces: a token more or less at each seam. */
function* piecesOf(text: string): Generator<string> {
  let from = 0
  for (const { 0: run, index } of text.matchAll(longRuns)) {
    if (index > from) yield text.slice(from, index)
    for (let at = 0; at < run.length; at += maxRunCharacters) yield run.slice(at, at + maxRunCharacters)
    from = index + run.length
  }
  if (from < text.length) yield text.slice(from)
}

/** UTF-8 bytes of a JSON request per token of input: the usual ratio for English text and code. */
const requestBytesPerToken = 4

/** True when something was produced (or kept) and nobody said how many tokens it was. */
export function lacksUsage(record: FinishSummary): boolean {
  if (record.kept !== '') return true
  // Counting tokens produces none, and neither does an answer from the cache.
  if (record.endpoint.endsWith('/count_tokens') || record.cache === 'hit') return false
  return record.usage === undefined && record.responseBytes > 0 && estimable.has(record.outcome)
}

const estimable: ReadonlySet<string> = new Set(['ok', 'interrupted', 'cancelled'])

/** The record with what it lacked. The kept text has served its purpose and is removed. */
export function withEstimatedUsage(record: FinishRecord, countTokens: CountTokens): FinishRecord {
  const known = record.usage
  // Anthropic opens a stream with an output of 1 and says the rest at its end, which never came: the larger number is nearer the truth.
  const output = Math.max(known?.output ?? 0, countTokens(record.kept))
  const usage = estimatedUsage(record, known?.input || inputTokens(record), output, known)
  const cost = priced(record, usage)
  // What the provider says it billed is no estimate.
  if (record.providerCostNanoUsd !== undefined) return { ...record, usage, costLines: cost.costLines, kept: '' }
  return { ...record, ...cost, kept: '' }
}

/** The record of a request that was running when the process died. Status 0: nobody knows what its client saw. */
export function interruptedRecord(reserve: ReserveRecord, progress: ProgressRecord | undefined, payloads: 'full' | 'none'): FinishRecord {
  // Without any progress the provider may still have read the prompt: its input is estimated, its output is none.
  const usage = progress?.usage ?? estimatedUsage(reserve, inputTokens(reserve), 0, undefined)
  return {
    ...reserve,
    status: 0,
    outcome: 'interrupted',
    errorCode: 'interrupted',
    errorClass: 'crash',
    modelServed: '',
    lane: 'none',
    cache: 'disabled',
    attempts: [],
    usageRaw: '',
    ...priced(reserve, usage),
    providerCostNanoUsd: undefined,
    finishReason: '',
    notes: [],
    responseBytes: progress?.responseBytes ?? 0,
    overheadUs: 0,
    firstTokenMs: undefined,
    totalMs: progress === undefined ? 0 : Math.max(0, progress.atMs - reserve.atMs),
    headers: '',
    payloads,
    bodies: undefined,
    kept: '',
  }
}

function inputTokens(record: ReserveRecord): number {
  return Math.ceil(record.requestBytes / requestBytesPerToken)
}

/** A usage that the provider began to tell knows its tier; without one it is the tier that was asked for. */
function estimatedUsage({ serviceTier }: ReserveRecord, input: number, output: number, known: UsageCounts | undefined): UsageCounts {
  return {
    input,
    // Nothing read is nothing said: the input is then the request's size.
    fresh: known === undefined || known.input === 0 ? input : known.fresh,
    cacheRead: known?.cacheRead,
    cacheWrite: known?.cacheWrite,
    cacheWrite1h: known?.cacheWrite1h,
    inputAudio: known?.inputAudio,
    output,
    reasoning: known?.reasoning,
    outputAudio: known?.outputAudio,
    ...restOf(known ?? (serviceTier === '' ? {} : { serviceTier })),
  }
}

/** What few usages have: there only where it was. */
function restOf({ hosted, inputImage, outputImage, region, serviceTier }: Partial<UsageCounts>): Partial<UsageCounts> {
  if ((hosted ?? inputImage ?? outputImage ?? region ?? serviceTier) === undefined) return {}
  return { inputImage, outputImage, hosted, serviceTier, region }
}

function priced(record: ReserveRecord, usage: UsageCounts): Pick<FinishRecord, 'usage' | 'costSource' | 'costNanoUsd' | 'costLines'> {
  if (record.price === undefined) return { usage, costSource: 'unpriced', costNanoUsd: undefined, costLines: [] }
  const cost = costOf(usage, record.price)
  return { usage, costSource: 'estimated', costNanoUsd: cost.nanoUsd, costLines: cost.lines }
}
