// What one request may spend: held before anybody is asked, of every limit that it has, and settled at its end for what it did cost.
import type { GatewayKey, Snapshot } from '#config'
import { inputTokensOf, type Arrival, type Inspected } from '#inspection'
import type { Price, PriceRates } from '#ir'
import { Failure } from '#kernel'
import { lacksUsage, withEstimatedUsage } from '#journal'
import type { Hold, HoldCost, HoldTarget, Limits, RateState } from '#ledger'
import type { Plan, PlannedTarget } from '#routing'
import type { FinishRecord } from '#store'
import {
  answersAsked,
  callsAsked,
  outputCap,
  outputFields,
  placeOf,
  refuseNonsense,
  thinkingBudget,
  tierAsked,
  type Place,
} from './asked.ts'
import type { OutputClamp } from './outgoing.ts'
import type { GatewayDeps } from './port.ts'
import { priceOfTarget, type Priced } from './answer-cost.ts'

type SpendingDeps = Pick<GatewayDeps, 'limits' | 'snapshot' | 'countTokens'>

export interface Spender {
  readonly arrival: Arrival
  readonly inspected: Inspected
  readonly plan: Plan
}

/** undefined: nothing limits this request. Throws the `Failure` that refuses it. */
export function holdFor({ limits, snapshot, countTokens }: SpendingDeps, spender: Spender): Spending | undefined {
  const { arrival, inspected, plan } = spender
  if (limits === undefined || arrival.operation === 'count-tokens' || !isLimited(arrival.key, snapshot(), plan)) return undefined
  const inputTokens = inputTokensOf(arrival.bodyEnd - arrival.bodyStart, () => inspected.body.original())
  const embeds = arrival.operation === 'embed'
  const place = placeOf(arrival.wire, inspected)
  if (!embeds) refuseNonsense(arrival.wire, inspected, place)
  const metadata = metadataOf(spender)
  const first = plan.steps[0]!.target
  const worst = worstOf(plan, arrival, inspected, inputTokens, place)
  const { cost, outputTokens, answers } = worst
  const held = limits.reserve(
    {
      key: arrival.key,
      metadata,
      first: holdTarget(first, inspected.model),
      cost,
      inputTokens: worst.inputTokens,
      outputTokens,
      leastOutputTokens: embeds ? 0 : thinkingBudget(arrival.wire, inspected, place),
    },
    arrival.atMs,
  )
  if (held instanceof Failure) throw held
  const { names } = outputFields[arrival.wire]
  const value = Math.max(1, Math.floor(held.maxOutputTokens / answers))
  const clamp = held.clamped ? { names, value, ...(place.within === undefined ? {} : { within: place.within }) } : undefined
  return new Spending({ limits, countTokens }, held, arrival, inspected, inputTokens, clamp)
}

export class Spending {
  readonly #limits: Limits
  readonly #countTokens: GatewayDeps['countTokens']
  readonly #hold: Hold
  readonly #inspected: Inspected
  /** Estimated from its bytes alone. */
  readonly #inputTokens: number
  /** Of the latest attempt. */
  #target: PlannedTarget | undefined
  /** What the request may say at most, where what it asked for does not fit. */
  readonly clamp: OutputClamp | undefined
  readonly #key: GatewayKey

  constructor(
    { limits, countTokens }: { readonly limits: Limits; readonly countTokens: GatewayDeps['countTokens'] },
    hold: Hold,
    { key }: Arrival,
    inspected: Inspected,
    inputTokens: number,
    clamp: OutputClamp | undefined,
  ) {
    this.#limits = limits
    this.#countTokens = countTokens
    this.#hold = hold
    this.#inspected = inspected
    this.#inputTokens = inputTokens
    this.#key = key
    this.clamp = clamp
  }

  /** Before an attempt. Why the target is passed over, if it is. */
  at(target: PlannedTarget, nowMs: number): Failure | undefined {
    this.#target = target
    return this.#limits.reserveAt(this.#hold, holdTarget(target, this.#inspected.model), nowMs)
  }

  /** For the headers of its answer. */
  rates(nowMs: number): RateState {
    return this.#limits.rates(this.#key, nowMs)
  }

  /** The request has come to its end. `asked`: somebody was sent it. `record`: what the ledger will know of it. */
  over(asked: boolean, priced: Priced | undefined, record: FinishRecord, nowMs: number): void {
    if (!asked) {
      this.#hold.release(nowMs)
      return
    }
    const { counts, costNanoUsd = 0n } = priced ?? {}
    this.#hold.settle({ nanoUsd: costNanoUsd, tokens: counts === undefined ? 0 : counts.input + counts.output }, nowMs)
    if (lacksUsage(record)) this.#recount(record)
    else if (counts !== undefined && this.#target !== undefined) learnInput(this.#target, this.#inputTokens, counts.input)
  }

  /** What nobody told is counted here as the ledger does: what was settled was a guess. */
  #recount(record: FinishRecord): void {
    const counted = record.kept === '' ? Promise.resolve(0) : this.#countTokens(record.kept)
    counted
      .then((output) => {
        const { usage, costNanoUsd = 0n } = withEstimatedUsage(record, () => output)
        this.#hold.correct({ nanoUsd: costNanoUsd, tokens: usage === undefined ? 0 : usage.input + usage.output }, Date.now())
      })
      // Whoever stops counts nothing any more; the next start reads the ledger.
      .catch(() => undefined)
  }
}

/** What it spends counts against something of its own: it must be written down. */
export function hasBudget({ budgets, userId, teamId }: GatewayKey, snapshot: Snapshot): boolean {
  return budgets !== undefined || userId !== undefined || teamId !== undefined || snapshot.budgets.length > 0
}

function isLimited(key: GatewayKey, snapshot: Snapshot, { steps }: Plan): boolean {
  if (hasBudget(key, snapshot) || key.rateLimits !== undefined) return true
  for (const step of steps) {
    const { provider } = step.target
    if (provider.budgets !== undefined || provider.rateLimits !== undefined) return true
  }
  return false
}

const holdTargets = new WeakMap<PlannedTarget, HoldTarget>()

function holdTarget(target: PlannedTarget, asked: string): HoldTarget {
  let known = holdTargets.get(target)
  if (known === undefined) {
    const { provider, model } = target
    const models = model.canonical === undefined ? [model.id] : [model.id, model.canonical]
    holdTargets.set(target, (known = { provider, models, priced: priceOfTarget(target, 0) !== undefined }))
  }
  return known.models.includes(asked) ? known : { ...known, models: [asked, ...known.models] }
}

/** By how many tokens of late the estimate of an input fell short of what the model said it read: words of other scripts, prompts of its own. */
const shortfalls = new WeakMap<PlannedTarget['model'], number>()

/** Believed at once, and forgotten over some twenty answers. */
function learnInput({ model }: PlannedTarget, estimated: number, read: number): void {
  const before = shortfalls.get(model) ?? 0
  const short = Math.max(0, read - estimated)
  if (short > 0 || before > 0) shortfalls.set(model, short > before ? short : before - (before - short) / 16)
}

/** At most twice what its bytes say, and a little more: what one long request lacked says nothing of a short one. */
function likelyInput(estimated: number, { model }: PlannedTarget): number {
  const short = shortfalls.get(model)
  return short === undefined ? estimated : estimated + Math.min(Math.floor(short), estimated + 500)
}

/** The dearest of the plan's targets: any of them may answer. Those without a price are passed over by whoever has a budget. */
function worstOf(
  plan: Plan,
  { atMs, wire, operation }: Arrival,
  inspected: Inspected,
  estimated: number,
  place: Place,
): { readonly cost: HoldCost | undefined; readonly inputTokens: number; readonly outputTokens: number; readonly answers: number } {
  const says = speechOf(inspected)
  let cost: { picoUsd: bigint; picoUsdPerOutputToken: bigint } | undefined
  let mostInput = estimated
  let outputTokens = 0
  let answers = 1
  for (const { target } of plan.steps) {
    const inputTokens = likelyInput(estimated, target)
    if (inputTokens > mostInput) mostInput = inputTokens
    if (operation !== 'embed') {
      const count = answersAsked(target, inspected, place)
      answers = Math.max(answers, count)
      outputTokens = Math.max(outputTokens, count * outputCap(target, wire, inputTokens, place))
    }
    const price = priceOfTarget(target, atMs)
    if (price === undefined) continue
    for (const rates of ratesFor(price, inputTokens, target, inspected)) {
      const picoUsd = BigInt(inputTokens) * inputRate(rates, says) + rates.request + callFees(rates, target, inspected, says)
      const perToken = outputRate(rates, says)
      cost ??= { picoUsd, picoUsdPerOutputToken: perToken }
      if (picoUsd > cost.picoUsd) cost.picoUsd = picoUsd
      if (perToken > cost.picoUsdPerOutputToken) cost.picoUsdPerOutputToken = perToken
    }
  }
  return { cost, inputTokens: mostInput, outputTokens, answers }
}

type Speech = (...words: readonly string[]) => boolean

/** Whether the body has one of these words anywhere. */
function speechOf({ body }: Inspected): Speech {
  const known = new Map<string, boolean>()
  return (...words) =>
    words.some((word) => {
      let found = known.get(word)
      if (found === undefined) known.set(word, (found = body.original().includes(word)))
      return found
    })
}

/** What a provider bills for the calls of tools that it runs itself. */
function callFees({ calls }: PriceRates, target: PlannedTarget, inspected: Inspected, says: Speech): bigint {
  let picoUsd = 0n
  for (const kind in calls) {
    const each = calls[kind]!
    // Mostly there are none, and one look for all searches says so.
    if (each > 0n && says(kind.endsWith(searches) ? searches : kind)) picoUsd += each * BigInt(callsAsked(target, inspected, kind))
  }
  return picoUsd
}

const searches = '_search'

function inputRate(rates: PriceRates, says: Speech): bigint {
  const most = dearest(rates).input
  const { cacheWrite1h, inputAudio } = rates
  const hour = cacheWrite1h > most && says('"1h"') ? cacheWrite1h : most
  return inputAudio > hour && says('audio', 'AUDIO') ? inputAudio : hour
}

function outputRate(rates: PriceRates, says: Speech): bigint {
  const most = dearest(rates).output
  return rates.outputAudio > most && says('audio', 'AUDIO') ? rates.outputAudio : most
}

/** The plain rates, and those that this request may be charged by. */
function ratesFor(price: Price, inputTokens: number, target: PlannedTarget, inspected: Inspected): readonly PriceRates[] {
  if (price.cases === undefined) return [price]
  const tier = tierAsked(inspected, target)
  const fitting = price.cases.filter(
    ({ aboveInput, serviceTier }) =>
      (aboveInput === undefined || inputTokens > aboveInput) && (serviceTier === undefined || serviceTier === tier),
  )
  return [price, ...fitting.map((one) => one.price)]
}

type Dearest = { readonly input: bigint; readonly output: bigint }

const dearestRates = new WeakMap<PriceRates, Dearest>()

/** What a token of each may cost at most, but for what only some requests ask for. */
function dearest(rates: PriceRates): Dearest {
  let known = dearestRates.get(rates)
  if (known === undefined) {
    const most = (all: readonly bigint[]): bigint => all.reduce((one, other) => (one > other ? one : other))
    const { input, cacheRead, cacheWrite, inputImage = 0n, output, reasoning, outputImage = 0n } = rates
    known = { input: most([input, cacheRead, cacheWrite, inputImage]), output: most([output, reasoning, outputImage]) }
    dearestRates.set(rates, known)
  }
  return known
}

function metadataOf({ arrival, inspected }: Spender): Readonly<Record<string, string>> | undefined {
  if (inspected.metadata === '') return arrival.key.metadata
  return { ...(JSON.parse(inspected.metadata) as Record<string, string>), ...arrival.key.metadata }
}
