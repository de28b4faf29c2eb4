// Accounts and the ledger: /accounts, /accounts/{id}, its credits, refunds, adjustments and statement, /ledger, /ledger/check.
import type { Accounts, Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { FastifyRequest } from 'fastify'
import {
  account,
  accountList,
  adjustmentBody,
  creditBody,
  ledgerVerdict,
  pageQuery,
  refundBody,
  statement,
  statementQuery,
  transferList,
  transferMade,
  transferQuery,
} from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { accountParams as params, findFailures, readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const tags = ['ledger']
const pageParameters = Object.keys(pageQuery.shape)
const statementParameters = Object.keys(statementQuery.shape)
const transferParameters = Object.keys(transferQuery.shape)

const writes = [
  {
    act: 'credit',
    path: 'credits',
    operationId: 'creditAccount',
    body: creditBody,
    summary: 'Puts money into a wallet; the first credit of a user or a team opens it',
  },
  {
    act: 'refund',
    path: 'refunds',
    operationId: 'refundCharge',
    body: refundBody,
    summary: 'Gives back what a request cost, or a part of it; never more than it cost',
  },
  {
    act: 'adjust',
    path: 'adjustments',
    operationId: 'adjustAccount',
    body: adjustmentBody,
    summary: 'Corrects the balance of a wallet, either way: nothing that is booked is ever changed',
  },
] as const

export function accountRoutes(control: Control, accounts: Accounts): FastifyPluginCallbackZod {
  const write = createWrite(control, 'needs')
  return (app, _options, done) => {
    app.get(
      '/accounts',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listAccounts',
          summary: 'Every account of the ledger with its balance, by id',
          tags,
          querystring: pageQuery,
          response: { 200: accountList, ...readFailures },
        },
      },
      async (request) => pageOf(await accounts.list(), ({ id }) => id, request.query),
    )

    app.get(
      '/accounts/:id',
      {
        preValidation: noParameters,
        schema: { operationId: 'getAccount', summary: 'One account', tags, params, response: { 200: account, ...findFailures } },
      },
      (request) => accounts.get(request.params.id),
    )

    for (const { act, path, operationId, body, summary } of writes)
      app.post(
        `/accounts/:id/${path}`,
        {
          preValidation: noParameters,
          schema: {
            operationId,
            summary,
            description: 'The same Idempotency-Key with other content is a conflict, also after a day.',
            tags,
            params,
            headers: writeHeaders,
            body,
            response: { 201: transferMade.describe('Made'), ...writeFailures },
          },
        },
        (request, reply) =>
          write(request, reply, async (sent, actor) => ({
            status: 201,
            body: await accounts[act](request.params.id, sent, actor, keyOf(request)),
          })),
      )

    app.get(
      '/accounts/:id/statement',
      {
        preValidation: async (request) => checkParameters(request.query, statementParameters, false),
        schema: {
          operationId: 'getStatement',
          summary: 'What moved the balance of an account, in the order of time',
          tags,
          params,
          querystring: statementQuery,
          response: { 200: statement, ...findFailures },
        },
      },
      (request) => {
        const { limit, cursor } = request.query
        return accounts.statement(request.params.id, windowOf(request.query), limit, cursor)
      },
    )

    app.get(
      '/ledger',
      {
        preValidation: async (request) => checkParameters(request.query, transferParameters, false),
        schema: {
          operationId: 'listTransfers',
          summary: 'Transfers with their entries, newest first',
          tags,
          querystring: transferQuery,
          response: { 200: transferList, ...findFailures },
        },
      },
      (request) => {
        const { account: of, kind, limit, cursor, order } = request.query
        return accounts.transfers({ account: of, kind, ...windowOf(request.query) }, limit, cursor, order)
      },
    )

    app.get(
      '/ledger/check',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'checkLedger',
          summary: 'Whether the ledger adds up: every invariant, each violation in words',
          tags,
          response: { 200: ledgerVerdict, ...readFailures },
        },
      },
      () => accounts.check(),
    )
    done()
  }
}

/** Checked by `write` before it is asked for. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  return typeof key === 'string' ? key : undefined
}

function windowOf({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }) {
  return { fromMs: from === undefined ? undefined : Date.parse(from), toMs: to === undefined ? undefined : Date.parse(to) }
}
