// Numbers as STRICT columns take them, whatever a provider said: one that a column refuses would take its whole batch with it.

export function wholeNumber(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(Math.round(value), 0), Number.MAX_SAFE_INTEGER) : 0
}

/** A millionth of what SQLite's integers hold, so that a minute of such requests still has a sum. */
const maxNanoUsd = 9_000_000_000_000n

export function boundedNanoUsd(nanoUsd: bigint): bigint {
  return nanoUsd > maxNanoUsd ? maxNanoUsd : nanoUsd < 0n ? 0n : nanoUsd
}
