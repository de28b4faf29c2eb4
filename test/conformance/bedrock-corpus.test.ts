// Every recorded exchange with Bedrock's Converse, and with Claude by InvokeModel: the answer says what the canon says.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createGrammar, fold, type Dialect, type StreamEvent, type Wire } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { corpusPath, readCanon, readCorpus, readExchanges, skipWithoutCorpus, type Exchange } from '#test/corpus.ts'
import { reduce, reduceCanon } from '#test/pairs.ts'
import { codecOf, createSseParser, providerCodecOf, type RawFrame } from '#wires'

const skip = skipWithoutCorpus

type Spoken = { readonly wire: Wire; readonly dialect: Dialect }
const converse: Spoken = { wire: 'bedrock-converse', dialect: {} }
const invoke: Spoken = { wire: 'anthropic-messages', dialect: { anthropicVersion: 'bedrock-2023-05-31' } }

const recorded = (api: string, kind?: string): Exchange[] => [
  ...readExchanges((each) => each.api === api && each.resp.status === 200 && (kind === undefined || each.resp.kind === kind)),
]

function framesOf({ wire, dialect }: Spoken, base64: string, size = Infinity): RawFrame[] {
  const framing = providerCodecOf(wire).egress.framing?.(dialect)
  assert.equal(framing?.contentType, 'application/vnd.amazon.eventstream')
  const bytes = Buffer.from(base64, 'base64')
  const parser = framing.createParser()
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size), (frame) => frames.push(frame))
  parser.end((frame) => frames.push(frame))
  return frames
}

function decode({ wire, dialect }: Spoken, frames: readonly RawFrame[]): StreamEvent[] {
  const decoder = providerCodecOf(wire).egress.createStreamDecoder(dialect)
  const events = frames.flatMap((frame) => (frame.data === undefined ? [] : decoder.push(frame)))
  return [...events, ...decoder.end()]
}

function answerOf(spoken: Spoken, { resp }: Exchange): ReturnType<typeof fold> {
  if (resp.kind === 'aws-eventstream') return fold(decode(spoken, framesOf(spoken, resp.body)))
  return providerCodecOf(spoken.wire).egress.decodeResponse(JSON.parse(resp.body) as JsonObject, spoken.dialect)
}

function assertGrammatical(events: readonly StreamEvent[], what: string): void {
  const grammar = createGrammar()
  for (const event of events) assert.equal(grammar.check(event), undefined, what)
  assert.ok(grammar.finished(), what)
}

test('every recorded answer of Converse decodes to the canon: text, reasoning, tool calls, finish and usage', { skip }, () => {
  const canon = readCanon()
  const all = recorded('converse')
  assert.ok(all.length >= 79, `${all.length} answers`)
  for (const exchange of all) {
    const ours = reduce(answerOf(converse, exchange))
    assert.deepEqual(ours, reduceCanon(canon.get(exchange.id)!, ours), exchange.id)
  }
})

test('every recorded stream of Converse says the same, cut after every byte, every second, every seventh', { skip }, () => {
  const all = recorded('converse', 'aws-eventstream')
  assert.ok(all.length >= 37, `${all.length} streams`)
  for (const [i, { id, resp }] of all.entries()) {
    const whole = framesOf(converse, resp.body)
    assertGrammatical(decode(converse, whole), id)
    if (i % 6 === 0) for (const size of [1, 2, 7]) assert.deepEqual(framesOf(converse, resp.body, size), whole, `${id} cut at ${size}`)
  }
})

test('a recorded stream of Converse that ends before its messageStop is an error, never a clean stop', { skip }, () => {
  for (const { id, resp } of recorded('converse', 'aws-eventstream')) {
    const frames = framesOf(converse, resp.body)
    const stop = frames.findIndex(({ event }) => event === 'messageStop')
    for (const cut of [0, 1, Math.floor(stop / 2), stop]) {
      const events = decode(converse, frames.slice(0, cut))
      assertGrammatical(events, id)
      assert.equal(events.at(-1)?.type, 'error', `${id} cut before frame ${cut}`)
    }
    const withoutUsage = decode(converse, frames.slice(0, stop + 1))
    assert.equal(withoutUsage.at(-1)?.type, 'finish', id)
  }
})

test('every recorded refusal of Bedrock is one of ours, with the words of AWS beside it', { skip }, () => {
  const kinds: Record<string, number> = {}
  for (const { id, api, resp } of readExchanges(({ provider, resp: { status } }) => provider === 'bedrock' && status >= 400)) {
    const failure = providerCodecOf('bedrock-converse').egress.decodeError(resp.status, resp.headers, resp.body)
    assert.ok(failure instanceof Failure, id)
    assert.equal(failure.details.upstream?.message, (JSON.parse(resp.body) as { message: string }).message, `${api} ${id}`)
    kinds[failure.kind] = (kinds[failure.kind] ?? 0) + 1
  }
  // "The security token included in the request is expired"; "The provided model identifier is invalid."
  assert.deepEqual(Object.keys(kinds).sort(), ['credential_rejected', 'target_not_found'])
})

/** Claude's messages: not the text completions of Claude 2, which were asked for with `prompt`. */
const messages = (kind?: string) =>
  recorded('invoke', kind).filter(({ path, req }) => path.includes('anthropic.') && !(req.body_text ?? '').includes('"prompt"'))

test('every recorded answer of Claude by InvokeModel decodes to the canon', { skip }, () => {
  const canon = readCanon()
  const all = messages()
  assert.ok(all.length >= 40, `${all.length} answers`)
  for (const exchange of all) {
    const ours = reduce(answerOf(invoke, exchange))
    assert.deepEqual(ours, reduceCanon(canon.get(exchange.id)!, ours), exchange.id)
  }
})

test("the frames of InvokeModel are Anthropic's own events, byte for byte, and read as a stream of its API", { skip }, () => {
  const all = messages('aws-eventstream')
  assert.ok(all.length >= 15, `${all.length} streams`)
  const { passThrough } = codecOf('anthropic-messages')
  for (const { id, resp } of all) {
    const frames = framesOf(invoke, resp.body)
    const sse = Buffer.concat(frames.map(({ raw }) => raw))
    const parser = createSseParser()
    const again: RawFrame[] = []
    parser.push(sse, (frame) => again.push(frame))
    assert.equal(again.length, frames.length, id)
    assert.deepEqual(
      again.map(({ event, data, raw }) => ({ event, data, raw: raw.toString() })),
      frames.map(({ event, data, raw }) => ({ event, data, raw: raw.toString() })),
      id,
    )
    // What the recording holds in base64 is there verbatim.
    for (const [, bytes] of Buffer.from(resp.body, 'base64')
      .toString('latin1')
      .matchAll(/"bytes":"([^"]+)"/g))
      assert.ok(sse.includes(Buffer.from(bytes!, 'base64')), id)
    const watch = passThrough.createWatch(invoke.dialect)
    const watched = again.map((frame) => (frame.data === undefined ? {} : watch.frame(frame)))
    assert.equal(watched.at(-1)?.terminal, true, id)
    const { usage, finish } = answerOf(invoke, { resp } as Exchange)
    assert.deepEqual(Object.assign({}, ...watched).usage, usage, id)
    assert.deepEqual(Object.assign({}, ...watched).finish, finish, id)
    for (const size of [1, 2, 7]) assert.deepEqual(framesOf(invoke, resp.body, size), frames, `${id} cut at ${size}`)
  }
})

test('a recorded stream of InvokeModel with one flipped bit is a bad response', { skip }, () => {
  const [{ resp }] = messages('aws-eventstream') as [Exchange]
  const bytes = Buffer.from(resp.body, 'base64')
  for (const at of [5, 40, bytes.length - 1]) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    assert.throws(
      () => framesOf(invoke, damaged.toString('base64')),
      (error: unknown) => error instanceof Failure && error.kind === 'bad_response',
      `byte ${at}`,
    )
  }
})

/** What another gateway made of the same bytes: its stream of chat completions, without a codec. */
function secondOpinion(snap: string) {
  type Chunk = {
    choices: {
      delta: { content?: string | null; reasoning_content?: string; tool_calls?: { function: { name?: string; arguments?: string } }[] }
    }[]
    usage: { prompt_tokens: number; completion_tokens: number } | null
  }
  const chunks = [...snap.matchAll(/^data: (\{.*)$/gm)].map(([, data]) => JSON.parse(data!) as Chunk)
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
  const usage = chunks.find((chunk) => chunk.usage)?.usage
  const functions = deltas.flatMap((delta) => delta.tool_calls ?? [])
  return {
    text: deltas.map(({ content }) => content ?? '').join(''),
    reasoning: deltas.map((delta) => delta.reasoning_content ?? '').join(''),
    names: functions.flatMap(({ function: { name } }) => name ?? []),
    args: functions.map((each) => each.function.arguments ?? '').join(''),
    tokens: [usage?.prompt_tokens, usage?.completion_tokens],
  }
}

test("another gateway's golden streams of Bedrock say the same to us; a broken one is a bad response", { skip }, () => {
  const golden = (...segments: string[]) => readCorpus('agentgateway-goldens', 'response', ...segments)
  for (const name of ['basic', 'reasoning', 'tool']) {
    const { parts, usage } = fold(decode(converse, framesOf(converse, golden('bedrock', `${name}.bin`).toString('base64'))))
    const join = (type: string) => parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
    const calls = parts.filter((part) => part.type === 'tool-call')
    assert.deepEqual(
      {
        text: join('text'),
        reasoning: join('reasoning'),
        names: calls.map((part) => part.name),
        args: calls.map(({ args }) => args).join(''),
        tokens: [usage?.input.total, usage?.output.total],
      },
      secondOpinion(golden('bedrock', `${name}.bedrock-completions-streaming.snap`).toString('utf8')),
      name,
    )
  }
  assert.throws(
    () => framesOf(converse, golden('detect', 'bedrock-broken.bin').toString('base64')),
    (error: unknown) => error instanceof Failure && error.kind === 'bad_response',
  )
})

test("the fixtures of Vercel's SDK decode, streamed and whole", { skip }, () => {
  const folder = corpusPath('vercel-ai-fixtures', 'amazon-bedrock')
  assert.ok(folder !== undefined)
  let read = 0
  for (const file of readdirSync(folder)) {
    const text = () => readCorpus('vercel-ai-fixtures', 'amazon-bedrock', file).toString('utf8')
    if (file.endsWith('.chunks.txt')) {
      const decoder = providerCodecOf('bedrock-converse').egress.createStreamDecoder({})
      const events: StreamEvent[] = []
      for (const line of text().split('\n')) {
        if (line.trim() === '') continue
        for (const [event, body] of Object.entries(JSON.parse(line) as JsonObject))
          events.push(...decoder.push({ event, data: JSON.stringify(body) }))
      }
      events.push(...decoder.end())
      assertGrammatical(events, file)
      assert.equal(events.at(-1)?.type, 'finish', file)
    } else if (file.endsWith('.json')) {
      const { parts } = providerCodecOf('bedrock-converse').egress.decodeResponse(JSON.parse(text()) as JsonObject, {})
      assert.ok(parts.length > 0, file)
    } else continue
    read++
  }
  assert.ok(read >= 22, `${read} fixtures`)
})
