// Every recorded response, decoded, says what the corpus' canon says; and what is written again is a response by both published documents.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type Dialect, type Response, type StreamEvent } from '#ir'
import type { JsonObject } from '#kernel'
import { readCanon, readExchanges, skipWithoutCorpus, type Canon, type Exchange } from '#test/corpus.ts'
import { codecOf, createSseParser, type RawFrame } from '#wires'

const { egress } = codecOf('openai-responses')
const skip = skipWithoutCorpus

const recorded = (): Exchange[] => [
  ...readExchanges((exchange) => exchange.api === 'responses' && exchange.resp.status === 200 && exchange.resp.kind !== 'base64'),
]

function framesOf(body: string, chunkBytes = 1_400): RawFrame[] {
  const bytes = Buffer.from(body)
  const parser = createSseParser()
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes), (frame) => frames.push(frame))
  parser.end((frame) => frames.push(frame))
  return frames
}

function eventsOf(body: string, chunkBytes = 1_400, dialect: Dialect = {}): StreamEvent[] {
  const decoder = egress.createStreamDecoder(dialect)
  const events = framesOf(body, chunkBytes).flatMap((frame) => (frame.data === undefined ? [] : decoder.push(frame)))
  return [...events, ...decoder.end()]
}

function answerOf({ resp }: Exchange): Response {
  return resp.kind === 'sse' ? fold(eventsOf(resp.body)) : egress.decodeResponse(JSON.parse(resp.body) as JsonObject, {})
}

/** The canon's words for ours. */
const finishWords = new Map([
  ['tool-calls', 'tool'],
  ['filtered', 'filter'],
])

function asCanon(response: Response) {
  const join = (type: string) => response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
  const { usage } = response
  return {
    text: join('text'),
    reasoning: join('reasoning'),
    tool_calls: response.parts.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.id, name: part.name, args: part.args }] : [])),
    finish: finishWords.get(response.finish.reason) ?? response.finish.reason,
    usage:
      usage === undefined
        ? {}
        : {
            in: usage.input.total,
            out: usage.output.total,
            cache_read: usage.input.cacheRead ?? 0,
            reasoning: usage.output.reasoning ?? 0,
          },
  }
}

function ofCanon({ text, reasoning, tool_calls, finish, usage }: Canon) {
  return {
    text: text ?? '',
    reasoning: reasoning ?? '',
    tool_calls: (tool_calls ?? []).map(({ id, name, args }) => ({ id, name, args })),
    finish,
    usage:
      usage === undefined || usage === null || Object.keys(usage).length === 0
        ? {}
        : { in: usage['in'], out: usage['out'], cache_read: usage['cache_read'] ?? 0, reasoning: usage['reasoning'] ?? 0 },
  }
}

test('every recorded response decodes to the canon: text, reasoning, tool calls, finish and usage', { skip }, () => {
  const canon = readCanon()
  let compared = 0
  for (const exchange of recorded()) {
    const truth = canon.get(exchange.id)
    assert.ok(truth, exchange.id)
    assert.deepEqual(asCanon(answerOf(exchange)), ofCanon(truth), exchange.id)
    compared++
  }
  assert.ok(compared >= 199, `${compared} exchanges compared`)
})
