// The thread of the ledger: synchronous SQLite never runs on the event loop that serves requests.
import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { answerQuestions } from '#threads'
import { checkLedger } from './ledger-check.ts'
import { accountOf, readAccounts, readStatement, readTransfers } from './ledger-queries.ts'
import { openLedgerDatabase } from './ledger-schema.ts'
import { readFirst, readSpending } from './ledger-spending.ts'
import type { LedgerFiles, LedgerQuestion } from './ledger-store.ts'
import { postAdjustment, postCredit, postRefund } from './ledger-transfers.ts'
import { reading, writing } from './transaction.ts'

const { ledger, records } = workerData as LedgerFiles

answerQuestions<LedgerQuestion>(() => {
  const db = openLedgerDatabase(ledger)
  return {
    answer(question) {
      try {
        return run(db, question)
      } catch (error) {
        throw new Error(`The ledger ${ledger} could not answer, and nothing was changed: ${(error as Error).message}`, { cause: error })
      }
    },
    close: () => db.close(),
  }
})

function run(db: DatabaseSync, question: LedgerQuestion): unknown {
  switch (question.op) {
    case 'accounts':
      return readAccounts(db)
    case 'account':
      return accountOf(db, question.id)
    case 'statement':
      return reading(db, () => readStatement(db, question.account, question.filter, question.limit, question.after))
    case 'transfers':
      return reading(db, () => readTransfers(db, question.filter, question.limit, question.after, question.order))
    case 'credit':
      return writing(db, () => postCredit(db, question.asked, Date.now()))
    case 'refund':
      return writing(db, () => postRefund(db, question.asked, Date.now()))
    case 'adjust':
      return writing(db, () => postAdjustment(db, question.asked, Date.now()))
    case 'spending':
      return reading(db, () => readSpending(db, question.scope, question.fromMs, question.toMs))
    case 'first':
      return reading(db, () => readFirst(db, question.scope))
    case 'check':
      return checkLedger(db, existsSync(records) ? records : undefined)
    default:
      return question satisfies never
  }
}
