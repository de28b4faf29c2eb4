// Accounts of the ledger: what writes take, and what is answered.
import { z } from 'zod'
import { count, instant, list, pageOf, pageQuery, text } from './basics.ts'

const signedUsd = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .describe('USD, a decimal string; what was taken away begins with a minus')
const amount = z
  .string()
  .regex(/^\d{1,7}(\.\d{1,9})?$/)
  .describe('USD as decimal text with 9 decimals at most: `25`, `0.50`; more than 0')
const pots = ['paid', 'promo'] as const
const pot = z.enum(pots).describe('What was paid for, or given; what was given is spent first. By default `paid`')
const note = z.string().max(500).describe('Why; kept with the transfer')

export const creditBody = z.strictObject({ amount_usd: amount, pot: pot.optional(), note: note.optional() }).meta({ id: 'CreditBody' })
export const refundBody = z
  .strictObject({
    request_id: z.string().min(1).max(64).describe('Id of the request that was charged'),
    amount_usd: amount.optional().describe('Without it, all of the charge that has not been refunded'),
    note: note.optional(),
  })
  .meta({ id: 'RefundBody' })
export const adjustmentBody = z
  .strictObject({
    amount_usd: z
      .string()
      .regex(/^-?\d{1,7}(\.\d{1,9})?$/)
      .describe('USD as decimal text; one that begins with a minus takes away, but no more than is there'),
    pot: pot.optional(),
    note,
  })
  .meta({ id: 'AdjustmentBody' })

export const transferKinds = ['charge', 'credit', 'refund', 'adjustment'] as const

export const account = z
  .object({
    id: text.describe('`wallet:<id of a user or team>`, `wallet:instance`, `cash:manual`, `revenue`, `provider_cost`, `adjustments`'),
    kind: z.enum(['wallet', 'cash', 'revenue', 'provider_cost', 'adjustments']),
    owner: z.object({ kind: z.enum(['user', 'team']), id: text, name: text }).nullable(),
    prepaid: z.boolean().describe('What its owner spends comes from it, and stops when it is empty'),
    balance_usd: signedUsd,
    paid_usd: signedUsd.nullable().describe('Of a wallet: what was paid for'),
    promo_usd: signedUsd.nullable().describe('Of a wallet: what was given, which is spent first'),
    held_usd: signedUsd.nullable().describe('Of a wallet: what running requests may still cost; it is part of the balance'),
    opened_at: instant.nullable().describe('null: the ledger began with it, or its first credit will open it'),
  })
  .meta({ id: 'Account' })

export const accountList = pageOf(account, 'AccountList')

const transferWords = {
  id: count,
  at: instant,
  kind: z.enum(transferKinds),
  requests: count.describe('How many requests a charge is for'),
  request_id: text.nullable().describe('The one that was charged, or that a refund is of'),
  actor: text.nullable(),
  note: text.nullable(),
}

export const transfer = z
  .object({
    ...transferWords,
    entries: list(z.object({ account: text, pot: z.enum(pots).nullable(), amount_usd: signedUsd })).describe('They sum to 0'),
  })
  .meta({ id: 'Transfer' })

export const transferList = pageOf(transfer, 'TransferList')
export const transferMade = z.object({ transfer, account }).meta({ id: 'TransferMade' })

export const statement = z
  .object({
    account: text,
    opening_usd: signedUsd.describe('Before the first line of this page'),
    data: list(
      z.object({
        ...transferWords,
        amount_usd: signedUsd,
        paid_usd: signedUsd,
        promo_usd: signedUsd,
        balance_usd: signedUsd.describe('After it'),
      }),
    ),
    next_cursor: text.nullable().describe('null: nothing more'),
  })
  .meta({ id: 'Statement' })

export const ledgerVerdict = z
  .object({
    ok: z.boolean(),
    violations: list(text).describe('One sentence each'),
    transfers: count,
    charges: count.describe('Requests that are booked'),
    records: count.describe('Records of requests that were compared with their charges'),
    began_at: instant.describe('Requests that arrived before are not in the ledger'),
  })
  .meta({ id: 'LedgerVerdict' })

const time = z
  .string()
  .refine((value) => /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value)), 'must be a date or a date and time in ISO 8601')
const page = { ...pageQuery.shape, limit: pageQuery.shape.limit.unwrap().default(100).describe('How many at most') }
const window = { from: time.optional().describe('From this time on'), to: time.optional().describe('Before this time') }

export const statementQuery = z.object({ ...page, ...window })
export const transferQuery = z.object({
  ...page,
  ...window,
  account: z.string().max(256).optional().describe('Id of an account, of a user or of a team'),
  kind: z.enum(transferKinds).optional(),
  order: z.enum(['newest', 'oldest']).default('newest').describe('Which come first'),
})
