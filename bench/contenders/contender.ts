// What runs on the gateway's core: one address, the processes behind it, and for a recorder a way to wait until all is stored.
import type { Scenario } from '../scenarios.ts'

export const contenderNames = ['direct', 'nginx', 'naive', 'portkey', 'plain', 'turnpike'] as const
export type ContenderName = (typeof contenderNames)[number]

export type Contender = {
  readonly name: ContenderName
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty for the direct run. */
  readonly pids: readonly number[]
  /** Waits until everything answered so far is stored; what that is since the start. */
  readonly recorded?: (expected: { readonly requests: number }) => Promise<Recorded>
  readonly stop: () => Promise<void>
}

export type Recorded = {
  readonly requests: number
  /** Requests that are known to have begun and not to have ended. */
  readonly open: number
  /** Requests whose outcome is ok: each has both of its bodies stored. */
  readonly answered: number
  readonly bodies: number
  /** Requests that failed; one that its client left isn't a failure. */
  readonly failures: number
}

export type ContenderContext = {
  /** A folder of this scenario; removed at the end. */
  readonly scratch: string
  readonly scenario: Scenario
  readonly providerPort: number
  /** A provider that fails as often as the scenario says, where it does. */
  readonly faultyPort: number
  readonly profile: boolean
}
