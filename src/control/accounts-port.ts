// What is offered of the ledger: accounts, and the credits, refunds and adjustments that people make. Shapes are the admin API's.
import type { Actor, Page } from './port.ts'

/** Amounts are USD as decimal text; what was taken away begins with a minus. */
export type AccountView = {
  /** `wallet:<id of a user or team>`, `wallet:instance`, `cash:manual`, `revenue`, `provider_cost` or `adjustments`. */
  readonly id: string
  readonly kind: 'wallet' | 'cash' | 'revenue' | 'provider_cost' | 'adjustments'
  /** Of a wallet; null: the instance's own, or of somebody who was removed. */
  readonly owner: { readonly kind: 'user' | 'team'; readonly id: string; readonly name: string } | null
  /** What its owner spends comes from it, and stops when it is empty. */
  readonly prepaid: boolean
  readonly balance_usd: string
  /** Of a wallet: what was paid for, and what was given, which is spent first. */
  readonly paid_usd: string | null
  readonly promo_usd: string | null
  /** Of a wallet: what running requests may still cost. */
  readonly held_usd: string | null
  readonly opened_at: string | null
}

type TransferWords = {
  readonly id: number
  readonly at: string
  readonly kind: 'charge' | 'credit' | 'refund' | 'adjustment'
  /** How many requests a charge is for. */
  readonly requests: number
  /** The one that was charged, or that a refund is of. */
  readonly request_id: string | null
  readonly actor: string | null
  readonly note: string | null
}

export type TransferView = TransferWords & {
  readonly entries: readonly { readonly account: string; readonly pot: 'paid' | 'promo' | null; readonly amount_usd: string }[]
}

export type StatementLineView = TransferWords & {
  readonly amount_usd: string
  readonly paid_usd: string
  readonly promo_usd: string
  /** After it. */
  readonly balance_usd: string
}

/** Of one account, in the order of time. */
export type StatementView = Page<StatementLineView> & {
  readonly account: string
  /** Before the first line of this page. */
  readonly opening_usd: string
}

export type TransferMadeView = { readonly transfer: TransferView; readonly account: AccountView }

export type LedgerCheckView = {
  readonly ok: boolean
  readonly violations: readonly string[]
  readonly transfers: number
  readonly charges: number
  /** Records that were compared with their charges. */
  readonly records: number
  /** Requests that arrived before are not in the ledger. */
  readonly began_at: string
}

export type LedgerFilter = {
  readonly account?: string | undefined
  readonly kind?: TransferView['kind'] | undefined
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** An account is named by its id, or by that of its user or team. Rejects with a `Refusal`. */
export interface Accounts {
  list(): Promise<readonly AccountView[]>
  get(id: string): Promise<AccountView>
  /** Before its user or team is removed: a `conflict` while requests that it pays for are running, and while the wallet has money, or owes some. */
  refuseUnsettled(id: string): Promise<void>
  /** `{amount_usd, pot?: "paid" | "promo", note?}`. `key`: of the client; the same one with another write is a `conflict`, for good. */
  credit(id: string, body: unknown, actor: Actor, key: string | undefined): Promise<TransferMadeView>
  /** `{request_id, amount_usd?, note?}`; without an amount what is left of the charge. */
  refund(id: string, body: unknown, actor: Actor, key: string | undefined): Promise<TransferMadeView>
  /** `{amount_usd, note, pot?}`: the amount may begin with a minus. */
  adjust(id: string, body: unknown, actor: Actor, key: string | undefined): Promise<TransferMadeView>
  statement(id: string, filter: Pick<LedgerFilter, 'fromMs' | 'toMs'>, limit: number, cursor: string | undefined): Promise<StatementView>
  transfers(filter: LedgerFilter, limit: number, cursor: string | undefined, order: 'newest' | 'oldest'): Promise<Page<TransferView>>
  check(): Promise<LedgerCheckView>
}
