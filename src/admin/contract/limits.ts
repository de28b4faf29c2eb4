// What may be spent and how fast: budgets and rate limits of keys, providers, users, teams and the whole instance.
import { z } from 'zod'
import { list, text } from './basics.ts'

/** In bodies; answers have text only. */
const amount = z
  .union([z.string().regex(/^\d+(\.\d+)?([eE][+-]?\d{1,2})?$/), z.number().nonnegative()])
  .describe('USD as decimal text with at most 9 decimals; 0: nothing may be spent')
const tokens = z.number().int().min(0).describe('Tokens in and out together, instead of USD')
const period = z
  .union([z.enum(['day', 'week', 'month', 'total']), z.strictObject({ days: z.number().int().min(1).max(3660) })])
  .describe(
    "Calendar windows in the instance's time zone, weeks from Monday; `days`: that many, from the first request on; `total`: for good",
  )
const soft = z.boolean().optional().describe('Passing it is told, and stops nothing')
const share = z.number().gt(0).max(1)
const alertAt = z.array(share).max(10).optional().describe('Shares of it at which an alert is given; by default 0.5, 0.8 and 1')
const models = z
  .array(z.string().min(1))
  .min(1)
  .optional()
  .describe('Patterns of model names that it counts (`*` for anything); without it, all')
const metadata = z.record(z.string(), z.string()).optional().describe('Only requests with all of this metadata')

const budgetFields = { amount_usd: amount.optional(), tokens: tokens.optional(), period, soft, models, alert_at: alertAt }

export const budgetsBody = z
  .array(z.strictObject(budgetFields).meta({ id: 'BudgetBody' }))
  .max(50)
  .describe('What may be spent. Each has either `amount_usd` or `tokens`')

export const instanceBudgetsBody = z
  .array(z.strictObject({ ...budgetFields, metadata }).meta({ id: 'InstanceBudgetBody' }))
  .max(50)
  .describe('What the whole instance may spend: on all, on some models, or with some metadata')

const shownBudget = {
  amount_usd: text.optional(),
  tokens: tokens.optional(),
  period,
  soft,
  models: list(text).optional(),
  alert_at: list(share).optional(),
}

export const budgets = list(z.object(shownBudget).meta({ id: 'Budget' }))
export const instanceBudgets = list(z.object({ ...shownBudget, metadata }).meta({ id: 'InstanceBudget' }))

const count = z.number().int().min(1).optional()
const rateLimit = z.strictObject({
  requests: count,
  tokens: count,
  concurrent: count.describe('Requests that run at once; without `per`'),
  per: z.enum(['second', 'minute', 'hour', 'day']).optional(),
})

export const rateLimitsBody = z
  .array(rateLimit.meta({ id: 'RateLimitBody' }))
  .max(50)
  .describe('How fast. Each has one of `requests`, `tokens` and `concurrent`')

export const rateLimits = list(z.object(rateLimit.shape).meta({ id: 'RateLimit' }))
