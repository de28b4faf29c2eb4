// The thread that runs the control store's transactions: synchronous SQLite never runs on the event loop that serves requests.
import type { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'
import { answerQuestions, type Answerer } from '#threads'
import type { Writing } from './control-queries.ts'
import { readAnswer, readAudit, readConfigVersions, readState, readUnsentAlerts } from './control-rows.ts'
import { controlTrouble, openControlDatabase } from './control-schema.ts'
import type { ControlQuestion } from './control-store.ts'
import { reading, writing } from './transaction.ts'

const { file } = workerData as { readonly file: string }

answerQuestions(() => answering(openControlDatabase(file)))

function answering(db: DatabaseSync): Answerer<ControlQuestion> {
  /** One after the other, in the order they were asked, though the first write waits for its queries to be loaded. */
  let last: Promise<unknown> = Promise.resolve()

  return {
    answer(question) {
      const answer = last.then(() => run(question))
      last = answer.catch(() => undefined)
      return answer
    },
    async close() {
      await last
      db.close()
    },
  }

  function run(question: ControlQuestion): unknown {
    switch (question.op) {
      case 'load':
        return read(() => readState(db))
      case 'audit':
        return read(() => readAudit(db, question.limit, question.beforeSeq))
      case 'configVersions':
        return read(() => readConfigVersions(db, question.slug, question.limit, question.beforeVersion))
      case 'answer':
        return read(() => readAnswer(db, question.key))
      case 'unsentAlerts':
        return read(() => readUnsentAlerts(db))
      default:
        return write(question).catch(explain('written'))
    }
  }

  function read<T>(query: () => T): T {
    try {
      return reading(db, query)
    } catch (error) {
      return explain('read')(error)
    }
  }

  /** Resolves to what the operation gives, where it gives something: the new revision, whether an alert is new. */
  async function write(question: Writing): Promise<number | boolean | undefined> {
    const { statementsOf } = await import('./control-queries.ts')
    const statements = statementsOf(question)
    return writing(db, () => {
      const rows = statements.map(({ sql, parameters }) => db.prepare(sql).all(...parameters))
      if (question.op === 'keepAlert') return rows[0]?.length === 1
      return question.op === 'write' ? Number(rows.at(-1)?.[0]?.['number']) : undefined
    })
  }
}

function explain(what: 'read' | 'written'): (error: unknown) => never {
  return (error) => {
    throw new Error(controlTrouble(error, file, what), { cause: error })
  }
}
