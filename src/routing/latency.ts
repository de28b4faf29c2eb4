// How fast a target has been lately: the median of its latest answers.

/** More than half of them slow, and the median is: five slow answers are enough to be left. */
const samples = 9
/** Fewer say nothing. */
const fewest = 3
/** Older ones are forgotten, so that a target that was left for being slow is tried again. */
const freshMs = 120_000

export class LatencyWindow {
  /** Made with the first answer: many targets never have one. */
  #valuesMs: Float64Array | undefined
  #atMs: Float64Array | undefined
  #next = 0
  #medianMs: number | undefined
  /** The median is that of all that are fresh until then; 0: unknown. */
  #validUntilMs = 0

  add(nowMs: number, latencyMs: number): void {
    this.#valuesMs ??= new Float64Array(samples)
    this.#atMs ??= new Float64Array(samples).fill(-Infinity)
    this.#valuesMs[this.#next] = latencyMs
    this.#atMs[this.#next] = nowMs
    this.#next = (this.#next + 1) % samples
    this.#validUntilMs = 0
  }

  medianMs(nowMs: number): number | undefined {
    if (this.#valuesMs === undefined) return undefined
    if (nowMs >= this.#validUntilMs) this.#count(nowMs)
    return this.#medianMs
  }

  /** Adds what is fresh. */
  collect(nowMs: number, into: number[]): void {
    for (let i = 0; i < samples && this.#atMs !== undefined; i++) if (this.#isFresh(i, nowMs)) into.push(this.#valuesMs![i]!)
  }

  reset(): void {
    this.#valuesMs = undefined
    this.#atMs = undefined
    this.#next = 0
    this.#validUntilMs = 0
  }

  #count(nowMs: number): void {
    const fresh: number[] = []
    this.collect(nowMs, fresh)
    this.#medianMs = medianOf(fresh)
    this.#validUntilMs = Infinity
    for (let i = 0; i < samples; i++)
      if (this.#isFresh(i, nowMs)) this.#validUntilMs = Math.min(this.#validUntilMs, this.#atMs![i]! + freshMs)
  }

  #isFresh(index: number, nowMs: number): boolean {
    return this.#atMs![index]! + freshMs > nowMs
  }
}

/** undefined: too few. */
export function medianOf(values: number[]): number | undefined {
  if (values.length < fewest) return undefined
  values.sort((a, b) => a - b)
  const middle = values.length >> 1
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1]! + values[middle]!) / 2
}
