// Kept bodies: found again by their conversation, bounded, and every buffer in one place only.
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { createPeek, headroomBytes, tailroomBytes, type BufferPool } from '#kernel'
import { codecOf, type WireCodec } from '#wires'
import type { Arrival } from './arrival.ts'
import { createHistories, minHistoryBytes, type Histories, type Turn } from './histories.ts'
import { inspect, type Inspected } from './inspect.ts'
import { RequestView } from './request-view.ts'

const peek = createPeek({ fields: ['model', 'messages'], lastElementOf: 'messages' })
type Field = 'model' | 'messages'

/** Buffers that were taken and not given back. */
let lent: Set<Buffer>
let pool: BufferPool
let histories: Histories<Field>

beforeEach(() => {
  lent = new Set()
  pool = {
    share: () => undefined,
    take(bytes) {
      const buffer = Buffer.alloc(bytes)
      lent.add(buffer)
      return buffer
    },
    give(buffer) {
      assert.ok(lent.delete(buffer), 'given back twice, or never taken')
      buffer.fill('x')
    },
  }
  histories = createHistories(peek, pool)
})

type Sent = { readonly session?: string; readonly key?: string; readonly opening?: string; readonly bytes?: number }

/** A request of a conversation that has come to this many messages. */
function arrive(messages: readonly string[], { session, key = 'k', opening = '', bytes = 0 }: Sent = {}): Arrival {
  const text = JSON.stringify({ model: 'm', messages: [opening, 'padding'.repeat(200), ...messages], x: 'x'.repeat(bytes) })
  const buffer = pool.take(headroomBytes + text.length + tailroomBytes)
  const bodyEnd = headroomBytes + buffer.write(text, headroomBytes)
  const headers = session === undefined ? {} : { 'x-turnpike-session-id': session }
  return { key: { id: key }, headers, buffer, bodyStart: headroomBytes, bodyEnd } as unknown as Arrival
}

function look(arrival: Arrival): Turn<Field> {
  const turn = histories.peek(arrival)
  assert.ok(turn !== 'doubtful')
  return turn
}

/** Its name is known from now on: the next turn is kept. */
function introduce(sent: Sent): void {
  histories.keep(look(arrive(['hello'], sent)), 0)
}

const headOf = (turn: Turn<Field>) => turn.found.reused.head
const wholeOf = (turn: Turn<Field>) => turn.found.elements.last.end - turn.start

test('a turn repeats the one before it, and takes its place', () => {
  introduce({ session: 's' })
  assert.equal(lent.size, 0, 'a body whose name came once goes back')
  const first = look(arrive(['a', 'b'], { session: 's' }))
  assert.equal(headOf(first), 0)
  histories.keep(first, 0)
  const whole = wholeOf(first)
  const second = look(arrive(['a', 'b', 'c', 'd'], { session: 's' }))
  assert.equal(headOf(second), whole)
  histories.keep(second, 1)
  assert.deepEqual([...lent], [second.buffer])
  const third = look(arrive(['a', 'b', 'c', 'd', 'e'], { session: 's' }))
  assert.equal(headOf(third), wholeOf(second))
})

test('without a header the first kilobyte tells conversations apart, and branches of one are kept beside each other', () => {
  for (const opening of ['one', 'two']) introduce({ opening })
  const [one, other] = [look(arrive(['a'], { opening: 'one' })), look(arrive(['b'], { opening: 'two' }))]
  histories.keep(one, 0)
  histories.keep(other, 0)
  assert.equal(headOf(look(arrive(['b', 'c'], { opening: 'two' }))), wholeOf(other))

  const branch = look(arrive(['A'], { opening: 'one' }))
  assert.ok(headOf(branch) > 0 && headOf(branch) < wholeOf(one))
  histories.keep(branch, 0)
  assert.equal(headOf(look(arrive(['a', 'b'], { opening: 'one' }))), wholeOf(one))
  assert.equal(headOf(look(arrive(['A', 'B'], { opening: 'one' }))), wholeOf(branch))
})

test('at most four branches of a name are kept, the latest', () => {
  introduce({ session: 's' })
  const turns = ['a', 'b', 'c', 'd', 'e'].map((name) => look(arrive([name], { session: 's' })))
  for (const turn of turns) histories.keep(turn, 0)
  assert.deepEqual(
    [...lent],
    turns.slice(1).map((turn) => turn.buffer),
  )
  assert.ok(headOf(look(arrive(['a', 'b'], { session: 's' }))) < wholeOf(turns[0]!))
  assert.equal(headOf(look(arrive(['b', 'c'], { session: 's' }))), wholeOf(turns[1]!))
})

test('two requests at once may grow from the same turn: both are right, and both are kept', () => {
  introduce({ session: 's' })
  const first = look(arrive(['a'], { session: 's' }))
  histories.keep(first, 0)
  const one = look(arrive(['a', 'b'], { session: 's' }))
  const other = look(arrive(['a', 'c'], { session: 's' }))
  assert.equal(headOf(one), headOf(other))
  histories.keep(one, 1)
  assert.ok(!lent.has(first.buffer))
  histories.keep(other, 1)
  assert.equal(headOf(look(arrive(['a', 'b', 'd'], { session: 's' }))), wholeOf(one))
  assert.equal(headOf(look(arrive(['a', 'c', 'd'], { session: 's' }))), wholeOf(other))
})

test('nothing is found across gateway keys', () => {
  introduce({ session: 's', key: 'k1' })
  histories.keep(look(arrive(['a'], { session: 's', key: 'k1' })), 0)
  assert.equal(headOf(look(arrive(['a', 'b'], { session: 's', key: 'k2' }))), 0)
  assert.equal(look(arrive(['a', 'b'], { session: 's', key: 'k2' })).found.reused.rest, 0)
})

const mb = 1 << 20
const lentBytes = () => [...lent].reduce((sum, buffer) => sum + buffer.length, 0)

test('at most 32 MB are kept: the least recently used go first, back to the pool', () => {
  const converse = (session: string) => {
    introduce({ session })
    const turn = look(arrive(['a'], { session, bytes: 3 * mb }))
    histories.keep(turn, 0)
    return turn
  }
  const turns = Array.from({ length: 10 }, (_, n) => converse(`s${n}`))
  assert.equal(lent.size, 10)
  pool.give(look(arrive(['a', 'b'], { session: 's0' })).buffer)
  converse('more')
  assert.ok(lent.has(turns[0]!.buffer), 'the one that was used just now')
  assert.ok(!lent.has(turns[1]!.buffer))
  assert.ok(lentBytes() <= 32 * mb)
})

test('a flood of unrelated conversations keeps nothing, and leaves those that go on', () => {
  introduce({ session: 'lively' })
  histories.keep(look(arrive(['a'], { session: 'lively' })), 0)
  for (let n = 0; n < 5000; n++) histories.keep(look(arrive(['a'], { session: `s${n}` })), 0)
  assert.equal(lent.size, 1)
  assert.ok(look(arrive(['a', 'b'], { session: 'lively' })).grewFrom !== undefined)
  lent.clear()
  for (const session of ['s4999', 's0']) histories.keep(look(arrive(['a', 'b'], { session })), 0)
  assert.equal(lent.size, 1, 'names are forgotten in turn')
})

test('at most 512 small ones are kept', () => {
  for (let n = 0; n < 600; n++) {
    introduce({ session: `s${n}` })
    histories.keep(look(arrive(['a'], { session: `s${n}` })), 0)
  }
  assert.equal(lent.size, 512)
})

test('a buffer above 4 MB goes back at once', () => {
  introduce({ session: 's' })
  const turn = look(arrive(['a'], { session: 's', bytes: 5 << 20 }))
  histories.keep(turn, 0)
  assert.equal(lent.size, 0)
  assert.equal(headOf(look(arrive(['a', 'b'], { session: 's' }))), 0)
})

test('what nobody repeated for five minutes goes back', () => {
  for (const session of ['s', 't', 'u']) introduce({ session })
  histories.keep(look(arrive(['a'], { session: 's' })), 0)
  histories.keep(look(arrive(['a'], { session: 't' })), 299_000)
  assert.equal(lent.size, 2)
  histories.keep(look(arrive(['a'], { session: 'u' })), 301_000)
  assert.equal(lent.size, 2)
})

function inspected(arrival: Arrival, codec: WireCodec, view: RequestView): Inspected {
  const seen = inspect(arrival, codec, view)
  assert.ok(seen !== 'doubtful')
  return seen
}

test('a doubtful body is said to be one, and stays with its request', () => {
  const arrival = arrive(['a'])
  arrival.buffer[arrival.bodyEnd - 1] = 0x20
  assert.equal(histories.peek(arrival), 'doubtful')
  assert.deepEqual([...lent], [arrival.buffer])
})

test('a body that was edited for a provider is kept as the client sent it', () => {
  const codec = codecOf('openai-chat')
  const view = new RequestView(codec.ingress.shape, pool)
  view.histories.keep(inspected(arrive(['hello'], { bytes: minHistoryBytes }), codec, view).body.retire()!, 0)
  const first = arrive(['a'], { bytes: minHistoryBytes })
  const sent = first.buffer.toString('latin1', first.bodyStart, first.bodyEnd)
  const { body } = inspected(first, codec, view)
  assert.match(body.splice([{ field: 'model', value: 'another-model' }]).toString('latin1'), /^{"model":"another-model"/)
  const turn = body.retire()
  assert.ok(turn !== undefined)
  assert.equal(turn.buffer, first.buffer)
  assert.equal(turn.buffer.toString('latin1', turn.start, turn.end), sent)
  view.histories.keep(turn, 0)
  const next = inspected(arrive(['a', 'b'], { bytes: minHistoryBytes }), codec, view).body.retire()
  assert.equal(next?.found.reused.head, turn.found.elements.last.end - turn.start)
  const small = inspected(arrive(['a']), codec, view)
  assert.equal(small.body.retire(), undefined)
})
