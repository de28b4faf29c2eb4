// Laws of every provider wire's decoder, over recorded streams: whatever the framing, chunks and newlines don't matter, and a cut is an error.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, explode, fold, type StreamEvent } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { bodyBytes, eventsOfStream, framesOf, readAnswered, wireOfApi, type Recorded } from '#test/pairs.ts'
import { providerCodecOf, wires, type RawFrame } from '#wires'

const skip = skipWithoutCorpus

/** Recorded streams of each API. */
const streamCounts: ReadonlyMap<string, number> = new Map([
  ['chat', 200],
  ['responses', 72],
  ['messages', 82],
  ['invoke', 17],
  ['generateContent', 15],
  ['converse', 37],
  ['cohere-v2-chat', 10],
  ['ollama-chat', 4],
])

const isStream = ({ exchange }: Recorded) => exchange.resp.kind !== 'json'
const eventsIn = ({ wire, dialect }: Recorded, bytes: Uint8Array, pieceBytes?: number) => eventsOfStream(wire, bytes, dialect, pieceBytes)

for (const [api, count] of streamCounts) {
  const wire = wireOfApi.get(api)!
  if (!wires.has(wire)) continue
  const streams = () => readAnswered().filter((each) => each.exchange.api === api && isStream(each))
  /** Long streams are many; some of them stand for all where the work is great. */
  const some = (most: number) => {
    const all = streams()
    return all.filter((_, at) => at % Math.ceil(all.length / most) === 0)
  }

  test(`${api}: every recorded stream is grammatical, ends in one terminal event, and folds and explodes`, { skip }, () => {
    const all = streams()
    assert.equal(all.length, count)
    for (const each of all) {
      const events = eventsIn(each, bodyBytes(each.exchange))
      assertGrammatical(events, each.exchange.id)
      const response = fold(events)
      assert.deepEqual(fold(explode(response)), response, each.exchange.id)
    }
  })

  test(`${api}: where the bytes of a recorded stream are cut doesn't matter`, { skip }, () => {
    for (const each of streams()) {
      const bytes = bodyBytes(each.exchange)
      assert.deepEqual(eventsIn(each, bytes, 7), eventsIn(each, bytes, bytes.length), each.exchange.id)
    }
    for (const each of some(12)) {
      const bytes = bodyBytes(each.exchange)
      for (const size of [1, 2]) assert.deepEqual(eventsIn(each, bytes, size), eventsIn(each, bytes), each.exchange.id)
    }
  })

  test(`${api}: a recorded stream that is cut anywhere is an error, never a clean end`, { skip }, () => {
    for (const each of some(24)) {
      const bytes = bodyBytes(each.exchange)
      const whole = fold(eventsIn(each, bytes))
      for (let at = 0; at <= 40; at++) {
        const end = Math.floor((bytes.length * at) / 40) - 1
        const events = eventsIn(each, bytes.subarray(0, Math.max(0, end)))
        assertGrammatical(events, `${each.exchange.id} at byte ${end}`)
        if (events.at(-1)!.type === 'error') continue
        // Only what comes after the terminal frame may be missing.
        assert.deepEqual(fold(events).parts, whole.parts, `${each.exchange.id} looks complete at byte ${end} of ${bytes.length}`)
      }
    }
  })

  test(`${api}: events, fields and members that nobody knows yet change nothing of a recorded stream`, { skip }, () => {
    for (const each of some(24)) {
      const frames = framesOf(wire, bodyBytes(each.exchange), each.dialect)
      const plain = decode(each, frames)
      assert.deepEqual(
        decode(
          each,
          frames.flatMap((frame) => [...unknownFrames(frame), frame]),
        ),
        plain,
        each.exchange.id,
      )
      const more = frames.map((frame) => withMembers(frame))
      assert.deepEqual(withoutExt(fold(decode(each, more))), withoutExt(fold(plain)), each.exchange.id)
    }
  })

  // Bedrock's frames are binary.
  if (wire === 'bedrock-converse' || api === 'invoke') continue
  test(`${api}: the style of newlines doesn't matter to a recorded stream`, { skip }, () => {
    for (const each of some(24)) {
      const text = bodyBytes(each.exchange)
        .toString('utf8')
        .replaceAll(/\r\n|\r/g, '\n')
      const plain = eventsIn(each, Buffer.from(text))
      for (const newline of wire === 'ollama-chat' ? ['\r\n'] : ['\r\n', '\r'])
        assert.deepEqual(eventsIn(each, Buffer.from(text.replaceAll('\n', newline)), 5), plain, each.exchange.id)
    }
  })
}

test('every API whose streams were recorded is here', { skip }, () => {
  assert.deepEqual(
    [
      ...new Set(
        readAnswered()
          .filter(isStream)
          .map(({ exchange }) => exchange.api),
      ),
    ].sort(),
    [...streamCounts.keys()].sort(),
  )
})

function assertGrammatical(events: readonly StreamEvent[], what: string): void {
  const grammar = createGrammar()
  for (const event of events) assert.equal(grammar.check(event), undefined, what)
  assert.ok(grammar.finished(), what)
}

function decode({ wire, dialect }: Recorded, frames: readonly RawFrame[]): StreamEvent[] {
  const decoder = providerCodecOf(wire).egress.createStreamDecoder(dialect)
  const events = frames.flatMap(({ event, data }) =>
    data === undefined ? [] : decoder.push({ ...(event === undefined ? {} : { event }), data }),
  )
  return [...events, ...decoder.end()]
}

/** What a newer version of the API may send in front of a frame. Wires whose frames have no type get none. */
function unknownFrames(frame: RawFrame): RawFrame[] {
  if (frame.data === undefined) return []
  const value = parsed(frame.data)
  if (frame.event === undefined && typeof value?.['type'] !== 'string') return []
  const data = JSON.stringify({ type: 'future_event', future: { deep: [1] } })
  return [{ ...frame, ...(frame.event === undefined ? {} : { event: 'future_event' }), data }]
}

/** The frame with members that are not documented, in every object that is no argument of a tool. */
function withMembers(frame: RawFrame): RawFrame {
  const value = frame.data === undefined ? undefined : parsed(frame.data)
  if (value === undefined) return frame
  return { ...frame, data: JSON.stringify(grown(value)) }
}

/** Objects of these names are the model's or the client's own. */
const verbatim = new Set(['arguments', 'args', 'input', 'input_schema', 'parameters', 'schema', 'metadata', 'tools', 'instructions'])

function grown(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(grown)
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([key, each]) => [key, verbatim.has(key) ? each : grown(each)] as const)
  // A union of one member is told by that member's name.
  return Object.fromEntries(members.length < 2 ? members : [...members, ['future_field', null]])
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What a wire keeps of fields that the language has no word for. */
function withoutExt(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, each: unknown) => (key === 'ext' || key === 'raw' || key === 'value' ? undefined : each))
}
