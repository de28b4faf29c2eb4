// Every recorded exchange with Bedrock's Converse, and with Claude by InvokeModel: the answer says what the canon says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Dialect, type StreamEvent, type Wire } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { readCanon, readExchanges, skipWithoutCorpus, type Exchange } from '#test/corpus.ts'
import { reduce, reduceCanon } from '#test/pairs.ts'
import { providerCodecOf, type RawFrame } from '#wires'

const skip = skipWithoutCorpus

type Spoken = { readonly wire: Wire; readonly dialect: Dialect }
const converse: Spoken = { wire: 'bedrock-converse', dialect: {} }

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
