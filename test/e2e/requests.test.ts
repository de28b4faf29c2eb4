// Requests of a real gateway: the live stream and its resumption, histogram and facets, all of the same filters as the list.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { adminToken, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream } from '#test/upstream.ts'

const headers = { authorization: `Bearer ${adminToken}` }

async function gateway(context: TestContext): Promise<{ turnpike: TestTurnpike; ask(model: string): Promise<string> }> {
  const upstream = await createUpstream()
  const message = { role: 'assistant', content: 'hi' }
  upstream.route('/v1/chat/completions', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      model: 'model-1',
      choices: [{ index: 0, finish_reason: 'stop', message }],
      usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
    }),
  })
  const turnpike = await startTest({ mock: { wire: 'openai-chat', origin: upstream.origin } })
  context.after(async () => {
    await turnpike.end().catch(() => undefined)
    await upstream.close()
  })
  return {
    turnpike,
    async ask(model) {
      const answer = await turnpike.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'one' }] })
      await answer.text()
      return answer.headers.get('x-turnpike-request-id')!
    },
  }
}

type Event = { id: string; event: string; data: string }

/** Reads a stream event by event; `undefined` at its end. */
async function follow(
  turnpike: TestTurnpike,
  query = '',
  lastEventId?: string,
): Promise<{ next(): Promise<Event | undefined>; close(): Promise<void> }> {
  const answer = await fetch(`${turnpike.url}/api/v1/requests/stream${query}`, {
    headers: { ...headers, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    signal: AbortSignal.timeout(20_000),
  })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type')!, /^text\/event-stream/)
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end >= 0) {
          const lines = text.slice(0, end).split('\n')
          text = text.slice(end + 2)
          const field = (name: string): string => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
          return { id: field('id'), event: field('event'), data: field('data') }
        }
        const { value, done } = await reader.read()
        if (done) return undefined
        text += value
      }
    },
    close: () => reader.cancel(),
  }
}

const idOf = (event: Event | undefined): string => (JSON.parse(event?.data ?? '{}') as { id: string }).id

test('the stream gives each request as it ends, selects as the list does, and goes on where it was', async (context) => {
  const { turnpike, ask } = await gateway(context)
  await ask('mock/model-1')
  const all = await follow(turnpike)
  const failed = await follow(turnpike, '?outcome=client_error')
  assert.equal((await all.next())!.event, 'open')
  assert.equal((await failed.next())!.event, 'open')
  const first = await ask('mock/model-1')
  const second = await ask('no-such-model')
  const seen = await all.next()
  assert.deepEqual([seen!.event, idOf(seen)], ['request', first])
  assert.deepEqual(JSON.parse(seen!.data), (await list(turnpike, `id=${first}`))[0])
  assert.equal(idOf(await all.next()), second)
  assert.equal(idOf(await failed.next()), second)
  await all.close()
  const third = await ask('mock/model-1')
  const resumed = await follow(turnpike, '', seen!.id)
  assert.equal((await resumed.next())!.event, 'open')
  assert.equal(idOf(await resumed.next()), second)
  assert.equal(idOf(await resumed.next()), third)
  await Promise.all([failed.close(), resumed.close()])
})

test('a stop of the gateway gives streams what has come, and ends them', async (context) => {
  const { turnpike, ask } = await gateway(context)
  const stream = await follow(turnpike)
  assert.equal((await stream.next())!.event, 'open')
  const last = await ask('mock/model-1')
  const stopped = turnpike.close(5000)
  assert.equal(idOf(await stream.next()), last)
  assert.equal((await stream.next())!.event, 'end')
  assert.equal(await stream.next(), undefined)
  await stopped
})

test('an id that is not of this stream is refused by name', async (context) => {
  const { turnpike } = await gateway(context)
  const answer = await fetch(`${turnpike.url}/api/v1/requests/stream`, { headers: { ...headers, 'last-event-id': 'x' } })
  assert.equal(answer.status, 400)
  const { error } = (await answer.json()) as { error: { field: string } }
  assert.equal(error.field, 'Last-Event-ID')
})

test('histogram and facets count what the list shows, as soon as an answer has ended', async (context) => {
  const { turnpike, ask } = await gateway(context)
  for (const model of ['mock/model-1', 'mock/model-1', 'no-such-model']) await ask(model)
  for (const filter of ['', 'outcome=ok', 'status=4xx', 'min_tokens=9', 'q=no-such', 'attempts=0', 'error_code=model_not_found']) {
    const rows = await list(turnpike, filter)
    const histogram = (await get(turnpike, `histogram?interval=5m&${filter}`)) as {
      data: { requests: number; tokens: { input: number } }[]
    }
    assert.equal(histogram.data.reduce((sum, bucket) => sum + bucket.requests, 0), rows.length, filter) // prettier-ignore
    assert.equal(histogram.data.reduce((sum, bucket) => sum + bucket.tokens.input, 0), rows.filter((row) => row.outcome === 'ok').length * 7, filter) // prettier-ignore
    const facets = (await get(turnpike, `facets?fields=outcome,key&${filter}`)) as {
      requests: number
      fields: { key: { values: object[] } }
    }
    assert.equal(facets.requests, rows.length, filter)
    assert.equal((facets.fields.key.values[0] as { label: string }).label, 'test', filter)
  }
})

async function get(turnpike: TestTurnpike, path: string): Promise<unknown> {
  const answer = await fetch(`${turnpike.url}/api/v1/requests/${path}`, { headers })
  assert.equal(answer.status, 200)
  return answer.json()
}

async function list(turnpike: TestTurnpike, filter: string): Promise<{ id: string; outcome: string }[]> {
  const answer = await fetch(`${turnpike.url}/api/v1/requests?${filter}`, { headers })
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { data: { id: string; outcome: string }[] }).data
}
