// Which connection is taken, and when idle ones go. No socket is opened: a connection connects at its first request.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createConnections, type Connections } from './connections.ts'

const origin = 'http://127.0.0.1:1'

function withClock(t: TestContext): { readonly connections: Connections; pass(ms: number): void } {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const connections = createConnections()
  t.after(() => connections.close())
  return {
    connections,
    pass(ms) {
      nowMs += ms
      t.mock.timers.tick(ms)
    },
  }
}

test('the connection that was given back last is taken first, and none twice', (t) => {
  const { connections } = withClock(t)
  const [a, b] = [connections.take(origin, 100), connections.take(origin, 100)]
  assert.notEqual(a, b)
  connections.give(origin, 100, a)
  connections.give(origin, 100, b)
  assert.equal(connections.take(origin, 100), b)
  assert.equal(connections.take(origin, 100), a)
  assert.ok(![a, b].includes(connections.take(origin, 100)))
})

test('connections are kept apart by origin and by connect timeout', (t) => {
  const { connections } = withClock(t)
  const one = connections.take(origin, 100)
  connections.give(origin, 100, one)
  assert.notEqual(connections.take('http://127.0.0.1:2', 100), one)
  assert.notEqual(connections.take(origin, 200), one)
  assert.equal(connections.take(origin, 100), one)
})

test('a fresh connection is never one that was used', (t) => {
  const { connections } = withClock(t)
  const one = connections.take(origin, 100)
  connections.give(origin, 100, one)
  assert.notEqual(connections.fresh(origin, 100), one)
})

test('connections that were idle for a minute go, younger ones stay', (t) => {
  const { connections, pass } = withClock(t)
  const [old, young] = [connections.take(origin, 100), connections.take(origin, 100)]
  connections.give(origin, 100, old)
  pass(30_000)
  connections.give(origin, 100, young)
  pass(30_000)
  assert.equal(connections.take(origin, 100), young)
  assert.notEqual(connections.take(origin, 100), old)
  assert.equal(old.client.destroyed, true)
  assert.equal(young.client.destroyed, false)
})

test('close destroys those in use too', async (t) => {
  const { connections } = withClock(t)
  const [idle, used] = [connections.take(origin, 100), connections.take(origin, 100)]
  connections.give(origin, 100, idle)
  await connections.close()
  assert.deepEqual([idle.client.destroyed, used.client.destroyed], [true, true])
})
