// Which generation a model id means.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generationOf } from './claude-generation.ts'

test('the generation is read from the id, in every vendor’s form of it', () => {
  const thinking = (model: string) => generationOf(model).thinking
  for (const model of [
    'claude-2.1',
    'claude-instant-1.2',
    'claude-3-opus-20240229',
    'claude-3-5-haiku-latest',
    'anthropic.claude-3-sonnet-20240229-v1:0',
  ]) {
    assert.equal(thinking(model), 'none', model)
  }
  for (const model of [
    'claude-3-7-sonnet-20250219',
    'claude-sonnet-4-20250514',
    'claude-opus-4-1-20250805',
    'claude-sonnet-4-5',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    'claude-sonnet-4-5@20250929',
    'anthropic/claude-opus-4.5',
  ]) {
    assert.equal(thinking(model), 'budget', model)
  }
  for (const model of [
    'claude-opus-4-6',
    'claude-sonnet-4-6-20260101',
    'claude-opus-4.8',
    'claude-sonnet-5',
    'claude-fable-5',
    'claude-opus-5-5',
  ]) {
    assert.equal(thinking(model), 'adaptive', model)
  }
  assert.deepEqual(
    ['claude-opus-4-20250514', 'claude-opus-4-1', 'claude-opus-4-7'].map((model) => generationOf(model).sampling),
    ['both', 'one', 'none'],
  )
})

test('other vendors that speak this wire are taken as older than schemas', () => {
  assert.deepEqual(generationOf('MiniMax-M2'), {
    thinking: 'budget',
    sampling: 'both',
    schemas: false,
    prefill: true,
    laterSystem: false,
    xhigh: false,
  })
})
