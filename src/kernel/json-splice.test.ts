// Edits of a body where it lies: what changes, what moves, and taking it back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPeek } from './json-peek.ts'
import { createSplicer, type MemberEdit } from './json-splice.ts'

const peek = createPeek({ fields: ['a', 'b', 'c', 'd'] })
type Field = 'a' | 'b' | 'c' | 'd'

function open(text: string, headroom = 16, tailroom = 16) {
  const buffer = Buffer.alloc(headroom + text.length + tailroom, '#')
  buffer.write(text, headroom)
  const peeked = peek.peek(buffer, headroom, headroom + text.length, peek.createResult())
  assert.notEqual(peeked, 'doubtful')
  if (peeked === 'doubtful') throw new Error('doubtful')
  const splicer = createSplicer(buffer, headroom, headroom + text.length, peeked)
  return {
    buffer,
    splicer,
    edited: (...edits: MemberEdit<Field>[]) => {
      const body = splicer.splice(edits)
      return body.buffer.toString('latin1', body.start, body.end)
    },
    original: () => buffer.toString('latin1', headroom, headroom + text.length),
  }
}

const set = (field: Field, json: string): MemberEdit<Field> => ({ field, json })
const remove = (field: Field): MemberEdit<Field> => ({ field, json: undefined })

test('a value is replaced where it lies, and nothing else changes', () => {
  const { edited } = open('{ "a" : "x" , "z":[1, 2],"b":true}')
  assert.equal(edited(set('a', '"longer"')), '{ "a" : "longer" , "z":[1, 2],"b":true}')
  assert.equal(edited(set('a', '1')), '{ "a" : 1 , "z":[1, 2],"b":true}')
  assert.equal(edited(set('b', 'false'), set('a', '{}')), '{ "a" : {} , "z":[1, 2],"b":false}')
})

test('a new member goes to the front, with a comma only where something follows', () => {
  assert.equal(open('{"z":1}').edited(set('a', '2')), '{"a":2,"z":1}')
  assert.equal(open('{ }').edited(set('a', '2')), '{"a":2 }')
  assert.equal(open('{}').edited(set('a', '2'), set('b', '3')), '{"a":2,"b":3}')
  assert.equal(open('{"b":1}').edited(set('a', '2'), remove('b')), '{"a":2}')
})

test('a removed member takes one comma along, wherever it stands', () => {
  const text = '{"a":1, "b":2 ,"c":3}'
  const { edited } = open(text)
  assert.equal(edited(remove('a')), '{"b":2 ,"c":3}')
  assert.equal(edited(remove('b')), '{"a":1 ,"c":3}')
  assert.equal(edited(remove('c')), '{"a":1, "b":2 }')
  assert.equal(edited(remove('a'), remove('b')), '{"c":3}')
  assert.equal(edited(remove('c'), remove('b')), '{"a":1 }')
  assert.equal(edited(remove('c'), remove('a')), '{"b":2 }')
  assert.equal(edited(remove('c'), remove('b'), remove('a')), '{}')
  assert.equal(edited(remove('d')), text)
})

test('the larger side stays where it is', () => {
  const history = `"z":"${'x'.repeat(500)}"`
  const front = open(`{"a":"m",${history},"b":1}`)
  const body = front.splicer.splice([set('a', '"longer"'), set('b', '12345')])
  assert.equal(body.buffer, front.buffer)
  assert.deepEqual([body.start, body.end], [16 - 5, front.buffer.length - 16 + 4])
  const shorter = front.splicer.splice([set('a', '1')])
  assert.deepEqual([shorter.start, shorter.end], [16 + 2, front.buffer.length - 16])
})

test('where one side has no room the other one moves, and where neither has, a new buffer is made', () => {
  const text = `{"a":1,"z":"${'x'.repeat(50)}"}`
  const noHeadroom = open(text, 0, 16)
  const moved = noHeadroom.splicer.splice([set('a', '123')])
  assert.equal(moved.buffer, noHeadroom.buffer)
  assert.equal(moved.start, 0)
  assert.equal(moved.buffer.toString('latin1', 0, moved.end), text.replace('1', '123'))
  const noRoom = open(text, 0, 1)
  const copied = noRoom.splicer.splice([set('a', '123')])
  assert.notEqual(copied.buffer, noRoom.buffer)
  assert.equal(copied.buffer.toString('latin1', copied.start, copied.end), text.replace('1', '123'))
  assert.equal(noRoom.original(), text)
})

test('restore gives back every byte, and may be called at any time', () => {
  const text = '{"a":"first", "z":"middle","b":{"x":1},"c":null}'
  const body = open(text)
  body.splicer.restore()
  assert.equal(
    body.edited(set('a', '1'), set('b', '"a longer value"'), remove('c'), set('d', '0')),
    '{"d":0,"a":1, "z":"middle","b":"a longer value"}',
  )
  body.splicer.restore()
  assert.equal(body.original(), text)
  body.splicer.restore()
  assert.equal(body.original(), text)
})

test('two edits of one field are a mistake of the caller, and leave the body as it was', () => {
  const body = open('{"a":1}')
  assert.throws(() => body.edited(set('a', '2'), remove('a')), /"a"/)
  assert.equal(body.original(), '{"a":1}')
})
