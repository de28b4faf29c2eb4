// What the control plane offers: everything that can be configured while it runs, checked, stored and swapped in. Shapes are the admin
// API's (snake_case), so that nothing is mapped twice.
import type { DeclaredRates, Snapshot } from '#config'
import type { BudgetAlert } from '#ledger'

/** Who does it, for the audit log: `admin` (the admin token), `cli` (the command line on a stopped instance), `start`. */
export type Actor = { readonly kind: 'admin' | 'cli' | 'start' }

/** Where something comes from. What the file declares is read-only here; of a slug or name in several places the earliest one counts. */
export type Origin = 'file' | 'stored' | 'environment' | 'built-in'

/** Why a write was refused, or a thing was not found. */
export type RefusalKind = 'invalid_request' | 'not_found' | 'read_only' | 'conflict' | 'unavailable'

export type CredentialView = {
  readonly name: string
  /** `value`: kept encrypted; `env`: read from the variable at each start and change. */
  readonly source: 'value' | 'env'
  readonly env?: string
  /** Of the secret; null when the variable is not set, or the secret is shorter than 12 characters. */
  readonly last4: string | null
  /** A sentence when it cannot be used: the variable is not set, the master key doesn't fit. */
  readonly trouble?: string
}

/** A provider as PUT takes it, its credentials without their values, and what follows from it. */
export type ProviderView = LimitsView & {
  readonly slug: string
  readonly origin: Origin
  readonly vendor: string
  readonly base_url: string
  readonly wires: Readonly<Record<string, string>>
  readonly credentials: readonly CredentialView[]
  readonly headers: Readonly<Record<string, string>>
  readonly models: {
    readonly allow?: readonly string[]
    readonly deny?: readonly string[]
    readonly custom?: readonly object[]
    /** How many it is known to serve. */
    readonly known: number
  }
  readonly priority: number
  readonly price_multiplier?: string
  readonly timeouts: {
    readonly connect_ms: number
    readonly first_token_ms: number | null
    readonly idle_ms: number
    readonly request_timeout: number
  }
  readonly dialect: object
  readonly allow_private_network: boolean
  readonly updated_at: string | null
  /** A sentence when it is stored and cannot be built any more: then it serves nothing. */
  readonly trouble?: string
}

/** What stops a session that runs in circles; what is absent is the default. */
export type LoopGuardView = {
  readonly mode: 'off' | 'observe' | 'enforce'
  readonly repeats?: number
  readonly requests?: number
  readonly window_seconds?: number
}

/** As it was written; of one of the whole instance also `metadata`. */
export type BudgetRuleView = {
  readonly amount_usd?: string
  readonly tokens?: number
  readonly period: 'day' | 'week' | 'month' | 'total' | { readonly days: number }
  readonly soft?: boolean
  readonly models?: readonly string[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly alert_at?: readonly number[]
}

export type RateLimitView = {
  readonly requests?: number
  readonly tokens?: number
  readonly concurrent?: number
  readonly per?: 'second' | 'minute' | 'hour' | 'day'
}

type LimitsView = { readonly budgets?: readonly BudgetRuleView[]; readonly rate_limits?: readonly RateLimitView[] }

/** Where alerts go; what is sent is signed with a secret that is never shown. */
export type AlertsView = {
  readonly webhook_url: string
  readonly allow_private_network: boolean
  /** A sentence when nothing can be sent. */
  readonly trouble?: string
}

export type AlertTest = {
  readonly id: string
  readonly ok: boolean
  /** HTTP status; null: there was no answer. */
  readonly status: number | null
  readonly ms: number
  readonly trouble: string | null
}

/** A user or a team. */
export type OwnerView = LimitsView & {
  readonly id: string
  readonly name: string
  /** Of a user: the id of the team it belongs to. */
  readonly team?: string
  /** What it spends comes from its wallet. */
  readonly prepaid: boolean
  readonly created_at: string
  readonly updated_at: string
}

export type KeyState = 'active' | 'expired' | 'revoked'

export type KeyView = LimitsView & {
  readonly id: string
  readonly name: string
  readonly origin: Origin
  readonly type: 'user' | 'service'
  /** The id of a user, or a label. */
  readonly user?: string
  /** The id of a team. */
  readonly team?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** Patterns of model names it may ask for, `*` for anything; absent: all. */
  readonly models?: readonly string[]
  readonly client?: 'openclaw'
  readonly stream_usage: 'always' | 'on_request'
  /** Slug of the routing config of its requests that name none. */
  readonly config?: string
  /** Whether its requests may name another config, or bring one. */
  readonly allow_config_override: boolean
  readonly loop_guard?: LoopGuardView
  readonly state: KeyState
  /** The first characters, and the last four; null for a key that is declared as a hash. */
  readonly prefix: string | null
  readonly last4: string | null
  readonly created_at: string | null
  readonly expires_at: string | null
  readonly revoked_at: string | null
  /** A rotated key's predecessors that are still accepted, and until when. */
  readonly previous: readonly { readonly prefix: string; readonly last4: string; readonly accepted_until: string }[]
}

/** The key itself is here once and nowhere else. */
export type KeyCreated = KeyView & { readonly key: string }

export type AliasView = { readonly name: string; readonly model: string; readonly origin: Origin; readonly updated_at: string | null }

/** A routing config as it counts now. */
export type ConfigView = {
  readonly slug: string
  readonly origin: Extract<Origin, 'file' | 'stored'>
  /** null: the file's, which has no versions. */
  readonly version: number | null
  /** As it was written, without secrets. */
  readonly config: object
  readonly comment: string | null
  /** Keys that it is attached to. */
  readonly keys: readonly { readonly id: string; readonly name: string }[]
  /** Sentences about what would not work with this instance as it is now. */
  readonly warnings: readonly string[]
  readonly updated_at: string | null
  readonly updated_by: Actor['kind'] | null
  /** A sentence when it is stored and cannot be used: a request that needs it is refused. */
  readonly trouble?: string
}

export type ConfigVersionView = {
  readonly version: number
  readonly config: object
  readonly comment: string | null
  readonly created_at: string
  readonly created_by: Actor['kind']
}

export type PriceView = {
  readonly provider: string
  readonly model: string
  /** As a custom model's `price` is written: "free" or rates. */
  readonly price: 'free' | DeclaredRates
  readonly updated_at: string
}

export type ModelView = {
  readonly provider: string
  readonly id: string
  readonly canonical: string | null
  readonly name: string | null
  readonly context_window: number | null
  readonly max_output_tokens: number | null
  readonly input_modalities: readonly string[]
  readonly output_modalities: readonly string[]
  readonly capabilities: readonly string[]
  readonly price: 'free' | DeclaredRates | null
  /** `catalog`, `custom` (declared with the provider) or `override` (PUT .../price). */
  readonly price_source: 'catalog' | 'custom' | 'override' | null
  readonly allowed: boolean
}

export type SettingView = {
  readonly name: string
  readonly value: string | number | boolean | null | readonly BudgetRuleView[] | AlertsView
  readonly default: string | number | boolean | null
  /** What decides it: an environment variable or option, turnpike.yaml, the store, or nothing (the default). */
  readonly origin: 'environment' | 'file' | 'stored' | 'default'
  /** Can be changed with PATCH; false for what the environment or the file says, and for what only a start can change. */
  readonly writable: boolean
}

export type AuditEntry = {
  readonly seq: number
  readonly at: string
  readonly actor: Actor['kind']
  /** `provider.put`, `key.rotate`, ... */
  readonly action: string
  readonly target: string
  /** What changed, without secrets. */
  readonly detail: object
}

export type Page<T> = { readonly data: readonly T[]; readonly next_cursor: string | null }

type Owners = {
  list(): readonly OwnerView[]
  get(id: string): OwnerView
  create(body: unknown, actor: Actor): Promise<OwnerView>
  update(id: string, body: unknown, actor: Actor): Promise<OwnerView>
  /** Throws a `conflict` while a key or a user belongs to it. */
  refuseAttached(id: string): void
  /** After the same question. */
  remove(id: string, actor: Actor): Promise<void>
}

/**
 * Bodies are `unknown`: checked here, field by field. Rejects with a `Refusal`. A write that resolves is stored and in the snapshot: the next
 * request sees it. Writes happen one after the other.
 */
export interface Control {
  /** The current one; frozen. */
  snapshot(): Snapshot
  /** Called at once with the current snapshot, then with every new one, before the write that made it resolves. */
  onSnapshot(listener: (snapshot: Snapshot) => void): void
  readonly providers: {
    list(): readonly ProviderView[]
    get(slug: string): ProviderView
    put(slug: string, body: unknown, actor: Actor): Promise<{ readonly provider: ProviderView; readonly created: boolean }>
    remove(slug: string, actor: Actor): Promise<void>
  }
  readonly keys: {
    list(): readonly KeyView[]
    get(id: string): KeyView
    create(body: unknown, actor: Actor): Promise<KeyCreated>
    update(id: string, body: unknown, actor: Actor): Promise<KeyView>
    /** `{overlap_seconds?}`: how long the old one is still accepted; default 86400, 0 for at once. */
    rotate(id: string, body: unknown, actor: Actor): Promise<KeyCreated>
    /** It stays listed as revoked, since records name it. */
    revoke(id: string, actor: Actor): Promise<KeyView>
  }
  readonly users: Owners
  readonly teams: Owners
  readonly aliases: {
    list(): readonly AliasView[]
    get(name: string): AliasView
    put(name: string, body: unknown, actor: Actor): Promise<{ readonly alias: AliasView; readonly created: boolean }>
    remove(name: string, actor: Actor): Promise<void>
  }
  readonly configs: {
    list(): readonly ConfigView[]
    get(slug: string): ConfigView
    /** The newest first. */
    versions(slug: string, limit: number, cursor: string | undefined): Promise<Page<ConfigVersionView>>
    /** `{config: {...}, comment?}`: one more version. */
    put(slug: string, body: unknown, actor: Actor): Promise<{ readonly config: ConfigView; readonly created: boolean }>
    /** `{version, comment?}`: one more version, with what that one says. */
    rollback(slug: string, body: unknown, actor: Actor): Promise<ConfigView>
    /** With all its versions. A `conflict` while it is attached to a key. */
    remove(slug: string, actor: Actor): Promise<void>
  }
  readonly models: {
    list(filter: { readonly provider?: string; readonly q?: string }): readonly ModelView[]
    /** `{price: "free" | {...}}`; the model may be one that the provider is not known to serve. */
    putPrice(provider: string, model: string, body: unknown, actor: Actor): Promise<PriceView>
    removePrice(provider: string, model: string, actor: Actor): Promise<void>
  }
  readonly settings: {
    list(): readonly SettingView[]
    update(body: unknown, actor: Actor): Promise<readonly SettingView[]>
  }
  readonly alerts: {
    /** Of a budget: told once, in the log and to the webhook. Never throws, and waits for nothing. */
    tell(alert: BudgetAlert): void
    /** Sends what an earlier process could not. */
    resume(): void
    /** One event to the webhook. A `conflict` when there is none. */
    test(): Promise<AlertTest>
  }
  audit(limit: number, cursor: string | undefined): Promise<Page<AuditEntry>>
  /**
   * The answer that an earlier call with this Idempotency-Key got (kept a day, encrypted, across restarts), else runs `act` and keeps
   * its answer. The same key with another request is a `conflict`.
   */
  once<T extends object>(key: string, request: string, act: () => Promise<T>): Promise<{ readonly value: T; readonly replayed: boolean }>
  close(): Promise<void>
}
