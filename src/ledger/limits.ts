// Holds: what a request may cost is taken from all of its limits before it is sent, or from none. In memory; no I/O, no clock of its own.
import { Failure } from '#kernel'
import { namesAt } from './model-names.ts'
import type { Hold, HoldAsk, HoldTarget, Limits, LimitsDeps, RateView } from './limits-port.ts'
import { LimitsRegistry, noTerms, type Terms } from './limits-registry.ts'
import { rateExceeded, unpriced } from './limits-words.ts'
import type { BudgetMeter, Purse } from './purses.ts'
import { Pace, unitsToTake, type RateMeter } from './rate-limits.ts'
import { freeHold, RequestHold, wholeTokens, type Claims, type Holders } from './request-hold.ts'

/** An answer is not lowered below this many tokens to fit a budget. */
const leastOutputTokens = 1024

export function createLimits(deps: LimitsDeps): Limits {
  const registry = new LimitsRegistry({
    createGlob: deps.createGlob,
    topUpUrl: deps.topUpUrl,
    tell: (alert) => limits.onAlert?.(alert),
  })
  const pace = new Pace()
  const holders: Holders = { count: 0 }

  function reserve(ask: HoldAsk, nowMs: number): Hold | Failure {
    const terms = registry.ofKey(ask.key)
    if (terms === noTerms && !registry.limitsProviders) return freeHold
    const cost = new RequestCost(ask)
    const purses = pursesOf(terms, ask.metadata)
    let refused: Failure | undefined
    let output = cost.asked
    for (const purse of purses) {
      purse.roll(nowMs)
      if (!purse.hard) continue
      if (purse.unit === 'usd' && ask.cost === undefined) return unpriced(purse.owner, ask.first?.models ?? [])
      const fits = cost.fit(purse)
      if (fits !== undefined) output = Math.min(output, fits)
      else refused = preferred(refused, purse.refusal(cost.least(purse.unit), nowMs))
    }
    if (refused !== undefined) return refused
    // The first target is skipped if it can't be afforded, whatever the others may cost.
    if (ask.first !== undefined)
      for (const purse of pursesAt(terms, ask.first, ask.metadata)) {
        purse.roll(nowMs)
        if (purse.hard && !(purse.unit === 'usd' && ask.cost === undefined)) output = Math.min(output, cost.fit(purse) ?? output)
      }
    const rates = ratesFor(terms.rates, cost.inputTokens, output, nowMs)
    if (rates instanceof Failure) return rates
    const usd = cost.of('usd', output)
    const { inputTokens } = cost
    const tokens = inputTokens + output
    const claims = claim(purses, rates, usd, tokens, nowMs)
    const hold = { nanoUsd: usd, tokens, inputTokens, maxOutputTokens: output, clamped: output < cost.asked }
    return new RequestHold({ ...hold, terms, metadata: ask.metadata }, claims, pace, holders)
  }

  function reserveAt(hold: Hold, target: HoldTarget, nowMs: number): Failure | undefined {
    if (!(hold instanceof RequestHold) || hold.over) return undefined
    hold.attempt(undefined, nowMs)
    const { terms, metadata, nanoUsd, tokens } = hold
    if (!target.priced) {
      const strict = pursesOf(terms, metadata).find(isStrict)
      if (strict !== undefined) return unpriced(strict.owner, target.models)
    }
    const purses = pursesAt(terms, target, metadata)
    const { rates: meters } = registry.ofProvider(target.provider)
    if (purses.length === 0 && meters.length === 0) return undefined
    let refused: Failure | undefined
    for (const purse of purses) {
      purse.roll(nowMs)
      if (!purse.hard) continue
      if (purse.unit === 'usd' && !target.priced) return unpriced(purse.owner, target.models)
      const amount = purse.unit === 'usd' ? nanoUsd : BigInt(tokens)
      if (amount > 0n && amount > purse.room) refused = preferred(refused, purse.refusal(amount, nowMs))
    }
    if (refused !== undefined) return refused
    const rates = ratesFor(meters, hold.inputTokens, hold.tokens - hold.inputTokens, nowMs)
    if (rates instanceof Failure) return rates
    hold.attempt(claim(purses, rates, nanoUsd, tokens, nowMs), nowMs)
    return undefined
  }

  function claim(purses: readonly Purse[], rates: Claims['rates'], usd: bigint, tokens: number, nowMs: number): Claims {
    const paceMs = pace.at(nowMs)
    for (const { meter, units } of rates) meter.take(units, paceMs)
    return {
      rates,
      purses: purses.map((purse) => {
        const amount = purse.unit === 'usd' ? usd : BigInt(tokens)
        return { purse, amount, mark: purse.hold(amount, nowMs) }
      }),
    }
  }

  /** What to take of each, or the refusal that lasts longest. */
  function ratesFor(meters: readonly RateMeter[], input: number, output: number, nowMs: number): Claims['rates'] | Failure {
    if (meters.length === 0) return []
    const paceMs = pace.at(nowMs)
    let slowest: RateMeter | undefined
    let longestMs = 0
    const claims = meters.map((meter) => {
      const units = unitsToTake(meter, input, output, paceMs)
      const waitMs = meter.waitMs(units, paceMs)
      if (waitMs > longestMs) {
        slowest = meter
        longestMs = waitMs
      }
      return { meter, units }
    })
    return slowest === undefined ? claims : rateExceeded(slowest.owner, slowest.rule, longestMs)
  }

  /** Those of the target's model and of its provider. */
  function pursesAt(terms: Terms, { provider, models }: HoldTarget, metadata: HoldAsk['metadata']): readonly Purse[] {
    const theirs = registry.ofProvider(provider)
    if (terms.modelled.length === 0 && theirs.modelled.length === 0) return theirs === noTerms ? noPurses : pursesOf(theirs, metadata)
    const names = namesAt(provider.slug, models)
    const forModel = (meter: BudgetMeter): boolean => meter.counts(names) && meter.countsTagged(metadata)
    return [...terms.modelled.filter(forModel), ...pursesOf(theirs, metadata), ...theirs.modelled.filter(forModel)]
  }

  const limits: Limits = {
    onAlert: undefined,
    get heldCount() {
      return holders.count
    },
    configure: (snapshot) => registry.configure(snapshot),
    reserve,
    reserveAt,
    remaining(key, nowMs) {
      let usd: bigint | undefined
      let tokens: bigint | undefined
      for (const purse of registry.ofKey(key).purses) {
        purse.roll(nowMs)
        if (!purse.hard) continue
        const { room } = purse
        if (purse.unit === 'usd') usd = usd === undefined || room < usd ? room : usd
        else tokens = tokens === undefined || room < tokens ? room : tokens
      }
      return {
        ...(usd === undefined ? {} : { nanoUsd: positive(usd) }),
        ...(tokens === undefined ? {} : { tokens: Number(positive(tokens)) }),
      }
    },
    view: (key, nowMs) => registry.viewOf(key, nowMs, pace.at(nowMs)),
    list: (nowMs) => registry.list(nowMs, pace.at(nowMs)),
    rates(key, nowMs) {
      const { rates } = registry.ofKey(key)
      if (rates.length === 0) return noRates
      const paceMs = pace.at(nowMs)
      const requests = tightest(rates, 'requests', paceMs)
      const tokens = tightest(rates, 'tokens', paceMs)
      return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) }
    },
    setBalance: (wallet, nanoUsd) => registry.wallets.get(wallet)?.setBalance(nanoUsd),
    changeBalance: (wallet, byNanoUsd) => registry.wallets.get(wallet)?.changeBalance(byNanoUsd),
    unreadWallets: () => [...registry.wallets.values()].filter(({ unread }) => unread).map(({ id }) => id),
    unread: (nowMs) => registry.unread(nowMs),
    setSpent: (id, window, spent) => registry.budget(id)?.setSpent(window, spent),
  }
  return limits
}

const noPurses: readonly Purse[] = []
const noRates = Object.freeze({})

function pursesOf({ purses, tagged }: Terms, metadata: HoldAsk['metadata']): readonly Purse[] {
  if (tagged.length === 0) return purses
  const theirs = tagged.filter((meter) => meter.countsTagged(metadata))
  return theirs.length === 0 ? purses : [...purses, ...theirs]
}

function isStrict({ unit, hard }: Purse): boolean {
  return hard && unit === 'usd'
}

/** What is spent does not come back by waiting: that is said rather than what is held. */
function preferred(before: Failure | undefined, failure: Failure): Failure {
  return before === undefined || (before.details.retryAfterMs !== undefined && failure.details.retryAfterMs === undefined)
    ? failure
    : before
}

function positive(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}

function tightest(meters: readonly RateMeter[], of: 'requests' | 'tokens', paceMs: number): RateView | undefined {
  let tightestView: RateView | undefined
  for (const meter of meters) {
    if (meter.rule.of !== of) continue
    const view = meter.view(paceMs)
    if (tightestView === undefined || view.left < tightestView.left) tightestView = view
  }
  return tightestView
}

/** base + output x perToken, in thousandths of a nano-USD or of a token. */
type Line = { readonly base: bigint; readonly perToken: bigint; readonly asked: bigint; readonly least: bigint }

/** What a request may cost at most, by how long its answer may be. */
class RequestCost {
  readonly inputTokens: number
  /** Output tokens. */
  readonly asked: number
  readonly #leastOutput: number
  readonly #usd: Line
  /** Mostly nobody asks for it. */
  #tokens: Line | undefined

  constructor({ cost, inputTokens, outputTokens, leastOutputTokens: thinking = 0 }: HoldAsk) {
    this.inputTokens = wholeTokens(inputTokens)
    this.asked = wholeTokens(outputTokens)
    this.#leastOutput = Math.min(this.asked, Math.max(leastOutputTokens, wholeTokens(thinking)))
    this.#usd = this.#line(positive(cost?.picoUsd ?? 0n), positive(cost?.picoUsdPerOutputToken ?? 0n))
  }

  #lineOf(unit: Purse['unit']): Line {
    return unit === 'usd' ? this.#usd : (this.#tokens ??= this.#line(BigInt(this.inputTokens) * 1000n, 1000n))
  }

  #line(base: bigint, perToken: bigint): Line {
    return { base, perToken, asked: at(base, perToken, this.asked), least: at(base, perToken, this.#leastOutput) }
  }

  of(unit: Purse['unit'], output: number): bigint {
    const { base, perToken, asked } = this.#lineOf(unit)
    return output === this.asked ? asked : at(base, perToken, output)
  }

  least(unit: Purse['unit']): bigint {
    return this.#lineOf(unit).least
  }

  /** How long the answer may be so that it takes at most half of what is left; undefined: not even the least fits. */
  fit(purse: Purse): number | undefined {
    const { base, perToken, asked, least } = this.#lineOf(purse.unit)
    const { room } = purse
    if (2n * asked <= room || asked === 0n) return this.asked
    if (least > room) return least === 0n ? this.asked : undefined
    if (perToken === 0n) return this.asked
    const affordable = (500n * room - base) / perToken
    if (affordable >= BigInt(this.asked)) return this.asked
    return Math.max(this.#leastOutput, affordable > 0n ? Number(affordable) : 0)
  }
}

/** Rounded up. */
function at(base: bigint, perToken: bigint, output: number): bigint {
  return (base + perToken * BigInt(output) + 999n) / 1000n
}
