// What may be spent, and how fast: budgets and rate limits as turnpike.yaml and the admin API write them.
import { formatUsd, parseNanoUsd } from '#ir'
import { z } from 'zod'
import { list, metadata, patterns } from './schema-words.ts'

const maxRules = 50
/** USD; in nano-USD an eighth of what 64 bits hold. */
const maxUsd = 1_000_000_000n
const maxTokens = 10 ** 15

/** USD to the nano-dollar, written shortest; a plain number of YAML is taken by its shortest decimal form. */
const amountUsd = z.union([z.string().max(64, 'has more than 64 characters'), z.number()]).transform((written, context) => {
  const nanoUsd = exactNanoUsd(written)
  if (typeof nanoUsd === 'bigint') return formatUsd(nanoUsd)
  context.addIssue({ code: 'custom', message: nanoUsd })
  return z.NEVER
})

const tokens = z.int('is not a whole number').min(0, 'is less than 0').max(maxTokens, `is more than ${maxTokens}`)
const days = z.int('is not a whole number of days').min(1, 'is less than 1').max(3660, 'is more than 3660')

const budgetFields = {
  amount_usd: amountUsd.optional(),
  tokens: tokens.optional(),
  period: z.union([z.enum(['day', 'week', 'month', 'total']), z.strictObject({ days })]),
  soft: z.boolean().optional(),
  models: patterns.min(1, 'is empty').optional(),
  alert_at: list(
    z
      .number()
      .gt(0, 'is not more than 0: shares of the budget are written 0.8 for 80 %')
      .max(1, 'is more than 1: shares of the budget are written 0.8 for 80 %'),
    10,
  ).optional(),
}

const budget = z.strictObject(budgetFields).superRefine(refuseAmounts)
/** Of the whole instance. */
const instanceBudget = z
  .strictObject({ ...budgetFields, metadata: metadata.refine((all) => Object.keys(all).length > 0, 'is empty').optional() })
  .superRefine(refuseAmounts)

export const budgets = list(budget, maxRules).superRefine(refuseTwins)
export const instanceBudgets = list(instanceBudget, maxRules).superRefine(refuseTwins)

const count = z.int('is not a whole number').min(1, 'is less than 1').max(maxTokens, `is more than ${maxTokens}`)
const ofRates = ['requests', 'tokens', 'concurrent'] as const

const rateLimit = z
  .strictObject({
    requests: count.optional(),
    tokens: count.optional(),
    concurrent: count.optional(),
    per: z.enum(['second', 'minute', 'hour', 'day']).optional(),
  })
  .superRefine((rule, issues) => {
    const given = ofRates.filter((one) => rule[one] !== undefined)
    if (given.length !== 1)
      issues.addIssue(
        `${given.length === 0 ? 'has none of `requests`, `tokens` and `concurrent`' : `has both ${and(given)}`}; give one of them, and each other one in an entry of its own`,
      )
    else if (given[0] === 'concurrent' && rule.per !== undefined)
      issues.addIssue('has `concurrent` and `per`, but what runs at once is not counted per time; leave `per` out')
    else if (given[0] !== 'concurrent' && rule.per === undefined)
      issues.addIssue(`has no \`per\`; add second, minute, hour or day for its ${given[0]}`)
  })

export const rateLimits = list(rateLimit, maxRules).superRefine((rules, issues) => {
  const twins = twinsOf(rules, (rule) => [ofRates.find((one) => rule[one] !== undefined), rule.per])
  if (twins !== undefined) issues.addIssue(`has two limits of one kind and time, entries ${twins[0]} and ${twins[1]}; keep the lower one`)
})

export type DeclaredBudget = z.infer<typeof instanceBudget>
export type DeclaredRateLimit = z.infer<typeof rateLimit>

type Amounts = { readonly amount_usd?: string | undefined; readonly tokens?: number | undefined }

function refuseAmounts({ amount_usd: usd, tokens: inTokens }: Amounts, issues: { addIssue(message: string): void }): void {
  const given = [usd, inTokens].filter((one) => one !== undefined).length
  if (given !== 1) issues.addIssue(`has ${given === 0 ? 'neither' : 'both'} \`amount_usd\` and \`tokens\`; give one of them`)
}

/** Two of one kind would be one budget with two amounts. */
function refuseTwins(rules: readonly DeclaredBudget[], issues: { addIssue(message: string): void }): void {
  const twins = twinsOf(rules, ({ tokens: inTokens, period, models, metadata: only }) => [
    inTokens === undefined,
    period,
    models?.toSorted(),
    only === undefined ? undefined : Object.entries(only).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ])
  if (twins !== undefined)
    issues.addIssue(
      `has two budgets of one unit and period, entries ${twins[0]} and ${twins[1]}; keep one, and let its \`alert_at\` say what is told earlier`,
    )
}

function twinsOf<Rule>(rules: readonly Rule[], kindOf: (rule: Rule) => unknown): readonly [number, number] | undefined {
  const seen = new Map<string, number>()
  for (const [index, rule] of rules.entries()) {
    const kind = JSON.stringify(kindOf(rule))
    const first = seen.get(kind)
    if (first !== undefined) return [first, index]
    seen.set(kind, index)
  }
  return undefined
}

function and(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' and ')
}

/** What is wrong with it, where it is none. Nothing is rounded: a budget means what it says. */
function exactNanoUsd(written: string | number): bigint | string {
  const nanoUsd = parseNanoUsd(String(written))
  if (nanoUsd === undefined) return 'is not an amount in USD of at least 0, such as "5" or "0.25"'
  if (nanoUsd > maxUsd * 1_000_000_000n) return `is more than ${maxUsd}`
  const isExact = typeof written === 'number' ? Number(formatUsd(nanoUsd)) === written : /^\d+(?:\.\d{1,9}0*)?$/.test(written)
  return isExact ? nanoUsd : 'has more than 9 decimals'
}
