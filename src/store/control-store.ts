// The control store as its owner sees it: asks the thread that has the file, one transaction a message.
import { Worker } from 'node:worker_threads'
import { siblingModule } from '#kernel'
import {
  answerOf,
  answerQuery,
  auditQuery,
  auditRows,
  auditStatements,
  changeStatements,
  forgetAnswersStatement,
  keepAnswerStatement,
  stateOf,
  stateQueries,
  type Row,
  type Statement,
} from './control-queries.ts'
import type { ControlStore } from './control-state.ts'

export type ControlQuestion =
  | { readonly op: 'read' | 'write'; readonly number: number; readonly statements: readonly Statement[] }
  | { readonly op: 'backup'; readonly number: number; readonly file: string }
  | { readonly op: 'close' }

/** Number 0 says whether the file could be opened. */
export type ControlAnswer = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly error: string }

/** Limits, not reservations: a store of thousands of providers and keys is a few megabytes. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 }

/** Opens the file, making it when it is missing. Rejects with one sentence when that cannot be done. */
export async function createControlStore(file: string): Promise<ControlStore> {
  const worker = new Worker(siblingModule(import.meta.url, 'control-thread'), { workerData: { file }, resourceLimits })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let number = 0
  let stopped: Error | undefined

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('message', (answer: ControlAnswer) => {
    const asked = waiting.get(answer.number)
    if (asked === undefined) return
    waiting.delete(answer.number)
    if (waiting.size === 0) worker.unref()
    if ('error' in answer) asked.reject(new Error(answer.error))
    else asked.resolve(answer.value)
  })
  worker.on('error', (error) =>
    stop(
      new Error(`The control store's thread has stopped (${error.message}); nothing can be changed until Turnpike is started again.`, {
        cause: error,
      }),
    ),
  )
  worker.on('exit', () => stop(new Error('The control store is closed.')))

  function stop(error: Error): void {
    stopped ??= error
    for (const asked of waiting.values()) asked.reject(stopped)
    waiting.clear()
  }

  function expect<T>(mine: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      waiting.set(mine, { resolve, reject })
    })
  }

  function ask<T>(question: (number: number) => ControlQuestion): Promise<T> {
    if (stopped !== undefined) return Promise.reject(stopped)
    const mine = ++number
    const answer = expect<T>(mine)
    worker.ref()
    worker.postMessage(question(mine))
    return answer
  }

  const read = (...statements: Statement[]) => ask<Row[][]>((mine) => ({ op: 'read', number: mine, statements }))
  const write = (...statements: Statement[]) => ask<Row[][]>((mine) => ({ op: 'write', number: mine, statements }))

  await expect(0)
  return {
    async load() {
      return stateOf(await read(...stateQueries()))
    },
    async write(changes, audit) {
      const results = await write(...changes.flatMap(changeStatements), ...auditStatements(audit))
      return Number(results.at(-1)?.[0]?.['number'])
    },
    async audit(limit, beforeSeq) {
      const [rows = []] = await read(auditQuery(limit, beforeSeq))
      return auditRows(rows)
    },
    async keepAnswer(answer) {
      await write(keepAnswerStatement(answer))
    },
    async answer(key) {
      const [rows = []] = await read(answerQuery(key))
      return answerOf(rows)
    },
    async forgetAnswers(beforeMs) {
      await write(forgetAnswersStatement(beforeMs))
    },
    backup: (to) => ask((mine) => ({ op: 'backup', number: mine, file: to })),
    close() {
      if (stopped === undefined) {
        worker.ref()
        worker.postMessage({ op: 'close' } satisfies ControlQuestion)
      }
      return exited
    },
  }
}
