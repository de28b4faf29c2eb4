// May it happen: gates in front of a request. In this version: gateway keys.
export { createKeyring, type CredentialHeaders, type Keyring, type KeyringOptions } from './keyring.ts'
