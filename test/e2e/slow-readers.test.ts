// Streams side by side, one of them read slowly: each client gets its own bytes, whole.
import assert from 'node:assert/strict'
import { request, type IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, write, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({ chat: { wire: 'openai-chat', origin: upstream.origin, models: [{ id: 'model-1' }] } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

const frames = 600
const frame = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'model-1', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
/** 10 MB, more than all buffers on the way hold, in which each place is different from every other and from the other streams. */
const framesOf = (user: string): string[] => [
  ...Array.from({ length: frames }, (_, n) => frame({ content: `${user}${n} `.repeat(2000) }, null)),
  frame({}, 'stop'),
  'data: [DONE]\n\n',
]

function ask(user: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${turnpike.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      agent: false,
    })
    sent.on('response', resolve).on('error', reject)
    sent.end(JSON.stringify({ model: 'chat/model-1', stream: true, user, messages: [{ role: 'user', content: 'Hi' }] }))
  })
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('a client that reads late gets what was its own, whatever passed by meanwhile', async () => {
  upstream.route('/v1/chat/completions', (asked) => ({
    headers: { 'content-type': 'text/event-stream' },
    body: framesOf(String(asked.json()['user'])).map((one) => write(one)),
  }))
  // Nobody reads `late` before the others are through: it waits in every buffer on its way.
  const late = await ask('late')
  for (const user of ['one', 'two']) assert.equal(await read(await ask(user)), framesOf(user).join(''))
  assert.equal(await read(late), framesOf('late').join(''))
})
