// The thread that counts tokens.
import { parentPort } from 'node:worker_threads'
import { createTokenCounter } from './estimate.ts'
import type { CountAnswer, CountQuestion } from './token-counter.ts'

const count = createTokenCounter()

parentPort!.on('message', ({ number, text }: CountQuestion) => {
  parentPort!.postMessage({ number, count: count(text) } satisfies CountAnswer)
})
