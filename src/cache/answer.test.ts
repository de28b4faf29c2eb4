// Laws of cached answers, for every wire that clients speak: stored from a stream or whole, replayed as either, they say the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { explode, fold, type Finish, type Response, type StreamEvent } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import * as any from '#test/arbitraries.ts'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { bodyBytes, eventsOfStream, readAnswered } from '#test/pairs.ts'
import { clientWires, codecOf, createSseParser, type AnswerContext, type WireCodec } from '#wires'
import { answerToKeep, maxCachedStreamBytes, streamOf } from './answer.ts'
import type { CachedAnswer } from './response-cache.ts'

const context: AnswerContext = {
  requestId: 'req_1',
  model: 'served-model',
  createdSeconds: 1_700_000_000,
  streamUsage: true,
  request: () => ({ model: 'asked', input: 'hello' }),
}
const sealDomains = new Map([
  ['openai-chat', 'anthropic'],
  ['anthropic-messages', 'anthropic'],
  ['gemini', 'google'],
  ['openai-responses', 'openai'],
])

type Told = { readonly streamed: boolean; readonly bytes: Buffer; readonly finish: Finish | undefined }

function keep(
  codec: WireCodec,
  told: Told,
  tools = true,
  more: Partial<Parameters<typeof answerToKeep>[0]> = {},
): CachedAnswer | undefined {
  return answerToKeep(
    { codec, embeds: false, usage: undefined, provider: 'openai', model: 'served-model', context, ...told, ...more },
    tools,
  )
}

function wholeOf(codec: WireCodec, response: Response, costUsd: number | undefined = 0.25): Told {
  const document = codec.ingress.encodeResponse(response, context, costUsd)
  return { streamed: false, bytes: Buffer.from(JSON.stringify(document)), finish: response.finish }
}

function streamedOf(codec: WireCodec, response: Response, events = explode(response)): Told {
  const encoder = codec.ingress.createStreamEncoder(context)
  encoder.setCost(0.25)
  return { streamed: true, bytes: Buffer.from(events.map((event) => encoder.push(event)).join('')), finish: response.finish }
}

function read(codec: WireCodec, { streamed, bytes }: Told): Response {
  if (!streamed) return codec.egress.decodeResponse(JSON.parse(bytes.toString()) as JsonObject, {})
  const events: StreamEvent[] = []
  const decoder = codec.egress.createStreamDecoder({})
  createSseParser().push(bytes, (frame) => {
    if (frame.data !== undefined) events.push(...decoder.push(frame))
  })
  return fold([...events, ...decoder.end()])
}

const inStored = (codec: WireCodec, { body }: CachedAnswer) => read(codec, { streamed: false, bytes: body, finish: undefined })
const inReplay = (codec: WireCodec, answer: CachedAnswer) =>
  read(codec, {
    streamed: true,
    bytes: Buffer.from(streamOf(codec, answer, codec.ingress.createStreamEncoder(context))),
    finish: undefined,
  })

/** All that an answer says, and what it says of its cost; not which fields a wire has for it only in one form. */
function said(response: Response) {
  const { usage, parts, finish, id, model } = response
  return {
    id,
    model,
    reason: finish.reason,
    tokens: usage === undefined ? undefined : { input: usage.input, output: usage.output },
    cost: usage?.cost,
    parts: parts.map(({ ext: _, ...part }) => part),
  }
}

const kept = (reason: Finish['reason']) => reason === 'stop' || reason === 'tool-calls'
const full = ({ parts, finish }: Response) =>
  kept(finish.reason) && !parts.some(({ type }) => type === 'refusal') && parts.some(({ type }) => type !== 'reasoning')

for (const codec of clientWires.values()) {
  const { wire } = codec
  const response = any.response(sealDomains.get(wire), true)
  const complete = response.filter(full)

  test(`${wire}: a whole answer is kept byte for byte but for its cost, which is 0`, () => {
    fc.assert(
      fc.property(complete, (original) => {
        const told = wholeOf(codec, original)
        const answer = keep(codec, told)
        assert.ok(answer !== undefined)
        assert.equal(answer.body.toString(), told.bytes.toString().replace('"cost":0.25', '"cost":0'))
        assert.equal(answer.body.buffer.byteLength, answer.body.length)
        const cost = original.usage === undefined ? undefined : '0'
        if (original.usage !== undefined) assert.equal(inStored(codec, answer).usage?.cost ?? '0', cost)
      }),
    )
  })

  test(`${wire}: the stream of an answer that was kept says what the answer says`, () => {
    fc.assert(
      fc.property(complete, (original) => {
        const answer = keep(codec, wholeOf(codec, original))!
        assert.deepEqual(said(inReplay(codec, answer)), said(inStored(codec, answer)))
      }),
    )
  })

  test(`${wire}: a stream is kept as the answer that it told, and told again as the same stream`, () => {
    fc.assert(
      fc.property(
        complete.chain((original) => fc.tuple(fc.constant(original), any.stream(fc.constant(original)))),
        ([original, events]) => {
          const told = streamedOf(codec, original, events)
          const answer = keep(codec, told)
          assert.ok(answer !== undefined)
          const { cost: _, ...first } = said(read(codec, told))
          const { cost: stored, ...again } = said(inStored(codec, answer))
          assert.deepEqual(again, first)
          const { cost: replayed, ...replay } = said(inReplay(codec, answer))
          assert.deepEqual(replay, first)
          for (const cost of [stored, replayed]) assert.ok(cost === undefined || cost === '0', cost)
        },
      ),
    )
  })

  test(`${wire}: whether it came whole or as a stream, the same is kept or not`, () => {
    fc.assert(
      fc.property(response, fc.boolean(), (original, tools) => {
        // No model refuses and calls, and half of the wires could not say so.
        fc.pre(original.finish.reason !== 'tool-calls' || !original.parts.some(({ type }) => type === 'refusal'))
        const wanted = full(original) && (tools || original.finish.reason === 'stop')
        for (const told of [wholeOf(codec, original), streamedOf(codec, original)])
          assert.equal(keep(codec, told, tools) !== undefined, wanted, told.bytes.toString())
      }),
    )
  })

  test(`${wire}: a stream that was cut anywhere is never kept`, () => {
    fc.assert(
      fc.property(complete, fc.double({ min: 0, max: 0.999, noNaN: true }), (original, share) => {
        const { bytes, ...told } = streamedOf(codec, original)
        const frames = bytes.toString().split('\n\n').slice(0, -1)
        const cut = frames.slice(0, Math.floor(frames.length * share)).map((frame) => `${frame}\n\n`)
        const read = (): unknown => keep(codec, { ...told, bytes: Buffer.from(cut.join('')) })
        // What chat sends behind its finish is usage and a mark of the end, which some providers leave out.
        if (wire === 'openai-chat' && cut.join('').includes('"finish_reason":"')) return
        try {
          assert.equal(read(), undefined)
        } catch (error) {
          assert.equal((error as { kind?: string }).kind, 'ended_early')
        }
      }),
    )
  })
}

const answer: Response = { id: 'a', model: 'm', parts: [{ type: 'text', text: 'Hello.' }], finish: { reason: 'stop' } }
const chat = codecOf('openai-chat')

test('what the provider told of its end counts, also where the wire has no word for it', () => {
  const { finish: _, ...told } = wholeOf(chat, answer)
  for (const reason of ['length', 'filtered', 'refused', 'paused', 'other'] as const)
    assert.equal(keep(chat, { ...told, finish: { reason } }), undefined)
  assert.equal(keep(chat, { ...told, finish: undefined }), undefined)
})

test('an answer without content is not kept', () => {
  for (const parts of [[], [{ type: 'text', text: '' }], [{ type: 'reasoning', text: 'Hm.' }]] as Response['parts'][]) {
    assert.equal(keep(chat, wholeOf(chat, { ...answer, parts })), undefined)
    assert.equal(keep(chat, streamedOf(chat, { ...answer, parts })), undefined)
  }
})

test('usage that the client was not shown is kept with the answer of its stream', () => {
  const usage = { input: { total: 3, fresh: 3 }, output: { total: 2 }, raw: {} }
  const kept = keep(chat, streamedOf(chat, answer), false, { usage })!
  const { usage: stored } = JSON.parse(kept.body.toString()) as JsonObject
  assert.ok(isObject(stored))
  assert.deepEqual([stored['prompt_tokens'], stored['completion_tokens'], stored['cost']], [3, 2, 0])
  const silent = streamOf(chat, kept, chat.ingress.createStreamEncoder({ ...context, streamUsage: false }))
  assert.ok(!silent.includes('usage') && silent.includes('Hello.'))
})

test('a cost that the provider wrote itself becomes 0, whatever it is; the rest of the bytes stays', () => {
  const body = (usage: string) =>
    `{ "id":"x",\n"choices":[{"message":{"content":"Hi","role":"assistant"},"finish_reason":"stop"}], "usage" : ${usage} }`
  const withUsage = (usage: string) =>
    keep(chat, { streamed: false, bytes: Buffer.from(body(usage)), finish: { reason: 'stop' } })?.body.toString()
  assert.equal(withUsage('{"prompt_tokens":1, "cost": 1.5e-3,"x":1.0}'), body('{"prompt_tokens":1, "cost": 0,"x":1.0}'))
  assert.equal(withUsage('{"prompt_tokens":1,"cost":{"total_cost":3}}'), body('{"prompt_tokens":1,"cost":0}'))
  assert.equal(withUsage('{}'), body('{"cost":0}'))
  assert.equal(withUsage('null'), body('null'))
  assert.equal(withUsage('{"cost":1,"cost":2}'), undefined)
})

test('an answer that is too large to be read again on the event loop is not kept', () => {
  const long = (characters: number): Response => ({ ...answer, parts: [{ type: 'text', text: 'x'.repeat(characters) }] })
  assert.ok(keep(chat, wholeOf(chat, long(3 << 20))) !== undefined)
  assert.equal(keep(chat, wholeOf(chat, long(5 << 20))), undefined)
  assert.ok(keep(chat, streamedOf(chat, long(maxCachedStreamBytes - 2000))) !== undefined)
  assert.equal(keep(chat, streamedOf(chat, long(maxCachedStreamBytes))), undefined)
})

test('vectors are kept as they are', () => {
  const bytes = Buffer.from('{"object":"list","data":[{"embedding":"AACAPw=="}],"usage":{"prompt_tokens":2,"cost":0.1}}')
  const kept = keep(chat, { streamed: false, bytes, finish: undefined }, false, { embeds: true })
  assert.equal(kept?.body.toString(), bytes.toString().replace('0.1', '0'))
})

test('recorded answers of every client wire are replayed as they were told', { skip: skipWithoutCorpus }, () => {
  let replayed = 0
  for (const { exchange, wire, dialect } of readAnswered()) {
    const codec = [...clientWires.values()].find((one) => one.wire === wire)
    if (codec === undefined) continue
    const bytes = bodyBytes(exchange)
    const streamed = exchange.resp.kind !== 'json'
    let original: Response
    try {
      // Bedrock's framing and dialects of providers are left behind before an answer reaches a client.
      original = streamed
        ? fold(eventsOfStream(wire, bytes, dialect))
        : codec.egress.decodeResponse(JSON.parse(Buffer.from(bytes).toString()) as JsonObject, dialect)
    } catch {
      // Of another endpoint: counted tokens, vectors.
      continue
    }
    if (!full(original)) continue
    const told = streamedOf(codec, original)
    const answer = keep(codec, told)
    if (answer === undefined) continue
    replayed++
    assert.deepEqual(said(inReplay(codec, answer)).parts, said(inStored(codec, answer)).parts, exchange.id)
    assert.deepEqual(said(inReplay(codec, answer)).tokens, said(inStored(codec, answer)).tokens, exchange.id)
  }
  assert.ok(replayed > 300, String(replayed))
})
