// Budgets, rate limits and owners as options say them and as they are shown: `5/day`, `200000tokens/30d`, `60/minute`.
import { Option, type Command } from 'commander'
import type { BudgetRuleView, OwnerView, RateLimitView } from '#control'
import { allPages, type AdminClient } from './admin-client.ts'
import { CliFailure, misused } from './failure.ts'
import { isInline } from './json-argument.ts'
import { formatCount, plain } from './words.ts'

export type LimitOptions = {
  /** false: none. */
  readonly budget?: readonly object[] | false
  readonly rate?: readonly object[] | false
  readonly concurrent?: number
}

export type Limits = { readonly budgets?: readonly BudgetRuleView[]; readonly rate_limits?: readonly RateLimitView[] }

/** On `update` they replace all that there was of them. */
export function addLimitOptions(command: Command): Command {
  return command
    .option(
      '--budget <amount/period>',
      'USD or tokens per day, week, month, total or days: 5/day, 200000tokens/30d; several times',
      budgets,
    )
    .option('--no-budget', 'no budget')
    .option(
      '--rate <number/time>',
      'requests or tokens per second, minute, hour or day: 60/minute, 90000tokens/minute; several times',
      rates,
    )
    .option('--no-rate', 'no rate limit, and no limit of what runs at once')
    .addOption(new Option('--concurrent <number>', 'requests that may run at once').argParser(concurrency))
}

/** The fields of the body for what was said; nothing for what wasn't. null takes away. */
export function limitBody({ budget, rate, concurrent }: LimitOptions): object {
  if (rate === false && concurrent !== undefined) throw misused('--no-rate and --concurrent exclude each other.')
  const said = rate === false || (rate === undefined && concurrent === undefined) ? [] : [...(rate ?? []), ...(concurrent === undefined ? [] : [{ concurrent }])] // prettier-ignore
  return {
    ...(budget === undefined ? {} : { budgets: budget === false ? null : budget }),
    ...(rate === false ? { rate_limits: null } : said.length === 0 ? {} : { rate_limits: said }),
  }
}

function budgets(text: string, before: readonly object[] | false | undefined): readonly object[] {
  const earlier = before === undefined || before === false ? [] : before
  if (isInline(text)) return [...earlier, jsonOf(text)]
  const [, amount = '', unit = '', period = ''] = /^\$?(\d+(?:\.\d+)?)\s*(tokens?)?\/(day|week|month|total|\d{1,4}d)$/.exec(text) ?? []
  if (amount === '')
    throw misused(`--budget takes an amount and a period, such as 5/day, 50/month, 200000tokens/30d or 100/total, not '${plain(text)}'.`)
  const days = /^(\d+)d$/.exec(period)?.[1]
  const limit = unit === '' ? { amount_usd: amount } : { tokens: Number(amount) }
  return [...earlier, { ...limit, period: days === undefined ? period : { days: Number(days) } }]
}

function rates(text: string, before: readonly object[] | false | undefined): readonly object[] {
  const earlier = before === undefined || before === false ? [] : before
  const [, number = '', unit = '', per = ''] = /^(\d{1,15})\s*(requests?|tokens?)?\/(second|minute|hour|day)$/.exec(text) ?? []
  if (number === '')
    throw misused(`--rate takes a number and a time, such as 60/minute, 5/second or 90000tokens/minute, not '${plain(text)}'.`)
  return [...earlier, { [unit.startsWith('token') ? 'tokens' : 'requests']: Number(number), per }]
}

function concurrency(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw misused(`--concurrent takes a whole number from 1 on, not '${plain(text)}'.`)
  return Number(text)
}

function jsonOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Said below.
  }
  throw misused(`--budget is not the JSON of a budget: ${plain(text.slice(0, 100))}`)
}

/** `$5/day`, `200,000 tokens/30 days (soft)`; undefined: there is none. */
export function budgetWords(all: readonly BudgetRuleView[] | undefined): string | undefined {
  return wordsOf(all, ({ amount_usd: usd, tokens, period, soft, models, metadata }) => {
    const amount = usd === undefined ? `${formatCount(tokens ?? 0)} tokens` : `$${usd}`
    const notes = [
      ...(soft === true ? ['soft'] : []),
      ...(models ?? []),
      ...Object.entries(metadata ?? {}).map(([name, value]) => `${name}=${value}`),
    ]
    const time = typeof period === 'object' ? `${period.days} days` : period
    return `${amount}/${time}${notes.length === 0 ? '' : ` (${plain(notes.join(', '))})`}`
  })
}

/** `60 requests/minute`, `4 at once`; undefined: there is none. */
export function rateWords(all: readonly RateLimitView[] | undefined): string | undefined {
  return wordsOf(all, ({ requests, tokens, concurrent, per }) => {
    if (concurrent !== undefined) return `${concurrent} at once`
    return requests === undefined ? `${formatCount(tokens ?? 0)} tokens/${per}` : `${formatCount(requests)} requests/${per}`
  })
}

function wordsOf<Rule>(all: readonly Rule[] | undefined, words: (rule: Rule) => string): string | undefined {
  return all === undefined || all.length === 0 ? undefined : all.map(words).join(', ')
}

/** The id of an id or a name; undefined: there is none such. */
export async function findOwner(client: AdminClient, kind: 'users' | 'teams', wanted: string): Promise<OwnerView | undefined> {
  const all = await allPages<OwnerView>(client, kind)
  const exact = all.find(({ id }) => id === wanted) ?? all.find(({ name }) => name === wanted)
  if (exact !== undefined) return exact
  const near = all.filter(({ id }) => wanted.length >= 8 && id.startsWith(wanted))
  if (near.length > 1)
    throw new CliFailure(`Several ${kind} are meant by '${plain(wanted)}': ${near.map(({ id }) => id).join(', ')}; write the id.`)
  return near[0]
}

/** `user` and `team` with ids in place of names; a user that there is no record of stays the label that it is. `none`: null. */
export async function ownerBody(client: AdminClient, { user, team }: { readonly user?: string; readonly team?: string }): Promise<object> {
  const idOf = async (kind: 'users' | 'teams', wanted: string): Promise<string | null> =>
    wanted === 'none' ? null : ((await findOwner(client, kind, wanted))?.id ?? wanted)
  return {
    ...(user === undefined ? {} : { user: await idOf('users', user) }),
    ...(team === undefined ? {} : { team: await idOf('teams', team) }),
  }
}
