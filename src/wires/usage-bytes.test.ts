// The cost in a frame's bytes: where it stands, and that nothing else changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameWithCost } from './usage-bytes.ts'

const written = (data: string) => frameWithCost({ data }, 0.5, 'usage')

test('a string ends at its quote, however many backslashes stand before it', () => {
  for (const text of ['\\\\', '\\"', '\\\\\\"', 'a\\\\\\\\', '\\"usage\\":{']) {
    const data = `{"x":"${text}","usage":{"n":1}}`
    assert.equal(written(data), `data: ${data.replace('{"n"', '{"cost":0.5,"n"')}\n\n`)
  }
})

test('a frame that the stream ended in gets its blank line', () => {
  const raw = Buffer.from('data: {"usage":{}}\n')
  const frame = { data: '{"usage":{}}', raw, incomplete: true }
  assert.equal(frameWithCost(frame, 0.5, 'usage'), 'data: {"usage":{"cost":0.5}}\n\n\n')
})
