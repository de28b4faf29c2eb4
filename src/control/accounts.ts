// Accounts of the ledger: what people ask for is checked here, made by the ledger, and noted in the audit log.
import { z } from 'zod'
import { formatUsd } from '#ir'
import type { Ledger, LedgerAccount, LedgerRefusal, LedgerTransfer, TransferMade } from '#store'
import type { AccountView, Accounts, TransferMadeView, TransferView } from './accounts-port.ts'
import { checked, compact, numberOf, timeText } from './bodies.ts'
import type { OpenControl } from './control.ts'
import { unavailable } from './idempotency.ts'
import type { Actor, OwnerView } from './port.ts'
import { Refusal } from './refusal.ts'

export type AccountsDeps = {
  readonly ledger: Ledger
  readonly control: Pick<OpenControl['control'], 'users' | 'teams'>
  readonly note: OpenControl['note']
  /** What running requests hold of wallets, nano-USD by account. */
  readonly held: () => ReadonlyMap<string, bigint>
}

type Owner = { readonly kind: 'user' | 'team'; readonly view: OwnerView }
type Present = { readonly owners: ReadonlyMap<string, Owner>; readonly held: ReadonlyMap<string, bigint> }

const noteText = z.string().max(500)
const pot = z.enum(['paid', 'promo'])
const bodies = {
  // Amounts are read by `amountOf`, which says what is wrong with one.
  credit: z.strictObject({ amount_usd: z.unknown(), pot: pot.optional(), note: noteText.optional() }),
  refund: z.strictObject({ request_id: z.string().min(1).max(64), amount_usd: z.unknown().optional(), note: noteText.optional() }),
  adjustment: z.strictObject({ amount_usd: z.unknown(), pot: pot.optional(), note: noteText.min(1) }),
}

/** In one transfer: thousands of them still have a sum. */
const maxUsd = 1_000_000n
const nanoPerUsd = 1_000_000_000n
const internal = /^(?:wallet:|cash:|revenue$|provider_cost$|adjustments$)/

export function createAccounts({ ledger, control, note, held }: AccountsDeps): Accounts {
  const idOf = (id: string): string => (internal.test(id) ? id : `wallet:${id}`)

  /** By the account that each has. */
  function owners(): ReadonlyMap<string, Owner> {
    const of = (kind: Owner['kind'], views: readonly OwnerView[]): [string, Owner][] =>
      views.map((view) => [`wallet:${view.id}`, { kind, view }])
    return new Map([...of('user', control.users.list()), ...of('team', control.teams.list())])
  }

  function present(): Present {
    return { owners: owners(), held: held() }
  }

  function viewOf({ id, kind, openedAtMs, balanceNanoUsd, pots }: LedgerAccount, now: Present): AccountView {
    const owner = now.owners.get(id)
    return {
      id,
      kind,
      owner: owner === undefined ? null : { kind: owner.kind, id: owner.view.id, name: owner.view.name },
      prepaid: owner?.view.prepaid === true,
      balance_usd: formatUsd(balanceNanoUsd),
      paid_usd: pots === undefined ? null : formatUsd(pots.paid),
      promo_usd: pots === undefined ? null : formatUsd(pots.promo),
      held_usd: kind === 'wallet' ? formatUsd(now.held.get(id) ?? 0n) : null,
      opened_at: openedAtMs === 0 ? null : timeText(openedAtMs),
    }
  }

  /** A user or team that has an account, or will with its first credit. */
  async function find(id: string): Promise<LedgerAccount> {
    const account = await ledger.account(idOf(id)).catch(unavailable)
    if (account !== undefined) return account
    if (!owners().has(idOf(id)))
      throw new Refusal(
        'not_found',
        `There is no account ${JSON.stringify(id.slice(0, 100))}; accounts are named by the id of a user or a team, and the list of accounts has the others.`,
      )
    return { id: idOf(id), kind: 'wallet', openedAtMs: 0, balanceNanoUsd: 0n, pots: { paid: 0n, promo: 0n } }
  }

  async function walletOf(id: string): Promise<string> {
    const { id: account, kind } = await find(id)
    if (kind !== 'wallet') throw new Refusal('conflict', `The account ${account} is the ledger's own; only wallets can be written to.`)
    return account
  }

  async function made(
    asked: Promise<TransferMade | LedgerRefusal>,
    actor: Actor,
    action: string,
    detail: Record<string, string | undefined>,
  ): Promise<TransferMadeView> {
    const answer = await asked.catch(unavailable)
    if ('refused' in answer) throw new Refusal(answer.refused, answer.message, answer.field)
    const { transfer, account } = answer
    // Noted after it was made: whoever hears that the note failed sends it again with its key, and it is made once and noted.
    await note(actor, { action, target: account.id, detail: compact({ ...detail, transfer: transfer.id }) })
    return { transfer: transferView(transfer), account: viewOf(account, present()) }
  }

  return {
    async list() {
      const found = await ledger.accounts().catch(unavailable)
      const now = present()
      return found.map((account) => viewOf(account, now))
    },
    async get(id) {
      return viewOf(await find(id), present())
    },
    async refuseUnsettled(id) {
      const { id: account, balanceNanoUsd } = await find(id)
      if ((held().get(account) ?? 0n) > 0n)
        throw new Refusal('conflict', `Requests that ${id} pays for are still running. Wait until they have ended.`)
      if (balanceNanoUsd === 0n) return
      const state = balanceNanoUsd > 0n ? 'has' : 'owes'
      const usd = formatUsd(balanceNanoUsd > 0n ? balanceNanoUsd : -balanceNanoUsd)
      throw new Refusal(
        'conflict',
        `The wallet of ${id} ${state} $${usd}; nobody could pay with it or settle it afterwards. Adjust it to 0 first: turnpike accounts adjust, or POST /api/v1/accounts/${id}/adjustments.`,
      )
    },
    async credit(id, body, actor, key) {
      const { amount_usd: amount, pot: into = 'paid', note: text = '' } = checked(bodies.credit, body)
      const nanoUsd = amountOf(amount, 'positive')
      const account = await walletOf(id)
      return made(ledger.credit({ account, nanoUsd, pot: into, note: text, actor: actor.kind, key }), actor, 'account.credit', {
        amount_usd: formatUsd(nanoUsd),
        pot: into,
        note: text === '' ? undefined : text,
      })
    },
    async refund(id, body, actor, key) {
      const { request_id: request, amount_usd: amount, note: text = '' } = checked(bodies.refund, body)
      const nanoUsd = amount === undefined ? undefined : amountOf(amount, 'positive')
      const account = await walletOf(id)
      return made(ledger.refund({ account, request, nanoUsd, note: text, actor: actor.kind, key }), actor, 'account.refund', {
        request_id: request,
        amount_usd: nanoUsd === undefined ? undefined : formatUsd(nanoUsd),
        note: text === '' ? undefined : text,
      })
    },
    async adjust(id, body, actor, key) {
      const { amount_usd: amount, pot: into = 'paid', note: text } = checked(bodies.adjustment, body)
      const nanoUsd = amountOf(amount, 'signed')
      const account = await walletOf(id)
      return made(ledger.adjust({ account, nanoUsd, pot: into, note: text, actor: actor.kind, key }), actor, 'account.adjust', {
        amount_usd: formatUsd(nanoUsd),
        pot: into,
        note: text,
      })
    },
    async statement(id, filter, limit, cursor) {
      const { id: account } = await find(id)
      const { openingNanoUsd, lines, next } = await ledger.statement(account, defined(filter), limit, numberOf(cursor)).catch(unavailable)
      return {
        account,
        opening_usd: formatUsd(openingNanoUsd),
        data: lines.map((line) => ({
          ...wordsOf(line),
          amount_usd: formatUsd(line.paidNanoUsd + line.promoNanoUsd),
          paid_usd: formatUsd(line.paidNanoUsd),
          promo_usd: formatUsd(line.promoNanoUsd),
          balance_usd: formatUsd(line.balanceNanoUsd),
        })),
        next_cursor: next === undefined ? null : String(next),
      }
    },
    async transfers({ account, ...filter }, limit, cursor, order) {
      const of = account === undefined ? {} : { account: (await find(account)).id }
      const { transfers, next } = await ledger.transfers({ ...of, ...defined(filter) }, limit, numberOf(cursor), order).catch(unavailable)
      return { data: transfers.map(transferView), next_cursor: next === undefined ? null : String(next) }
    },
    async check() {
      const { violations, transfers, charges, records, beganAtMs } = await ledger.check().catch(unavailable)
      return { ok: violations.length === 0, violations, transfers, charges, records, began_at: new Date(beganAtMs).toISOString() }
    },
  }
}

/** USD as decimal text, in nano-USD. Throws the refusal of anything else: money is never rounded on its way in. */
function amountOf(value: unknown, sign: 'positive' | 'signed'): bigint {
  const wrong = (what: string): Refusal => new Refusal('invalid_request', `amount_usd ${what}`, 'amount_usd')
  if (value === undefined || value === null) throw wrong('is missing: write USD as decimal text, like "25" or "0.50".')
  if (typeof value !== 'string')
    throw wrong(
      `must be text, like "25" or "0.50", and not ${typeof value === 'number' ? 'a number, which would be rounded' : typeof value}.`,
    )
  const shown = JSON.stringify(value.slice(0, 40))
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value.slice(0, 64))
  if (match === null || value.length > 64) throw wrong(`is ${shown}, which is not an amount of USD like "25" or "0.50".`)
  const [, minus = '', whole = '', fraction = ''] = match
  if (minus !== '' && sign === 'positive')
    throw wrong(`is ${shown}; it must be more than 0. What was booked wrongly is put right by an adjustment.`)
  if (fraction.length > 9) throw wrong(`is ${shown}, with ${fraction.length} decimals; it may have 9 at most.`)
  const nanoUsd = BigInt(whole) * nanoPerUsd + BigInt(fraction.padEnd(9, '0'))
  if (nanoUsd === 0n) throw wrong(`is ${shown}; it must ${sign === 'positive' ? 'be more than 0' : 'not be 0'}.`)
  if (nanoUsd > maxUsd * nanoPerUsd) throw wrong(`is ${shown}; one transfer moves $${maxUsd} at most.`)
  return minus === '' ? nanoUsd : -nanoUsd
}

function transferView(transfer: LedgerTransfer): TransferView {
  return {
    ...wordsOf(transfer),
    entries: transfer.entries.map((entry) => ({
      account: entry.account,
      pot: entry.pot === '' ? null : entry.pot,
      amount_usd: formatUsd(entry.nanoUsd),
    })),
  }
}

function wordsOf({ id, atMs, kind, requests, request, actor, note }: Omit<LedgerTransfer, 'entries'>) {
  return {
    id,
    at: new Date(atMs).toISOString(),
    kind,
    requests,
    request_id: request ?? null,
    actor: actor === '' ? null : actor,
    note: note === '' ? null : note,
  }
}

function defined<T extends object>(filter: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return compact(filter) as { [K in keyof T]: Exclude<T[K], undefined> }
}
