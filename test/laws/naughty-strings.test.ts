// The Big List of Naughty Strings through every pair of wires: as text, arguments, results and names, there and back, unchanged.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explode, fold, type ClientWire, type Request, type Response, type Wire } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { readCorpus, skipWithoutCorpus } from '#test/corpus.ts'
import { askedOf, eventsOfStream, targetOf, throughResponse, throughStream } from '#test/pairs.ts'
import { clientWires, codecOf, endpointPath, providerCodecOf, wires } from '#wires'
import { modelsOf } from '../conformance/translations.ts'

const skip = skipWithoutCorpus
const naughty = (): string[] => [
  ...(JSON.parse(readCorpus('bad-input', 'blns.json').toString('utf8')) as string[]),
  'data: {"type":"message_stop"}\n\n',
  'event: error\r\ndata: [DONE]\r\n\r\n',
  '"}]}\u0000\u001b[31m\u2028\u2029\ufeff',
  '\ud800 half a pair',
]
/** Providers refuse or drop text that is only white space; encoders leave it out. */
const visible = () => naughty().filter((text) => text.trim() !== '' && text.isWellFormed())

const tool = 'lookup'

/** A round of an agent with the string wherever a user, a model or a tool can put one. */
function requestWith(text: string): Request {
  return {
    model: 'm',
    stream: false,
    turns: [
      { role: 'system', authority: 'system', parts: [{ type: 'text', text }] },
      { role: 'user', parts: [{ type: 'text', text }] },
      {
        role: 'assistant',
        parts: [{ type: 'tool-call', id: 'call_1', name: tool, args: JSON.stringify({ [text]: text }), ranBy: 'client' }],
      },
      { role: 'user', parts: [{ type: 'tool-result', id: 'call_1', output: [{ type: 'text', text }] }] },
    ],
    tools: [
      {
        type: 'function',
        name: tool,
        description: text,
        input: { type: 'object', properties: { [text]: { type: 'string', description: text } } },
      },
    ],
  }
}

for (const client of clientWires.keys()) {
  for (const provider of wires.keys()) {
    test(`${client} client, ${provider} provider: naughty strings arrive as they are`, { skip }, () => {
      const model = modelsOf[provider][0]
      for (const text of visible()) {
        const sent = providerCodecOf(client).egress.encodeRequest(requestWith(text), targetOf(client, 'm')).body
        const asked = askedOf(client, JSON.parse(JSON.stringify(sent)) as JsonObject, 'm', false)
        const { request } = codecOf(client).ingress.decodeRequest(asked.body, asked.path)
        const { body } = providerCodecOf(provider).egress.encodeRequest(request, targetOf(provider, model))
        const written = stringsOf(JSON.parse(JSON.stringify(body)) as JsonObject)
        const times = (wanted: string) => written.filter((each) => each === wanted).length
        // Instructions, the question, the result, two descriptions, and the argument twice: as a key and as its value.
        assert.ok(times(text) >= 7, `${JSON.stringify(text)} arrived ${times(text)} times in ${JSON.stringify(body)}`)
      }
    })
  }

  test(`${client}: naughty strings come back as they are from every provider, whole and streamed`, { skip }, () => {
    for (const provider of wires.keys()) {
      for (const text of naughty().filter((each) => each !== '' && each.isWellFormed())) {
        const answer = answerOf(provider, text)
        for (const read of [throughResponse(explode(answer), client), throughStream(explode(answer), client)]) {
          const said = read.parts.find((part) => part.type === 'text')
          assert.equal(said?.type === 'text' ? said.text : undefined, text, `${provider}: ${JSON.stringify(text)}`)
          const call = read.parts.find((part) => part.type === 'tool-call')
          assert.deepEqual(
            call?.type === 'tool-call' ? JSON.parse(call.args) : undefined,
            { s: text },
            `${provider}: ${JSON.stringify(text)}`,
          )
        }
      }
    }
  })

  test(`${client}: a naughty name of a model or tool is read as it is, or refused with the field`, { skip }, () => {
    for (const text of naughty()) {
      const request: Request = { ...requestWith('hi'), model: text, tools: [{ type: 'function', name: text, input: { type: 'object' } }] }
      const sent = providerCodecOf(client).egress.encodeRequest(request, targetOf(client, text)).body
      const asked = askedOf(client, sent, text, false)
      try {
        const read = codecOf(client).ingress.decodeRequest(asked.body, asked.path).request
        assert.equal(read.model, text)
      } catch (error) {
        assert.ok(isObject((error as { details?: unknown }).details), (error as Error).stack)
        assert.ok((error as { details: { param?: string } }).details.param !== undefined, (error as Error).message)
      }
    }
  })
}

const templates = ['/v1beta/models/{model}:{generateContent|streamGenerateContent?alt=sse}', '/model/{model}/{converse|converse-stream}']
const tricks = [
  '..',
  '../..',
  '../../v1/admin',
  '%2e%2e%2f',
  'a%2fb',
  'a/../../b',
  'a\\..\\b',
  'a?key=1',
  'a#b',
  'a\r\nhost: evil',
  ' ',
  'a:b',
  '//evil',
  '.',
  'ü🛃',
  '\ud800',
]

test('a model’s name is one segment of the path, whatever it holds', { skip }, () => {
  for (const template of templates) {
    for (const stream of [false, true]) {
      const plain = new URL(endpointPath(template, 'plain', stream), 'http://provider.example')
      for (const model of [...tricks, ...naughty()].filter((name) => name !== '')) {
        const path = endpointPath(template, model, stream)
        assert.match(path, /^[\x21-\x7e]+$/, JSON.stringify(model))
        const url = new URL(path, 'http://provider.example')
        assert.equal(url.host, 'provider.example')
        assert.equal(url.search, plain.search, JSON.stringify(model))
        const [segments, expected] = [url.pathname.split('/'), plain.pathname.split('/')]
        assert.equal(segments.length, expected.length, `${JSON.stringify(model)} became ${url.pathname}`)
        for (const [i, segment] of expected.entries()) if (!segment.startsWith('plain')) assert.equal(segments[i], segment)
      }
    }
  }
})

// Answers of each provider that say a text and call a tool with it, as its API documents them.

function answerOf(wire: Wire, text: string): Response {
  const { egress } = providerCodecOf(wire)
  const sent = (body: JsonObject) => JSON.parse(JSON.stringify(body)) as JsonObject
  const args = { s: text }
  switch (wire) {
    case 'openai-chat':
    case 'openai-responses':
    case 'anthropic-messages':
    case 'gemini':
      return egress.decodeResponse(sent(encodedAnswer(wire, text, args)), {})
    case 'bedrock-converse':
      return egress.decodeResponse(
        sent({
          output: { message: { role: 'assistant', content: [{ text }, { toolUse: { toolUseId: 'call_1', name: tool, input: args } }] } },
          stopReason: 'tool_use',
          usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
          metrics: { latencyMs: 1 },
        }),
        {},
      )
    case 'cohere-chat':
      return egress.decodeResponse(
        sent({
          id: 'a',
          message: {
            role: 'assistant',
            content: [{ type: 'text', text }],
            tool_calls: [{ id: 'call_1', type: 'function', function: { name: tool, arguments: JSON.stringify(args) } }],
          },
          finish_reason: 'TOOL_CALL',
        }),
        {},
      )
    case 'ollama-chat': {
      const message = (content: JsonObject) => ({
        model: 'm',
        created_at: '2026-08-07T06:08:23Z',
        message: { role: 'assistant', content: '', ...content },
      })
      const lines = [
        { ...message({ content: text }), done: false },
        { ...message({ tool_calls: [{ function: { name: tool, arguments: args } }] }), done: false },
        { ...message({}), done: true, done_reason: 'stop' },
      ]
      return fold(eventsOfStream(wire, lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
    }
    default:
      return wire satisfies never
  }
}

function encodedAnswer(wire: ClientWire, text: string, args: JsonObject): JsonObject {
  const context = { requestId: 'r', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true }
  const response: Response = {
    parts: [
      { type: 'text', text },
      { type: 'tool-call', id: 'call_1', name: tool, args: JSON.stringify(args), ranBy: 'client' },
    ],
    finish: { reason: 'tool-calls' },
  }
  return codecOf(wire).ingress.encodeResponse(response, context, undefined)
}

/** The strings and keys of a body, those inside strings of JSON too: arguments travel as text. */
function stringsOf(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(stringsOf)
  if (isObject(value)) return Object.entries(value).flatMap(([key, each]) => [key, ...stringsOf(each)])
  if (typeof value !== 'string') return []
  try {
    const inner: unknown = JSON.parse(value)
    return isObject(inner) ? [value, ...stringsOf(inner)] : [value]
  } catch {
    return [value]
  }
}
