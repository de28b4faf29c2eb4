// May it happen: gates in front of a request. In this version: gateway keys; and what a request belongs to.
export { createKeyring, type CredentialHeaders, type Keyring, type KeyringOptions } from './keyring.ts'
export { createLoopGuard, loopRuleOf, type LoopGuard, type LoopRule, type ModelTurn } from './loop-guard.ts'
export { isNamedSession, kindOf, sessionHeader, sessionOf, withOwnHeaders, type ConversationBytes, type LatestTurns } from './session.ts'
export { isPlaceholderKey, ownProviderKey } from './own-key.ts'
