// The ledger as its users see it: accounts, transfers, what was spent, and whether all of it adds up. Amounts are nano-USD.

export type AccountKind = 'wallet' | 'cash' | 'revenue' | 'provider_cost' | 'adjustments'
export type TransferKind = 'charge' | 'credit' | 'refund' | 'adjustment'
/** Of a wallet: what was paid for, and what was given. What was given is spent first. */
export type Pot = 'paid' | 'promo'

export type LedgerAccount = {
  readonly id: string
  readonly kind: AccountKind
  readonly openedAtMs: number
  readonly balanceNanoUsd: bigint
  /** Of a wallet. */
  readonly pots: Readonly<Record<Pot, bigint>> | undefined
}

export type LedgerEntry = { readonly account: string; readonly pot: Pot | ''; readonly nanoUsd: bigint }

export type LedgerTransfer = {
  readonly id: number
  readonly atMs: number
  readonly kind: TransferKind
  readonly entries: readonly LedgerEntry[]
  /** How many requests a charge is for. */
  readonly requests: number
  /** The one that was charged, or that a refund is of. */
  readonly request: string | undefined
  readonly actor: string
  readonly note: string
}

/** What a transfer did to an account. */
export type StatementLine = Omit<LedgerTransfer, 'entries'> & {
  readonly paidNanoUsd: bigint
  readonly promoNanoUsd: bigint
  /** Of the account, after it. */
  readonly balanceNanoUsd: bigint
}

export type Statement = {
  /** Before the first line of this page. */
  readonly openingNanoUsd: bigint
  readonly lines: readonly StatementLine[]
  /** Where the next page begins; undefined: this is the end. */
  readonly next: number | undefined
}

export type TransferFilter = {
  readonly account?: string
  readonly kind?: TransferKind
  /** From this time on, and before that one. */
  readonly fromMs?: number
  readonly toMs?: number
}

/** `key`: a client's own, once for each write; the same one with another write is refused. */
type Asked = { readonly key: string | undefined; readonly actor: string; readonly note: string }
export type CreditAsked = Asked & { readonly account: string; readonly nanoUsd: bigint; readonly pot: Pot }
/** Without an amount: all that has not been refunded. */
export type RefundAsked = Asked & { readonly account: string; readonly request: string; readonly nanoUsd: bigint | undefined }
export type AdjustmentAsked = Asked & { readonly account: string; readonly nanoUsd: bigint; readonly pot: Pot }

/** Why a transfer was not made: one sentence for whoever asked. */
export type LedgerRefusal = {
  readonly refused: 'invalid_request' | 'not_found' | 'conflict'
  readonly message: string
  readonly field: string | undefined
}

export type TransferMade = {
  readonly transfer: LedgerTransfer
  readonly account: LedgerAccount
  /** It had been made by an earlier call with the same key. */
  readonly replayed: boolean
}

/**
 * Whose requests. `id` of a model: the provider's id of it; of a tag: `key=value` (in the key, % and = are written %25 and %3D); of the
 * instance: ''. `metadata`: of those requests alone that have all of it.
 */
export type SpendingScope = {
  readonly kind: 'key' | 'user' | 'team' | 'provider' | 'model' | 'tag' | 'instance'
  readonly id: string
  readonly metadata?: Readonly<Record<string, string>>
}
export type Spending = { readonly nanoUsd: bigint; readonly tokens: number; readonly requests: number }
/** `model`: the provider's id of it; `asked`: as the client named it. */
export type SpentOn = { readonly provider: string; readonly model: string; readonly asked: string }
/** Whether a budget counts requests for this model. */
export type CountsModel = (provider: string, model: string, asked: string) => boolean

/** A wallet's balance has changed by something else than a request. */
export type BalanceChange = {
  readonly account: string
  /** Add this to what is in memory: the balance does not know of requests that are still on their way into the ledger. */
  readonly deltaNanoUsd: bigint
  readonly balanceNanoUsd: bigint
}

export type LedgerVerdict = {
  /** One sentence each; of a kind of violation at most twenty. */
  readonly violations: readonly string[]
  readonly transfers: number
  readonly charges: number
  /** Records of requests that were compared with their charges. */
  readonly records: number
  /** Requests that arrived before it are not in the ledger. */
  readonly beganAtMs: number
}

/** Every promise may reject with one sentence for the operator. */
export interface Ledger {
  accounts(): Promise<LedgerAccount[]>
  account(id: string): Promise<LedgerAccount | undefined>
  /** Lines in the order of time; `after`: where the page before ended. */
  statement(account: string, filter: Pick<TransferFilter, 'fromMs' | 'toMs'>, limit: number, after: number | undefined): Promise<Statement>
  /** Newest first, or oldest first. */
  transfers(
    filter: TransferFilter,
    limit: number,
    after: number | undefined,
    order: 'newest' | 'oldest',
  ): Promise<{ readonly transfers: LedgerTransfer[]; readonly next: number | undefined }>
  credit(asked: CreditAsked): Promise<TransferMade | LedgerRefusal>
  refund(asked: RefundAsked): Promise<TransferMade | LedgerRefusal>
  adjust(asked: AdjustmentAsked): Promise<TransferMade | LedgerRefusal>
  /** By requests whose holds are of [fromMs, toMs), of those models alone that `counts` says. Refunds don't lower it. */
  spentIn(scope: SpendingScope, fromMs: number, toMs: number, counts?: CountsModel): Promise<Spending>
  /** When the first request of it began, of those models alone that `counts` says; undefined: there was none. */
  firstAt(scope: SpendingScope, counts?: CountsModel): Promise<number | undefined>
  check(): Promise<LedgerVerdict>
  /** After each credit, refund and adjustment of a wallet, before its promise resolves. */
  onBalance(listener: (change: BalanceChange) => void): void
  close(): Promise<void>
}
