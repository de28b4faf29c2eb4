// Vendors and models as data; providers built from them; the index from a model's name to who serves it.
export { createModelIndex, type ListedModel, type ModelCandidate, type ModelIndex, type Resolution } from './model-index.ts'
export { readModelCatalog, type ModelCatalog } from './models.ts'
export { buildProviders, buildSnapshot } from './providers.ts'
export { genericVendor, vendors, type Vendor } from './vendors.ts'
