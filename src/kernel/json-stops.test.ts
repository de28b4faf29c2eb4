// Which bytes the markers of stops mark, and that both mark the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createPlainMarker, createVectorMarker, windowBytes, type StopMarker } from './json-stops.ts'

const markers: [name: string, marker: StopMarker | undefined][] = [
  ['plain', createPlainMarker()],
  ['vector', createVectorMarker()],
]

/** A caret under each stop. */
function stopsOf({ bits, mark }: StopMarker, text: Buffer, escaped = 0, from = 0): string {
  mark(text, from, text.length, escaped)
  return Array.from({ length: text.length - from }, (_, at) => ((bits[at >> 5]! >>> (at & 31)) & 1 ? '^' : ' ')).join('')
}

test(
  'the vector instructions are there, on a CPU that has them',
  { skip: !['x64', 'arm64'].includes(process.arch) && 'another CPU' },
  () => {
    assert.notEqual(createVectorMarker(), undefined)
  },
)

for (const [name, marker] of markers) {
  if (marker === undefined) continue
  const check = (text: string, stops: string) => assert.equal(stopsOf(marker, Buffer.from(text, 'latin1')), stops.padEnd(text.length), text)

  test(`${name}: a stop is a quote that is not escaped, a control character, or an escape that needs a look`, () => {
    check('say "hi"', '    ^  ^')
    check('\\"\\\\\\/\\b\\f\\n\\r\\t"', '                ^')
    check('\\u0041 \\x \\', ' ^      ^')
    check('a\nb\0c\x1fd\x7fe', ' ^ ^ ^')
    check('\\\n\\é\x80\xff', ' ^ ^')
  })

  test(`${name}: of a run of backslashes every second one is escaped, wherever the run begins and ends`, () => {
    for (let before = 0; before < 130; before++) {
      for (let run = 0; run < 70; run += run < 4 ? 1 : 11) {
        const text = `${'a'.repeat(before)}${'\\'.repeat(run)}"x`
        check(text, run % 2 === 0 ? `${' '.repeat(before + run)}^` : '')
      }
    }
  })

  test(`${name}: an escape goes on in the next part, and behind the marked part all bits are set`, () => {
    for (const length of [64, 128, 2048, windowBytes]) {
      for (const run of [0, 1, 2, 3, 64]) {
        const text = Buffer.from('a'.repeat(length - run) + '\\'.repeat(run))
        assert.equal(marker.mark(text, 0, length, 0), run % 2)
        assert.equal(marker.bits[length / 32], -1)
      }
    }
    assert.equal(stopsOf(marker, Buffer.from('""'), 1), ' ^')
    assert.equal(stopsOf(marker, Buffer.from('\\"'), 1), ' ^')
    marker.mark(Buffer.from('abc'), 1, 3, 0)
    assert.equal(marker.bits[1], -1)
  })
}

test(
  'both ways mark the same bytes of anything',
  { skip: createVectorMarker() === undefined && 'this CPU has no vector instructions' },
  () => {
    const [plain, vector] = [createPlainMarker(), createVectorMarker()!]
    const bytes = fc
      .array(fc.oneof(fc.constantFrom(...Buffer.from('"\\\\\\/bfnrtu\n a')), fc.integer({ min: 0, max: 255 })), {
        maxLength: 300,
        size: 'max',
      })
      .map((values) => Buffer.from(values))
    fc.assert(
      fc.property(bytes, fc.nat({ max: 1 }), fc.nat({ max: 5 }), (text, escaped, from) => {
        if (from >= text.length) return
        assert.equal(stopsOf(vector, text, escaped, from), stopsOf(plain, text, escaped, from))
        if ((text.length - from) % 64 === 0)
          assert.equal(vector.mark(text, from, text.length, escaped), plain.mark(text, from, text.length, escaped))
      }),
      { numRuns: 3000 },
    )
  },
)
