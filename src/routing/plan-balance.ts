// Which of several is asked first by load balancing, and who stands by.
import type { LoadBalanceBy } from '#config'

/** Something to choose, and what it is chosen by. */
export type Sized<T> = {
  readonly one: T
  /** 0: only where no other can be asked. */
  readonly weight: number
  readonly isWell: boolean
  /** undefined: too little is known. */
  readonly latencyMs: number | undefined
  /** undefined: unpriced. */
  readonly cost: number | undefined
  /** Requests that it is answering. */
  readonly running: number
}

export type Balanced<T> = { readonly first: Sized<T>; readonly rest: readonly Sized<T>[]; readonly reason: string }

/** Of at least one. The rest stand by in their order: the well ones, those without weight, those in trouble. When none is well, all are asked in order. */
export function balanced<T>(all: readonly Sized<T>[], by: LoadBalanceBy, random: () => number, isPinned: (one: T) => boolean): Balanced<T> {
  const tiers = [
    all.filter(({ isWell, weight }) => isWell && weight > 0),
    all.filter(({ isWell, weight }) => isWell && weight === 0),
    all.filter(({ isWell, weight }) => !isWell && weight > 0),
    all.filter(({ isWell, weight }) => !isWell && weight === 0),
  ].filter((tier) => tier.length > 0)
  const pool = tiers[0]!
  if (!pool[0]!.isWell) {
    const [first, ...rest] = tiers.flat()
    return { first: first!, rest, reason: 'none is well, so as written' }
  }
  const pinned = pool.find(({ one }) => isPinned(one))
  const first = pinned ?? drawn(leastBy(pool, by), random)
  const rest = tiers.flat().filter((sized) => sized !== first)
  return { first, rest, reason: pinned === undefined ? reasonFor(first, by, pool) : 'the same as before in this session' }
}

/** The best ones, all alike; by weight, all of them. */
function leastBy<T>(pool: readonly Sized<T>[], by: LoadBalanceBy): readonly Sized<T>[] {
  switch (by) {
    case 'weight':
      return pool
    case 'least_busy':
      return least(pool, ({ running }) => running)
    case 'cost':
      return least(pool, ({ cost }) => cost ?? Infinity)
    case 'latency': {
      // One that is not known is asked to become known, by one request at a time.
      const fastest = least(pool, ({ latencyMs, running }) => latencyMs ?? (running === 0 ? -1 : Infinity))
      return least(fastest, ({ latencyMs, running }) => (latencyMs === undefined ? running : 0))
    }
    default:
      return by satisfies never
  }
}

function least<T>(pool: readonly Sized<T>[], size: (sized: Sized<T>) => number): readonly Sized<T>[] {
  const sizes = pool.map(size)
  const smallest = Math.min(...sizes)
  return pool.filter((_, i) => sizes[i] === smallest)
}

/** By weight; without any, each as likely as the other. */
function drawn<T>(pool: readonly Sized<T>[], random: () => number): Sized<T> {
  if (pool.length === 1) return pool[0]!
  const weights = shares(pool)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let left = random() * (total > 0 ? total : pool.length)
  for (const [i, sized] of pool.entries()) {
    left -= total > 0 ? weights[i]! : 1
    if (left < 0) return sized
  }
  return pool.findLast(({ weight }) => weight > 0) ?? pool.at(-1)!
}

/** Of the largest weight: sums of what configs say may be larger than any number. */
function shares(pool: readonly Sized<unknown>[]): readonly number[] {
  const largest = Math.max(...pool.map(({ weight }) => weight))
  return pool.map(({ weight }) => (largest > 0 ? weight / largest : 0))
}

function reasonFor<T>({ weight, latencyMs, cost, running }: Sized<T>, by: LoadBalanceBy, pool: readonly Sized<T>[]): string {
  if (pool.length === 1) return 'the only one left'
  switch (by) {
    case 'weight': {
      const all = shares(pool)
      const total = all.reduce((sum, share) => sum + share, 0)
      const share = weight / Math.max(...pool.map((one) => one.weight))
      return total > 0 ? `drawn by weight, ${Math.round((share / total) * 1000) / 10} %` : 'drawn'
    }
    case 'latency':
      return latencyMs === undefined ? 'its latency is not known yet' : `the fastest, ${Math.round(latencyMs)} ms`
    case 'cost':
      return cost === undefined ? 'drawn: none has a price' : 'the cheapest'
    case 'least_busy':
      return `the least busy, ${running} running`
    default:
      return by satisfies never
  }
}
