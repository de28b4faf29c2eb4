// The control plane: loads what is stored, checks that the master key fits it, and lets one write after the other make a new snapshot.
import path from 'node:path'
import { createModelIndex, keysInEnvironment, type ModelIndex } from '#catalog'
import { ConfigError, homeFiles, type Declared, type Environment, type RunningSettings, type Settings, type Snapshot } from '#config'
import { createControlStore, type AuditNote, type ControlChange, type ControlState, type ControlStore } from '#store'
import { alertsView, alertWebhook } from './alert-webhook.ts'
import { createAlerts } from './alerts.ts'
import { createAliases } from './aliases.ts'
import { createAssembler, type Configured, type ProviderDocument } from './assembly.ts'
import { numberOf } from './bodies.ts'
import { createConfigs, nearestConfig } from './configs.ts'
import { createOnce, unavailable } from './idempotency.ts'
import { createKeys, plannedKey } from './keys.ts'
import { createModels } from './models.ts'
import { createOwners } from './owners.ts'
import type { Plane, PlannedWrite } from './plane.ts'
import type { Actor, Control } from './port.ts'
import { createProviders } from './providers.ts'
import { Refusal } from './refusal.ts'
import { reloadedSettings, withSame } from './reload.ts'
import { createSettings, runningSettings } from './settings.ts'
import { changed, storedOf } from './state.ts'
import { createKeylessVault, createVault, type Vault } from './vault.ts'

export type ControlDeps = {
  /** Of a home that exists and that this process holds the lock of. */
  readonly settings: Settings
  readonly declared: Declared
  readonly env: Environment
  /** So that it is never taken for a provider's key. */
  readonly adminToken: string
  /** Makes the first gateway key, in a home that has never had one. */
  readonly makesFirstKey: boolean
  /** Secrets that don't fit the master key are then in trouble, one by one, instead of stopping the start: to remove or replace them. */
  readonly toleratesMisfits: boolean
  readonly log: { warn(fields: object, message: string): void }
  /** Default: the one in the home. It is closed with the control plane. */
  readonly store?: ControlStore
  /** Between tries to deliver an alert. */
  readonly alertWaitsMs?: readonly number[]
}

export type OpenControl = {
  readonly control: Control
  /** Plain text of the key that this start made. */
  readonly firstKey: string | undefined
  /** The settings that count now. */
  running(): RunningSettings
  /** Called after each write that changed one of them. */
  onRunning(listener: (running: RunningSettings) => void): void
  /**
   * Takes a file that has been read again, after the writes before. Resolves with the settings that differ and wait for the next start.
   * Rejects with a `ConfigError`, and changes nothing, when it cannot be used.
   */
  reload(read: { readonly settings: Settings; readonly declared: Declared }): Promise<readonly string[]>
  /** Puts into the audit log what was done elsewhere. Rejects with a `Refusal` when it cannot be written. */
  note(actor: Actor, what: Omit<AuditNote, 'atMs' | 'actor'>): Promise<void>
  /** Of the snapshot, made at the first question; one of an earlier snapshot is good for as long as somebody holds that. */
  indexOf(snapshot: Snapshot): ModelIndex
}

/** Rejects with one sentence for the operator. */
export async function createControl(deps: ControlDeps): Promise<OpenControl> {
  const store = deps.store ?? (await createControlStore(path.join(deps.settings.home, 'control.db')))
  try {
    return await open(store, deps)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function open(store: ControlStore, deps: ControlDeps): Promise<OpenControl> {
  const { env, log } = deps
  let { settings, declared } = deps
  const state = await store.load()
  const vault = vaultFor(state, deps)
  const assembler = createAssembler({ env, vault })
  let stored = storedOf(state)
  let running = runningSettings(settings, stored)
  let configured = assembler.assemble({ declared, stored, timeZone: running.timeZone })
  let lastMs = 0
  let queue: Promise<unknown> = Promise.resolve()
  const snapshotListeners: ((snapshot: Snapshot) => void)[] = []
  const runningListeners: ((running: RunningSettings) => void)[] = []
  const indexOf = rememberIndexes()

  const now = (): number => (lastMs = Math.max(Date.now(), lastMs + 1))

  async function perform<T>(actor: Actor, plan: (nowMs: number) => PlannedWrite<T>): Promise<T> {
    const nowMs = now()
    const { changes, action, target, detail, strict, result } = plan(nowMs)
    const next = changed(stored, changes)
    const assembled = assembleOrRefuse(next, strict)
    await store.write(changes, { atMs: nowMs, actor: actor.kind, action, target, detail }).catch(unavailable)
    stored = next
    swap(assembled)
    return result()
  }

  /** What the provider's builder refuses, it refuses about the body of this write. */
  function assembleOrRefuse(next: typeof stored, strict: string | undefined): Configured {
    try {
      return assembler.assemble({ declared, stored: next, timeZone: runningSettings(settings, next).timeZone }, strict)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new Refusal('invalid_request', error.message, error.subject.includes(' ') ? undefined : error.subject)
    }
  }

  function swap(assembled: Configured): void {
    configured = assembled
    for (const listener of snapshotListeners) listener(assembled.snapshot)
    const before = running
    running = runningSettings(settings, stored)
    if (JSON.stringify(before) !== JSON.stringify(running)) for (const listener of runningListeners) listener(running)
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => undefined)
    return done
  }

  /** Of what is there and cannot be used as it is. */
  function warn(): void {
    for (const { slug, trouble, credentials } of configured.providers.values()) {
      if (trouble !== undefined) log.warn({ provider: slug }, `a stored provider cannot be used: ${trouble}`)
      for (const { name, trouble: why } of credentials)
        if (why !== undefined) log.warn({ provider: slug, credential: name }, `a credential cannot be used: ${why}`)
    }
    for (const { slug, trouble } of configured.configs.values())
      if (trouble !== undefined) log.warn({ config: slug }, `a stored routing config cannot be used: ${trouble}`)
    for (const { name, config, revoked, replaced } of configured.snapshot.keys.values())
      if (config !== undefined && revoked === undefined && replaced === undefined && !configured.configs.has(config))
        log.warn(
          { key: name },
          `the key ${JSON.stringify(name)} follows the routing config ${config}, and there is no such config: its requests are refused`,
        )
    const noAlerts = alertsView(plane)?.trouble
    if (noAlerts !== undefined) log.warn({}, `the webhook of alerts cannot be used: ${noAlerts}`)
    for (const hint of declared.hints) log.warn({}, hint)
    for (const [name, model] of declared.aliases)
      if (!indexOf(configured.snapshot).resolve(model).ok)
        log.warn({ alias: name }, `the alias ${name} stands for ${model}, which no provider of this instance serves`)
  }

  const plane: Plane = {
    get declared() {
      return declared
    },
    get fileName() {
      return path.basename(settings.configPath ?? 'turnpike.yaml')
    },
    env,
    environmentSlugs: keysInEnvironment(env),
    adminToken: deps.adminToken,
    vault,
    get settings() {
      return settings
    },
    stored: () => stored,
    configured: () => configured,
    index: () => indexOf(configured.snapshot),
    running: () => running,
    write: (actor, plan) => inTurn(() => perform(actor, plan)),
  }
  const keys = createKeys(plane)
  const alerts = createAlerts({ store, webhook: () => alertWebhook(plane), log, waitsMs: deps.alertWaitsMs })
  refuseMissingConfigs(declared, configured, deps)
  refuseMissingOwners(declared, configured, deps)

  await importOldKeys(plane)
  const firstKey =
    deps.makesFirstKey && stored.keys.size === 0
      ? await plane.write({ kind: 'start' }, (nowMs) => plannedKey({ name: freeName(declared) }, nowMs, keys.get))
      : undefined
  warn()

  return {
    firstKey: firstKey?.key,
    running: () => running,
    onRunning: (listener) => void runningListeners.push(listener),
    reload: (read) =>
      inTurn(async () => {
        const next = withSame(read.declared, declared)
        const reloaded = reloadedSettings(settings, read.settings)
        const assembled = assembler.assemble({ declared: next, stored, timeZone: runningSettings(reloaded.settings, stored).timeZone })
        refuseMissingConfigs(next, assembled, deps)
        refuseMissingOwners(next, assembled, deps)
        declared = next
        settings = reloaded.settings
        swap(assembled)
        warn()
        return reloaded.waiting
      }),
    note: (actor, what) => inTurn(async () => void (await store.write([], { atMs: now(), actor: actor.kind, ...what }).catch(unavailable))),
    indexOf,
    control: {
      snapshot: () => configured.snapshot,
      onSnapshot(listener) {
        snapshotListeners.push(listener)
        listener(configured.snapshot)
      },
      providers: createProviders(plane),
      keys,
      users: createOwners(plane, 'user', keys.list),
      teams: createOwners(plane, 'team', keys.list),
      aliases: createAliases(plane),
      configs: createConfigs(plane, store, keys.list),
      models: createModels(plane),
      settings: createSettings(plane),
      alerts,
      async audit(limit, cursor) {
        const rows = await store.audit(limit + 1, numberOf(cursor)).catch(unavailable)
        const data = rows.slice(0, limit).map(({ seq, atMs, actor, action, target, detail }) => ({
          seq,
          at: new Date(atMs).toISOString(),
          actor: actor as Actor['kind'],
          action,
          target,
          detail,
        }))
        return { data, next_cursor: rows.length > limit ? String(data.at(-1)!.seq) : null }
      },
      once: createOnce(store, vault, (error) => log.warn({ err: error }, 'the answer for an Idempotency-Key could not be kept')),
      async close() {
        await queue
        await alerts.close()
        await store.close()
      },
    },
  }
}

/** With the master key of a home; a new one where there is none and nothing was sealed. Throws `ConfigError` when it doesn't fit what is sealed. */
function vaultFor(state: ControlState, { settings, toleratesMisfits }: ControlDeps): Vault {
  const found = homeFiles.readMasterKey(settings)
  const sealed = [...sealedOf(state)]
  if (found === undefined && sealed.length > 0) {
    const missing = `The master key is missing: ${path.join(settings.home, 'master-key')} is gone and TURNPIKE_MASTER_KEY is not set, but ${secretsOf(sealed)} stored with it. ${wayOut(sealed)}`
    // A new key would hide that the old one is only not there, such as a variable that another shell has.
    if (toleratesMisfits) return createKeylessVault(missing)
    throw new ConfigError('TURNPIKE_MASTER_KEY', missing)
  }
  const key = found ?? homeFiles.makeMasterKey(settings)
  const vault = createVault(key.text)
  const misfits = sealed.filter(({ text }) => !vault.fits(text))
  if (misfits.length > 0 && !toleratesMisfits) {
    throw new ConfigError(
      key.where,
      `The master key in ${key.where} is not the one that ${secretsOf(misfits)} stored with. ${wayOut(misfits)}`,
    )
  }
  return vault
}

type Sealed = { readonly kind: 'provider' | 'config'; readonly slug: string; readonly text: string }

/** Everything that only its master key opens and that counts now. */
function* sealedOf({ providers, configs }: ControlState): Generator<Sealed> {
  for (const { slug, credentials, document } of providers) {
    const { headers } = document as ProviderDocument
    for (const text of [...credentials.map((one) => one.sealed), headers]) if (text != null) yield { kind: 'provider', slug, text }
  }
  for (const { slug, sealed } of configs) if (sealed !== null) yield { kind: 'config', slug, text: sealed }
}

function secretsOf(sealed: readonly Sealed[]): string {
  const owners = (['provider', 'config'] as const).flatMap((kind) => {
    const slugs = [...new Set(sealed.filter((one) => one.kind === kind).map(({ slug }) => slug))]
    return slugs.length === 0 ? [] : [`the ${kind}${sealed.length === 1 ? '' : 's'} ${slugs.join(', ')}`]
  })
  return sealed.length === 1 ? `a secret of ${owners.join()} was` : `${sealed.length} secrets of ${owners.join(' and ')} were`
}

function wayOut([first]: readonly Sealed[]): string {
  const command = first === undefined ? '' : `turnpike ${first.kind}s remove ${first.slug}`
  return `Bring that key back, or, if it is lost, remove what it sealed (${command}) and add it again.`
}

/** Throws `ConfigError`: a key of the file would have every request refused. */
function refuseMissingConfigs({ storedConfigs }: Declared, { configs }: Configured, { toleratesMisfits, log }: ControlDeps): void {
  for (const { slug, where } of storedConfigs) {
    if (configs.has(slug)) continue
    const missing = `${where} is ${JSON.stringify(slug)}, and there is no such routing config, in the file or stored; declare it under configs, or correct the name.${nearestConfig(slug, configs.keys())}`
    // Whoever stores it must be able to.
    if (!toleratesMisfits) throw new ConfigError(where, missing)
    log.warn({ config: slug }, missing)
  }
}

/** Throws `ConfigError`: what the owner of a key of the file may spend would not count. */
function refuseMissingOwners({ keys }: Declared, { snapshot }: Configured, { toleratesMisfits, log }: ControlDeps): void {
  for (const [index, { user, team }] of keys.entries()) {
    const missing =
      team !== undefined && !snapshot.teams.has(team)
        ? { field: 'team', id: team }
        : user?.startsWith('user_') === true && !snapshot.users.has(user)
          ? { field: 'user', id: user }
          : undefined
    if (missing === undefined) continue
    const where = `keys[${index}].${missing.field}`
    const sentence = `${where} in the config file is ${JSON.stringify(missing.id)}, and there is no ${missing.field} with that id; make it (turnpike ${missing.field}s add), or correct the id.`
    if (!toleratesMisfits) throw new ConfigError(where, sentence)
    log.warn({ [missing.field]: missing.id }, sentence)
  }
}

/** Homes of versions before the control store kept their keys in a file. */
async function importOldKeys(plane: Plane): Promise<void> {
  const { home } = plane.settings
  const old = homeFiles.readOldKeys(home)
  if (old === undefined) return
  const known = new Set([...plane.stored().keys.values()].flatMap(({ secrets }) => secrets.map(({ hash }) => hash)))
  const missing = old.filter(({ id, hash }) => !known.has(hash) && !plane.stored().keys.has(id))
  if (missing.length > 0) {
    await plane.write({ kind: 'start' }, () => ({
      changes: missing.map(({ id, name, hash, streamUsage }): ControlChange => ({
        put: 'key',
        key: {
          id,
          document: { name, type: 'service', stream_usage: streamUsage },
          secrets: [{ hash, prefix: null, last4: null, createdAtMs: 0, acceptedUntilMs: null }],
          createdAtMs: 0,
          revokedAtMs: null,
        },
      })),
      action: 'key.import',
      target: missing.map(({ id }) => id).join(', '),
      detail: { from: 'keys.json' },
      result: () => undefined,
    }))
  }
  homeFiles.retireOldKeys(home)
}

/** `first`, unless the file has a key of that name. */
function freeName(declared: Declared): string {
  const taken = new Set(declared.keys.map(({ name }) => name))
  for (let n = 1; ; n++) {
    const name = n === 1 ? 'first' : `first-${n}`
    if (!taken.has(name)) return name
  }
}

/** An index is made from providers, aliases and configs, so a snapshot with the same ones has the same. */
function rememberIndexes(): (snapshot: Snapshot) => ModelIndex {
  type Of = Pick<Snapshot, 'providers' | 'aliases' | 'configs'> & { readonly index: ModelIndex }
  const bySnapshot = new WeakMap<Snapshot, ModelIndex>()
  let latest: Of | undefined
  return (snapshot) => {
    const known = bySnapshot.get(snapshot)
    if (known !== undefined) return known
    const { providers, aliases, configs } = snapshot
    const isSame = latest?.providers === providers && latest.aliases === aliases && latest.configs === configs
    const index = isSame ? latest!.index : createModelIndex(snapshot)
    bySnapshot.set(snapshot, index)
    latest = { providers, aliases, configs, index }
    return index
  }
}
