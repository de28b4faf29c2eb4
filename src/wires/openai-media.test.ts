// Media that clients of OpenAI's wires send, on their way to another wire and back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MediaPart, Wire } from '#ir'
import type { JsonObject } from '#kernel'
import { codecOf, providerCodecOf } from './registry.ts'

const data = 'AAECAwQF'
const chat = (part: JsonObject) => {
  const body = { model: 'm', messages: [{ role: 'user', content: [part] }] }
  return codecOf('openai-chat').ingress.decodeRequest(body).request
}
const partOf = (part: JsonObject) => chat(part).turns[0]!.parts[0] as MediaPart
const sent = (part: JsonObject, wire: Wire, model: string) => {
  const { body, notes } = providerCodecOf(wire).egress.encodeRequest(chat(part), { model, dialect: {}, defaultMaxOutputTokens: 9 })
  return { body: JSON.stringify(body), notes: notes.map(({ path }) => path) }
}

test('audio is read with its type, and goes to wires that hear', () => {
  const audio = (format: string) => ({ type: 'input_audio', input_audio: { data, format } })
  assert.deepEqual(partOf(audio('wav')).source, { type: 'base64', mediaType: 'audio/wav', data })
  assert.deepEqual(partOf(audio('mp3')).source, { type: 'base64', mediaType: 'audio/mpeg', data })
  for (const format of ['wav', 'mp3']) {
    assert.ok(sent(audio(format), 'openai-chat', 'gpt-audio').body.includes(JSON.stringify(audio(format))), format)
  }
  assert.deepEqual(sent(audio('flac'), 'openai-chat', 'gpt-audio').notes, ['turns[0].parts[0]'])
  for (const deaf of ['anthropic-messages', 'cohere-chat', 'ollama-chat'] as const) {
    assert.deepEqual(sent(audio('wav'), deaf, 'm').notes, ['turns[0].parts[0]'], deaf)
  }
})

test('files are read by id, as data URLs, bare, and as addresses; the name says what bare data is', () => {
  const file = (fields: JsonObject) => partOf({ type: 'file', file: fields })
  const url = (type: string) => `data:${type};base64,${data}`
  assert.deepEqual(file({ file_id: 'file-1' }).source, { type: 'file', id: 'file-1' })
  assert.deepEqual(file({ file_data: url('application/pdf'), filename: 'a.pdf' }), {
    type: 'media',
    kind: 'document',
    source: { type: 'base64', mediaType: 'application/pdf', data },
    name: 'a.pdf',
  })
  assert.deepEqual(file({ file_data: data }).source, { type: 'base64', mediaType: 'application/pdf', data })
  assert.deepEqual(file({ file_data: data, filename: 'notes.TXT' }).source, { type: 'base64', mediaType: 'text/plain', data })
  assert.deepEqual(file({ file_data: 'https://example.org/a.pdf' }).source, { type: 'url', url: 'https://example.org/a.pdf' })
})

test('a document without a name gets one, since OpenAI refuses data without', () => {
  const nameless = { type: 'file', file: { file_data: `data:application/pdf;base64,${data}` } }
  assert.match(sent(nameless, 'openai-chat', 'gpt-5').body, /"filename":"document.pdf"/)
  assert.match(sent(nameless, 'openai-responses', 'gpt-5').body, /"filename":"document.pdf"/)
  assert.match(sent(nameless, 'anthropic-messages', 'claude-sonnet-4-5').body, /"media_type":"application\/pdf"/)
})

test('base64 that is none is refused with the name of its field, on every wire that clients speak', () => {
  const refusals: readonly (readonly [JsonObject, string])[] = [
    [{ type: 'image_url', image_url: { url: 'data:image/png;base64,%%%' } }, 'messages[0].content[0].image_url.url'],
    [{ type: 'input_audio', input_audio: { data: 'not base64', format: 'wav' } }, 'messages[0].content[0].input_audio.data'],
    [{ type: 'file', file: { file_data: '<html>' } }, 'messages[0].content[0].file.file_data'],
    [{ type: 'file', file: { file_data: 'data:application/pdf;base64,A' } }, 'messages[0].content[0].file.file_data'],
    [{ type: 'input_audio', input_audio: { data } }, 'messages[0].content[0].input_audio.format'],
  ]
  for (const [part, param] of refusals) assert.throws(() => partOf(part), { kind: 'invalid_request', details: { param } }, param)
  const source = { type: 'base64', media_type: 'image/png', data: 'a b' }
  const body = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [{ type: 'image', source }] }] }
  assert.throws(() => codecOf('anthropic-messages').ingress.decodeRequest(body), {
    kind: 'invalid_request',
    details: { param: 'messages.0.content.0.source.data' },
  })
})
