// Parsing doubtful bodies as a whole: what is accepted, and how it is said what is wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from './failure.ts'
import { parseBody } from './json-body.ts'

const fields = ['model', 'stream', 'k']

function parse(text: string | Buffer, leftovers = '"}]}'): unknown {
  const body = Buffer.from(text)
  return parseBody(Buffer.concat([Buffer.from('{{{'), body, Buffer.from(leftovers)]), 3, 3 + body.length, fields)
}

function refused(text: string | Buffer, message: RegExp, param?: string): void {
  assert.throws(
    () => parse(text),
    (error) => {
      assert.ok(error instanceof Failure)
      assert.equal(error.kind, 'invalid_request')
      assert.match(error.message, message)
      assert.equal(error.details.param, param)
      return true
    },
    String(text).slice(0, 80),
  )
}

test('an object is parsed, with a byte order mark and white space around it too', () => {
  assert.deepEqual(parse('{"model":"é","x":[1,{}]}'), { model: 'é', x: [1, {}] })
  assert.deepEqual(parse('\uFEFF {"a":1}\n'), { a: 1 })
  assert.deepEqual(parse('{}', '  '), {})
})

test('what is wrong is said with its place, counted from 1', () => {
  refused('', /empty/)
  refused(' \n', /empty/)
  refused('\uFEFF', /empty/)
  refused(Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/)
  refused('{"model":"x",}', /byte 14 \(line 1, byte 14 of it\)/)
  refused('{"model":"x",\n "y":tru3}', /byte 23 \(line 2, byte 9 of it\)/)
  refused('\uFEFF{x', /byte 5 /)
  refused('{"a":"tab\there"}', /byte 10 /)
  refused('{"a":"\\u00g0"}', /byte 11 /)
  refused('{"a":1} {}', /byte 9 /)
  refused('[1,2]', /object, not an array/)
  refused('"text"', /object, not a string/)
  refused('-1', /object, not a number/)
  refused('false', /object, not a boolean/)
  refused('null', /object, not null/)
})

test('a body that was cut off is said to be incomplete, at every place', () => {
  const whole = '{"model":"a\\u0041\\n","x":[1.5e3,true,{"y":null}],"stream":false}'
  for (let cut = 1; cut < whole.length; cut++) {
    assert.throws(() => parse(whole.slice(0, cut), whole.slice(cut)), /not complete JSON: it ends after \d+ bytes/, whole.slice(0, cut))
  }
})

test('a body cut at the deepest level is incomplete, not too deep, whatever lies behind it', () => {
  assert.throws(() => parse(`{"x":${'['.repeat(511)}`, '[[['), /not complete JSON/)
})

test('nesting is limited to 512 levels and never exhausts the stack', () => {
  const nest = (levels: number) => `{"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  assert.ok(parse(nest(512)))
  refused(nest(513), /512 levels/)
  refused('['.repeat(5_000_000), /512 levels/)
  refused('{"a":'.repeat(1_000_000), /512 levels/)
})

test('a field that the gateway acts on is refused when a provider could read another value', () => {
  refused('{"model":"a","x":1,"model":"b"}', /"model" is in the body more than once/, 'model')
  refused('{"model":"a","mod\\u0065l":"b"}', /"model" is in the body more than once/, 'model')
  refused('{"Stream":true}', /"stream" is in the body in another spelling/, 'stream')
  refused('{"\u017ftream":true}', /another spelling/, 'stream')
  refused('{"\u212a":true}', /another spelling/, 'k')
  assert.deepEqual(parse('{"x":1,"x":2,"mod\\u0065l":"b"}'), { x: 2, model: 'b' })
})

test('a message never quotes the body', () => {
  for (const text of ['{"secret-123":x}', '{"a":"secret-123', 'secret-123', '{"a":1}secret-123', '["secret-123"]']) {
    assert.throws(
      () => parse(text),
      (error) => error instanceof Failure && !error.message.includes('secret'),
    )
  }
})
