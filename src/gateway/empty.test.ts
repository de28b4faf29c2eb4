// What counts as an answer that says nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AssistantPart, Response } from '#ir'
import { endsAsIfDone, mayBeEmpty, saysNothing } from './empty.ts'

const saying = (...parts: AssistantPart[]): Response => ({ parts, finish: { reason: 'stop' } })

test('no parts, and parts with an empty text, say nothing', () => {
  assert.ok(saysNothing(saying()))
  assert.ok(saysNothing(saying({ type: 'text', text: '' }, { type: 'text', text: '' })))
})

test('a word, a thought, a refusal and a tool call are something', () => {
  const parts: AssistantPart[] = [
    { type: 'text', text: '.' },
    { type: 'reasoning', text: '' },
    { type: 'refusal', text: '' },
    { type: 'tool-call', id: 'call_1', name: 'look', args: '{}', ranBy: 'client' },
  ]
  for (const part of parts) assert.ok(!saysNothing(saying({ type: 'text', text: '' }, part)), part.type)
})

test('only who ends as if all were said is held to it', () => {
  const reasons = ['stop', 'length', 'tool-calls', 'filtered', 'refused', 'paused', 'other'] as const
  assert.deepEqual(
    reasons.filter((reason) => endsAsIfDone({ reason, raw: 'a word' })),
    ['stop'],
  )
  assert.ok(endsAsIfDone({ reason: 'other' }), 'who does not say why it stopped')
})

test('an answer whose provider counted words is not looked at', () => {
  assert.ok(mayBeEmpty(undefined))
  assert.ok(mayBeEmpty({ input: { total: 10 }, output: { total: 2 } } as never))
  assert.ok(!mayBeEmpty({ input: { total: 10 }, output: { total: 200 } } as never))
})
