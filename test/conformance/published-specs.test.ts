// Translated requests are such as the target's published spec accepts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientWire, Wire } from '#ir'
import type { JsonObject } from '#kernel'
import { readCorpus, skipWithoutCorpus } from '#test/corpus.ts'
import { readAnswered, requestBody, translate } from '#test/pairs.ts'
import { clientWires, codecOf, wires } from '#wires'
import { assertAccepted, requestCheck } from './published-specs.ts'
import { allRequests, openclawRequests, translations } from './translations.ts'

const skip = skipWithoutCorpus

for (const to of wires.keys()) {
  test(`each request that is translated into ${to} is valid by its published spec`, { skip }, () => {
    const check = requestCheck(to)
    const wrong = new Map<string, string>()
    let checked = 0
    for (const { from, to: target, translated, what } of translations(allRequests())) {
      if (target !== to || from === to) continue
      checked++
      // As it is sent: JSON.
      const complaints = check(JSON.parse(JSON.stringify(translated.body)) as JsonObject)
      for (const { path, message } of complaints) {
        const key = `${from}: ${path.replaceAll(/\/\d+/g, '/*')} ${message}`
        if (!wrong.has(key)) wrong.set(key, what)
      }
    }
    assert.deepEqual([...wrong], [])
    assert.ok(checked > 150, `${checked} requests`)
  })
}

test('recorded requests, which their providers accepted, are valid by the schemas that were written by hand', { skip }, () => {
  const counts = new Map<Wire, number>()
  for (const { wire, exchange } of readAnswered()) {
    if (exchange.api !== 'converse' && exchange.api !== 'cohere-v2-chat' && exchange.api !== 'ollama-chat') continue
    const body = requestBody(exchange)
    if (body === undefined) continue
    // Bedrock lets some families of models have two turns of the user; others refuse them, and we never send them.
    const complaints = requestCheck(wire)(body).filter(({ message }) => message !== 'roles alternate')
    assert.deepEqual(complaints, [], exchange.id)
    counts.set(wire, (counts.get(wire) ?? 0) + 1)
  }
  const openclaw = JSON.parse(readCorpus('openclaw', '14-ollama-api-chat.json').toString('utf8')) as { body: JsonObject }
  assertAccepted(requestCheck('ollama-chat'), openclaw.body, 'openclaw')
  assert.deepEqual(Object.fromEntries(counts), { 'bedrock-converse': 79, 'cohere-chat': 18, 'ollama-chat': 15 })
})

test('the checks refuse what the providers refuse', { skip }, () => {
  const least: Readonly<Record<Wire, JsonObject>> = {
    'openai-chat': { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    'openai-responses': { model: 'm', input: 'Hi' },
    'anthropic-messages': { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
    gemini: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    'bedrock-converse': { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
    'cohere-chat': { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
    'ollama-chat': { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
  }
  for (const [wire, body] of Object.entries(least) as [Wire, JsonObject][]) {
    const check = requestCheck(wire)
    assert.deepEqual(check(body), [], wire)
    for (const wrong of refused[wire]) {
      const whole = { ...body, ...wrong }
      for (const [key, value] of Object.entries(wrong)) if (value === null) delete whole[key]
      assert.notDeepEqual(check(whole), [], `${wire}: ${JSON.stringify(wrong)}`)
    }
  }
})

const user = { role: 'user', content: [{ type: 'text', text: 'Hi' }] }
const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] }
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id })
const asked = { role: 'user', content: [{ text: 'Hi' }] }
const used = { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'f', input: {} } }] }
const answered = (id: string) => ({ role: 'user', content: [{ toolResult: { toolUseId: id, content: [{ text: 'x' }] } }] })
const toolConfig = { tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }] }

/** Changes of the least request, null for a field that is left out, each of which the provider refuses. */
const refused: Readonly<Record<Wire, readonly JsonObject[]>> = {
  'openai-chat': [{ messages: [{ role: 'robot', content: 'Hi' }] }, { temperature: 9 }, { tools: [{ type: 'function' }] }],
  'openai-responses': [
    { input: 7 },
    { input: [{ type: 'message', role: 'robot', content: 'Hi' }] },
    { temperature: 9 },
    { tools: [{ type: 'function' }] },
    { input: [{ type: 'function_call', name: 'f' }] },
  ],
  'anthropic-messages': [
    { max_tokens: null },
    { n: 2 },
    { temperature: 1.5 },
    { messages: [call] },
    { messages: [user, call, user] },
    { messages: [user, call, { role: 'user', content: [...user.content, result('a')] }] },
    { messages: [user, call, { role: 'user', content: [result('a'), result('b')] }] },
    { messages: [user, { role: 'assistant', content: [{ type: 'tool_use', id: 'a.b', name: 'f', input: {} }] }] },
    { messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] },
    { tools: [{ name: 'f' }] },
    { tool_choice: { type: 'auto' } },
    { thinking: { type: 'enabled', budget_tokens: 1024 } },
    { max_tokens: 5000, thinking: { type: 'enabled', budget_tokens: 1024 }, temperature: 0.5 },
    { output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: {} } } } },
  ],
  gemini: [
    { contents: [{ role: 'user', parts: [{ words: 'Hi' }] }] },
    { contents: 'Hi' },
    { generationConfig: { temperature: 'hot' } },
    { generationConfig: { max_tokens: 9 } },
    { tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'object', additionalProperties: false } }] }] },
    { stream: true },
  ],
  'bedrock-converse': [
    { model: 'm' },
    { messages: [{ role: 'user', content: 'Hi' }] },
    { messages: [{ role: 'system', content: [{ text: 'Hi' }] }] },
    { messages: [{ role: 'user', content: [{ text: ' ' }] }] },
    { messages: [asked, asked] },
    { messages: [asked, used, answered('a')] },
    { messages: [asked, used, answered('b')], toolConfig },
    { messages: [asked, { role: 'assistant', content: [{ toolUse: { toolUseId: 'a.b', name: 'f', input: {} } }] }], toolConfig },
    { inferenceConfig: { temperature: 2 } },
    { inferenceConfig: { topK: 2 } },
    { messages: [{ role: 'user', content: [{ document: { format: 'pdf', name: 'a.pdf', source: { bytes: 'AAAA' } } }] }] },
    { toolConfig: { tools: [] } },
  ],
  'cohere-chat': [
    { messages: [] },
    { top_p: 0.5 },
    { p: 1 },
    { tool_choice: 'AUTO' },
    { messages: [{ role: 'developer', content: 'Hi' }] },
    { messages: [{ role: 'tool', content: 'Hi' }] },
    { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
    { stop_sequences: ['a', 'b', 'c', 'd', 'e', 'f'] },
  ],
  'ollama-chat': [
    { messages: [{ role: 'developer', content: 'Hi' }] },
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] },
    { messages: [{ role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }] },
    { messages: [{ role: 'user', content: 'Hi', images: ['data:image/png;base64,AAAA'] }] },
    { temperature: 1 },
    { options: { max_tokens: 1 } },
    { tool_choice: 'auto' },
  ],
}

test("OpenClaw's requests keep every text, tool, call and result on the other wires", { skip }, () => {
  let compared = 0
  for (const { asked: request, what } of openclawRequests()) {
    const { wire, body, path, model } = request
    for (const other of clientWires.keys()) {
      if (other === wire) continue
      const there = translate(body, wire, other, model, path)
      assert.deepEqual(contentOf(there.body, other, path), contentOf(body, wire, path), `${what} to ${other}`)
      compared++
    }
  }
  assert.ok(compared >= 11, `${compared} requests`)
})

/** What a request says, whatever its wire and however it is cut into turns. */
function contentOf(body: JsonObject, wire: ClientWire, path: object): object {
  const { request } = codecOf(wire).ingress.decodeRequest(body, path)
  const parts = request.turns.flatMap((turn) =>
    turn.parts.map((part): unknown[] => {
      if (part.type === 'text') return [turn.role, 'text', part.text]
      if (part.type === 'tool-call') return [turn.role, 'call', part.id, part.name, JSON.parse(part.args)]
      if (part.type === 'tool-result')
        return [turn.role, 'result', part.id, part.output.map((output) => (output.type === 'text' ? output.text : output))]
      return [turn.role, part]
    }),
  )
  return {
    parts,
    tools: request.tools?.map((tool) =>
      tool.type === 'function' ? { name: tool.name, description: tool.description, input: tool.input } : tool,
    ),
  }
}
