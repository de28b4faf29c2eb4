// Laws of the language between wires.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createGrammar, explode, fold, type StreamEvent } from '#ir'
import { Failure } from '#kernel'
import * as any from '#test/arbitraries.ts'

const grammarOf = (events: readonly StreamEvent[]): string[] => {
  const grammar = createGrammar()
  return events.map((event) => grammar.check(event)).filter((wrong) => wrong !== undefined)
}

test('folding the explosion of a response gives the response', () => {
  fc.assert(fc.property(any.anyResponse, (response) => assert.deepEqual(fold(explode(response)), response)))
})

test('an explosion is grammatical and ends in one terminal event', () => {
  fc.assert(
    fc.property(any.anyResponse, (response) => {
      const events = explode(response)
      assert.deepEqual(grammarOf(events), [])
      assert.equal(events.filter((event) => event.type === 'finish' || event.type === 'error').length, 1)
    }),
  )
})

test('how text is cut into deltas does not change the response', () => {
  fc.assert(
    fc.property(
      any.anyResponse.chain((response) => fc.tuple(fc.constant(response), any.stream(fc.constant(response)))),
      ([response, events]) => assert.deepEqual(fold(events), response),
    ),
  )
})

test('interleaved deltas fold like consecutive ones', () => {
  fc.assert(
    fc.property(any.interleavedCalls, (events) => {
      assert.deepEqual(grammarOf(events), [])
      const consecutive = explode(fold(events))
      assert.deepEqual(fold(consecutive), fold(events))
    }),
  )
})

test('a stream without its terminal event never folds into a response', () => {
  fc.assert(
    fc.property(any.stream(), fc.nat(), (events, cut) => {
      const prefix = events.slice(0, cut % events.length)
      assert.throws(
        () => fold(prefix),
        (error) => error instanceof Failure && error.kind === 'ended_early',
      )
    }),
  )
})

test('an error event is thrown as it is, whatever came before it', () => {
  fc.assert(
    fc.property(any.stream(), fc.integer({ min: 1 }), any.failure, (events, cut, failure) => {
      const prefix = events.slice(0, Math.max(1, cut % events.length))
      assert.throws(
        () => fold([...prefix, { type: 'error', error: failure }]),
        (error) => error === failure,
      )
    }),
  )
})
