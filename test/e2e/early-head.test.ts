// A provider that is silent for ten seconds: the head goes out early with a preamble, and what comes late still ends as it should.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createSseParser, wires, type SseFrame } from '#wires'
import { createGate, createUpstream, cut, waitFor, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'

const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const slugs = { 'openai-chat': 'chat', 'anthropic-messages': 'claude' } as const

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

/** Silent from the named moment until the gate opens; then the rest of the stream, or a cut. */
function lateAnswer(
  wire: ScriptedWire,
  silence: 'before the head' | 'after the preamble',
  gate: Promise<void>,
  ends: 'whole' | 'cut',
): Answer {
  const script = wireScripts[wire]
  const frames = script.frames()
  const headers = { 'content-type': 'text/event-stream' }
  const preamble = frames.slice(0, script.preambleFrames).map(write)
  const rest = ends === 'cut' ? [cut()] : frames.slice(script.preambleFrames).map(write)
  if (silence === 'before the head') return { headers, before: [waitFor(gate)], body: [...preamble, ...rest] }
  return { headers, body: [...preamble, waitFor(gate), ...rest] }
}

describe('ten seconds of silence', { concurrency: 16 }, () => {
  for (const client of wireNames) {
    for (const provider of wireNames) {
      for (const silence of ['before the head', 'after the preamble'] as const) {
        for (const ends of ['whole', 'cut'] as const) {
          test(`${client} client, ${provider} provider, silent ${silence}: then ${ends}`, async () => {
            const gate = createGate()
            const marker = `${client} ${provider} ${silence} ${ends}`
            upstream.route((request) => request.body.includes(marker), lateAnswer(provider, silence, gate.opened, ends))
            const response = await turnpike.post(wireScripts[client].path, {
              model: `${slugs[provider]}/model-1`,
              stream: true,
              max_tokens: 100,
              messages: [{ role: 'user', content: marker }],
            })
            // The head came although no provider has said anything of substance yet.
            assert.equal(response.status, 200)
            const reader = response.body!.getReader()
            let body = Buffer.from((await reader.read()).value)
            assert.doesNotMatch(body.toString(), /Hello/)
            gate.open()
            let whole = true
            try {
              for (let next = await reader.read(); !next.done; next = await reader.read()) body = Buffer.concat([body, next.value])
            } catch {
              whole = false
            }
            const frames: SseFrame[] = []
            createSseParser().push(body, ({ event, data }) => {
              if (data !== undefined) frames.push({ ...(event === undefined ? {} : { event }), data })
            })
            const decoder = wires.get(client)!.egress.createStreamDecoder({})
            const events = [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]
            const text = events.map((event) => (event.type === 'part-delta' ? event.text : '')).join('')
            const starts = body.toString().match(client === 'openai-chat' ? /"role":"assistant"/g : /event: message_start/g)
            assert.equal(starts?.length, 1, 'one start, ours; the late one does not collide with it')
            // Every chunk of a chat completion carries the answer's id.
            assert.ok(new Set(body.toString().match(/"id":"[^"]*"/g)).size <= 1, 'one id from the first byte to the last')
            const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
            if (ends === 'whole') {
              assert.equal(whole, true)
              assert.equal(text, 'Hello, world!')
              assert.equal(events.at(-1)!.type, 'finish')
              assert.equal(record['outcome'], 'ok')
              assert.equal((record['tokens'] as { output: number }).output, 5)
            } else {
              assert.equal(whole, false)
              assert.equal(events.at(-1)!.type, 'error', 'the verdict is in-band')
              assert.equal(record['outcome'], 'upstream_error')
            }
          })
        }
      }
    }
  }
})

test('keep-alives follow the early head, in a form that the client reads as no content', async () => {
  const gates = wireNames.map((client) => ({ client, gate: createGate() }))
  await Promise.all(
    gates.map(async ({ client, gate }) => {
      const marker = `keep alive ${client}`
      upstream.route((request) => request.body.includes(marker), lateAnswer(client, 'before the head', gate.opened, 'whole'))
      const response = await turnpike.post(wireScripts[client].path, {
        model: `${slugs[client]}/model-1`,
        stream: true,
        max_tokens: 100,
        messages: [{ role: 'user', content: marker }],
      })
      const reader = response.body!.getReader()
      await reader.read()
      const second = Buffer.from((await reader.read()).value).toString()
      assert.match(second, client === 'openai-chat' ? /"delta":\{"content":""\}/ : /event: ping/)
      gate.open()
      let body = ''
      for (let next = await reader.read(); !next.done; next = await reader.read()) body += Buffer.from(next.value).toString()
      assert.match(body, /world!/)
    }),
  )
})
