// What was spent before the engine of limits counted: read from the ledger at the start, and for what is configured later.
import { namesAt } from './model-names.ts'
import type { LimitOwner, Limits, Spent } from './limits-port.ts'

type Scope = { readonly kind: LimitOwner['kind']; readonly id: string; readonly metadata?: Readonly<Record<string, string>> }
/** `model`: the provider's id of it; `asked`: as the client named it. */
type Counts = (provider: string, model: string, asked: string) => boolean

/** The ledger, as far as it is asked. */
export type SpentReader = {
  /** Of requests that began in [fromMs, toMs). */
  spentIn(scope: Scope, fromMs: number, toMs: number, counts?: Counts): Promise<Spent>
  /** When the first request of it began; undefined: there was none. */
  firstAt(scope: Scope, counts?: Counts): Promise<number | undefined>
  account(id: string): Promise<{ readonly balanceNanoUsd: bigint } | undefined>
}

export type ReadLimitsDeps = {
  readonly limits: Pick<Limits, 'unread' | 'unreadWallets' | 'setSpent' | 'setBalance'>
  readonly ledger: SpentReader
  readonly createGlob: (pattern: string) => (name: string) => boolean
  /** What a provider's id of a model is everywhere, where that is known. */
  readonly canonicalOf: (provider: string, model: string) => string | undefined
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** Requests come meanwhile. */
  readonly serving: boolean
}

/** Rejects when the ledger cannot be read; what was read until then counts. */
export async function readLimits({ limits, ledger, createGlob, canonicalOf, nowMs, serving }: ReadLimitsDeps): Promise<void> {
  const askedMs = nowMs()
  for (const { id, dimension, startsAtFirst, windowAt } of limits.unread(askedMs)) {
    const { models, ...scope } = dimension
    const globs = models?.map(createGlob)
    const counts =
      globs === undefined
        ? undefined
        : (provider: string, model: string, asked: string) => {
            const canonical = canonicalOf(provider, model)
            const names = namesAt(provider, canonical === undefined ? [asked, model] : [asked, model, canonical])
            return globs.some((glob) => names.some(glob))
          }
    const window = windowAt(startsAtFirst ? await ledger.firstAt(scope, counts) : undefined)
    // What begins while the ledger is asked may be in it when it answers, and is counted by whoever holds it.
    const toMs = Math.min(window.toMs, serving ? askedMs : Number.MAX_SAFE_INTEGER)
    const nothing = { nanoUsd: 0n, tokens: 0 }
    limits.setSpent(id, window, window.fromMs >= toMs ? nothing : await ledger.spentIn(scope, Math.max(0, window.fromMs), toMs, counts))
  }
  for (const wallet of limits.unreadWallets()) limits.setBalance(wallet, (await ledger.account(accountOf(wallet)))?.balanceNanoUsd ?? 0n)
}

/** The account of the ledger that is a wallet's (`user:ID` or `team:ID`). */
export function accountOf(wallet: string): string {
  return `wallet:${wallet.slice(wallet.indexOf(':') + 1)}`
}

/** The reverse. */
export function walletOf(account: string): string {
  const id = account.slice(account.indexOf(':') + 1)
  return `${id.startsWith('team_') ? 'team' : 'user'}:${id}`
}
