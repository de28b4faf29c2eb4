// Budgets and rate limits as they are shown.
import type { DeclaredBudget, DeclaredRateLimit } from '#config'
import { compact } from './bodies.ts'
import type { BudgetRuleView, RateLimitView } from './port.ts'

export function limitViews(from: {
  readonly budgets?: readonly DeclaredBudget[] | undefined
  readonly rate_limits?: readonly DeclaredRateLimit[] | undefined
}): { readonly budgets?: readonly BudgetRuleView[]; readonly rate_limits?: readonly RateLimitView[] } {
  const { budgets, rate_limits: rateLimits } = from
  return {
    ...(budgets === undefined ? {} : { budgets: budgets.map((one) => compact(one) as BudgetRuleView) }),
    ...(rateLimits === undefined ? {} : { rate_limits: rateLimits.map((one) => compact(one) as RateLimitView) }),
  }
}
