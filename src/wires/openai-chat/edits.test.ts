// What is changed in a chat completion request that passes, for which dialect, and what stays as it was written.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import type { Dialect } from '#ir'
import { passThrough } from './pass-through.ts'

/** The changed fields, with `undefined` for a removed one; and the notes. */
function edited(fields: JsonObject, dialect: Dialect = {}, model = 'm') {
  const { edits, notes } = passThrough.edits({ model: 'm', ...fields }, model, dialect)
  const names = edits.map(({ field }) => field)
  assert.equal(new Set(names).size, names.length, 'a field is edited at most once')
  return { changed: Object.fromEntries(edits.map(({ field, value }) => [field, value])), notes }
}
const changed = (fields: JsonObject, dialect?: Dialect) => edited(fields, dialect).changed

test('a body that says everything goes as it is', () => {
  assert.deepEqual(edited({ stream: true, stream_options: { include_usage: true }, max_tokens: 5, max_completion_tokens: null }), {
    changed: {},
    notes: [],
  })
})

test("the model becomes the provider's own id, and only where it differs", () => {
  assert.deepEqual(edited({ model: 'openai/gpt-5' }, {}, 'gpt-5').changed, { model: 'gpt-5' })
  assert.deepEqual(edited({ model: 'gpt-5' }, {}, 'gpt-5').changed, {})
})

test('a stream is asked for its usage', () => {
  const asked = { stream_options: { include_usage: true } }
  assert.deepEqual(changed({ stream: true }), asked)
  assert.deepEqual(changed({ stream: true, stream_options: null }), asked)
  assert.deepEqual(changed({ stream: true, stream_options: 'odd' }), asked)
  assert.deepEqual(changed({ stream: true, stream_options: { include_usage: false, include_obfuscation: false } }), {
    stream_options: { include_usage: true, include_obfuscation: false },
  })
})

test('an answer in one piece is not asked for its usage, which it always has', () => {
  assert.deepEqual(changed({}), {})
  assert.deepEqual(changed({ stream: false, stream_options: { include_usage: false } }), {})
})

test('a provider without stream_options never sees them', () => {
  const dialect = { streamOptions: false }
  assert.deepEqual(changed({ stream: true }, dialect), {})
  assert.deepEqual(changed({ stream: true, stream_options: { include_usage: true } }, dialect), { stream_options: undefined })
  assert.deepEqual(changed({ stream_options: null }, dialect), { stream_options: undefined })
})

for (const [wanted, other] of [
  ['max_tokens', 'max_completion_tokens'],
  ['max_completion_tokens', 'max_tokens'],
] as const) {
  test(`a provider that knows only ${wanted} gets the cap under that name`, () => {
    const dialect = { maxTokensField: wanted }
    assert.deepEqual(changed({ [other]: 7 }, dialect), { [wanted]: 7, [other]: undefined })
    assert.deepEqual(changed({ [other]: 0 }, dialect), { [wanted]: 0, [other]: undefined })
    assert.deepEqual(changed({ [wanted]: 7 }, dialect), {})
    assert.deepEqual(changed({ [wanted]: 3, [other]: 7 }, dialect), { [other]: undefined }, 'the name that it knows counts')
    assert.deepEqual(changed({ [other]: null }, dialect), { [other]: undefined }, 'null is no cap')
    assert.deepEqual(changed({}, dialect), {})
  })
}

test('what a provider refuses is removed with a note, and what is not there is not', () => {
  assert.deepEqual(edited({ prompt_cache_key: 'k', metadata: {} }, { strip: ['store', 'prompt_cache_key'] }), {
    changed: { prompt_cache_key: undefined },
    notes: [{ code: 'dropped', path: 'prompt_cache_key', why: 'this provider refuses the field' }],
  })
})

test('what a provider refuses is not added for another reason, and removed once', () => {
  const strip = ['stream_options', 'max_tokens']
  assert.deepEqual(edited({ stream: true }, { strip }), { changed: {}, notes: [] })
  assert.deepEqual(changed({ stream: true, stream_options: {} }, { strip }), { stream_options: undefined })
  assert.deepEqual(edited({ max_tokens: 9 }, { strip, maxTokensField: 'max_completion_tokens' }), {
    changed: { max_completion_tokens: 9, max_tokens: undefined },
    notes: [],
  })
})
