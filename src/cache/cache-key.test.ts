// What is the same request, and what is another one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cacheKeyOf, canonicalJson } from './cache-key.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

const none: ReadonlySet<string> = new Set()
const canonical = (text: string, without = none): string | undefined => canonicalJson(Buffer.from(text), without)

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }) as fc.Arbitrary<Json>
const object = fc.dictionary(fc.string({ unit: 'binary' }), json, { noNullPrototype: true }) as fc.Arbitrary<{ [name: string]: Json }>

/** The same value, written as somebody else might: members in another order, white space, escapes. */
function spelled(value: Json, random: () => number): string {
  const space = (): string => ['', ' ', '\n', '\t\r\n '][Math.floor(random() * 4)]!
  const text = (word: string): string =>
    `"${[...word]
      .map((character) => {
        const plain = JSON.stringify(character).slice(1, -1)
        if (random() < 0.8) return plain
        return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')
      })
      .join('')}"`
  if (typeof value === 'string') return text(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${space()}${value.map((one) => spelled(one, random) + space()).join(`,${space()}`)}]`
  const members = Object.entries(value)
    .map((member) => ({ member, at: random() }))
    .sort((a, b) => a.at - b.at)
  return `{${space()}${members.map(({ member: [name, one] }) => `${text(name)}${space()}:${space()}${spelled(one, random)}${space()}`).join(',')}}`
}

const random = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })).map((numbers) => () => numbers.next().value as number)

test('however it is written, the same body is the same', () => {
  fc.assert(
    fc.property(object, random, random, (value, one, other) => {
      const first = canonical(spelled(value, one))
      assert.ok(first !== undefined)
      assert.equal(canonical(spelled(value, other)), first)
      assert.deepEqual(JSON.parse(first), JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('two bodies that say different things are different', () => {
  fc.assert(
    fc.property(object, object, (one, other) => {
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
      assert.equal(canonical(JSON.stringify(one)) === canonical(JSON.stringify(other)), same)
    }),
  )
  for (const [one, other] of [
    ['{"a":"1"}', '{"a":1}'],
    ['{"a":[1,2]}', '{"a":[2,1]}'],
    ['{"a":null}', '{}'],
    ['{"a":{"stream":true}}', '{"a":{}}'],
    // Parsed, they would be one number; as text, one replacement character.
    ['{"seed":12345678901234567890}', '{"seed":12345678901234567891}'],
    ['{"a":1e400}', '{"a":1e401}'],
    [String.raw`{"a":"\ud800"}`, String.raw`{"a":"\ud801"}`],
    [String.raw`{"a":"\ud800"}`, '{"a":"\ufffd"}'],
    [String.raw`{"a":"\\u0041"}`, '{"a":"A"}'],
  ] as const)
    assert.notEqual(canonical(one, new Set(['stream'])), canonical(other, new Set(['stream'])), one)
})

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [`=${name}`, sorted(one)]),
  )
}

test('a text ends at the first quote that is not escaped', () => {
  for (const text of [String.raw`{"a":"\\","b":"\\\"","c":"\""}`, String.raw`{"a":"\\\\"}`]) assert.equal(canonical(text), text)
  assert.notEqual(canonical(String.raw`{"a":"\\","b":"c"}`), canonical(String.raw`{"a":"\\\",\"b\":\"c"}`))
})

test('members that do not count are left out at the top, and only there', () => {
  const without = new Set(['stream', 'user'])
  assert.equal(canonical('{"user":"a","b":{"user":"c"},"stream":false}', without), '{"b":{"user":"c"}}')
  assert.equal(canonical(String.raw`{"str\u0065am":true,"Stream":1}`, without), '{"Stream":1}')
})

test('what providers may read in two ways has no canonical form', () => {
  const deep = `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`
  const doubtful = [
    '', '[]', '"a"', 'null', '{', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{"a":01}', '{"a":.5}', '{"a":NaN}', '{"a":tru}', '{"a":1}{}', '{"a":1} x',
    '{"a":1,"a":1}', String.raw`{"a":1,"\u0061":2}`, '{"b":[{"a":1,"a":2}]}', '{"stream":true,"stream":false}', '{a:1}', "{'a':1}", '{"a":"\n"}',
    String.raw`{"a":"\x41"}`, '{"a":"b', String.raw`{"a":"\"}`, '\ufeff{"a":1}', deep, '{"a":[1,]}', '{"a":[,1]}', '{"a":-}', '{"a" 1}',
  ] // prettier-ignore
  for (const text of doubtful) assert.equal(canonical(text, new Set(['stream'])), undefined, text.slice(0, 40))
  assert.equal(canonicalJson(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), none), undefined)
})

test('a view of a larger buffer is read where it lies', () => {
  const buffer = Buffer.from('xx{"a":1}yy')
  assert.equal(canonicalJson(buffer.subarray(2, -2), none), '{"a":1}')
})

test('a quarter of a megabyte of quotes and backslashes takes no time to speak of', () => {
  const started = performance.now()
  assert.ok(canonical(JSON.stringify({ a: '\\"'.repeat(60_000), b: Array.from({ length: 20_000 }, () => ({})) })) !== undefined)
  assert.equal(canonical(`{"a":"${'\\'.repeat(250_001)}"}`), undefined)
  assert.ok(performance.now() - started < 1000)
})

test('no two lists of parts have one key, however their texts run into each other', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 })), fc.array(fc.string({ maxLength: 3 })), (one, other) => {
      assert.equal(cacheKeyOf(one) === cacheKeyOf(other), JSON.stringify(one) === JSON.stringify(other))
    }),
  )
  assert.notEqual(cacheKeyOf(['a', 'b']), cacheKeyOf(['ab']))
  assert.notEqual(cacheKeyOf(['1:a', '']), cacheKeyOf(['', '1:a']))
  assert.notEqual(cacheKeyOf(['\ud800']), cacheKeyOf(['\ufffd']))
  assert.match(cacheKeyOf([]), /^[\w-]{43}$/)
})
