// The immutable view of everything configured. A request keeps the one it began with; a change makes a new one.
import type { Dialect, EmbeddingForm, Price, Wire } from '#ir'
import type { RoutingConfig } from './routing-config.ts'

/**
 * An account whose requests are signed, or carry a token that is fetched for it, instead of a key. Read from a credential's secret by
 * whoever builds the provider, never from what a client sent.
 */
export type Account =
  | {
      readonly kind: 'aws'
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken?: string
      readonly region: string
      /** The name that signatures have for the API, such as `bedrock`. */
      readonly service: string
    }
  | {
      readonly kind: 'google-service-account'
      readonly clientEmail: string
      readonly privateKey: string
      readonly tokenUrl: string
    }
  | {
      readonly kind: 'google-user'
      readonly clientId: string
      readonly clientSecret: string
      readonly refreshToken: string
      readonly tokenUrl: string
      /** The project that is charged, where the account belongs to none. */
      readonly quotaProject?: string
    }
  /** Of the machine it runs on, from Google's metadata server. */
  | { readonly kind: 'google-metadata'; readonly origin: string }
  | {
      readonly kind: 'entra'
      readonly tenantId: string
      readonly clientId: string
      readonly clientSecret: string
      /** `https://login.microsoftonline.com` */
      readonly authority: string
      readonly scope: string
    }

export type Credential = {
  readonly name: string
  readonly secret: string
  /** Absent: the secret itself is sent, as `Provider.auth` says. */
  readonly account?: Account
}

/** How a key is sent: in `authorization` after `Bearer`, or alone in a header of that name. */
export type KeyHeader = 'bearer' | 'x-api-key' | 'api-key' | 'x-goog-api-key'

/** Milliseconds. `firstTokenMs` undefined: the default applies (60 s, streams only, only while another target remains). */
export type Timeouts = {
  readonly connectMs: number
  readonly firstTokenMs: number | undefined
  readonly idleMs: number
  readonly totalMs: number
}

export type ModelEntry = {
  /** The provider's own id. */
  readonly id: string
  /** `vendor/model` where the catalog knows it: the same model under other providers' ids. */
  readonly canonical?: string
  readonly name?: string
  /** Release, seconds since 1970. */
  readonly createdSeconds?: number
  readonly contextWindow?: number
  readonly maxOutputTokens?: number
  readonly inputModalities?: readonly string[]
  readonly outputModalities?: readonly string[]
  readonly capabilities?: readonly string[]
  /** The only wires on which the provider serves it; absent: whichever it has. */
  readonly wires?: readonly Wire[]
  /** undefined: unpriced. What is free has a price of 0 throughout (`freePrice`). */
  readonly price?: Price
  readonly free?: boolean
}

export type EmbeddingEndpoint = {
  readonly form: EmbeddingForm
  /** As in `Provider.endpoints`. */
  readonly path: string
  /** The provider's, and what only its embeddings differ in. */
  readonly dialect: Dialect
}

export type Provider = {
  readonly slug: string
  readonly vendor: string
  /** `https://api.openai.com` */
  readonly origin: string
  /**
   * Path of each wire's endpoint below the origin, by wire; the first is preferred for translation. `{model}` stands for the model's id,
   * percent-encoded; of `{a|b}` the first is for whole answers, the second for streams.
   */
  readonly endpoints: ReadonlyMap<Wire, string>
  /** Where it makes vectors; absent: it doesn't. */
  readonly embeddings?: EmbeddingEndpoint
  /** Which models it serves on a wire, where that is not all of them. */
  readonly wireModels?: ReadonlyMap<Wire, (model: string) => boolean>
  readonly auth: KeyHeader | 'none'
  /** The wires whose endpoints want a key in another header. */
  readonly wireAuth?: ReadonlyMap<Wire, KeyHeader>
  readonly credentials: readonly Credential[]
  /** Extra headers, lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly dialect: Dialect
  readonly sealDomain?: string
  /** On the wires on which it is another one. */
  readonly wireSealDomains?: ReadonlyMap<Wire, string>
  readonly models: ReadonlyMap<string, ModelEntry>
  /** When given, only these ids (globs with `*`) may be asked for; and never those in `deny`. */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly budgets?: readonly BudgetRule[]
  readonly rateLimits?: readonly RateLimitRule[]
  /** Lower comes first. */
  readonly priority: number
  readonly timeouts: Timeouts
  /** May be at a loopback, private or link-local address; otherwise such an address is refused when it connects. */
  readonly allowPrivateNetwork: boolean
  /** Answered by the built-in simulator, without a socket. */
  readonly simulated: boolean
}

export type GatewayKey = {
  readonly id: string
  readonly name: string
  /** Lower-case hex SHA-256 of the key. */
  readonly hash: string
  readonly streamUsage: 'always' | 'on_request'
  readonly client?: 'openclaw'
  /** Patterns of model names (globs with `*`) it may ask for; absent: all that the providers allow. */
  readonly models?: readonly string[]
  /** Milliseconds since 1970: refused from then on with `key_expired`. */
  readonly expiresAtMs?: number
  /** Refused with `key_revoked`; kept so that the refusal can say so. */
  readonly revoked?: true
  /** A rotation has replaced it by a new one; it is still the same key's id. */
  readonly replaced?: true
  /** What the owner wrote about it; on every record of its requests, below what the request says. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Slug of the routing config of its requests that name none. */
  readonly config?: string
  /** Its requests may not name another config, or bring one. */
  readonly refusesConfigs?: true
  /** Absent: on where `client` is `openclaw`, with the defaults. */
  readonly loopGuard?: LoopGuardRule
  /** Whom it belongs to: ids of `Snapshot.users` and `Snapshot.teams`; a user's team counts where the key names none. */
  readonly userId?: string
  readonly teamId?: string
  readonly budgets?: readonly BudgetRule[]
  readonly rateLimits?: readonly RateLimitRule[]
}

/** What may be spent. */
export type BudgetRule = {
  /** Nano-USD, or tokens in and out together. */
  readonly limit: { readonly nanoUsd: bigint } | { readonly tokens: number }
  /** Calendar windows in the instance's time zone; `days`: that many, from the first request on, again and again; `total`: until it is raised. */
  readonly period: 'day' | 'week' | 'month' | 'total' | { readonly days: number }
  /** Passing it is told, and stops nothing. */
  readonly soft: boolean
  /** Patterns of model names (globs with `*`) that it counts; absent: all. */
  readonly models?: readonly string[]
  /** Only requests with all of this metadata; of budgets of the instance. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Shares of it, 0 to 1, at which somebody is told; ascending. */
  readonly alertAt: readonly number[]
}

export type RateLimitRule = {
  readonly of: 'requests' | 'tokens' | 'concurrent'
  readonly limit: number
  /** Milliseconds; of `concurrent`, meaningless. */
  readonly perMs: number
}

/** A user or a team. */
export type Owner = {
  readonly id: string
  readonly name: string
  /** Of a user: the team it belongs to. */
  readonly teamId?: string
  readonly budgets?: readonly BudgetRule[]
  readonly rateLimits?: readonly RateLimitRule[]
  /** What it spends comes from its wallet, and stops when that is empty. */
  readonly prepaid?: true
}

/** What stops a session that runs in circles. */
export type LoopGuardRule = {
  /** `observe`: only notes on the records. */
  readonly mode: 'off' | 'observe' | 'enforce'
  /** The same tool calls so many times in a row; default 25. */
  readonly repeats?: number
  /** More requests than this in the window; default 300 in 120 s. */
  readonly requests?: number
  readonly windowMs?: number
}

export type Snapshot = {
  readonly version: number
  /** By hash. */
  readonly keys: ReadonlyMap<string, GatewayKey>
  /** By slug. */
  readonly providers: ReadonlyMap<string, Provider>
  /** From an alias to the model name it stands for, which is never an alias itself. */
  readonly aliases: ReadonlyMap<string, string>
  /** Routing configs by slug, each in its latest version. */
  readonly configs: ReadonlyMap<string, RoutingConfig>
  /** By id. */
  readonly users: ReadonlyMap<string, Owner>
  readonly teams: ReadonlyMap<string, Owner>
  /** Of the whole instance: on models and metadata. */
  readonly budgets: readonly BudgetRule[]
  /** IANA name, for windows of days, weeks (from Monday) and months. */
  readonly timeZone: string
  /** Slugs of stored configs that cannot be used (another version of Turnpike wrote them, the master key is another), each with the sentence why. */
  readonly brokenConfigs?: ReadonlyMap<string, string>
}
