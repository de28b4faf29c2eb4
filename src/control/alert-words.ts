// An alert as it is sent, and as the log says it.
import { createHash } from 'node:crypto'
import { formatUsd } from '#ir'
import type { BudgetAlert, LimitOwner } from '#ledger'

export type AlertEvent = { readonly id: string; readonly body: string; readonly sentence: string }

export function alertEvent({ budget, share, atMs, name }: BudgetAlert): AlertEvent {
  const { owner, rule, unit, spent, limit, window } = budget
  // The same share of the same budget in the same window is the same event, whoever tells it again.
  const id = `alert_${createHash('sha256').update(name).digest('base64url').slice(0, 20)}`
  const amounts =
    unit === 'usd'
      ? { spent_usd: formatUsd(spent), amount_usd: formatUsd(limit) }
      : { spent_tokens: Number(spent), amount_tokens: Number(limit) }
  const event = {
    id,
    type: 'budget.alert',
    at: new Date(atMs).toISOString(),
    limit: {
      id: budget.id,
      owner: { kind: owner.kind, id: owner.id, name: owner.name },
      unit,
      period: rule.period,
      soft: rule.soft,
      ...(rule.models === undefined ? {} : { models: rule.models }),
      ...(rule.metadata === undefined ? {} : { metadata: rule.metadata }),
    },
    share,
    ...amounts,
    window:
      window === undefined
        ? null
        : { from: new Date(window.fromMs).toISOString(), to: Number.isFinite(window.toMs) ? new Date(window.toMs).toISOString() : null },
  }
  const words = unit === 'usd' ? [`$${formatUsd(spent)}`, `$${formatUsd(limit)}`] : [`${spent} tokens`, `${limit} tokens`]
  const whose = `the ${periodWords(rule.period)} budget of ${ownerWords(owner)}`
  // Its last cent may fit no request.
  const sentence =
    share === 1 && spent < limit
      ? `${whose} has refused a request: ${words[0]} of ${words[1]} is spent`
      : `${Math.round(share * 100)} % of ${whose} is spent: ${words[0]} of ${words[1]}`
  return { id, body: JSON.stringify(event), sentence }
}

function periodWords(period: BudgetAlert['budget']['rule']['period']): string {
  if (typeof period === 'object') return `${period.days}-day`
  return { day: 'daily', week: 'weekly', month: 'monthly', total: 'total' }[period]
}

function ownerWords({ kind, name }: LimitOwner): string {
  return kind === 'instance' ? 'the instance' : `the ${kind} ${JSON.stringify(name)}`
}
