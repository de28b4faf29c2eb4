// Vendors and models as data; providers built from them; the index from a model's name to who serves it.
export { accountForms, secretTexts } from './accounts.ts'
export { declaredKeys, keyTerms } from './gateway-keys.ts'
export { createGlob } from './glob.ts'
export { createModelIndex, type ModelIndex, type ModelPatterns, type Resolution } from './model-index.ts'
export { listedPrice } from './listed-price.ts'
export type { ListedModel, ListedName, ModelList } from './model-list.ts'
export { readModelCatalog, type ModelCatalog } from './models.ts'
export {
  addressOf,
  buildProviders,
  createProviderBuilder,
  keyFor,
  keysInEnvironment,
  type PriceOverride,
  type ProviderBuilder,
  providerDefaults,
  type ProviderPlan,
  wiresOf,
} from './providers.ts'
export type { ModelCandidate } from './shelf.ts'
export { buildSnapshot } from './snapshot.ts'
export { vendorOfKey } from './vendor-keys.ts'
export { vendorNamed } from './vendor-names.ts'
export { genericVendor, vendors, type Vendor } from './vendors.ts'
