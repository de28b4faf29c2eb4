// Settings and declared state -> frozen snapshots; the only reader of process.env.
export type * from './snapshot.ts'
export { ConfigError, didYouMean, fileTrouble } from './config-error.ts'
export { nothingDeclared, readDeclared, type Declared } from './declared.ts'
export type { DeclaredKey, DeclaredModel, DeclaredPrice, DeclaredProvider } from './declared-schema.ts'
export { environment, type Environment } from './environment.ts'
export { hashKey, newGatewayKey, openHome, readAdminToken, type Home } from './home.ts'
export { readSettings, type Logging, type LogLevel, type SettingOverrides, type Settings } from './settings.ts'
