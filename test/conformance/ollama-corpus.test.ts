// Every recorded exchange of Ollama's chat API, decoded, says what its bytes say when they are read as its documentation tells.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Response, type StreamEvent } from '#ir'
import { Failure, isObject, type JsonObject } from '#kernel'
import { readCorpus, readExchanges, skipWithoutCorpus, type Exchange } from '#test/corpus.ts'
import { codecOf, providerCodecOf, type RawFrame } from '#wires'

const { egress } = providerCodecOf('ollama-chat')
const skip = skipWithoutCorpus
const chats = (): Exchange[] => [...readExchanges(({ api }) => api === 'ollama-chat')]
const target = { model: 'm', dialect: {}, defaultMaxOutputTokens: 4_096 }

function eventsOf(body: string, chunkBytes: number): StreamEvent[] {
  const bytes = Buffer.from(body)
  const parser = egress.framing!({})!.createParser()
  const decoder = egress.createStreamDecoder({})
  const events: StreamEvent[] = []
  const onFrame = (frame: RawFrame) => {
    if (frame.data !== undefined) events.push(...decoder.push(frame))
  }
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes), onFrame)
  parser.end(onFrame)
  return [...events, ...decoder.end()]
}

function answerOf({ resp }: Exchange): Response {
  return resp.kind === 'ndjson' ? fold(eventsOf(resp.body, 1_400)) : egress.decodeResponse(JSON.parse(resp.body) as JsonObject, {})
}

/** The lines of the answer, and of each what it says. */
function toldBy({ resp }: Exchange) {
  const lines = resp.body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonObject)
  const messages = lines.map(({ message }) => (isObject(message) ? message : {}))
  const calls = messages.flatMap(({ tool_calls: list }) => (Array.isArray(list) ? (list as { function: JsonObject; id?: string }[]) : []))
  return { last: lines.at(-1)!, messages, calls }
}

test('every recorded answer is read: words, thoughts, calls, finish and usage', { skip }, () => {
  const all = chats()
  assert.equal(all.length, 16)
  let thought = 0
  let called = 0
  for (const exchange of all.filter(({ resp }) => resp.status === 200)) {
    const { last, messages, calls } = toldBy(exchange)
    const response = answerOf(exchange)
    const join = (type: string) => response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
    const ours = response.parts.filter((part) => part.type === 'tool-call')
    assert.equal(join('text'), messages.map(({ content }) => content).join(''), exchange.id)
    assert.equal(join('reasoning'), messages.map(({ thinking }) => thinking ?? '').join(''), exchange.id)
    assert.deepEqual(
      ours.map(({ name, args }) => [name, JSON.parse(args)]),
      calls.map((call) => [call.function['name'], call.function['arguments']]),
    )
    assert.deepEqual(response.finish, { reason: calls.length > 0 ? 'tool-calls' : 'stop', raw: last['done_reason'] })
    assert.equal(response.model, last['model'])
    assert.equal(response.created, Math.floor(Date.parse(toldFirst(exchange)) / 1_000))
    assert.equal(response.usage?.output.total, last['eval_count'])
    assert.equal(response.usage?.input.total, last['prompt_eval_count'] ?? 0)
    thought += join('reasoning').length > 0 ? 1 : 0
    called += ours.length
  }
  assert.ok(thought >= 7 && called === 2, `${thought} with thoughts, ${called} calls`)
})

const toldFirst = ({ resp }: Exchange) => (JSON.parse(resp.body.split('\n')[0]!) as { created_at: string }).created_at

test('every recorded stream is grammatical, says the same byte by byte, and is an error when it is cut', { skip }, () => {
  const streams = chats().filter(({ resp }) => resp.kind === 'ndjson')
  assert.equal(streams.length, 4)
  for (const { id, resp } of streams) {
    const events = eventsOf(resp.body, 1_400)
    const grammar = createGrammar()
    for (const event of events) assert.equal(grammar.check(event), undefined, id)
    assert.equal(grammar.finished(), true, id)
    assert.deepEqual(eventsOf(resp.body, 7), events, id)
    const end = resp.body.lastIndexOf('"done":true')
    for (const at of [end, Math.floor(end / 2), 40]) assert.equal(eventsOf(resp.body.slice(0, at), 1_400).at(-1)?.type, 'error', id)
  }
})

test('the recorded refusal of an unknown model says that the target does not have it', { skip }, () => {
  const [refused] = chats().filter(({ resp }) => resp.status !== 200)
  const failure = egress.decodeError(refused!.resp.status, {}, refused!.resp.body)
  assert.ok(failure instanceof Failure)
  assert.equal(failure.kind, 'target_not_found')
  assert.equal(failure.details.upstream?.message, "model 'nonexistent-model:latest' not found")
})

test("OpenClaw's chat requests become what OpenClaw itself sends to Ollama", { skip }, () => {
  const { body: native } = JSON.parse(readCorpus('openclaw', '14-ollama-api-chat.json').toString('utf8')) as { body: JsonObject }
  const { body: chat } = JSON.parse(readCorpus('openclaw', '03-openai-completions-after-tool-results.json').toString('utf8')) as {
    body: JsonObject
  }
  const { request } = codecOf('openai-chat').ingress.decodeRequest(chat)
  const { body } = egress.encodeRequest(request, target)
  const messages = body['messages'] as JsonObject[]
  const keysOf = (message: JsonObject) => new Set(Object.keys(message))
  for (const message of native['messages'] as JsonObject[]) {
    const like = messages.find(({ role }) => role === message['role'])!
    assert.ok(keysOf(message).isSubsetOf(keysOf(like)), JSON.stringify([...keysOf(message)]))
    assert.equal(typeof like['content'], typeof message['content'])
  }
  const [tool] = native['tools'] as JsonObject[]
  const [ours] = body['tools'] as JsonObject[]
  assert.deepEqual(Object.keys(ours!).sort(), Object.keys(tool!).sort())
  const call = (messages.find((message) => message['tool_calls'] !== undefined)!['tool_calls'] as { function: JsonObject }[])[0]!
  assert.ok(isObject(call.function['arguments']))
  assert.equal(messages.find(({ role }) => role === 'tool')!['tool_name'], call.function['name'])
  for (const field of ['stream', 'truncate', 'shift']) assert.equal(body[field], native[field], field)
})
