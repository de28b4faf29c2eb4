// Usage -> price -> entry. In this version: the price of one answer.
export { priceUsage, type PricedUsage, type UsageToPrice } from './price-usage.ts'
