// The thread that answers queries: synchronous SQLite never runs on the event loop that serves requests.
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { createRecordQuery } from './query.ts'
import type { ReaderAnswer, ReaderQuestion } from './reader.ts'
import { openRecordDatabaseForReading } from './schema.ts'

const port = parentPort
if (port === null) throw new Error('reader-thread.ts runs as a worker thread')

giveWay()
const db = openRecordDatabaseForReading((workerData as { readonly file: string }).file)
const query = createRecordQuery(db)

port.on('message', (question: ReaderQuestion) => {
  if (question.op === 'close') {
    db.close()
    port.close()
    return
  }
  let answer: ReaderAnswer
  try {
    answer = { number: question.number, value: run(question) }
  } catch (error) {
    answer = { number: question.number, error: (error as Error).message }
  }
  port.postMessage(answer)
})

function run(question: Exclude<ReaderQuestion, { op: 'close' }>): unknown {
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

/** Where a core is wanted by this thread and by one that serves requests, that one has it. Linux gives each thread a priority. */
function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10)
  } catch {
    // No /proc: it goes without.
  }
}
