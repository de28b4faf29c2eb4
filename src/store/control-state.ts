// What the control store keeps and how it changes. It knows nothing of encryption: sealed texts are opaque to it.

/** What was sent, without secrets; JSON. */
export type Document = Readonly<Record<string, unknown>>

/** Either `sealed` (the encrypted secret) or `env` (the name of a variable). */
export type StoredCredential = {
  readonly name: string
  readonly env: string | null
  readonly sealed: string | null
  readonly last4: string | null
  readonly createdAtMs: number
}

export type StoredProvider = {
  readonly slug: string
  readonly document: Document
  /** In their order. */
  readonly credentials: readonly StoredCredential[]
  readonly updatedAtMs: number
}

export type StoredKeySecret = {
  /** Lower-case hex SHA-256 of the key; of all keys no two are the same. */
  readonly hash: string
  readonly prefix: string | null
  readonly last4: string | null
  readonly createdAtMs: number
  /** null: as long as the key itself. */
  readonly acceptedUntilMs: number | null
}

export type StoredKey = {
  readonly id: string
  readonly document: Document
  /** The current one first, then its predecessors. */
  readonly secrets: readonly StoredKeySecret[]
  readonly createdAtMs: number
  readonly revokedAtMs: number | null
}

export type StoredAlias = { readonly name: string; readonly model: string; readonly updatedAtMs: number }

/** One version of a routing config. */
export type StoredConfig = {
  readonly slug: string
  /** 1, 2, ...: no number of a slug is given twice, not even after it was removed. */
  readonly version: number
  /** As it was sent, without secrets. */
  readonly document: Document
  /** The same with its secrets; null: it has none. */
  readonly sealed: string | null
  readonly comment: string | null
  readonly actor: string
  readonly createdAtMs: number
}

export type StoredPrice = {
  readonly provider: string
  readonly model: string
  readonly price: 'free' | Document
  readonly updatedAtMs: number
}

/** A user or a team. */
export type StoredOwner = {
  readonly kind: 'user' | 'team'
  readonly id: string
  readonly document: Document
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What was told of a budget, or is to be. */
export type StoredAlert = {
  readonly id: string
  /** As it is sent; '' once it was. */
  readonly body: string
  readonly atMs: number
  /** null: not yet. */
  readonly sentAtMs: number | null
}

export type StoredSetting = {
  readonly name: string
  readonly value: string | number | boolean | null | Document | readonly Document[]
  readonly updatedAtMs: number
}

/** Everything, as of one revision; each list in the order of its names, keys in the order of their creation. */
export type ControlState = {
  /** 0 in a new store, one more with each write. */
  readonly revision: number
  readonly providers: readonly StoredProvider[]
  /** Slugs of providers from the environment that were deleted and stay deleted. */
  readonly dismissed: readonly string[]
  readonly keys: readonly StoredKey[]
  readonly aliases: readonly StoredAlias[]
  /** Each in its latest version; earlier ones are asked for. */
  readonly configs: readonly StoredConfig[]
  /** The latest number of each slug, those that were removed included. */
  readonly configNumbers: ReadonlyMap<string, number>
  readonly prices: readonly StoredPrice[]
  /** By kind, then in the order of their creation. */
  readonly owners: readonly StoredOwner[]
  readonly settings: readonly StoredSetting[]
  /** Texts by name for the control plane's own use, such as the check value of the master key. */
  readonly notes: ReadonlyMap<string, string>
}

/**
 * A `put` replaces everything under the name, credentials and secrets included; of configs it adds a version. A `remove` takes a config with
 * all its versions; one of what isn't there changes nothing.
 */
export type ControlChange =
  | { readonly put: 'provider'; readonly provider: StoredProvider }
  | { readonly remove: 'provider'; readonly slug: string }
  | { readonly put: 'dismissed'; readonly slug: string }
  | { readonly remove: 'dismissed'; readonly slug: string }
  | { readonly put: 'key'; readonly key: StoredKey }
  | { readonly remove: 'key'; readonly id: string }
  | { readonly put: 'alias'; readonly alias: StoredAlias }
  | { readonly remove: 'alias'; readonly name: string }
  | { readonly put: 'config'; readonly config: StoredConfig }
  | { readonly remove: 'config'; readonly slug: string }
  | { readonly put: 'price'; readonly price: StoredPrice }
  | { readonly remove: 'price'; readonly provider: string; readonly model: string }
  | { readonly put: 'owner'; readonly owner: StoredOwner }
  | { readonly remove: 'owner'; readonly id: string }
  | { readonly put: 'setting'; readonly setting: StoredSetting }
  | { readonly remove: 'setting'; readonly name: string }
  | { readonly put: 'note'; readonly name: string; readonly text: string }
  | { readonly put: 'answer'; readonly answer: StoredAnswer }

export type AuditNote = {
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly target: string
  readonly detail: Document
}

export type AuditRow = AuditNote & { readonly seq: number }

/** The answer that a write with an Idempotency-Key got. */
export type StoredAnswer = {
  readonly key: string
  /** Of the request, to tell another request with the same key. */
  readonly requestHash: string
  readonly sealed: string
  readonly atMs: number
}

/** Every promise may reject with one sentence for the operator: the disk is full, the file is damaged, the thread has died. */
export interface ControlStore {
  /** Everything, in one consistent read. */
  load(): Promise<ControlState>
  /**
   * All changes in order, the audit row and the next revision, in one durable transaction: all of it or nothing. Resolves to the new
   * revision. Writes happen one after the other, in the order they were asked.
   */
  write(changes: readonly ControlChange[], audit: AuditNote): Promise<number>
  /** The newest first; `beforeSeq` goes on where a page ended. */
  audit(limit: number, beforeSeq?: number): Promise<AuditRow[]>
  /** Versions of a config, the newest first; `beforeVersion` goes on where a page ended. */
  configVersions(slug: string, limit: number, beforeVersion?: number): Promise<StoredConfig[]>
  /** An answer for later calls with its key. Not part of a revision; to have it in the transaction of its write, use `put: 'answer'`. */
  keepAnswer(answer: StoredAnswer): Promise<void>
  answer(key: string): Promise<StoredAnswer | undefined>
  /** Forgets the answers from before this time. */
  forgetAnswers(beforeMs: number): Promise<void>
  /** Keeps an alert, unless one of its id is there: false. Not part of a revision. */
  keepAlert(alert: StoredAlert): Promise<boolean>
  alertSent(id: string, atMs: number): Promise<void>
  /** Those that have not been sent, the oldest first. */
  unsentAlerts(): Promise<StoredAlert[]>
  /** Forgets the alerts from before this time. */
  forgetAlerts(beforeMs: number): Promise<void>
  close(): Promise<void>
}
