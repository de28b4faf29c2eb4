// The scanner of the pass-through lane and the splicer, proved against JSON.parse: what is peeked is what any parser sees.
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  Failure,
  createPeek,
  createSplicer,
  isObject,
  parseBody,
  readValue,
  type ByteRange,
  type MemberEdit,
  type Peeked,
  type PeekedMember,
} from '#kernel'
import { corpusPath, readCorpus, skipWithoutCorpus } from '#test/corpus.ts'

const fields = ['model', 'messages', 'stream', 'max_tokens'] as const
type Field = (typeof fields)[number]
const peek = createPeek({ fields, lastElementOf: 'messages' })

// JSON as text, not as values: white space, escapes and spellings of numbers that JSON.stringify never writes.
const white = fc.constantFrom('', '', '', '', ' ', '\n', '\r\n\t', '     ')
const numeral = fc.oneof(
  fc.constantFrom('0', '-0', '-0.0e-0', '1E+2', '10', '0.10', '1e999', '123456789012345678901234567890', '-1.5e-7'),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
)
const character = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', ' ', '{', '}', '[', ']', ',', ':', '/', "'", '\u007f') },
  fc.constantFrom('é', '世', '😀', '\u2028', '\u{10ffff}', '\ufeff', '\u0000é'.slice(1)),
  fc.constantFrom('\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t', '\\u0000', '\\u00E9', '\\ud83d\\ude00', '\\uD800', '\\uAbCf'),
)
const stringText = fc.array(character, { maxLength: 24, size: 'max' }).map((characters) => `"${characters.join('')}"`)
const wantedKey = fc.constantFrom(...fields).map((field) => JSON.stringify(field))
const plainKey = fc.constantFrom('"a"', '"b"', '""', '"tools"', '"mode"', '"models"', '"constructor"')
const hostileKey = fc.constantFrom('"mod\\u0065l"', '"Model"', '"MESSAGES"', '"\u017ftream"', '"__proto__"', '"\\n"', '"é"')

const { valueText } = fc.letrec<{ valueText: string; arrayText: string; objectText: string }>((tie) => ({
  valueText: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    stringText,
    numeral,
    fc.constantFrom('true', 'false', 'null', '[]', '{}', '[ ]', '{\n}'),
    tie('arrayText'),
    tie('objectText'),
  ),
  arrayText: fc
    .array(fc.tuple(white, tie('valueText'), white), { maxLength: 5 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  objectText: fc
    .array(fc.tuple(white, fc.oneof(wantedKey, plainKey, stringText), white, tie('valueText'), white), { maxLength: 5 })
    .map((members) => `{${members.map(([before, key, colon, value, after]) => `${before}${key}${colon}:${value}${after}`).join(',')}}`),
}))

type MemberText = { readonly key: string; readonly text: string }
function memberText(key: fc.Arbitrary<string>): fc.Arbitrary<MemberText> {
  return fc
    .tuple(white, key, white, white, fc.oneof(valueText, fc.constant('[{"role":"user","content":"hi"}, 2 ,3,[4]]')), white)
    .map(([before, name, colon, value, content, after]) => ({ key: name, text: `${before}${name}${colon}:${value}${content}${after}` }))
}
const documentText = (members: readonly MemberText[], before: string, after: string) =>
  `${before}{${members.map((member) => member.text).join(',')}}${after}`

/** A body whose wanted fields are there once at most: never doubtful. */
const plainBody = fc
  .tuple(fc.uniqueArray(memberText(fc.oneof(wantedKey, plainKey)), { selector: (member) => member.key, maxLength: 8 }), white, white)
  .map(([members, before, after]) => documentText(members, before, after))
/** Any object: fields repeated, escaped, or in another case. */
const wildBody = fc
  .tuple(fc.array(memberText(fc.oneof(wantedKey, plainKey, hostileKey)), { maxLength: 6 }), white, white)
  .map(([members, before, after]) => documentText(members, before, after))

/** Where a body lies in its buffer: any alignment, and leftovers behind that could complete a cut one. */
const placement = fc.record({
  headroom: fc.integer({ min: 0, max: 7 }),
  leftovers: fc.constantFrom('', '}', '"}', '"}]}', ']}', '   }', '00"}', 'rue}', '\\"}', ' '),
})
type Placement = { readonly headroom: number; readonly leftovers: string }

function place(body: Buffer, { headroom, leftovers }: Placement): { buffer: Buffer; start: number; end: number } {
  const buffer = Buffer.concat([Buffer.alloc(headroom, '{'), body, Buffer.from(leftovers)])
  return { buffer, start: headroom, end: headroom + body.length }
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

/** What JSON.parse, and nothing of ours, says of these bytes. */
function parse(body: Buffer): Parsed {
  if (!isUtf8(body)) return { ok: false }
  try {
    return { ok: true, value: JSON.parse(body.toString('utf8')) }
  } catch {
    return { ok: false }
  }
}

/** Checks every law that holds for any bytes; returns whether they were doubtful. */
function checkBytes(body: Buffer, placed: Placement): boolean {
  const { buffer, start, end } = place(body, placed)
  const parsed = parse(body)
  const found = peek.peek(buffer, start, end)
  if (found !== 'doubtful') {
    assert.ok(parsed.ok && isObject(parsed.value), 'what JSON.parse rejects was not doubtful')
    for (const field of fields) {
      const member: PeekedMember = found.members[field]
      assert.equal(member.start >= 0, Object.hasOwn(parsed.value, field), field)
      if (member.start < 0) continue
      assert.deepEqual(readValue(buffer, member), parsed.value[field])
      assert.deepEqual(JSON.parse(`{${buffer.toString('utf8', member.keyStart, member.end)}}`), { [field]: parsed.value[field] })
    }
    const messages = parsed.value['messages']
    assert.equal(found.elements.count, Array.isArray(messages) ? messages.length : -1)
    if (Array.isArray(messages) && messages.length > 0) {
      assert.deepEqual(readValue(buffer, found.elements.last), messages.at(-1))
      const first = found.elements.first.filter((range) => range.start >= 0).map((range) => readValue(buffer, range))
      assert.deepEqual(first, messages.slice(0, 3))
      for (let distance = 0; distance <= 16; distance++) {
        const range: ByteRange | undefined = found.elements.fromEnd(distance)
        assert.equal(range !== undefined, distance < Math.min(messages.length, 16))
        if (range !== undefined) assert.deepEqual(readValue(buffer, range), messages.at(-1 - distance))
      }
    }
  }
  let full: unknown
  try {
    full = parseBody(buffer, start, end, fields)
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'invalid_request', String(error))
    assert.equal(found, 'doubtful', 'the full parser refuses what was peeked')
    return true
  }
  const marked = body.subarray(0, 3).equals(Buffer.from('\ufeff'))
  const expected = marked ? parse(body.subarray(3)) : parsed
  assert.ok(expected.ok, 'the full parser takes what JSON.parse rejects')
  assert.deepEqual(full, expected.value)
  return found === 'doubtful'
}

test('a body with plain keys, each wanted one at most once, is peeked exactly', () => {
  fc.assert(
    fc.property(plainBody, placement, (text, placed) => assert.equal(checkBytes(Buffer.from(text), placed), false)),
    { numRuns: 3000 },
  )
})

test('whatever the keys, what is peeked is what JSON.parse says, and the rest is doubtful', () => {
  let doubtful = 0
  fc.assert(
    fc.property(wildBody, placement, (text, placed) => {
      if (checkBytes(Buffer.from(text), placed)) doubtful++
    }),
    { numRuns: 2000 },
  )
  assert.ok(doubtful > 100 && doubtful < 1900, `${doubtful} of 2000 bodies were doubtful: the generator is one-sided`)
})

test('after flips, cuts, insertions and copies of bytes, nothing that JSON.parse rejects is peeked', () => {
  const mutation = fc.record({
    kind: fc.constantFrom('flip', 'set', 'cut', 'insert', 'copy', 'end'),
    // Unbiased: fast-check would try the first byte far too often.
    at: fc.noBias(fc.nat({ max: 999_999 })).map((millionth) => millionth / 1e6),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('"\\{}[],:0-e.tu\n\0 a1    ')), fc.integer({ min: 0, max: 255 })),
    length: fc.integer({ min: 1, max: 12 }),
  })
  const verdicts = { peeked: 0, rejected: 0 }
  fc.assert(
    fc.property(fc.oneof(plainBody, wildBody), fc.array(mutation, { minLength: 1, maxLength: 2 }), placement, (text, mutations, placed) => {
      let body = Buffer.from(text)
      for (const { kind, at, byte, length } of mutations) {
        const i = Math.floor(at * body.length)
        const [before, after] = [body.subarray(0, i), body.subarray(i)]
        if (kind === 'flip') body[i]! ^= 1 << (byte & 7)
        else if (kind === 'set') body[i] = byte
        else if (kind === 'cut') body = Buffer.concat([before, after.subarray(length)])
        else if (kind === 'insert') body = Buffer.concat([before, Buffer.from([byte]), after])
        else if (kind === 'copy') body = Buffer.concat([before, after.subarray(0, length), after])
        else body = Buffer.from(before)
      }
      if (!checkBytes(body, placed)) verdicts.peeked++
      if (!parse(body).ok) verdicts.rejected++
    }),
    { numRuns: 6000 },
  )
  assert.ok(verdicts.peeked > 300 && verdicts.rejected > 300, `one-sided: ${JSON.stringify(verdicts)}`)
})

test('arbitrary bytes and arbitrary texts never slip through', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), placement, (bytes, placed) => void checkBytes(Buffer.from(bytes), placed)))
  fc.assert(fc.property(fc.json(), placement, (text, placed) => void checkBytes(Buffer.from(`{"model":${text}}`), placed)))
})

test('each file of JSONTestSuite gets the verdict of JSON.parse, alone and inside a body', { skip: skipWithoutCorpus }, () => {
  const folder = corpusPath('bad-input', 'JSONTestSuite')
  assert.ok(folder !== undefined)
  const files = readdirSync(folder)
  assert.ok(files.length > 100)
  for (const file of files) {
    const bytes: Buffer = readFileSync(path.join(folder, file))
    const embedded = Buffer.concat([Buffer.from('{"model":"x","messages":['), bytes, Buffer.from('],"stream":true}')])
    for (const body of [bytes, embedded] as const) {
      for (const leftovers of ['', '"}]}', ']}']) {
        for (let headroom = 0; headroom < 4; headroom++) {
          const doubtful = checkBytes(body, { headroom, leftovers })
          if (body === embedded && file.startsWith('y_')) assert.equal(doubtful, false, `${file} inside a body`)
          if (body === embedded && file.startsWith('n_')) assert.equal(doubtful, !parse(body).ok, `${file} inside a body`)
        }
      }
    }
  }
})

test('naughty strings are peeked as they are, raw, escaped and as text of a message', { skip: skipWithoutCorpus }, () => {
  const strings: unknown = JSON.parse(readCorpus('bad-input', 'blns.json').toString('utf8'))
  assert.ok(Array.isArray(strings) && strings.length > 400)
  for (const naughty of strings as string[]) {
    const body = JSON.stringify({ model: naughty, messages: [{ content: naughty }], [`x${naughty}`]: 1 })
    const asciiOnly = body.replaceAll(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    for (const text of [body, asciiOnly, `{"model":"${naughty}"}`, naughty]) checkBytes(Buffer.from(text), { headroom: 1, leftovers: '"}' })
    const plain = JSON.stringify({ model: naughty, messages: [{ content: naughty }] })
    assert.equal(checkBytes(Buffer.from(plain), { headroom: 2, leftovers: '' }), false)
  }
})

const edit: fc.Arbitrary<MemberEdit<Field>> = fc.record({
  field: fc.constantFrom(...fields),
  json: fc.option(valueText, { nil: undefined }),
})
const edits = fc.uniqueArray(edit, { selector: (one) => one.field, maxLength: fields.length })
const everything = createPeek({ fields: [...fields, 'a', 'b', 'tools', 'mode', 'models', 'constructor'] })

/** Texts of the members other than those, in order. */
function untouched(buffer: Buffer, found: Peeked, edited: ReadonlySet<string>): string[] {
  return Object.values(found.members)
    .filter((member) => member.start >= 0 && !edited.has(member.name))
    .sort((one, other) => one.start - other.start)
    .map((member) => buffer.toString('latin1', member.keyStart, member.end))
}

test('a splice makes exactly its edits, can be repeated for other targets, and is taken back byte for byte', () => {
  const room = fc.constantFrom(0, 1, 3, 10, 60, 500)
  let inPlace = 0
  fc.assert(
    fc.property(plainBody, fc.array(edits, { minLength: 1, maxLength: 3 }), room, room, (text, targets, headroom, tailroom) => {
      const body = Buffer.from(text)
      const buffer = Buffer.concat([Buffer.alloc(headroom, '"'), body, Buffer.alloc(tailroom, '}')])
      const end = headroom + body.length
      const found = peek.peek(buffer, headroom, end, peek.createResult())
      assert.ok(found !== 'doubtful')
      const before = everything.peek(Buffer.from(text), 0, body.length, everything.createResult())
      assert.ok(before !== 'doubtful')
      const splicer = createSplicer(buffer, headroom, end, found)
      for (const target of targets) {
        const expected = new Map(Object.entries(JSON.parse(text) as object))
        for (const { field, json } of target) {
          if (json === undefined) expected.delete(field)
          else expected.set(field, JSON.parse(json))
        }
        const spliced = splicer.splice(target)
        if (spliced.buffer === buffer) inPlace++
        const result = Buffer.from(spliced.buffer.subarray(spliced.start, spliced.end))
        assert.deepEqual(new Map(Object.entries(JSON.parse(result.toString('utf8')) as object)), expected)
        const after = everything.peek(result, 0, result.length)
        assert.ok(after !== 'doubtful', 'a splice made its body doubtful')
        const names = new Set(target.map(({ field }) => field))
        assert.deepEqual(untouched(result, after, names), untouched(body, before, names))
        if (target.every(({ field, json }) => json !== undefined && found.members[field].start >= 0)) {
          assert.equal(result.toString('latin1'), replaceFromBack(body, before, target))
        }
      }
      splicer.restore()
      assert.ok(buffer.subarray(headroom, end).equals(body))
    }),
    { numRuns: 3000 },
  )
  assert.ok(inPlace > 1000)
})

/** The same replacements by plain string cutting. */
function replaceFromBack(body: Buffer, found: Peeked, target: readonly MemberEdit[]): string {
  let text = body.toString('latin1')
  const placed = target.map(({ field, json }) => ({ member: found.members[field]!, json: Buffer.from(json!).toString('latin1') }))
  for (const { member, json } of placed.sort((one, other) => other.member.start - one.member.start)) {
    text = text.slice(0, member.start) + json + text.slice(member.end)
  }
  return text
}
