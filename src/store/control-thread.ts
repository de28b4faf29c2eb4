// The thread that runs the control store's transactions: synchronous SQLite never runs on the event loop that serves requests.
import { chmodSync, closeSync, openSync, rmSync } from 'node:fs'
import { backup } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Row, Statement } from './control-queries.ts'
import { controlTrouble, openControlDatabase } from './control-schema.ts'
import type { ControlAnswer, ControlQuestion } from './control-store.ts'

const port = parentPort
if (port === null) throw new Error('control-thread.ts runs as a worker thread')

const { file } = workerData as { readonly file: string }

try {
  serve(openControlDatabase(file))
  port.postMessage({ number: 0, value: undefined } satisfies ControlAnswer)
} catch (error) {
  port.postMessage({ number: 0, error: (error as Error).message } satisfies ControlAnswer)
  port.close()
}

function serve(db: ReturnType<typeof openControlDatabase>): void {
  port?.on('message', (question: ControlQuestion) => {
    switch (question.op) {
      case 'close':
        db.close()
        port?.close()
        return
      case 'backup':
        void copy(question.file).then(
          () => answer({ number: question.number, value: undefined }),
          (error: unknown) => answer({ number: question.number, error: controlTrouble(error, file, 'copied') }),
        )
        return
      case 'read':
      case 'write':
        try {
          answer({ number: question.number, value: transact(question.op === 'write', question.statements) })
        } catch (error) {
          answer({ number: question.number, error: controlTrouble(error, file, question.op === 'write' ? 'written' : 'read') })
        }
    }
  })

  /** All statements as one transaction; the rows of each. */
  function transact(writes: boolean, statements: readonly Statement[]): Row[][] {
    db.exec(writes ? 'BEGIN IMMEDIATE' : 'BEGIN')
    try {
      const rows = statements.map(({ sql, parameters }) => db.prepare(sql).all(...parameters))
      db.exec('COMMIT')
      return rows
    } catch (error) {
      // SQLite may have rolled back already, as it does when the disk is full.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  async function copy(to: string): Promise<void> {
    // `wx`: never over another file.
    closeSync(openSync(to, 'wx', 0o600))
    try {
      await backup(db, to)
      chmodSync(to, 0o600)
    } catch (error) {
      rmSync(to, { force: true })
      throw error
    }
  }
}

function answer(message: ControlAnswer): void {
  port?.postMessage(message)
}
