// A thread that is asked, and runs only while it is: the first question starts it, a while without one ends it, the next starts it again.
import { parentPort, Worker, type ResourceLimits } from 'node:worker_threads'

type Unsent<Question> = { readonly message: Message<Question>; readonly transfer: readonly ArrayBuffer[] }
type Message<Question> = { readonly number: number; readonly question: Question } | 'open' | 'close'
/** Number 0 says whether it could be opened. */
type Answer = { readonly number: number; readonly value: unknown } | { readonly number: number; readonly error: string }

export type AskedThreadOptions = {
  readonly module: URL
  readonly data: unknown
  /** It ends after so long without a question. */
  readonly idleMs: number
  readonly resourceLimits?: ResourceLimits
  /** What is said once it is closed. */
  readonly closed: string
  /** What is said to who waits when it dies. */
  died(error: Error): string
  /** The next question starts it anew after it has died. Otherwise it stays dead, and says the same to everybody. */
  readonly startsAnew?: boolean
}

/** Promises reject with the thread's own sentence, unless it has died. A thread that waits for nothing keeps no process alive. */
export interface AskedThread<Question> {
  /** Starts it before it is asked; rejects when it cannot work. A later question tries again. */
  open(): Promise<void>
  /** Questions reach the thread in the order in which they were asked. */
  ask<T>(question: Question, transfer?: readonly ArrayBuffer[]): Promise<T>
  /** What was asked is answered before. */
  close(): Promise<void>
}

export function createAskedThread<Question>(options: AskedThreadOptions): AskedThread<Question> {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  /** For the next one, while the last one ends: two never have the file at once. */
  let unsent: Unsent<Question>[] = []
  let running: Worker | undefined
  let ending: Worker | undefined
  let refusal: Error | undefined
  let idle: NodeJS.Timeout | undefined
  let number = 0
  const onGone: (() => void)[] = []

  function start(): Worker {
    const { module, data: workerData, resourceLimits } = options
    const worker = new Worker(module, { workerData, ...(resourceLimits === undefined ? {} : { resourceLimits }) })
    worker.on('message', (answer: Answer) => {
      const asked = waiting.get(answer.number)
      if ('error' in answer && answer.number === 0) {
        retire(worker)
        rejectAll(new Error(answer.error))
        return
      }
      waiting.delete(answer.number)
      if ('error' in answer) asked?.reject(new Error(answer.error))
      else asked?.resolve(answer.value)
      if (waiting.size === 0 && running === worker) restLater(worker)
    })
    worker.on('error', (error) => {
      const death = new Error(options.died(error), { cause: error })
      if (options.startsAnew !== true) refusal ??= death
      else retire(worker)
      unsent = []
      rejectAll(refusal ?? death)
    })
    worker.on('exit', () => ended(worker))
    running = worker
    return worker
  }

  function retire(worker: Worker): void {
    if (running === worker) running = undefined
    ending = worker
  }

  function restLater(worker: Worker): void {
    worker.unref()
    clearTimeout(idle)
    idle = setTimeout(() => {
      if (waiting.size === 0 && running === worker) end(worker)
    }, options.idleMs)
    idle.unref()
  }

  function end(worker: Worker): void {
    worker.postMessage('close' satisfies Message<Question>)
    retire(worker)
  }

  function ended(worker: Worker): void {
    retire(worker)
    ending = undefined
    if (unsent.length > 0) {
      const next = start()
      for (const { message, transfer } of unsent) next.postMessage(message, transfer)
      unsent = []
      if (refusal !== undefined) end(next)
      return
    }
    rejectAll(refusal ?? new Error(options.closed))
    for (const resolve of onGone) resolve()
  }

  function rejectAll(error: Error): void {
    for (const asked of waiting.values()) asked.reject(error)
    waiting.clear()
  }

  function send(mine: number, message: Message<Question>, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      if (ending === undefined) {
        const worker = running ?? start()
        worker.postMessage(message, transfer)
        worker.ref()
      } else {
        unsent.push({ message, transfer })
        ending.ref()
      }
      waiting.set(mine, { resolve, reject })
    })
  }

  return {
    async open() {
      await send(0, 'open')
    },
    async ask<T>(question: Question, transfer?: readonly ArrayBuffer[]) {
      const mine = ++number
      return (await send(mine, { number: mine, question }, transfer)) as T
    },
    async close() {
      refusal ??= new Error(options.closed)
      clearTimeout(idle)
      if (running !== undefined) end(running)
      if (ending === undefined) return
      ending.ref()
      await new Promise<void>((resolve) => void onGone.push(resolve))
    },
  }
}

/** An answer whose buffers go over instead of being copied; the thread has them no more. */
export type HandedOver = { readonly [handed]: readonly ArrayBuffer[]; readonly value: unknown }
const handed = Symbol('handed over')

export function handedOver(value: unknown, buffers: readonly ArrayBuffer[]): HandedOver {
  return { [handed]: buffers, value }
}

function isHandedOver(value: unknown): value is HandedOver {
  return typeof value === 'object' && value !== null && handed in value
}

/** What the thread itself does. */
export type Answerer<Question> = {
  /** What it throws or rejects with is an `Error` whose message is the answer. */
  answer(question: Question): unknown
  /** It is asked no more. */
  close(): void | Promise<void>
}

/** For the thread's module: opens, then answers each question as soon as it can. */
export function answerQuestions<Question>(open: () => Answerer<Question>): void {
  const port = parentPort
  if (port === null) throw new Error('answerQuestions is for worker threads')
  const say = (answer: Answer, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(answer, transfer)

  let answerer: Answerer<Question>
  try {
    answerer = open()
  } catch (error) {
    say({ number: 0, error: (error as Error).message })
    port.close()
    return
  }

  async function reply(mine: number, question: Question): Promise<void> {
    try {
      const answered = answerer.answer(question)
      const value: unknown = answered instanceof Promise ? await answered : answered
      if (isHandedOver(value)) say({ number: mine, value: value.value }, value[handed])
      else say({ number: mine, value })
    } catch (error) {
      say({ number: mine, error: (error as Error).message })
    }
  }

  port.on('message', (message: Message<Question>) => {
    if (message === 'open') say({ number: 0, value: undefined })
    else if (message === 'close') void Promise.resolve(answerer.close()).then(() => port.close())
    else void reply(message.number, message.question)
  })
}
