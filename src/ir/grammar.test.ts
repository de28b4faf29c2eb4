// What the grammar of a stream allows, and what fold makes of a stream that breaks it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#kernel'
import { createGrammar } from './grammar.ts'
import { fold } from './fold.ts'
import type { StreamEvent } from './response.ts'

const start: StreamEvent = { type: 'start' }
const finish: StreamEvent = { type: 'finish', finish: { reason: 'stop' } }
const open = (index: number): StreamEvent => ({ type: 'part-start', index, part: { type: 'text' } })
const delta = (index: number, text = 'x'): StreamEvent => ({ type: 'part-delta', index, text })
const end = (index: number): StreamEvent => ({ type: 'part-end', index })
const error: StreamEvent = { type: 'error', error: new Failure('cut', 'cut') }

function lastComplaint(events: readonly StreamEvent[]): string | undefined {
  const grammar = createGrammar()
  const complaints = events.map((event) => grammar.check(event))
  assert.deepEqual(complaints.slice(0, -1).filter(Boolean), [], 'only the last event may be wrong')
  return complaints.at(-1)
}

const broken: readonly [string, readonly StreamEvent[], RegExp][] = [
  ['anything before start', [open(0)], /before `start`/],
  ['an error before start', [error], /before `start`/],
  ['a second start', [start, start], /second `start`/],
  ['a part that skips an index', [start, open(1)], /index 1, the next part is 0/],
  ['an index that begins twice', [start, open(0), end(0), open(0)], /index 0, the next part is 1/],
  ['a delta for a part that never began', [start, delta(0)], /part 0, which is not open/],
  ['a delta for a part that ended', [start, open(0), end(0), delta(0)], /not open/],
  ['an empty delta', [start, open(0), delta(0, '')], /empty/],
  ['a part that ends twice', [start, open(0), end(0), end(0)], /not open/],
  [
    'a seal on text',
    [start, open(0), { type: 'part-end', index: 0, seal: { domain: 'a', kind: 'signature', data: 'b' } }],
    /seal on a part of type text/,
  ],
  ['a finish while a part is open', [start, open(0), finish], /part 0 is open/],
  ['an event after finish', [start, finish, end(0)], /after the terminal `finish`/],
  ['a second terminal', [start, error, finish], /after the terminal `error`/],
]

for (const [what, events, complaint] of broken) {
  test(`the grammar refuses ${what}`, () => assert.match(lastComplaint(events) ?? 'nothing', complaint))
}

test('an error may come while parts are open', () => {
  const grammar = createGrammar()
  for (const event of [start, open(0), delta(0), error]) assert.equal(grammar.check(event), undefined)
  assert.equal(grammar.finished(), true)
})

test('fold blames the gateway for an impossible stream', () => {
  assert.throws(
    () => fold([start, delta(0)]),
    (thrown) => thrown instanceof Failure && thrown.kind === 'internal_error',
  )
})

test('the last usage counts', () => {
  const usage = (total: number): StreamEvent => ({
    type: 'usage',
    usage: { input: { total, fresh: total }, output: { total: 1 }, raw: {} },
  })
  assert.equal(fold([start, usage(1), usage(7), finish]).usage?.input.total, 7)
})
