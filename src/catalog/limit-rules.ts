// Budgets and rate limits as they are enforced, from what turnpike.yaml and the store have in common.
import type { BudgetRule, DeclaredBudget, DeclaredRateLimit, RateLimitRule } from '#config'
import { parseNanoUsd } from '#ir'

const perMs = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
const defaultAlertAt = [0.5, 0.8, 1] as const

export type DeclaredLimits = {
  readonly budgets?: readonly DeclaredBudget[] | undefined
  readonly rate_limits?: readonly DeclaredRateLimit[] | undefined
}

/** Of a key, a provider, a user or a team. */
export function limitsOf({ budgets, rate_limits: rateLimits }: DeclaredLimits): {
  readonly budgets?: readonly BudgetRule[]
  readonly rateLimits?: readonly RateLimitRule[]
} {
  return {
    ...(budgets === undefined || budgets.length === 0 ? {} : { budgets: budgetRules(budgets) }),
    ...(rateLimits === undefined || rateLimits.length === 0 ? {} : { rateLimits: rateLimits.map(rateLimitRule) }),
  }
}

export function budgetRules(budgets: readonly DeclaredBudget[]): readonly BudgetRule[] {
  return budgets.map(({ amount_usd: usd, tokens, period, soft = false, models, metadata, alert_at: alertAt = defaultAlertAt }) => ({
    limit: usd === undefined ? { tokens: tokens ?? 0 } : { nanoUsd: parseNanoUsd(usd) ?? 0n },
    period,
    soft,
    ...(models === undefined ? {} : { models }),
    ...(metadata === undefined ? {} : { metadata }),
    alertAt: [...new Set(alertAt)].sort((a, b) => a - b),
  }))
}

function rateLimitRule({ requests, tokens, concurrent, per }: DeclaredRateLimit): RateLimitRule {
  if (concurrent !== undefined) return { of: 'concurrent', limit: concurrent, perMs: 0 }
  const ms = perMs[per ?? 'minute']
  return requests === undefined ? { of: 'tokens', limit: tokens ?? 0, perMs: ms } : { of: 'requests', limit: requests, perMs: ms }
}
