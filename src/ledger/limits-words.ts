// The sentences that say which limit is reached, and what to do. OpenClaw acts upon their words: docs/decisions/0021. At most 300 characters.
import type { BudgetRule, RateLimitRule } from '#config'
import { formatUsd } from '#ir'
import { Failure } from '#kernel'
import type { LimitOwner } from './limits-port.ts'

type Budget = { readonly owner: LimitOwner; readonly rule: BudgetRule }

export function budgetExceeded(budget: Budget, resetMs: number | undefined): Failure {
  const { owner, rule } = budget
  if (owner.kind === 'provider') return new Failure('provider_limited', `The ${named(budget)} is used up.${ends(rule, resetMs)}`)
  const what = 'tokens' in rule.limit ? 'token limit' : 'spending limit'
  return new Failure(
    'budget_exceeded',
    `${capitals[periodName(rule.period)]} ${what} of ${amount(rule)} reached for ${nameOf(owner)}${scope(rule)}.${ends(rule, resetMs)}`,
  )
}

/** Names no period as such: that would end the turn of an agent that should wait a moment. */
export function budgetReserved(budget: Budget, holders: number): Failure {
  const retryAfterMs = retryOf(holders)
  const kind = budget.owner.kind === 'provider' ? 'provider_limited' : 'budget_reserved'
  return new Failure(kind, `What is left of the ${named(budget)} is held by running requests; try again in ${seconds(retryAfterMs)}.`, {
    retryAfterMs,
  })
}

export function walletReserved(owner: LimitOwner, holders: number): Failure {
  const retryAfterMs = retryOf(holders)
  return new Failure(
    'budget_reserved',
    `What is left for ${nameOf(owner)} is held by running requests; try again in ${seconds(retryAfterMs)}.`,
    { retryAfterMs },
  )
}

export function walletEmpty(owner: LimitOwner, leftNanoUsd: bigint, topUpUrl: string | undefined): Failure {
  const left = leftNanoUsd > 0n ? `of ${usd(leftNanoUsd)} does not cover this request` : 'is used up'
  const next = topUpUrl === undefined ? 'The operator of this gateway can top it up.' : `Top it up at ${topUpUrl}`
  return new Failure('insufficient_balance', `The prepaid balance of ${nameOf(owner)} ${left}. ${next}`)
}

export function rateExceeded(owner: LimitOwner, rule: RateLimitRule, waitMs: number): Failure {
  const kind = owner.kind === 'provider' ? 'provider_limited' : 'rate_limit_exceeded'
  const who = `reached for ${nameOf(owner)}`
  // A limit of 0 lets nothing through, ever.
  if (waitMs === Infinity)
    return new Failure(kind, `Rate limit of 0 ${rule.of} ${who}: it stays until it is raised.`, { retryAfterMs: 86_400_000 })
  return new Failure(kind, `Rate limit of ${rateName(rule)} ${who}: try again in ${seconds(waitMs)}.`, { retryAfterMs: waitMs })
}

export function unpriced(owner: LimitOwner, models: readonly string[]): Failure {
  const model = models[0] === undefined ? 'This model' : `The model ${JSON.stringify(short(models[0]))}`
  const whose = owner.kind === 'instance' ? 'all requests together have' : `${nameOf(owner)} has`
  const kind = owner.kind === 'provider' ? 'provider_limited' : 'unpriced_model'
  return new Failure(kind, `${model} has no price, and ${whose} a budget that could not be kept. Give it a price, or mark it as free.`)
}

type PeriodName = 'day' | 'week' | 'month' | 'workspace'

const capitals = { day: 'Daily', week: 'Weekly', month: 'Monthly', workspace: 'Workspace' } as const satisfies Record<PeriodName, string>

function periodName(period: BudgetRule['period']): PeriodName {
  return period === 'total' || typeof period === 'object' ? 'workspace' : period
}

/** `budget of $5.00 a day for key 'x'` */
function named({ owner, rule }: Budget): string {
  const { period } = rule
  const each = typeof period === 'object' ? ` for ${period.days} days` : period === 'total' ? '' : ` a ${period}`
  return `budget of ${amount(rule)}${each} for ${nameOf(owner)}${scope(rule)}`
}

function ends({ period }: BudgetRule, resetMs: number | undefined): string {
  const resets = resetMs === undefined ? 'never resets by itself' : `resets in ${inWords(resetMs)}`
  // Without a period in the sentence, "usage limit" says that waiting is of no use.
  if (periodName(period) === 'workspace') return ` It stays until it is raised. This usage limit ${resets}.`
  return resetMs === undefined ? '' : ` Resets in ${inWords(resetMs)}.`
}

function nameOf({ kind, name }: LimitOwner): string {
  return kind === 'instance' ? 'all keys together' : `${kind} '${short(name)}'`
}

function scope({ models, metadata }: BudgetRule): string {
  const tags = Object.entries(metadata ?? {}).map(([key, value]) => `${key}=${value}`)
  const on = models === undefined ? '' : ` on ${short(models.join(', '))}`
  return tags.length === 0 ? on : `${on} with ${short(tags.join(', '))}`
}

function short(text: string): string {
  return text.length <= 50 ? text : `${text.slice(0, 47).toWellFormed()}...`
}

function amount({ limit }: BudgetRule): string {
  return 'tokens' in limit ? limit.tokens.toLocaleString('en-US') : usd(limit.nanoUsd)
}

/** `$5.00`, `$0.0005` */
function usd(nanoUsd: bigint): string {
  const text = formatUsd(nanoUsd)
  const point = text.indexOf('.')
  const places = point < 0 ? 0 : text.length - point - 1
  return `$${point < 0 ? `${text}.` : text}${'0'.repeat(Math.max(0, 2 - places))}`
}

const unitNames = new Map([
  [1000, 'second'],
  [60_000, 'minute'],
  [3_600_000, 'hour'],
  [86_400_000, 'day'],
])

function rateName({ of, limit, perMs }: RateLimitRule): string {
  const number = limit.toLocaleString('en-US')
  if (of === 'concurrent') return `${number} ${limit === 1 ? 'request' : 'requests'} at once`
  const what = limit === 1 ? of.slice(0, -1) : of
  return `${number} ${what} per ${unitNames.get(perMs) ?? inWords(perMs)}`
}

/** Running requests end one after the other: the more there are, the later it is worth coming back; 1 to 5 seconds. */
function retryOf(holders: number): number {
  return Math.min(5, 1 + Math.floor(holders / 8)) * 1000
}

function seconds(ms: number): string {
  const count = Math.max(1, Math.ceil(ms / 1000))
  return `${count} second${count === 1 ? '' : 's'}`
}

/** Rounded up to whole units: 90 seconds are 2 minutes, 30 hours are 30 hours, and 60 are 3 days. */
function inWords(ms: number): string {
  if (ms > 48 * 3_600_000) return `${Math.ceil(ms / 86_400_000)} days`
  if (ms > 3_600_000) return `${Math.ceil(ms / 3_600_000)} hours`
  return ms > 60_000 ? `${Math.ceil(ms / 60_000)} minutes` : seconds(ms)
}
