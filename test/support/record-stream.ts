// Rows of finished requests as they come into a gateway's store, from its own stream of them: a test waits for one instead of asking again.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RequestRow } from '#store'
import { createSseParser } from '#wires'

export type RecordStream = {
  /** In the order in which they came, since the stream was opened. */
  readonly rows: readonly RequestRow[]
  /** Rows that match, once there are `count` of them. */
  until(count: number, matches?: (row: RequestRow) => boolean, timeoutMs?: number): Promise<RequestRow[]>
}

/** Resolves when the stream is open: what finishes from then on is in it. */
export async function followRecords(context: TestContext, url: string, adminToken: string): Promise<RecordStream> {
  const over = new AbortController()
  const response = await fetch(`${url}/api/v1/requests/stream`, {
    headers: { authorization: `Bearer ${adminToken}` },
    signal: over.signal,
  })
  assert.equal(response.status, 200)
  const rows: RequestRow[] = []
  const waiting = new Set<() => void>()
  const opened = Promise.withResolvers<void>()
  const parser = createSseParser()
  const reading = (async () => {
    for await (const chunk of response.body!) {
      parser.push(Buffer.from(chunk), ({ event, data }) => {
        if (event === 'open') opened.resolve()
        if (event !== 'request' || data === undefined) return
        rows.push(JSON.parse(data) as RequestRow)
        for (const look of waiting) look()
      })
    }
  })().catch(() => opened.reject(new Error('the stream of requests ended')))
  context.after(async () => {
    over.abort()
    await reading
  })
  await opened.promise
  return {
    rows,
    async until(count, matches = () => true, timeoutMs = 60_000) {
      const found = Promise.withResolvers<RequestRow[]>()
      const look = (): void => {
        const those = rows.filter(matches)
        if (those.length >= count) found.resolve(those)
      }
      const deadline = setTimeout(
        () => found.reject(new Error(`${count} records were expected, ${rows.filter(matches).length} came`)),
        timeoutMs,
      )
      waiting.add(look)
      look()
      try {
        return await found.promise
      } finally {
        clearTimeout(deadline)
        waiting.delete(look)
      }
    },
  }
}
