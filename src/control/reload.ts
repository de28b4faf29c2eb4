// A file that is read again: what has not changed in it stays the same object, so that whatever was made from it stays good.
import { isDeepStrictEqual } from 'node:util'
import { listSettings, type Declared, type Settings } from '#config'

/** What changes of the settings: those that can change while it runs. `waiting`: others that differ, and count from the next start on. */
export function reloadedSettings(now: Settings, read: Settings): { readonly settings: Settings; readonly waiting: readonly string[] } {
  const { logLevel, logging, retentionDays, logMaxBytes, timeZone, configPath, origins: said } = read
  const origins = {
    ...now.origins,
    logLevel: said.logLevel,
    logging: said.logging,
    retentionDays: said.retentionDays,
    logMaxBytes: said.logMaxBytes,
    timeZone: said.timeZone,
    config: said.config,
  }
  const before = new Map(listSettings(now).map(({ name, value }) => [name, value]))
  const waiting = listSettings(read).flatMap(({ name, key, value }) =>
    key === undefined && name !== 'config' && value !== before.get(name) ? [name] : [],
  )
  // A secret: the list doesn't have it.
  if (now.adminToken !== read.adminToken) waiting.push('admin_token')
  return { settings: { ...now, logLevel, logging, retentionDays, logMaxBytes, timeZone, configPath, origins }, waiting }
}

export function withSame(read: Declared, before: Declared): Declared {
  return {
    ...read,
    providers: sameWhere(read.providers, before.providers, isDeepStrictEqual),
    configs: sameWhere(
      read.configs,
      before.configs,
      (a, b) => a.config.fingerprint === b.config.fingerprint && isDeepStrictEqual(a.document, b.document),
    ),
  }
}

function sameWhere<T>(read: ReadonlyMap<string, T>, before: ReadonlyMap<string, T>, same: (a: T, b: T) => boolean): ReadonlyMap<string, T> {
  return new Map(
    [...read].map(([name, is]) => {
      const was = before.get(name)
      return [name, was !== undefined && same(is, was) ? was : is]
    }),
  )
}
