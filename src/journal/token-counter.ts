// Counts tokens for a question of a client, in a thread that lives only while it is asked: the tables take 50 MB.
import { Worker } from 'node:worker_threads'
import { siblingModule } from '#kernel'

export interface TokenCounter {
  /** Tokens of the text in OpenAI's o200k encoding: near enough for an estimate of any current model. */
  count(text: string): Promise<number>
  close(): Promise<void>
}

const idleMs = 60_000

export type CountQuestion = { readonly number: number; readonly text: string }
export type CountAnswer = { readonly number: number; readonly count: number }

export function createThreadedTokenCounter(): TokenCounter {
  const waiting = new Map<number, { resolve(count: number): void; reject(error: Error): void }>()
  let number = 0
  let worker: Worker | undefined
  let idle: NodeJS.Timeout | undefined

  function stop(error: Error): void {
    worker = undefined
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  function start(): Worker {
    const started = new Worker(siblingModule(import.meta.url, 'token-thread'))
    started.unref()
    started.on('message', ({ number: answered, count }: CountAnswer) => {
      waiting.get(answered)?.resolve(count)
      waiting.delete(answered)
    })
    started.on('error', (error) => stop(new Error('The thread that counts tokens has stopped.', { cause: error })))
    return started
  }

  async function terminate(): Promise<void> {
    clearTimeout(idle)
    const ended = worker
    stop(new Error('The gateway is stopping.'))
    await ended?.terminate()
  }

  return {
    count(text) {
      worker ??= start()
      clearTimeout(idle)
      idle = setTimeout(() => {
        if (waiting.size === 0) void terminate()
      }, idleMs)
      idle.unref()
      const question: CountQuestion = { number: ++number, text }
      return new Promise((resolve, reject) => {
        waiting.set(question.number, { resolve, reject })
        worker!.postMessage(question)
      })
    },
    close: terminate,
  }
}
