// Every loss is named by its path, fields of other wires included.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Notes } from './notes.ts'

test('fields of other wires are named one by one, at the place of their holder; those of the own wire are no loss', () => {
  const notes = new Notes('openai-chat')
  notes.foreignExt({ 'anthropic-messages': { container: 'c', mcp_servers: [] }, 'openai-chat': { logit_bias: {} } }, 'turns[1]')
  notes.foreignExt({ 'anthropic-messages': { speed: 'fast' } }, '')
  notes.foreignExt(undefined, 'tools[0]')
  assert.deepEqual(
    notes.list.map(({ code, path }) => [code, path]),
    [
      ['dropped', 'turns[1].ext.anthropic-messages.container'],
      ['dropped', 'turns[1].ext.anthropic-messages.mcp_servers'],
      ['dropped', 'ext.anthropic-messages.speed'],
    ],
  )
})
