// What the parts of the control plane share: the present state, and the one way to change it.
import type { ModelIndex } from '#catalog'
import type { Declared, Environment, RunningSettings, Settings } from '#config'
import type { ControlChange, Document } from '#store'
import type { Configured } from './assembly.ts'
import type { Actor } from './port.ts'
import type { Stored } from './state.ts'
import type { Vault } from './vault.ts'

export type PlannedWrite<T> = {
  readonly changes: readonly ControlChange[]
  /** For the audit log: `provider.put`, what it was done to, and what changed, without secrets. */
  readonly action: string
  readonly target: string
  readonly detail: Document
  /** The slug of a provider that must be complete. */
  readonly strict?: string
  /** Asked when the write is stored and in the snapshot. */
  readonly result: () => T
}

export interface Plane {
  readonly declared: Declared
  /** The base name of the file that declares; for messages. */
  readonly fileName: string
  readonly env: Environment
  /** Of the providers that keys in the environment make. */
  readonly environmentSlugs: { has(slug: string): boolean }
  readonly adminToken: string
  readonly vault: Vault
  readonly settings: Settings
  stored(): Stored
  configured(): Configured
  index(): ModelIndex
  running(): RunningSettings
  /**
   * `nowMs` is later than that of every write before, so that no two look like one.
   *
   * Plans a write against the state that all earlier writes have left, stores it and swaps it in. Rejects with a `Refusal`: the plan's, or
   * `unavailable` when the store cannot be written, and nothing has changed then.
   */
  write<T>(actor: Actor, plan: (nowMs: number) => PlannedWrite<T>): Promise<T>
}
