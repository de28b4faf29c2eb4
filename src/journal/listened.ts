// A journal that somebody listens to: each record once, when it is handed over to be written.
import type { FinishRecord } from '#store'
import type { Journal } from './port.ts'

/** `heard` must not throw. */
export function listenedJournal(journal: Journal, heard: (record: FinishRecord) => void): Journal {
  return {
    reserve: (record, written) => journal.reserve(record, written),
    progress: (record) => journal.progress(record),
    finish(record, written) {
      heard(record)
      journal.finish(record, written)
    },
    payload: (requestId, part, session, bytes) => journal.payload(requestId, part, session, bytes),
    close: () => journal.close(),
  }
}
