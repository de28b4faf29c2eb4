// The second signal is meant, the echo of the first is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSignalReader } from './stop-signals.ts'

test('one Ctrl-C that arrives twice at once, as under npm, still ends gently', () => {
  let nowMs = 1000
  const read = createSignalReader(() => nowMs)
  assert.equal(read('SIGINT'), 'end')
  nowMs += 20
  assert.equal(read('SIGINT'), 'echo')
  nowMs += 1000
  assert.equal(read('SIGINT'), 'force')
})

test('another kind of signal is never an echo', () => {
  const read = createSignalReader(() => 1000)
  assert.equal(read('SIGINT'), 'end')
  assert.equal(read('SIGTERM'), 'force')
})
