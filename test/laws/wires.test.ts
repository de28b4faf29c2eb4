// Laws of every wire that is registered.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  createGrammar,
  explode,
  fold,
  type FunctionTool,
  type Request,
  type Response,
  type StreamEvent,
  type TokenLogprob,
  type Turn,
} from '#ir'
import { Failure, type JsonObject } from '#kernel'
import * as any from '#test/arbitraries.ts'
import { clientWires, createSseParser, type AnswerContext, type EncodeTarget, type RawFrame, type WireCodec } from '#wires'

const context: AnswerContext = { requestId: 'req_1', model: 'served-model', createdSeconds: 1_700_000_000, streamUsage: true }

/** The vendor whose seals may go back on this wire, and a dialect that can say the most. */
const sealDomains = new Map([
  ['openai-chat', 'anthropic'],
  ['anthropic-messages', 'anthropic'],
  ['gemini', 'google'],
  ['openai-responses', 'openai'],
])
const targetOf = (codec: WireCodec): EncodeTarget => ({
  model: 'target-model',
  dialect: { developerRole: true, cacheControl: true, reasoningField: 'reasoning_content' },
  sealDomain: sealDomains.get(codec.wire)!,
  defaultMaxOutputTokens: 4_096,
})

function framesOf(stream: string, sizes: () => number, newline = '\n'): RawFrame[] {
  const bytes = Buffer.from(newline === '\n' ? stream : stream.replaceAll('\n', newline))
  const parser = createSseParser()
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length;) {
    const next = at + Math.max(1, sizes())
    parser.push(bytes.subarray(at, next), (frame) => frames.push(frame))
    at = next
  }
  parser.end((frame) => frames.push(frame))
  return frames
}

function decode(codec: WireCodec, frames: readonly RawFrame[]): StreamEvent[] {
  const decoder = codec.egress.createStreamDecoder({})
  const events = frames.flatMap((frame) => (frame.data === undefined ? [] : decoder.push(frame)))
  return [...events, ...decoder.end()]
}

function encode(codec: WireCodec, events: readonly StreamEvent[], costUsd?: number): string {
  const encoder = codec.ingress.createStreamEncoder(context)
  if (costUsd !== undefined) encoder.setCost(costUsd)
  return events.map((event) => encoder.push(event)).join('')
}

/** What every wire must carry of an answer, whatever its own blocks are. */
function essence(response: Response) {
  const join = (...types: string[]) => response.parts.map((part) => (types.includes(part.type) && 'text' in part ? part.text : '')).join('')
  const { usage, finish } = response
  return {
    words: join('text', 'refusal'),
    reasoning: join('reasoning'),
    seals: response.parts.flatMap((part) => (part.type === 'reasoning' && part.seal !== undefined ? [part.seal.data] : [])),
    calls: response.parts.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.id, name: part.name, args: part.args }] : [])),
    reason: finish.reason,
    tokens:
      usage === undefined ? undefined : [usage.input.total, usage.input.cacheRead ?? 0, usage.input.cacheWrite ?? 0, usage.output.total],
  }
}

type CitationField = 'url' | 'title' | 'quote' | 'start' | 'end'
/** What the wires with a form for it carry of a citation of a web page; and those that carry probabilities. */
const citationFields: ReadonlyMap<string, readonly CitationField[]> = new Map([
  ['openai-chat', ['url', 'title', 'start', 'end']],
  ['openai-responses', ['url', 'title', 'start', 'end']],
  ['anthropic-messages', ['url', 'title', 'quote']],
  ['gemini', ['url', 'title', 'start', 'end']],
] as const)
const carriesLogprobs = new Set(['openai-chat', 'openai-responses', 'gemini'])

/** Some wires demand the bytes of a token: then those of its text. Google's tokens have none. */
const withBytes = (token: TokenLogprob, wire: string): TokenLogprob => {
  const { bytes = [...Buffer.from(token.token)], ...rest } = token
  return wire === 'gemini' ? rest : { ...rest, bytes }
}

/** What hangs on the words of an answer, as far as the wire has a form for it. A place that isn't known is the whole text. */
function marksOf(response: Response, wire: string) {
  const fields = citationFields.get(wire) ?? []
  const texts = response.parts.filter((part) => part.type === 'text')
  const cited = texts.flatMap(({ text, citations = [] }) =>
    citations.map((citation) => ({ quote: '', start: 0, end: text.length, ...citation })),
  )
  return {
    citations: fields.length === 0 ? [] : cited.map((citation) => Object.fromEntries(fields.map((field) => [field, citation[field]]))),
    logprobs: carriesLogprobs.has(wire)
      ? texts.flatMap(({ logprobs = [] }) =>
          logprobs.map(({ top, ...token }) => ({ ...withBytes(token, wire), top: top.map((each) => withBytes(each, wire)) })),
        )
      : [],
  }
}

/** Some wires demand usage: then an answer without any gets zeros. A refusal may end with a word of its own. */
function comparable(response: Response, original: Response) {
  const { tokens, reason, ...rest } = essence(response)
  const refuses = original.parts.some((part) => part.type === 'refusal')
  return { ...rest, ...(original.usage === undefined ? {} : { tokens }), ...(refuses ? {} : { reason }) }
}

/** Ways to say the same: neighbouring turns of one role are one turn to a model; parallel calls and lax tools are every wire's default,
 * and where no tool may be called, nothing is parallel. */
function normal(request: Request): Record<string, unknown> {
  const turns: Turn[] = []
  for (const turn of request.turns) {
    const last = turns.at(-1)
    if (last?.role === turn.role && turn.role !== 'system')
      turns[turns.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] } as Turn
    else turns.push(turn)
  }
  const { parallelToolCalls, tools, ...rest } = request
  const matters = parallelToolCalls === false && request.toolChoice?.mode !== 'none'
  const laxTools = tools?.map((tool) => {
    const { strict, ...lax } = tool as FunctionTool
    return strict === true ? tool : lax
  })
  return {
    ...rest,
    turns,
    ...(laxTools === undefined ? {} : { tools: laxTools }),
    ...(matters ? { parallelToolCalls } : {}),
  }
}

for (const codec of clientWires.values()) {
  const { wire } = codec
  const response = any.response(sealDomains.get(wire), true)

  test(`${wire}: an answer survives being written and read`, () => {
    fc.assert(
      fc.property(response, (original) => {
        const read = codec.egress.decodeResponse(codec.ingress.encodeResponse(original, context, 0.25), {})
        assert.deepEqual(comparable(read, original), comparable(original, original))
        assert.deepEqual(marksOf(read, wire), marksOf(original, wire))
        assert.equal(read.model, original.model ?? context.model)
      }),
    )
  })

  test(`${wire}: a streamed answer survives being written, parsed and read, however its bytes are cut`, () => {
    fc.assert(
      fc.property(
        response.chain((original) => fc.tuple(fc.constant(original), any.stream(fc.constant(original)))),
        fc.infiniteStream(fc.integer({ min: 1, max: 60 })),
        ([original, events], sizes) => {
          const written = encode(codec, events, 0.25)
          const whole = decode(
            codec,
            framesOf(written, () => 1_000_000),
          )
          assert.deepEqual(comparable(fold(whole), original), comparable(original, original))
          assert.deepEqual(marksOf(fold(whole), wire), marksOf(original, wire))
          for (const size of [() => 1, () => 2, () => 7, () => sizes.next().value as number]) {
            assert.deepEqual(decode(codec, framesOf(written, size)), whole)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test(`${wire}: the style of newlines doesn't matter`, () => {
    fc.assert(
      fc.property(any.stream(response), (events) => {
        const written = encode(codec, events)
        const whole = decode(
          codec,
          framesOf(written, () => 1_000_000),
        )
        for (const newline of ['\r\n', '\r'])
          assert.deepEqual(
            decode(
              codec,
              framesOf(written, () => 3, newline),
            ),
            whole,
          )
      }),
      { numRuns: 60 },
    )
  })

  test(`${wire}: every cut prefix of a stream is grammatical and ends in exactly one terminal event`, () => {
    fc.assert(
      fc.property(fc.oneof(any.stream(response), any.interleavedCalls), (events) => {
        const bytes = Buffer.from(encode(codec, events))
        const step = Math.max(1, Math.floor(bytes.length / 40))
        for (let end = 0; end < bytes.length; end += step) {
          const decoded = decode(
            codec,
            framesOf(bytes.subarray(0, end).toString('latin1'), () => 64),
          )
          const grammar = createGrammar()
          for (const event of decoded) assert.equal(grammar.check(event), undefined)
          assert.equal(grammar.finished(), true)
        }
      }),
      { numRuns: 40 },
    )
  })

  test(`${wire}: calls whose deltas interleave arrive whole`, () => {
    fc.assert(
      fc.property(any.interleavedCalls, (events) => {
        const read = fold(
          decode(
            codec,
            framesOf(encode(codec, events), () => 100),
          ),
        )
        const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
        assert.deepEqual(essence(read).calls.sort(byId), essence(fold(events)).calls.sort(byId))
      }),
    )
  })

  test(`${wire}: an error at any point of a stream is an error for the client, and nothing looks complete`, () => {
    fc.assert(
      fc.property(any.stream(response), fc.nat(), any.failure, (events, cut, failure) => {
        const told: StreamEvent[] = [...events.slice(0, 1 + (cut % (events.length - 1))), { type: 'error', error: failure }]
        assert.throws(
          () =>
            fold(
              decode(
                codec,
                framesOf(encode(codec, told), () => 50),
              ),
            ),
          Failure,
        )
        const inBand = encode(codec, told.slice(0, -1)) + codec.ingress.encodeStreamError(failure, 'req_1')
        assert.throws(
          () =>
            fold(
              decode(
                codec,
                framesOf(inBand, () => 50),
              ),
            ),
          Failure,
        )
      }),
    )
  })

  test(`${wire}: a preamble and keep-alives change nothing of the answer but its name`, () => {
    fc.assert(
      fc.property(any.stream(response), (events) => {
        const encoder = codec.ingress.createStreamEncoder(context)
        let written = encoder.preamble() + encoder.keepAlive()
        for (const event of events) {
          written += encoder.push(event)
          if (event.type !== 'finish') written += encoder.keepAlive()
        }
        const late = fold(
          decode(
            codec,
            framesOf(written, () => 80),
          ),
        )
        const plain = fold(
          decode(
            codec,
            framesOf(encode(codec, events), () => 80),
          ),
        )
        assert.deepEqual(essence(late), essence(plain))
        assert.equal(late.model, context.model)
      }),
      { numRuns: 60 },
    )
  })

  test(`${wire}: usage adds up after reading`, () => {
    fc.assert(
      fc.property(response, (original) => {
        fc.pre(original.usage !== undefined)
        const { usage } = codec.egress.decodeResponse(codec.ingress.encodeResponse(original, context, undefined), {})
        assert.ok(usage)
        assert.equal(usage.input.total, usage.input.fresh + (usage.input.cacheRead ?? 0) + (usage.input.cacheWrite ?? 0))
        assert.ok((usage.output.reasoning ?? 0) <= usage.output.total)
      }),
    )
  })

  test(`${wire}: a request read back is the request, minus exactly what the notes say`, () => {
    fc.assert(
      fc.property(any.request(sealDomains.get(wire)), (original) => {
        const { body, notes } = codec.egress.encodeRequest(original, targetOf(codec))
        const path = { model: 'target-model', stream: original.stream }
        const read = normal(codec.ingress.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject, path).request)
        const noted = new Set(notes.map(({ path }) => path.split(/[.[]/)[0]!))
        for (const [field, value] of Object.entries(normal(original))) {
          if (field === 'model' || noted.has(field)) continue
          assert.deepEqual(read[field], value, `${field}; notes: ${JSON.stringify(notes)}`)
        }
        assert.equal(read['model'], 'target-model')
      }),
    )
  })

  test(`${wire}: writing a cost into a passing frame changes nothing else`, () => {
    fc.assert(
      fc.property(any.stream(response), fc.constantFrom(0, 0.000_001_5, 12.25), (events, costUsd) => {
        const watch = codec.passThrough.createWatch({})
        for (const frame of framesOf(encode(codec, events), () => 90)) {
          if (frame.data === undefined) continue
          const watched = watch.frame(frame)
          const rewritten = watch.withCost(frame, costUsd)
          if (rewritten === undefined) continue
          assert.ok(watched.usage !== undefined || wire !== 'openai-chat')
          const [after] = framesOf(rewritten, () => 1_000_000)
          const without = (value: string) => JSON.parse(value, (key, each) => (key === 'cost' ? undefined : each)) as unknown
          assert.deepEqual(without(after!.data!), without(frame.data))
          assert.ok(after!.data!.includes(`"cost":${JSON.stringify(costUsd)}`))
          assert.equal(rewritten.replace(/"cost":[^,}]*,?/, '').length <= frame.raw.toString().length, true)
        }
      }),
      { numRuns: 60 },
    )
  })

  test(`${wire}: after the answer has begun, frames that carry usage, a finish, an error or the end hold a marker`, () => {
    fc.assert(
      fc.property(any.stream(response), any.failure, (events, failure) => {
        const written = encode(codec, events) + codec.ingress.encodeStreamError(failure, 'req_1')
        const watch = codec.passThrough.createWatch({})
        let begun = false
        for (const frame of framesOf(written, () => 1_000_000)) {
          if (frame.data === undefined) continue
          const { usage, finish, error, terminal, content } = watch.frame(frame)
          // Until the answer has begun every frame is read.
          const mayBeSkipped = begun
          begun ||= content === true
          if (!mayBeSkipped) continue
          if (usage === undefined && finish === undefined && error === undefined && terminal !== true) continue
          assert.ok(
            codec.passThrough.markers.some((marker) => frame.raw.includes(marker)),
            frame.raw.toString(),
          )
        }
      }),
      { numRuns: 60 },
    )
  })

  test(`${wire}: an explosion of an answer and the answer say the same`, () => {
    fc.assert(
      fc.property(response, (original) => {
        const streamed = fold(
          decode(
            codec,
            framesOf(encode(codec, explode(original)), () => 200),
          ),
        )
        const whole = codec.egress.decodeResponse(codec.ingress.encodeResponse(original, context, undefined), {})
        assert.deepEqual(comparable(streamed, original), comparable(whole, original))
      }),
    )
  })
}
