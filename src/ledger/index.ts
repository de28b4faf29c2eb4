// Usage -> price -> entry. In this version: the price of one answer.
export { priceUsage, type PricedUsage, type UsageToPrice } from './price-usage.ts'
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
