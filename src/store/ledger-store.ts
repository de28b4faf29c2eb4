// The ledger as its users have it: asks the thread that reads it and makes the transfers that people ask for.
import { createAskedThread, siblingModule } from '#threads'
import type {
  AdjustmentAsked,
  BalanceChange,
  CountsModel,
  CreditAsked,
  Ledger,
  LedgerRefusal,
  RefundAsked,
  Spending,
  SpendingScope,
  SpentOn,
  TransferFilter,
  TransferMade,
} from './ledger.ts'

export type LedgerQuestion =
  | { readonly op: 'accounts' }
  | { readonly op: 'account'; readonly id: string }
  | {
      readonly op: 'statement'
      readonly account: string
      readonly filter: Pick<TransferFilter, 'fromMs' | 'toMs'>
      readonly limit: number
      readonly after: number | undefined
    }
  | {
      readonly op: 'transfers'
      readonly filter: TransferFilter
      readonly limit: number
      readonly after: number | undefined
      readonly order: 'newest' | 'oldest'
    }
  | { readonly op: 'credit'; readonly asked: CreditAsked }
  | { readonly op: 'refund'; readonly asked: RefundAsked }
  | { readonly op: 'adjust'; readonly asked: AdjustmentAsked }
  | { readonly op: 'spending'; readonly scope: SpendingScope; readonly fromMs: number; readonly toMs: number }
  | { readonly op: 'first'; readonly scope: SpendingScope }
  | { readonly op: 'check' }

export type LedgerFiles = {
  readonly ledger: string
  /** The record store, for comparing. */
  readonly records: string
}

const everyModel: CountsModel = () => true

const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 }

export type LedgerOptions = LedgerFiles & {
  /** Before each question: resolves when everything that was answered until now is booked. */
  readonly settle: () => Promise<void>
  readonly idleMs?: number
}

/** Charges come by the journal; the files are opened at the first question. */
export function createLedger({ settle, idleMs = 10_000, ...files }: LedgerOptions): Ledger {
  const thread = createAskedThread<LedgerQuestion>({
    module: siblingModule(import.meta.url, 'ledger-thread'),
    data: files,
    idleMs,
    resourceLimits,
    closed: 'The ledger is closed.',
    died: ({ message }) => `The thread of the ledger has stopped (${message}); ask again.`,
    startsAnew: true,
  })
  const listeners: ((change: BalanceChange) => void)[] = []

  async function ask<T>(question: LedgerQuestion): Promise<T> {
    await settle()
    return thread.ask<T>(question)
  }

  async function make(question: Extract<LedgerQuestion, { asked: unknown }>): Promise<TransferMade | LedgerRefusal> {
    const made = await ask<TransferMade | LedgerRefusal>(question)
    if (!('transfer' in made) || made.replayed) return made
    const { id: account, balanceNanoUsd } = made.account
    let deltaNanoUsd = 0n
    for (const entry of made.transfer.entries) if (entry.account === account) deltaNanoUsd += entry.nanoUsd
    for (const listener of listeners) listener({ account, deltaNanoUsd, balanceNanoUsd })
    return made
  }

  return {
    accounts: () => ask({ op: 'accounts' }),
    account: (id) => ask({ op: 'account', id }),
    statement: (account, filter, limit, after) => ask({ op: 'statement', account, filter, limit, after }),
    transfers: (filter, limit, after, order) => ask({ op: 'transfers', filter, limit, after, order }),
    credit: (asked) => make({ op: 'credit', asked }),
    refund: (asked) => make({ op: 'refund', asked }),
    adjust: (asked) => make({ op: 'adjust', asked }),
    async spentIn(scope, fromMs, toMs, counts = everyModel) {
      const found = await ask<(Spending & SpentOn)[]>({ op: 'spending', scope, fromMs, toMs })
      const spent = { nanoUsd: 0n, tokens: 0, requests: 0 }
      for (const on of found) {
        if (!counts(on.provider, on.model, on.asked)) continue
        spent.nanoUsd += on.nanoUsd
        spent.tokens += on.tokens
        spent.requests += on.requests
      }
      return spent
    },
    async firstAt(scope, counts = everyModel) {
      const found = await ask<(SpentOn & { readonly atMs: number })[]>({ op: 'first', scope })
      const times = found.flatMap(({ provider, model, asked, atMs }) => (counts(provider, model, asked) ? [atMs] : []))
      return times.length === 0 ? undefined : Math.min(...times)
    },
    check: () => ask({ op: 'check' }),
    onBalance: (listener) => void listeners.push(listener),
    close: () => thread.close(),
  }
}
