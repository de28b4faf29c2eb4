// What a peek finds in a body, and which bytes it calls doubtful.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peeked } from './json-found.ts'
import { createPeek } from './json-peek.ts'
import { readValue } from './json-value.ts'

const { peek, createResult } = createPeek({ fields: ['model', 'messages', 'stream', 'max_tokens'], lastElementOf: 'messages' })
type Field = 'model' | 'messages' | 'stream' | 'max_tokens'

/** Peeks at a text behind three bytes of headroom and before leftovers of another body. */
function look(text: string | Buffer, leftovers = '"}]} '): { buffer: Buffer; found: Peeked<Field> | 'doubtful' } {
  const body = Buffer.from(text)
  const buffer = Buffer.concat([Buffer.from('{"m'), body, Buffer.from(leftovers)])
  return { buffer, found: peek(buffer, 3, 3 + body.length) }
}

function found(text: string): { buffer: Buffer; found: Peeked<Field> } {
  const result = look(text)
  assert.notEqual(result.found, 'doubtful', text)
  return result as { buffer: Buffer; found: Peeked<Field> }
}

const doubtful = (text: string | Buffer) => assert.equal(look(text).found, 'doubtful', String(text))

test('a wanted field is found with its value, its whole member and its neighbours', () => {
  const { buffer, found: peeked } = found(' { "other":[1,{"model":2}], "model" : "gpt" ,"stream":true}\n')
  const { model, stream, messages } = peeked.members
  assert.equal(buffer.toString('latin1', model.start, model.end), '"gpt"')
  assert.equal(buffer.toString('latin1', model.keyStart, model.end), '"model" : "gpt"')
  assert.equal(buffer.toString('latin1', model.comma, model.end), ', "model" : "gpt"')
  assert.equal(model.next, stream.keyStart)
  assert.equal(stream.next, -1)
  assert.equal(messages.start, -1)
  assert.equal(peeked.memberCount, 3)
  assert.equal(buffer.toString('latin1', peeked.start, peeked.insertAt), '{')
  assert.equal(buffer.toString('latin1', peeked.end - 1, peeked.end), '}')
  assert.equal(readValue(buffer, model), 'gpt')
})

test('the first three elements and the last one of the chosen array are found', () => {
  const { buffer, found: peeked } = found('{"messages":[ {"a":[1]} ,"two",3, null , "é" ]}')
  assert.equal(peeked.elements.count, 5)
  assert.deepEqual(
    peeked.elements.first.map((range) => readValue(buffer, range)),
    [{ a: [1] }, 'two', 3],
  )
  assert.equal(readValue(buffer, peeked.elements.last), 'é')
  assert.equal(found('{"messages":[]}').found.elements.count, 0)
  assert.equal(found('{"messages":"no array"}').found.elements.count, -1)
})

test('of a long array the last sixteen elements are known, counted from its end', () => {
  const { buffer, found: peeked } = found(`{"messages":[ ${Array.from({ length: 40 }, (_, n) => `{"n":${n}}`).join(' ,\n')} ]}`)
  const numbers = Array.from({ length: 17 }, (_, distance) => {
    const range = peeked.elements.fromEnd(distance)
    return range && readValue(buffer, range)
  })
  assert.deepEqual(numbers, [...Array.from({ length: 16 }, (_, n) => ({ n: 39 - n })), undefined])
  assert.equal(found('{"messages":[1,2]}').found.elements.fromEnd(2), undefined)
})

test('nothing of an earlier peek is left in the next one, unless it had a result of its own', () => {
  const own = createResult()
  const body = Buffer.from('{"model":"a","messages":[1,2]}')
  assert.equal(peek(body, 0, body.length, own), own)
  const nowhere = { start: -1, end: -1 }
  const { found: empty } = found('{ }')
  assert.equal(empty.memberCount, 0)
  assert.equal(empty.members.model.start, -1)
  assert.equal(empty.elements.fromEnd(0), undefined)
  assert.deepEqual([empty.elements.count, empty.elements.first, empty.elements.last], [-1, [nowhere, nowhere, nowhere], nowhere])
  assert.equal(own.members.model.start, 9)
})

test('a wanted field that could be read in two ways is doubtful', () => {
  doubtful('{"model":"a","model":"a"}')
  doubtful('{"model":"a","x":{},"mod\\u0065l":"b"}')
  doubtful('{"x\\u0065":1}')
  doubtful('{"model":"a","Model":"b"}')
  doubtful('{"MAX_TOKENS":1}')
  doubtful('{"ſtream":true}')
  found('{"x":1,"x":2,"models":3,"mode":4,"inner":{"model":1,"model":2}}')
})

test('what is not exactly one object is doubtful', () => {
  for (const text of [
    '',
    ' ',
    '[]',
    '"model"',
    '1',
    'null',
    '\uFEFF{}',
    '{}x',
    '{}{}',
    '{},',
    'x{}',
    '{"model":1}\0',
    '{',
    '{"model"',
    '{"model":',
    '{"model":1',
    '{"model":"',
  ])
    doubtful(text)
  found(' \t\r\n{} \t\r\n')
})

test('bytes behind the body are never taken for a part of it', () => {
  const whole = '{"model":"a\\u0041","messages":[1.5e3,true,{"x":null}],"stream":false}'
  for (let cut = 0; cut < whole.length; cut++) {
    assert.equal(look(whole.slice(0, cut), `${whole.slice(cut)}   `).found, 'doubtful', whole.slice(0, cut))
  }
  assert.notEqual(look('{}', ' }').found, 'doubtful')
})

test('invalid UTF-8 is doubtful wherever it is', () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]) {
    doubtful(Buffer.concat([Buffer.from('{"x":"'), Buffer.from(bytes), Buffer.from('"}')]))
  }
  found('{"x":"é世😀\u007f\u2028"}')
})

test('every byte is judged in every position of a word, inside and outside of strings', () => {
  for (let byte = 0; byte < 0x80; byte++) {
    for (let pad = 0; pad < 9; pad++) {
      const char = String.fromCharCode(byte)
      for (const text of [
        `{"x":"${' '.repeat(pad)}${char}12345678"}`,
        `{"x":"${' '.repeat(pad)}\\${char}00e912345678"}`,
        `{"x":[${' '.repeat(pad)}${char}]}`,
      ]) {
        let accepted = true
        try {
          JSON.parse(text)
        } catch {
          accepted = false
        }
        assert.equal(look(text).found !== 'doubtful', accepted, JSON.stringify(text))
      }
    }
  }
})

test('512 levels of nesting are read and 513 are doubtful, whatever they are nested in', () => {
  const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  found(`{"x":${nest(511)}}`)
  doubtful(`{"x":${nest(512)}}`)
  found(`{"messages":[1,${nest(510)}]}`)
  doubtful(`{"messages":[1,${nest(511)}]}`)
  found(`{"x":${'{"a":'.repeat(510)}{}${'}'.repeat(511)}`)
  doubtful(`{"x":${'{"a":'.repeat(511)}{}${'}'.repeat(512)}`)
  doubtful('{"x":'.repeat(1_000_000))
})

test('a body of white space or of many members takes linear time', () => {
  const began = process.cpuUsage()
  doubtful(' '.repeat(2_000_000))
  found(`{}${' '.repeat(2_000_000)}`)
  found(`{${Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join()}}`)
  assert.ok(process.cpuUsage(began).user < 5_000_000)
})

test('fields that cannot be told apart or written plainly are refused when the peek is made', () => {
  assert.throws(() => createPeek({ fields: ['a', 'A'] }), /only in case/)
  assert.throws(() => createPeek({ fields: ['é'] }), /ASCII/)
  assert.throws(() => createPeek({ fields: ['a"b'] }), /quotes/)
})

test('strings, escapes and mistakes are seen wherever they lie in a long body', () => {
  // Stops are marked part by part, the first ends 2048 bytes behind the first string: everything goes over that edge once, and over later ones.
  for (const edge of [2048, 6144, 14_336, 63_488]) {
    for (let before = edge - 90; before < edge - 40; before++) {
      const space = 'a'.repeat(before)
      for (const text of ['"', '\\"', '\\\\', '\\\\\\"', '\\u00e9', '\\ud83d\\ude00', 'é']) {
        const body = `{"model":"${space}${text === '"' ? '' : text}","messages":[${'{"a":[1]},'.repeat(4)}"${text === '"' ? '' : text}"],"stream":true}`
        const { buffer, found: peeked } = found(body)
        assert.equal(readValue(buffer, peeked.members.model), (JSON.parse(body) as { model: string }).model)
        assert.equal(peeked.elements.count, 5)
        assert.equal(readValue(buffer, peeked.members.stream), true)
      }
      for (const mistake of ['\\x', '\n', '\\u00g0', '\\', '"']) doubtful(`{"model":"${space}${mistake}","messages":[],"stream":true}`)
      doubtful(`{"model":"${space}`)
      doubtful(`{"model":"${space}\\`)
    }
  }
})
