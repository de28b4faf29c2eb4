// Ollama's answers: what the recordings don't show, by its documentation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGrammar, fold, type Response, type StreamEvent } from '#ir'
import type { JsonObject } from '#kernel'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'

const at = { model: 'qwen3', created_at: '2026-08-07T06:08:11.017589Z' }
const line = (message: JsonObject, extra: JsonObject = {}) => ({
  ...at,
  message: { role: 'assistant', content: '', ...message },
  done: false,
  ...extra,
})
const done = (extra: JsonObject = {}) => line({}, { done: true, done_reason: 'stop', ...extra })

function decode(lines: readonly JsonObject[]): StreamEvent[] {
  const decoder = createStreamDecoder()
  const decoded = [...lines.flatMap((each) => decoder.push({ data: JSON.stringify(each) })), ...decoder.end()]
  const grammar = createGrammar()
  for (const event of decoded) assert.equal(grammar.check(event), undefined)
  assert.equal(grammar.finished(), true)
  return decoded
}
const answer = (lines: readonly JsonObject[]): Response => fold(decode(lines))

test('calls come whole, with ids of their own or ids that are the same each time', () => {
  const call = (args: unknown, id?: string) => ({ ...(id === undefined ? {} : { id }), function: { name: 'f', arguments: args } })
  const lines = [
    line({ content: 'Looking.' }),
    line({ tool_calls: [call({ a: 1 }), call({ b: [true, 'ü'] }, 'call_given')] } as JsonObject),
    line({ tool_calls: [call('{"half":')] } as JsonObject),
    done({ prompt_eval_count: 10, eval_count: 5 }),
  ]
  const { parts, finish } = answer(lines)
  assert.deepEqual(parts, [
    { type: 'text', text: 'Looking.' },
    { type: 'tool-call', id: 'call_202608070608110175890', name: 'f', args: '{"a":1}', ranBy: 'client' },
    { type: 'tool-call', id: 'call_given', name: 'f', args: '{"b":[true,"ü"]}', ranBy: 'client' },
    { type: 'tool-call', id: 'call_202608070608110175892', name: 'f', args: '{"half":', ranBy: 'client' },
  ])
  assert.deepEqual(finish, { reason: 'tool-calls', raw: 'stop' })
  assert.deepEqual(answer(lines).parts, parts)
})

test('an error in the middle of a stream is one, in its words', () => {
  const [, , , failed] = decode([line({ content: 'Half' }), { error: 'an error was encountered while running the model' }])
  assert.ok(failed?.type === 'error')
  assert.equal(failed.error.kind, 'error_in_stream')
  assert.equal(failed.error.details.upstream?.message, 'an error was encountered while running the model')
  const tooLong = decode([{ error: 'the input length exceeds the context length' }]).at(-1)
  assert.equal(tooLong?.type === 'error' && tooLong.error.kind, 'context_length_exceeded')
})

test('a stream without `done`, a line that is no JSON, and an object that is no answer are errors', () => {
  assert.equal(decode([line({ content: 'Half' })]).at(-1)?.type, 'error')
  assert.equal(decode([]).at(-1)?.type, 'error')
  const decoder = createStreamDecoder()
  decoder.push({ data: JSON.stringify(line({ content: 'A' })) })
  assert.equal(decoder.push({ data: '{"model":"qwen3","mess' }).at(-1)?.type, 'error')
  assert.throws(() => decodeResponse({ anything: 1 }), { kind: 'bad_response' })
  assert.throws(() => decodeResponse({ error: 'server busy' }), { kind: 'error_in_stream' })
  assert.throws(() => decodeResponse(line({ content: 'Half' })), { kind: 'ended_early' })
})

test('finish reasons: a cut one, none, and those that are new', () => {
  const finish = (ending: JsonObject) => answer([line({ content: 'A' }), line({}, { done: true, ...ending })]).finish
  assert.deepEqual(finish({ done_reason: 'length' }), { reason: 'length', raw: 'length' })
  assert.deepEqual(finish({}), { reason: 'stop' })
  assert.deepEqual(finish({ done_reason: 'load' }), { reason: 'other', raw: 'load' })
})

test('counts that are left out are 0 where the other is given, and unknown where none is', () => {
  const usage = (counts: JsonObject) => answer([done(counts)]).usage
  assert.deepEqual(usage({ eval_count: 7, total_duration: 12 }), {
    input: { total: 0, fresh: 0 },
    output: { total: 7 },
    raw: { eval_count: 7, total_duration: 12 },
  })
  assert.equal(usage({ total_duration: 12 }), undefined)
})

test('probabilities of the words are kept, those of thoughts beside them are not', () => {
  const of = (token: string, top: JsonObject[] = []) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top_logprobs: top })
  const kept = (token: string, top: object[] = []) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top })
  const { parts } = answer([
    line({ thinking: 'Hm' }, { logprobs: [of('Hm')] }),
    line({ content: 'Yes' }, { logprobs: [of('Yes', [{ token: 'No', logprob: -2 }])] }),
    line({ content: '!' }, { logprobs: [of('!')] }),
    done(),
  ])
  assert.deepEqual(parts, [
    { type: 'reasoning', text: 'Hm' },
    { type: 'text', text: 'Yes!', logprobs: [kept('Yes', [{ token: 'No', logprob: -2 }]), kept('!')] },
  ])
  const whole = decodeResponse({ ...done({ logprobs: [of('Hm'), of('Yes'), of('!')] }), message: { thinking: 'Hm', content: 'Yes!' } })
  assert.deepEqual(
    whole.parts,
    parts.map((part) => (part.type === 'text' ? { ...part, logprobs: [kept('Yes'), kept('!')] } : part)),
  )
})

test('what is odd does no harm: nulls, empty texts, images, an answer that goes on after its end', () => {
  const { parts, model, created } = answer([
    line({ thinking: null, tool_calls: null }),
    { ...at, done: false },
    line({ content: 'A', images: ['/9j/AAAA', 3] }),
    done(),
    line({ content: 'later' }),
  ])
  assert.deepEqual(parts, [
    { type: 'text', text: 'A' },
    { type: 'media', kind: 'image', source: { type: 'base64', mediaType: 'image/jpeg', data: '/9j/AAAA' } },
  ])
  assert.deepEqual([model, created], ['qwen3', Date.UTC(2026, 7, 7, 6, 8, 11) / 1_000])
})
