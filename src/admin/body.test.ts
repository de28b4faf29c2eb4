// What a request body may be, and the sentence for each one that it may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseObject } from './body.ts'
import { AdminFailure } from './failure.ts'

function refusal(text: string | Buffer): AdminFailure {
  try {
    parseObject(Buffer.from(text))
  } catch (error) {
    assert.ok(error instanceof AdminFailure)
    assert.equal(error.status, 400)
    return error
  }
  return assert.fail(`it took ${text.toString('latin1')}`)
}

test('a JSON object is taken as JSON.parse reads it', () => {
  for (const text of [
    '{}',
    ' {"a": {"b": [1, {"c": "}{,:"}], "a": null}, "b": "\\"a\\""}\n',
    '{"a":[{"x":1},{"x":2}],"x":3}',
    '{"a":{"k":1},"b":{"k":1}}',
    '{"":1,"a\\u0062":2,"b":3}',
  ]) {
    assert.deepEqual(parseObject(Buffer.from(text)), JSON.parse(text))
  }
})

test('a field that is given twice is refused by its path, however it is escaped', () => {
  for (const [text, field] of [
    ['{"name":"a","name":"b"}', 'name'],
    ['{"name":"a","n\\u0061me":"b"}', 'name'],
    ['{"credentials":[{"name":"x"},{"value":"a","value":"b"}]}', 'credentials[1].value'],
    ['{"a":{"b":[[],[{"c":1,"d":{},"c":2}]]}}', 'a.b[1][0].c'],
    ['{"__proto__":{"admin":true}}', '__proto__'],
    ['{"headers":{"__proto__":"x"}}', 'headers.__proto__'],
  ] as const) {
    const failure = refusal(text)
    assert.equal(failure.field, field)
    assert.match(failure.message, /more than once|cannot have that name/)
  }
})

test('what is not a JSON object is refused with the place, and never quoted', () => {
  for (const [text, message] of [
    ['{"value": sk-secret}', /line 1, byte 11/],
    ['{"value": "sk-secret"', /not complete JSON: it ends after 21 bytes/],
    ["{'value': 'sk-secret'}", /byte 2/],
    ['{"value": "sk-secret",}', /byte 23/],
    ['{"a": 1,\n "value": sk-secret}', /line 2, byte 11/],
    ['{"value": "sk-secret"} x', /byte 24/],
    ['["sk-secret"]', /must be a JSON object, not an array/],
    ['"sk-secret"', /not a string/],
    ['null', /not null/],
    ['  ', /empty/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/],
    [`${'{"a":'.repeat(600)}1${'}'.repeat(600)}`, /levels deep/],
  ] as const) {
    const failure = refusal(text)
    assert.match(failure.message, message)
    assert.doesNotMatch(failure.message, /sk-secret/)
  }
})
