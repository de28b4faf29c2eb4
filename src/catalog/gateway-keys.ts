// Gateway keys as requests meet them, from the fields that turnpike.yaml and the store have in common.
import { createHash } from 'node:crypto'
import { hashKey, type Declared, type DeclaredKey, type DeclaredLoopGuard, type GatewayKey, type LoopGuardRule } from '#config'
import { limitsOf } from './limit-rules.ts'

/** What an owner writes about a key. */
export type KeyFields = Omit<DeclaredKey, 'value' | 'env' | 'hash' | 'type' | 'expires_at'>

/** The keys of turnpike.yaml, complete. */
export function declaredKeys(declared: Declared): readonly GatewayKey[] {
  return declared.keys.map((key) => ({
    // From the name, so that a key that is replaced under its name keeps its history.
    id: `key_${createHash('sha256').update(key.name).digest('base64url').slice(0, 12)}`,
    hash: key.hash ?? hashKey(key.value ?? ''),
    ...keyTerms(key),
    ...(key.expires_at === undefined ? {} : { expiresAtMs: Date.parse(key.expires_at) }),
  }))
}

/** `userId` is what its `user` says, which may be a label. */
export function keyTerms(key: KeyFields): Omit<GatewayKey, 'id' | 'hash'> {
  const { name, client, models, metadata, config, loop_guard: guard, user, team } = key
  return {
    name,
    streamUsage: key.stream_usage ?? 'always',
    ...(client === undefined ? {} : { client }),
    ...(models === undefined ? {} : { models }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(config === undefined ? {} : { config }),
    ...(key.allow_config_override === false ? { refusesConfigs: true } : {}),
    ...(guard === undefined ? {} : { loopGuard: loopGuardOf(guard) }),
    ...(user === undefined ? {} : { userId: user }),
    ...(team === undefined ? {} : { teamId: team }),
    ...limitsOf(key),
  }
}

function loopGuardOf({ mode, repeats, requests, window_seconds: windowSeconds }: DeclaredLoopGuard): LoopGuardRule {
  return {
    mode,
    ...(repeats === undefined ? {} : { repeats }),
    ...(requests === undefined ? {} : { requests }),
    ...(windowSeconds === undefined ? {} : { windowMs: windowSeconds * 1000 }),
  }
}
