// A gateway that stops: what runs may finish until the deadline, what comes is refused, and nobody takes a cut answer for a whole one.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { JsonObject } from '#kernel'
import { stringify } from 'yaml'
import { createGate, createUpstream, waitFor, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { adminToken, pricedModel, startTest, testKey, type TestTurnpike } from '#test/turnpike.ts'
import { scratchFolder, startGateway } from '#test/turnpike-process.ts'

type Scene = { readonly upstream: ScriptedUpstream; readonly turnpike: TestTurnpike }

async function scene(context: TestContext): Promise<Scene> {
  const upstream = await createUpstream()
  const turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin },
    claude: { wire: 'anthropic-messages', origin: upstream.origin },
  })
  context.after(async () => {
    await turnpike.end()
    await upstream.close()
  })
  return { upstream, turnpike }
}

const slugs = { 'openai-chat': 'chat', 'anthropic-messages': 'claude' } as const
const wires = Object.keys(slugs) as readonly ScriptedWire[]

function bodyOf(wire: ScriptedWire, stream: boolean): JsonObject {
  return { model: `${slugs[wire]}/model-1`, max_tokens: 100, stream, messages: [{ role: 'user', content: 'hi' }] }
}

/** Content, then nothing until the gate opens, then the rest. */
function halting(wire: ScriptedWire, gate: Promise<void>): Answer {
  const script = wireScripts[wire]
  const frames = script.frames()
  const first = script.preambleFrames + 1
  return {
    headers: { 'content-type': 'text/event-stream' },
    body: [...frames.slice(0, first).map(write), waitFor(gate), ...frames.slice(first).map(write)],
  }
}

/** Reads until some content is there; what follows is read by the returned function. */
async function begun(response: Response): Promise<() => Promise<string>> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('Hello')) text += (await reader.read()).value ?? assert.fail(`it ended with ${text}`)
  return async () => {
    for (;;) {
      const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }))
      if (done) return text
      text += value ?? ''
    }
  }
}

for (const wire of wires) {
  test(`${wire}: a stream that runs when the stop begins ends whole, and who comes meanwhile gets a 503 that says when to come back`, async (context) => {
    const { upstream, turnpike } = await scene(context)
    const gate = createGate()
    upstream.route(wireScripts[wire].path, halting(wire, gate.opened))
    const rest = await begun(await turnpike.post(wireScripts[wire].path, bodyOf(wire, true)))
    let isClosed = false
    const closed = turnpike.close(60_000).then(() => (isClosed = true))

    const refused = await turnpike.post(wireScripts[wire].path, bodyOf(wire, false))
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('connection'), 'close')
    assert.ok(Number(refused.headers.get('retry-after')) >= 1)
    const said = (await refused.json()) as { error: JsonObject }
    assert.match(JSON.stringify(said), /stopping/)
    const ready = await fetch(`${turnpike.url}/readyz`)
    assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining' }])
    assert.ok(Number(ready.headers.get('retry-after')) >= 1)
    assert.equal((await fetch(`${turnpike.url}/healthz`)).status, 200, 'it lives')
    assert.equal(upstream.received.length, 1)
    assert.ok(!isClosed)

    gate.open()
    const text = await rest()
    assert.ok(text.includes('world!'))
    assert.match(text, wire === 'openai-chat' ? /data: \[DONE\]\n\n$/ : /event: message_stop/)
    assert.doesNotMatch(text, /error/)
    await closed
  })

  test(`${wire}: a stream that still runs at the deadline is cut with an error in-band, and never looks complete`, async (context) => {
    const { upstream, turnpike } = await scene(context)
    upstream.route(wireScripts[wire].path, halting(wire, new Promise(() => {})))
    const rest = await begun(await turnpike.post(wireScripts[wire].path, bodyOf(wire, true)))
    await turnpike.close(50)
    const text = await rest()
    assert.match(text, /This gateway is stopping/)
    assert.match(text, /error/)
    assert.doesNotMatch(text, /\[DONE\]|message_stop|"finish_reason":"|all_targets_failed/)
  })

  test(`${wire}: a request that nobody has answered at the deadline gets a 503 that says so, and blames no target`, async (context) => {
    const { upstream, turnpike } = await scene(context)
    upstream.route(wireScripts[wire].path, { ...wireScripts[wire].json(), before: [waitFor(new Promise(() => {}))] })
    const answer = turnpike.post(wireScripts[wire].path, bodyOf(wire, false))
    await upstream.next()
    await turnpike.close(50)
    const response = await answer
    const text = await response.text()
    assert.equal(response.status, 503, text)
    assert.ok(Number(response.headers.get('retry-after')) >= 1)
    assert.match(text, /This gateway is stopping\. Try again/)
    assert.doesNotMatch(text, /all_targets_failed|Every target/)
    if (wire === 'openai-chat') assert.equal((JSON.parse(text) as { error: JsonObject }).error['code'], 'draining')
  })
}

test('a request of which nobody has been asked yet is cut at the deadline, too', { timeout: 20_000 }, async (context) => {
  const { upstream, turnpike } = await scene(context)
  upstream.route(wireScripts['openai-chat'].path, { ...wireScripts['openai-chat'].json(), before: [waitFor(new Promise(() => {}))] })
  // A name that is written oddly, and bytes that take a thread some time to read.
  const body = JSON.stringify({ ...bodyOf('openai-chat', false), user: 'x'.repeat(20 << 20) }).replace('"model"', '"mod\\u0065l"')
  const answer = turnpike.post(wireScripts['openai-chat'].path, body)
  const metrics = () => fetch(`${turnpike.url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } })
  while (!/^turnpike_requests_running 1$/m.test(await (await metrics()).text()));
  await turnpike.close(0)
  const response = await answer
  assert.equal(response.status, 503)
  assert.match(await response.text(), /This gateway is stopping\. Try again/)
})

test('SIGTERM: the stream ends whole, the record is written, and the process ends with 0', async (context) => {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  const home = scratchFolder(context)
  writeFileSync(
    path.join(home, 'turnpike.yaml'),
    stringify({
      providers: {
        chat: { vendor: 'openai', base_url: `${upstream.origin}/v1`, credentials: [{ value: 'sk-x' }], models: { custom: [pricedModel] } },
      },
      keys: [{ name: 'test', value: testKey }],
    }),
  )
  const gateway = await startGateway(context, home)
  const gate = createGate()
  upstream.route('/v1/chat/completions', halting('openai-chat', gate.opened))
  const ask = (stream: boolean): Promise<Response> =>
    fetch(`${gateway.ready.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf('openai-chat', stream)),
    })
  const rest = await begun(await ask(true))
  gateway.child.kill('SIGTERM')
  await gateway.until('stderr', /new requests are refused/)
  const refused = await ask(false)
  assert.equal(refused.status, 503)
  await refused.text()
  gate.open()
  assert.match(await rest(), /\[DONE\]/)
  const { exitCode, stderr } = await gateway.ended
  assert.equal(exitCode, 0, stderr)
})
