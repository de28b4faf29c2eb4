// Follows requests as they end: what happened before, then the gateway's stream of what comes, across broken connections.
import type { RequestRow } from '#store'
import { NotRunning, type RequestList } from './admin-client.ts'

export type FollowOptions = {
  /** The stream, from behind an event on when its id is given. */
  readonly open: (lastEventId: string | undefined) => Promise<Response>
  /** So many past rows, newest first. */
  readonly past: (count: number) => Promise<RequestList>
  /** How many of the rows that are there already are given first. */
  readonly backlog: number
}

export type Follower = {
  /** Gives rows, oldest first, until the stream ends or breaks; called again it goes on where it was, with nothing lost and nothing twice. */
  rows(onOpen?: () => void): AsyncGenerator<RequestRow, void, undefined>
}

type Event = { readonly id: string | undefined; readonly name: string; readonly data: string }

export function createFollower({ open, past, backlog }: FollowOptions): Follower {
  let lastId: string | undefined
  /** Rows of the backlog, which may have come while it was read, and then come again. */
  let given = new Set<string>()

  return {
    async *rows(onOpen) {
      const isFirst = lastId === undefined
      const answer = await open(lastId)
      onOpen?.()
      for await (const event of eventsOf(answer)) {
        if (event.name === 'open' && isFirst && backlog > 0) {
          const rows = (await past(backlog)).data.toReversed()
          given = new Set(rows.map((row) => row.id))
          yield* rows
        } else if (event.name === 'request') {
          const row = JSON.parse(event.data) as RequestRow
          if (!given.delete(row.id)) yield row
        }
        // Only now: a row that was not taken comes again.
        lastId = event.id ?? lastId
        if (event.name === 'end') return
      }
    },
  }
}

/** Rejects with `NotRunning` when the connection breaks. */
async function* eventsOf(answer: Response): AsyncGenerator<Event, void, undefined> {
  if (answer.body === null) return
  let text = ''
  try {
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        yield eventOf(block)
      }
    }
  } catch (error) {
    if (error instanceof TypeError) throw new NotRunning('The connection to the gateway broke off.')
    throw error
  }
}

function eventOf(block: string): Event {
  const field = (name: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  return { id: field('id'), name: field('event') ?? '', data: field('data') ?? '' }
}
