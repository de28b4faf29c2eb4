// Peeking with a predecessor, proved against peeking without one: whatever the two bodies are, the answer is the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createPeek, type Peeked, type PreviousBody } from '#kernel'

const fields = ['model', 'messages', 'stream', 'system', 'max_tokens'] as const
type Field = (typeof fields)[number]
const peek = createPeek({ fields, lastElementOf: 'messages' })

/** Everything that a peek promises; what it reused is its own business. */
function promised(found: Peeked<Field> | 'doubtful'): unknown {
  if (found === 'doubtful') return found
  const members = fields.map((field) => {
    const { name, keyStart, start, end, comma, next } = found.members[field]
    return { name, keyStart, start, end, comma, next }
  })
  const { first, last, count } = found.elements
  const range = ({ start, end }: { start: number; end: number }) => [start, end]
  return {
    start: found.start,
    end: found.end,
    insertAt: found.insertAt,
    memberCount: found.memberCount,
    members,
    count,
    first: first.map(range),
    last: range(last),
    tail: Array.from({ length: 17 }, (_, distance) => found.elements.fromEnd(distance)),
  }
}

// Bodies as parts, so that the next one can differ from the one before in any of them.
type Body = {
  readonly before: readonly string[]
  readonly elements: readonly string[]
  readonly after: readonly string[]
  readonly spaces: number
}

const element = fc.oneof(
  fc.nat({ max: 130 }).map(String),
  fc.constantFrom('true', 'null', '"a"', '""', '[]', '[1,2]', '{"role":"user","content":"hi"}', '{"a":[{}]}'),
  // What a scanner that resumed in the wrong state would believe.
  fc.constantFrom('"],\\"stream\\":true}"', '"]"', '"[\\""', '"\\\\"', '"},{"', '{"messages":[1,2,"]"]}', '"é"', '"\\u005d"', '[["],"]]'),
)
const member = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('"model":"m"', '"stream":true', '"stream":false', '"system":"be kind"', '"max_tokens":1', '"max_tokens":12'),
  },
  { weight: 6, arbitrary: fc.constantFrom('"tools":[{"name":"]"}]', '"tools":[{"name":"x"}]', '"n":1', '"user":"u"', '"x":{"model":1}') },
  { weight: 1, arbitrary: fc.constantFrom('"Model":1', '"mod\\u0065l":1', '"messages":[3]', '"messages":"no array"', '"x":01', '"x"') },
)
const nameOf = (text: string) => text.slice(0, text.indexOf(':'))
const membersOf = fc.uniqueArray(member, { selector: nameOf, maxLength: 4 })
const body: fc.Arbitrary<Body> = fc
  .record({
    before: membersOf,
    elements: fc.array(element, { maxLength: 40, size: 'max' }),
    after: membersOf,
    spaces: fc.constantFrom(0, 0, 0, 1, 2),
  })
  .map(({ before, elements, after, spaces }) => {
    const names = new Set(before.map(nameOf))
    return { before, elements, after: after.filter((text) => !names.has(nameOf(text))), spaces }
  })

function textOf({ before, elements, after, spaces }: Body): string {
  const space = ' '.repeat(spaces)
  const messages = `"messages":${space}[${space}${elements.join(`${space},${space}`)}${space}]`
  return `${space}{${space}${[...before, messages, ...after].join(`${space},${space}`)}${space}}${space}`
}

const within = fc.noBias(fc.nat({ max: 999_999 })).map((millionth) => millionth / 1e6)

/** How a conversation goes on, for better or worse. */
const change: fc.Arbitrary<(body: Body) => Body> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(element, { minLength: 1, maxLength: 4 })
      .map((more) => (one: Body) => ({ ...one, elements: [...one.elements, ...more] })),
  },
  fc.constant((one: Body) => one),
  fc.tuple(within, element).map(([at, text]) => (one: Body) => ({
    ...one,
    elements: one.elements.map((old, index) => (index === Math.floor(at * one.elements.length) ? text : old)),
  })),
  fc.tuple(within, within).map(([from, to]) => (one: Body) => ({
    ...one,
    elements: one.elements.slice(Math.floor(from * 2), Math.ceil(to * one.elements.length)),
  })),
  fc.constant((one: Body) => ({ ...one, elements: one.elements.toReversed() })),
  membersOf.map((after) => (one: Body) => ({ ...one, after })),
  membersOf.map((before) => (one: Body) => ({ ...one, before })),
  member.map((more) => (one: Body) => ({ ...one, before: [...one.before, more] })),
  member.map((more) => (one: Body) => ({ ...one, after: [...one.after, more] })),
  member.map((more) => (one: Body) => ({ ...one, after: [more, ...one.after.slice(1)] })),
  fc.constant((one: Body) => ({ ...one, before: one.after, after: one.before })),
  fc.constant((one: Body) => ({ ...one, after: one.after.toReversed() })),
  fc.constantFrom(0, 1, 2).map((spaces) => (one: Body) => ({ ...one, spaces })),
)
const mutation = fc.record({
  kind: fc.constantFrom('flip', 'set', 'cut', 'insert', 'copy', 'end'),
  at: within,
  byte: fc.oneof(fc.constantFrom(...Buffer.from('"\\{}[],:0-e.tu\n a1   ')), fc.integer({ min: 0, max: 255 })),
  length: fc.integer({ min: 1, max: 12 }),
})
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never

function mutated(bytes: Buffer, { kind, at, byte, length }: Mutation): Buffer {
  const i = Math.floor(at * bytes.length)
  const [before, after] = [bytes.subarray(0, i), bytes.subarray(i)]
  if (kind === 'cut') return Buffer.concat([before, after.subarray(length)])
  if (kind === 'insert') return Buffer.concat([before, Buffer.from([byte]), after])
  if (kind === 'copy') return Buffer.concat([before, after.subarray(0, length), after])
  if (kind === 'end') return Buffer.from(before)
  const changed = Buffer.from(bytes)
  if (bytes.length > 0) changed[i] = kind === 'flip' ? bytes[i]! ^ (1 << (byte & 7)) : byte
  return changed
}

/** Where a body lies in its buffer, and what lies behind it: leftovers that could complete a cut one. */
const placement = fc.record({
  headroom: fc.integer({ min: 0, max: 5 }),
  leftovers: fc.constantFrom('', '}', '"}', ']}', '"}]}', '2]}', ' ', ','),
})
type Placement = { readonly headroom: number; readonly leftovers: string }

const turn = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 2 }),
  mutations: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 2 }) },
  ),
  placed: placement,
})

type Tally = { head: number; rest: number; doubtful: number; turns: number }

/** Peeks at those bytes with the predecessor and without; returns what may be the next predecessor. */
function compare(
  bytes: Buffer,
  { headroom, leftovers }: Placement,
  previous: PreviousBody<Field> | undefined,
  tally: Tally,
): PreviousBody<Field> | undefined {
  const buffer = Buffer.concat([Buffer.alloc(headroom, '['), bytes, Buffer.from(leftovers)])
  const [start, end] = [headroom, headroom + bytes.length]
  const fresh = promised(peek.peek(buffer, start, end))
  const before = previous && promised(previous.found)
  const found = peek.resume(buffer, start, end, previous, peek.createResult())
  assert.deepEqual(promised(found), fresh)
  if (previous !== undefined) assert.deepEqual(promised(previous.found), before, 'the predecessor was changed')
  tally.turns++
  if (found === 'doubtful') {
    tally.doubtful++
    return undefined
  }
  if (found.reused.head > 0) tally.head++
  if (found.reused.rest > 0) tally.rest++
  return { buffer, start, end, found }
}

test('with any predecessor, a peek gives the answer that it gives without one', () => {
  const tally = { head: 0, rest: 0, doubtful: 0, turns: 0 }
  fc.assert(
    fc.property(body, placement, fc.array(turn, { minLength: 1, maxLength: 4 }), (first, placed, turns) => {
      let parts = first
      let previous = compare(Buffer.from(textOf(parts)), placed, undefined, tally)
      for (const { changes, mutations, placed: place } of turns) {
        for (const apply of changes) parts = apply(parts)
        let bytes: Buffer = Buffer.from(textOf(parts))
        for (const one of mutations) bytes = mutated(bytes, one)
        previous = compare(bytes, place, previous, tally) ?? previous
      }
    }),
    { numRuns: 3000 },
  )
  assert.ok(
    tally.head > tally.turns / 10 && tally.rest > tally.turns / 10 && tally.doubtful > tally.turns / 10,
    `one-sided: ${JSON.stringify(tally)}`,
  )
})

test('of a history that grew, only the new turns are scanned, again and again', () => {
  const message = (n: number) => ({ role: n % 2 === 0 ? 'user' : 'assistant', content: `"turn" ${n}\n` })
  const bytesOf = (count: number, key: number) =>
    Buffer.from(
      JSON.stringify({
        model: 'm',
        messages: Array.from({ length: count }, (_, n) => message(n)),
        stream: true,
        x: [{}],
        key,
        system: 'y',
      }),
    )
  let previous: PreviousBody<Field> | undefined
  // More messages than marks: some of these are thinned out.
  for (const count of [1, 10, 11, 100, 1000, 3000, 3001, 9000, 9002]) {
    const tally = { head: 0, rest: 0, doubtful: 0, turns: 0 }
    const bytes = bytesOf(count, count)
    const next = compare(bytes, { headroom: count & 3, leftovers: '' }, previous, tally)
    assert.ok(next !== undefined)
    const { head, rest } = next.found.reused
    assert.equal(head, previous === undefined ? 0 : previous.found.elements.last.end - previous.start)
    assert.equal(rest, previous === undefined ? 0 : ',"system":"y"}'.length)
    previous = next
  }
  // The last ones are known, wherever the history ends now between two marks.
  for (const count of [4990, 4992, 4993, 5000, 5001, 1025, 17, 16, 15])
    assert.ok(
      compare(bytesOf(count, 9002), { headroom: 1, leftovers: '' }, previous, { head: 0, rest: 0, doubtful: 0, turns: 0 }) !== undefined,
    )
  // Half of the messages were thrown away: what is before them, up to a mark nearby, is not scanned.
  const cut = compare(
    Buffer.from(
      bytesOf(5000, 9002)
        .toString()
        .replace(/content":"\\"turn\\" 4990/, '$&!'),
    ),
    { headroom: 0, leftovers: '' },
    previous,
    {
      head: 0,
      rest: 0,
      doubtful: 0,
      turns: 0,
    },
  )
  assert.ok(cut !== undefined)
  const edited = cut.buffer.indexOf('4990!')
  assert.ok(cut.found.reused.head > edited - 2000 && cut.found.reused.head < edited)
  assert.ok(cut.found.reused.rest > 30)
})
