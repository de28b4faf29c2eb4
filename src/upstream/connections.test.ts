// Which connection is taken, and when idle ones go.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test, type TestContext } from 'node:test'
import { createUpstream, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import type { Connection } from './connection.ts'
import { createConnections, type Connections } from './connections.ts'

let upstream: ScriptedUpstream
before(async () => {
  upstream = await createUpstream()
})
after(() => upstream.close())
beforeEach(() => upstream.clear())

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

/** Lets the connection carry a request, and resolves when its answer is complete. */
async function use(connection: Connection, answer: Answer = { body: 'ok' }): Promise<Connection> {
  upstream.enqueue(answer)
  await new Promise<void>((resolve, reject) =>
    connection.send(
      { origin: upstream.origin, path: '/', method: 'GET', headers: [], body: undefined, connectMs: 2000, allowPrivateNetwork: true },
      { onHead() {}, onBody() {}, onComplete: resolve, onError: reject },
    ),
  )
  return connection
}

test('the connection that was given back last is taken first, and none twice', async (t) => {
  const { connections } = withClock(t)
  const { origin } = upstream
  const [a, b] = [await use(connections.take(origin)), await use(connections.take(origin))]
  assert.notEqual(a, b)
  connections.give(origin, a)
  connections.give(origin, b)
  assert.equal(connections.take(origin), b)
  assert.equal(connections.take(origin), a)
  assert.ok(![a, b].includes(connections.take(origin)))
})

test('connections are kept apart by origin', async (t) => {
  const { connections } = withClock(t)
  const one = await use(connections.take(upstream.origin))
  connections.give(upstream.origin, one)
  assert.notEqual(connections.take('http://127.0.0.1:1'), one)
  assert.equal(connections.take(upstream.origin), one)
})

test('a fresh connection is never one that was used', async (t) => {
  const { connections } = withClock(t)
  const one = await use(connections.take(upstream.origin))
  connections.give(upstream.origin, one)
  assert.notEqual(connections.fresh(upstream.origin), one)
})

test('what never connected is not kept', (t) => {
  const { connections } = withClock(t)
  const one = connections.take(upstream.origin)
  connections.give(upstream.origin, one)
  assert.equal(one.closed, true)
  assert.notEqual(connections.take(upstream.origin), one)
})

test('connections that were idle for a minute go, younger ones stay', async (t) => {
  const { connections, pass } = withClock(t)
  const { origin } = upstream
  const [old, young] = [await use(connections.take(origin)), await use(connections.take(origin))]
  connections.give(origin, old)
  pass(30_000)
  connections.give(origin, young)
  pass(30_000)
  assert.equal(old.closed, true)
  assert.equal(connections.take(origin), young)
})

test('a server that keeps connections for less is believed, a second before its time', async (t) => {
  const { connections, pass } = withClock(t)
  const { origin } = upstream
  const one = await use(connections.take(origin), { headers: { 'keep-alive': 'timeout=5, max=100' }, body: 'ok' })
  connections.give(origin, one)
  pass(3999)
  assert.equal(connections.take(origin), one)
  connections.give(origin, one)
  pass(4000)
  assert.notEqual(connections.take(origin), one)
})

test('a server that closes its connections at once has none that are kept', async (t) => {
  const { connections } = withClock(t)
  for (const headers of [{ connection: 'close' }, { 'keep-alive': 'timeout=1' }] as const) {
    const one = await use(connections.take(upstream.origin), { headers, body: 'ok' })
    connections.give(upstream.origin, one)
    assert.equal(one.closed, true)
  }
})

test('close destroys those in use too', async (t) => {
  const { connections } = withClock(t)
  const { origin } = upstream
  const [idle, used] = [await use(connections.take(origin)), await use(connections.take(origin))]
  connections.give(origin, idle)
  connections.close()
  assert.deepEqual([idle.closed, used.closed], [true, true])
})
