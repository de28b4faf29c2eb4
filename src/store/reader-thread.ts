// The thread that answers queries: synchronous SQLite never runs on the event loop that serves requests.
import { workerData } from 'node:worker_threads'
import { answerQuestions, giveWay } from '#threads'
import { createRecordQuery, type RecordQuery } from './query.ts'
import type { ReaderQuestion } from './reader.ts'
import { openRecordDatabaseForReading } from './schema.ts'

giveWay()
answerQuestions<ReaderQuestion>(() => {
  try {
    const db = openRecordDatabaseForReading((workerData as { readonly file: string }).file)
    const query = createRecordQuery(db)
    return { answer: (question) => explained(() => run(query, question)), close: () => db.close() }
  } catch (error) {
    throw new Error(`The record store cannot be read: ${(error as Error).message}`, { cause: error })
  }
})

function explained<T>(answer: () => T): T {
  try {
    return answer()
  } catch (error) {
    throw new Error(`The record store could not answer: ${(error as Error).message}`, { cause: error })
  }
}

function run(query: RecordQuery, question: ReaderQuestion): unknown {
  switch (question.op) {
    case 'list':
      return query.list(question.filters, question.limit, question.beforeSeq)
    case 'listText': {
      const { rows, nextSeq } = query.list(question.filters, question.limit, question.beforeSeq)
      return { text: JSON.stringify(rows), nextSeq }
    }
    case 'newer':
      return query.newer(question.filters, question.position, question.limit)
    case 'histogram':
      return query.histogram(question.filters, question.fromMs, question.toMs, question.intervalMs)
    case 'facets':
      return query.facets(question.filters, question.fields, question.limit)
    case 'get':
      return query.get(question.id)
    case 'payload':
      return query.payload(question.id, question.part)
  }
}
