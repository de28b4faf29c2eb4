// Tools are called by names that the provider's grammar allows, and the client hears its own.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fold, type Request, type Response, type StreamEvent } from '#ir'
import { ownNamesIn, toolNamesFor, withOwnNames } from './tool-names.ts'

const long = `mcp__server__${'x'.repeat(80)}`
const request = (...names: string[]): Request => ({
  model: 'm',
  turns: [],
  stream: false,
  tools: names.map((name) => ({ type: 'function', name })),
})

test('only names that the provider refuses are another there', () => {
  assert.equal(toolNamesFor('bedrock-converse', request('look', 'wait_2')), undefined)
  assert.equal(toolNamesFor('bedrock-converse', { model: 'm', turns: [], stream: false }), undefined)
  const names = toolNamesFor('bedrock-converse', request('look', long, 'a.b'))!
  assert.deepEqual([...names.values()], [long, 'a.b'])
  for (const name of names.keys()) assert.match(name, /^[a-zA-Z0-9_-]{1,64}$/)
  assert.equal(toolNamesFor('anthropic-messages', request(long)), undefined)
  assert.deepEqual([...toolNamesFor('anthropic-messages', request('a.b'))!.values()], ['a.b'])
  assert.equal(toolNamesFor('gemini', request('a.b')), undefined)
  for (const wire of ['openai-chat', 'openai-responses'] as const)
    assert.deepEqual([...toolNamesFor(wire, request('look', long, 'a.b'))!.values()], [long, 'a.b'])
})

test('calls of an answer, streamed or whole, have the name that the client gave', () => {
  const names = toolNamesFor('bedrock-converse', request(long))!
  const [there] = names.keys()
  const events: StreamEvent[] = [
    { type: 'start' },
    { type: 'part-start', index: 0, part: { type: 'tool-call', id: '1', name: there!, ranBy: 'client' } },
    { type: 'part-end', index: 0 },
    { type: 'part-start', index: 1, part: { type: 'tool-call', id: '2', name: 'other', ranBy: 'client' } },
    { type: 'part-end', index: 1 },
    { type: 'finish', finish: { reason: 'tool-calls' } },
  ]
  const decoder = withOwnNames({ push: () => events.slice(0, 3), end: () => events.slice(3) }, names)
  const namesIn = ({ parts }: Response) => parts.map((part) => (part.type === 'tool-call' ? part.name : ''))
  assert.deepEqual(namesIn(fold([...decoder.push({ data: '' }), ...decoder.end()])), [long, 'other'])
  assert.deepEqual(namesIn(ownNamesIn(fold(events), names)), [long, 'other'])
})
