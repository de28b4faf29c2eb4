// Following a list: every row that ends while we look is given once, whenever it had arrived.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestRow } from '#store'
import type { Query, RequestList } from './admin-client.ts'
import { createFollower } from './follow.ts'

type Stub = { id: string; arrivedMs: number; endedMs: number }

function row({ id, arrivedMs, endedMs }: Stub): RequestRow {
  return { id, at: new Date(arrivedMs).toISOString(), ms: { overhead: 0, first_token: null, total: endedMs - arrivedMs } } as RequestRow
}

/** A gateway with a clock: lists what has ended by now, by arrival, newest first, in pages. */
function gateway(requests: Stub[], pageSize = 500) {
  const state = { nowMs: 0, isUp: true, asked: 0 }
  const list = async (query: Query): Promise<RequestList> => {
    if (!state.isUp) throw new Error('away')
    state.asked++
    const fromMs = query['from'] === undefined ? 0 : Date.parse(query['from'])
    const found = requests
      .filter((one) => one.endedMs <= state.nowMs && one.arrivedMs >= fromMs && one.endedMs - one.arrivedMs >= Number(query['min_ms'] ?? 0))
      .sort((a, b) => b.arrivedMs - a.arrivedMs)
    const start = Number(query['cursor'] ?? 0)
    const size = Math.min(pageSize, Number(query['limit']))
    const next = start + size < found.length ? String(start + size) : null
    return { data: found.slice(start, start + size).map(row), next_cursor: next }
  }
  return { state, list }
}

const hour = 3_600_000

async function follow(
  requests: Stub[],
  ticks: number,
  options: { backlog?: number; pageSize?: number; away?: readonly [number, number] } = {},
): Promise<string[][]> {
  const { state, list } = gateway(requests, options.pageSize)
  state.nowMs = hour
  const poll = createFollower({ list, query: {}, nowMs: () => state.nowMs, backlog: options.backlog ?? 0 })
  const given: string[][] = [(await poll()).map((one) => one.id)]
  for (let tick = 1; tick <= ticks; tick++) {
    state.nowMs = hour + tick * 1000
    state.isUp = options.away === undefined || tick < options.away[0] || tick > options.away[1]
    given.push(
      state.isUp
        ? (await poll()).map((one) => one.id)
        : await poll().then(
            () => assert.fail('it is away'),
            () => [],
          ),
    )
  }
  return given
}

test('the backlog comes first, oldest first, and is not given again', async () => {
  const past = [1, 2, 3].map((second) => ({
    id: `past-${second}`,
    arrivedMs: hour - 5000 + second * 1000,
    endedMs: hour - 4900 + second * 1000,
  }))
  const given = await follow(past, 5, { backlog: 2 })
  assert.deepEqual(given, [['past-2', 'past-3'], [], [], [], [], []])
})

test('a request that ends is given at the next poll', async () => {
  const given = await follow([{ id: 'a', arrivedMs: hour + 1200, endedMs: hour + 1500 }], 3)
  assert.deepEqual(given, [[], [], ['a'], []])
})

test('a stream that began ten minutes ago is given within three polls of its end', async () => {
  const given = await follow([{ id: 'long', arrivedMs: hour - 600_000, endedMs: hour + 1500 }], 6)
  assert.deepEqual(given.slice(0, 2), [[], []])
  assert.deepEqual(given.flat(), ['long'])
  assert.ok(given.findIndex((rows) => rows.length > 0) <= 5)
})

test('more rows than a page between two polls are all given, in the order of their ends', async () => {
  const burst = Array.from({ length: 25 }, (_, index) => ({
    id: `b${index}`,
    arrivedMs: hour + 1000 + index,
    endedMs: hour + 1100 + index,
  }))
  const given = await follow(burst, 2, { pageSize: 10 })
  assert.deepEqual(given[2], burst.map((one) => one.id)) // prettier-ignore
})

test('what ended while the gateway was away is given when it is back', async () => {
  const given = await follow([{ id: 'short', arrivedMs: hour + 2500, endedMs: hour + 2600 }], 60, { away: [3, 50] })
  assert.deepEqual(given[51], ['short'])
  assert.equal(given.flat().length, 1)
})

test('a quiet minute costs at most two questions a poll', async () => {
  const { state, list } = gateway([])
  state.nowMs = hour
  const poll = createFollower({ list, query: {}, nowMs: () => state.nowMs, backlog: 0 })
  for (let tick = 0; tick < 60; tick++, state.nowMs += 1000) await poll()
  assert.ok(state.asked <= 60 + 20, `${state.asked} questions`)
})
