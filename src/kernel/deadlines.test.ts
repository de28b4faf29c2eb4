// Deadlines on a clock that the test moves.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createDeadlines, type Waiting } from './deadlines.ts'

function fakeDeadlines(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let nowMs = 1000
  const deadlines = createDeadlines(50, () => nowMs)
  t.after(() => deadlines.close())
  return {
    deadlines,
    /** Moves the clock and the timers. */
    pass(ms: number) {
      nowMs += ms
      t.mock.timers.tick(ms)
    },
    /** Moves the clock alone. */
    skip(ms: number) {
      nowMs += ms
    },
  }
}

function waiting(dueMs: number, onDue: (self: Waiting, nowMs: number) => void = () => {}) {
  const one = {
    dueMs,
    waitingAt: -1,
    dueAt: [] as number[],
    due(nowMs: number) {
      one.dueAt.push(nowMs)
      onDue(one, nowMs)
    },
  }
  return one
}

test('a deadline is met at the first tick that is not before it', (t) => {
  const { deadlines, pass } = fakeDeadlines(t)
  const early = waiting(1050)
  const late = waiting(1051)
  for (const one of [early, late]) deadlines.add(one)
  pass(49)
  assert.deepEqual(early.dueAt, [])
  pass(1)
  assert.deepEqual(early.dueAt, [1050])
  assert.deepEqual(late.dueAt, [])
  pass(50)
  assert.deepEqual(late.dueAt, [1100])
})

test('a deadline may be moved at any time, from its own call too, and Infinity is none', (t) => {
  const { deadlines, pass } = fakeDeadlines(t)
  const repeating = waiting(1050, (self, nowMs) => (self.dueMs = nowMs + 100))
  const postponed = waiting(1050)
  const never = waiting(Infinity)
  for (const one of [repeating, postponed, never]) deadlines.add(one)
  postponed.dueMs = 1200
  for (let i = 0; i < 6; i++) pass(50)
  assert.deepEqual(repeating.dueAt, [1050, 1150, 1250])
  assert.equal(postponed.dueAt[0], 1200)
  assert.deepEqual(never.dueAt, [])
})

test('what is removed is not told, even by a call of the same tick', (t) => {
  const { deadlines, pass } = fakeDeadlines(t)
  const victim = waiting(1050)
  const remover = waiting(1050, () => deadlines.remove(victim))
  const once = waiting(1050, (self) => deadlines.remove(self))
  // The last one added is visited first.
  for (const one of [victim, once, remover]) deadlines.add(one)
  pass(50)
  pass(50)
  assert.deepEqual(victim.dueAt, [])
  assert.deepEqual(once.dueAt, [1050])
})

test('the time is as old as the last tick, and fresh again when the first one begins to wait', (t) => {
  const { deadlines, pass, skip } = fakeDeadlines(t)
  const first = waiting(Infinity)
  assert.equal(deadlines.nowMs, 1000)
  skip(30)
  deadlines.add(first)
  assert.equal(deadlines.nowMs, 1030)
  skip(10)
  deadlines.add(waiting(Infinity))
  assert.equal(deadlines.nowMs, 1030, 'the clock is not read for each one')
  pass(50)
  assert.equal(deadlines.nowMs, 1090)
})

test('the interval runs only while somebody waits', (t) => {
  const { deadlines, pass } = fakeDeadlines(t)
  const first = waiting(Infinity)
  deadlines.add(first)
  pass(50)
  deadlines.remove(first)
  pass(50)
  assert.equal(deadlines.nowMs, 1100, 'the tick that found nobody was the last')
  pass(500)
  assert.equal(deadlines.nowMs, 1100)
  const second = waiting(1650)
  deadlines.add(second)
  pass(50)
  assert.deepEqual(second.dueAt, [1650])
})

test('after close nobody is told', (t) => {
  const { deadlines, pass } = fakeDeadlines(t)
  const one = waiting(1050)
  deadlines.add(one)
  deadlines.close()
  pass(500)
  deadlines.tick()
  assert.deepEqual(one.dueAt, [])
})
