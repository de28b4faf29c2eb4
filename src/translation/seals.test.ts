// A client that strips seals gets them back to the model; nobody else's, and not for long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, type AssistantPart, type Request, type Response } from '#ir'
import { createSealedCalls } from './seals.ts'

const seal = { domain: 'google', kind: 'signature', data: 'proof-1' } as const
const thought = { type: 'reasoning', text: 'I should look.', seal: { domain: 'anthropic', kind: 'signature', data: 'proof-2' } } as const
const call = { type: 'tool-call', id: 'call_1-a', name: 'look', args: '{"at":"the sky"}', ranBy: 'client' } as const

const answer = (...parts: AssistantPart[]): Response => ({ parts, finish: { reason: 'tool-calls' } })
const request = (...parts: AssistantPart[]): Request => ({
  model: 'm',
  stream: false,
  turns: [
    { role: 'user', parts: [{ type: 'text', text: 'Is it blue?' }] },
    { role: 'assistant', parts },
    { role: 'user', parts: [{ type: 'tool-result', id: 'call_1-a', output: [{ type: 'text', text: 'yes' }] }] },
  ],
})
const partsOf = ({ turns }: Request) => turns[1]!.parts

test('a call that lost its seal gets it back, and so does the reasoning before it', () => {
  const seals = createSealedCalls(() => 0)
  seals.remember('s', answer(thought, { ...call, seal }))
  assert.deepEqual(partsOf(seals.restore('s', request(call))), [thought, { ...call, seal }])
})

test('the same from a stream, whole or in pieces', () => {
  const seals = createSealedCalls(() => 0)
  const follow = seals.follow('s')
  for (const event of explode(answer(thought, { type: 'text', text: 'Looking.' }, { ...call, seal })))
    if (event.type !== 'part-delta') follow(event)
    else for (const text of event.text) follow({ ...event, text })
  assert.deepEqual(partsOf(seals.restore('s', request({ type: 'text', text: 'Looking.' }, call))), [
    { type: 'text', text: 'Looking.' },
    thought,
    { ...call, seal },
  ])
})

test('an answer that was cut leaves nothing behind', () => {
  const seals = createSealedCalls(() => 0)
  const follow = seals.follow('s')
  for (const event of explode(answer({ ...call, seal })).slice(0, -1)) follow(event)
  const asked = request(call)
  assert.equal(seals.restore('s', asked), asked)
})

test('ids without punctuation and arguments with other spaces are the same call', () => {
  const seals = createSealedCalls(() => 0)
  seals.remember('s', answer({ ...call, seal }))
  const rewritten = { ...call, id: 'call1a', args: '{ "at": "the sky" }' }
  assert.deepEqual(partsOf(seals.restore('s', request(rewritten))), [{ ...rewritten, seal }])
})

test('reasoning that came back without its seal is replaced, and what came back sealed stays as it is', () => {
  const seals = createSealedCalls(() => 0)
  seals.remember('s', answer(thought, call))
  assert.deepEqual(partsOf(seals.restore('s', request({ type: 'reasoning', text: 'I should look.' }, call))), [thought, call])
  const whole = request(thought, call)
  assert.equal(seals.restore('s', whole), whole)
})

test('another conversation, other arguments and another call get nothing', () => {
  const seals = createSealedCalls(() => 0)
  seals.remember('s', answer({ ...call, seal }))
  for (const [conversation, asked] of [
    ['t', request(call)],
    ['s', request({ ...call, args: '{"at":"the sea"}' })],
    ['s', request({ ...call, id: 'call_2' })],
  ] as const)
    assert.equal(seals.restore(conversation, asked), asked)
})

test('seals go when they are old, and the oldest when they are many', () => {
  let nowMs = 0
  const seals = createSealedCalls(() => nowMs, { maxBytes: 1000, maxAgeMs: 60_000 })
  for (const id of ['one', 'two', 'three', 'four', 'five']) seals.remember('s', answer({ ...call, id, seal }))
  const isKept = (id: string): boolean => {
    const asked = request({ ...call, id })
    return seals.restore('s', asked) !== asked
  }
  assert.deepEqual(['one', 'two', 'three', 'four', 'five'].map(isKept), [false, true, true, true, true])
  nowMs = 60_001
  assert.equal(isKept('five'), false)
})
