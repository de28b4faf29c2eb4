// A thread that is asked: answers, hands buffers over, ends when nobody asks, and starts anew after its death where that is wanted.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { createAskedThread } from './asked-thread.ts'

const here = new URL('./asked-thread.ts', import.meta.url).href
/** Doubles numbers, turns buffers round in place, and dies when it is told to. */
const program = `
import { answerQuestions, handedOver } from ${JSON.stringify(here)}
answerQuestions(() => ({
  answer(question) {
    if (question === 'die') setImmediate(() => { throw new Error('told to') })
    if (question === 'die') return new Promise(() => {})
    if (question === 'wrong') throw new Error('not like this')
    if (question instanceof ArrayBuffer) { new Uint8Array(question).reverse(); return handedOver(question, [question]) }
    return question * 2
  },
  close() {},
}))`
const module = new URL(`data:text/javascript,${encodeURIComponent(program)}`)

function ask(startsAnew: boolean) {
  return createAskedThread<unknown>({
    module,
    data: undefined,
    idleMs: 50,
    closed: 'closed',
    died: ({ message }) => `died: ${message}`,
    startsAnew,
  })
}

test('questions are answered, also after the thread has ended for want of them', async () => {
  const thread = ask(false)
  const ended = once(process, 'worker').then(([worker]) => once(worker as Worker, 'exit'))
  assert.deepEqual(await Promise.all([thread.ask(1), thread.ask(2)]), [2, 4])
  await assert.rejects(thread.ask('wrong'), /not like this/)
  await ended
  assert.equal(await thread.ask(3), 6)
  await thread.close()
  await assert.rejects(thread.ask(4), /closed/)
})

test('a buffer goes over and comes back without a copy left behind', async () => {
  const thread = ask(false)
  const { buffer } = Uint8Array.of(1, 2, 3)
  const back = await thread.ask<ArrayBuffer>(buffer, [buffer])
  assert.deepEqual([...new Uint8Array(back)], [3, 2, 1])
  assert.equal(buffer.byteLength, 0)
  await thread.close()
})

test('its death is told to who waits; where it may, the next question starts it anew', async () => {
  const mortal = ask(false)
  await assert.rejects(mortal.ask('die'), /died: told to/)
  await assert.rejects(mortal.ask(1), /died: told to/)
  await mortal.close()
  const reborn = ask(true)
  await assert.rejects(reborn.ask('die'), /died: told to/)
  assert.equal(await reborn.ask(1), 2)
  await reborn.close()
})
