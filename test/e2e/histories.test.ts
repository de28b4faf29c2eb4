// Conversations that resend their whole history, many at once: the provider and the record get every body byte by byte.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { wireScripts } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  upstream = await createUpstream()
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
})

after(async () => {
  await turnpike.end()
  await upstream.close()
})

const wires = [
  { wire: 'openai-chat', provider: 'chat', other: 'claude' },
  { wire: 'anthropic-messages', provider: 'claude', other: 'chat' },
] as const
const instructions = 'You are \\"an agent\\".\\n'.repeat(600)
const names = Array.from({ length: 40 }, (_, n) => ({ name: `tool_${n}`, description: '"]}'.repeat(30) }))
const tools = {
  chat: JSON.stringify(names.map((name) => ({ type: 'function', function: { ...name, parameters: { type: 'object' } } }))),
  claude: JSON.stringify(names.map((name) => ({ ...name, input_schema: { type: 'object' } }))),
}

/** The texts of a conversation's messages; every third turn edits an earlier one, as an agent that compacts does. */
function bodyOf(client: keyof typeof tools, conversation: number, turn: number, model: string, mark: string): string {
  const messages = [`{"role":"user","content":"${conversation % 2 === 0 ? '' : conversation}${instructions}"}`]
  for (let n = 0; n < turn * 3; n++) {
    const edit = n === 2 && turn > 3 ? `edited ${Math.floor(turn / 3)}` : ''
    messages.push(
      `{"role":"${n % 2 === 0 ? 'assistant' : 'user'}","content":"${edit} \\"${conversation}\\" ${n} ${'result\\n'.repeat((n * 37) % 60)}"}`,
    )
  }
  return `{"model":"${model}","messages":[${messages.join(', ')}],"max_tokens":9,"x_mark":"${mark}","tools":${tools[client]}}`
}

for (const { wire, provider, other } of wires) {
  const { path } = wireScripts[wire]
  for (const named of [true, false]) {
    test(`${wire}: eight conversations ${named ? 'with a session header' : 'with the same instructions'} arrive as they were sent, turn after turn`, async () => {
      upstream.clear()
      // Some answers are errors, some targets need a translation: both leave the buffer another way.
      upstream.route(path, (request) => (request.body.includes('-3"') ? wireScripts[wire].error(503, 'busy') : wireScripts[wire].json()))
      upstream.route(
        wireScripts[other === 'chat' ? 'openai-chat' : 'anthropic-messages'].path,
        wireScripts[other === 'chat' ? 'openai-chat' : 'anthropic-messages'].json(),
      )
      const sent = new Map<string, string>()
      const ids: [id: string, text: string][] = []
      const converse = async (conversation: number): Promise<void> => {
        for (let turn = 1; turn <= 9; turn++) {
          const translated = turn === 5
          const mark = `${wire}-${conversation}-${turn}`
          const text = bodyOf(provider, conversation, turn, `${translated ? other : provider}/model-1`, mark)
          if (!translated) sent.set(mark, text.replace(`${provider}/model-1`, 'model-1'))
          const headers = named ? { 'x-turnpike-session-id': `${wire}-${conversation}` } : {}
          const twice = turn % 4 === 0 ? 2 : 1
          const responses = await Promise.all(Array.from({ length: twice }, async () => turnpike.post(path, text, { headers })))
          for (const response of responses) {
            await response.arrayBuffer()
            assert.equal(response.status, turn === 3 ? 503 : 200)
            ids.push([response.headers.get('x-turnpike-request-id')!, text])
          }
          // A client that leaves in the middle of its upload or of its answer.
          const left = new AbortController()
          const gone = turnpike.post(path, text.replace(mark, 'gone'), { headers, signal: left.signal }).then(
            async (response) => response.arrayBuffer(),
            () => undefined,
          )
          setImmediate(() => left.abort())
          await gone.catch(() => undefined)
        }
      }
      await Promise.all(Array.from({ length: 8 }, async (_, conversation) => converse(conversation)))

      let compared = 0
      for (const { body, url } of upstream.received) {
        if (url !== path) continue
        const text = body.toString('utf8')
        const mark = /"x_mark":"([^"]*)"/.exec(text)?.[1]
        if (mark === 'gone') continue
        assert.equal(text, sent.get(mark!), mark)
        compared++
      }
      assert.ok(compared >= 8 * 10, `${compared} bodies arrived`)
      for (const [id, text] of ids) {
        await turnpike.record(id)
        assert.equal((await turnpike.payload(id, 'request')).toString('utf8'), text)
      }
    })
  }
}
