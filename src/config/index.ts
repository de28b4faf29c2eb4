// Settings and declared state -> frozen snapshots; the only reader of process.env.
export type * from './snapshot.ts'
export type * from './routing-config.ts'
export type { DeclaredConfig } from './declared-configs.ts'
export { ConfigError, didYouMean } from './config-error.ts'
export { aliasFault, nothingDeclared, readDeclared, type Declared } from './declared.ts'
export { checkBody } from './declared-errors.ts'
export {
  bodySchemas,
  type DeclaredKey,
  type DeclaredLoopGuard,
  type DeclaredModel,
  type DeclaredProvider,
  type KeyBody,
  type KeyChange,
  type OwnerBody,
  type OwnerChange,
  type ProviderBody,
} from './declared-schema.ts'
export type { DeclaredPrice, DeclaredRates } from './price-schema.ts'
export type { DeclaredBudget, DeclaredRateLimit } from './limit-schema.ts'
export { environment, type Environment } from './environment.ts'
export { hashKey, homeFiles, newGatewayKey, openHome, type Home, type MasterKey, type OldKey } from './home.ts'
export { parseRoutingConfig, parseRoutingConfigText } from './routing-config-parser.ts'
export { secretsOfConfig, withoutSecrets } from './routing-config-secrets.ts'
export { secretInEnvironment } from './secrets.ts'
export {
  listSettings,
  parseRunningSetting,
  readSettings,
  type ListedSetting,
  type Logging,
  type LogLevel,
  type RunningSettings,
  type SettingName,
  type SettingOrigin,
  type SettingOverrides,
  type Settings,
} from './settings.ts'
