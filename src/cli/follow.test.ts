// Following a stream: what was there comes first, and every row that ends meanwhile is given once, across broken connections.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestRow } from '#store'
import { NotRunning, type RequestList } from './admin-client.ts'
import { createFollower, type Follower } from './follow.ts'

const row = (id: string): RequestRow => ({ id }) as RequestRow
const opened = 'retry: 1000\nid: 1-1\nevent: open\ndata: {}\n\n'
const rowEvent = (position: string, id: string): string => `id: ${position}\nevent: request\ndata: {"id":"${id}"}\n\n`
const ended = (position: string): string => `id: ${position}\nevent: end\ndata: {}\n\n`

/** A gateway that answers each connection with the next of these texts; the ids with which it was asked. */
function gateway(streams: readonly string[], past: readonly string[] = [], isCut = false) {
  const asked: (string | undefined)[] = []
  const follower = createFollower({
    async open(lastEventId) {
      asked.push(lastEventId)
      const bytes = Buffer.from(streams[asked.length - 1] ?? assert.fail('asked once too often'))
      let at = 0
      return new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            // In pieces that no event ends with.
            if (at < bytes.length) controller.enqueue(bytes.subarray(at, (at += 7)))
            else if (isCut) controller.error(new TypeError('terminated'))
            else controller.close()
          },
        }),
      )
    },
    past: async (count): Promise<RequestList> => ({ data: past.slice(0, count).map(row), next_cursor: null }),
    backlog: 2,
  })
  return { asked, follower }
}

async function idsOf(follower: Follower): Promise<string[]> {
  const ids: string[] = []
  for await (const one of follower.rows()) ids.push(one.id)
  return ids
}

test('the backlog comes first, oldest first, and what ends meanwhile comes once', async () => {
  const { follower } = gateway([opened + rowEvent('2-2', 'c') + rowEvent('2-3', 'd') + ended('2-3')], ['c', 'b', 'a'])
  assert.deepEqual(await idsOf(follower), ['b', 'c', 'd'])
})

test('a second connection goes on behind the last row, and has no backlog', async () => {
  const { follower, asked } = gateway([opened + rowEvent('2-2', 'x') + ended('3-9'), opened + rowEvent('4-1', 'y') + ended('4-1')], ['a'])
  assert.deepEqual(await idsOf(follower), ['a', 'x'])
  assert.deepEqual(await idsOf(follower), ['y'])
  assert.deepEqual(asked, [undefined, '3-9'])
})

test('an id without an event is where to go on, too', async () => {
  const { follower, asked } = gateway([`${opened}: nothing new\nid: 7-7\n\n`, opened], ['a'])
  await idsOf(follower)
  await idsOf(follower)
  assert.deepEqual(asked, [undefined, '7-7'])
})

test('a row of which only a part came is not given, and the broken connection is said', async () => {
  const { follower, asked } = gateway([opened + rowEvent('2-2', 'x') + rowEvent('2-3', 'y').slice(0, -1), opened], [], true)
  const ids: string[] = []
  await assert.rejects(async () => {
    for await (const one of follower.rows()) ids.push(one.id)
  }, NotRunning)
  assert.deepEqual(ids, ['x'])
  await assert.rejects(idsOf(follower), NotRunning)
  assert.deepEqual(asked, [undefined, '2-2'])
})
