// Usage -> price -> entry; what may be spent at all.
export { priceUsage, type PricedUsage, type UsageToPrice } from './price-usage.ts'
export { createLimits } from './limits.ts'
export { accountOf, readLimits, walletOf } from './read-limits.ts'
export { createCalendar } from './windows.ts'
export type {
  BudgetAlert,
  BudgetView,
  Hold,
  HoldAsk,
  HoldCost,
  HoldTarget,
  LimitedSnapshot,
  LimitOwner,
  Limits,
  LimitsDeps,
  LimitView,
  LimitWindow,
  RateState,
  RateView,
  Spent,
  UnreadWindow,
  WalletView,
} from './limits-port.ts'
