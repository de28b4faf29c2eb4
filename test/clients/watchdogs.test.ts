// Which bytes keep real clients from giving up on a silent stream (docs/decisions/0019-keep-alives-that-clients-count.md): what this gateway sends does, in every wire.
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { codecOf } from '#wires'
import { clientScripts } from '#test/client-scripts.ts'
import { clientFile, createClientHome, importFrom, installClient } from '#test/npm-client.ts'
import { createUpstream, waitFor, write, type Answer, type ScriptedUpstream, type Step } from '#test/upstream.ts'

/** What is said in a silence, again and again. `ours`: what this gateway says. */
type Form = 'nothing' | 'comment' | 'ours'
type Silence = { readonly form: Form; readonly everyMs: number; readonly times: number }

/** A head and this gateway's preamble at once, then a silence, then the rest of an answer. */
function slowAnswer(wire: ClientWire, { form, everyMs, times }: Silence): Answer {
  const context = { requestId: 'watchdog', model: 'model-1', createdSeconds: 1_780_000_000, streamUsage: true, request: () => ({}) }
  const encoder = codecOf(wire).ingress.createStreamEncoder(context)
  const body: Step[] = [write(encoder.preamble())]
  let turn = Promise.resolve()
  for (let i = 0; i < times; i++) {
    turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, everyMs)))
    body.push(waitFor(turn))
    if (form !== 'nothing') body.push(write(form === 'comment' ? ': keep-alive\n\n' : encoder.keepAlive()))
  }
  const frames = clientScripts[wire].frames()
  // The scripted answer begins with a preamble of its own; what follows fits behind ours.
  const begun = { 'openai-chat': 1, 'openai-responses': 2, 'anthropic-messages': 2, gemini: 1 }[wire]
  return { headers: { 'content-type': 'text/event-stream' }, body: [...body, ...frames.slice(begun).map(write)] }
}

async function slowProvider(context: TestContext, wire: ClientWire, silence: Silence): Promise<ScriptedUpstream> {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  const streams = (url: string, body: JsonObject) => url.includes(':stream') || body['stream'] === true
  upstream.route(
    () => true,
    (request) => (streams(request.url, request.json()) ? slowAnswer(wire, silence) : clientScripts[wire].json()),
  )
  return upstream
}

const skipCodex = await installClient('codex')
const skipClaude = await installClient('claude-code')
const skipGenai = await installClient('google-genai')

describe('Codex', { skip: skipCodex, concurrency: true }, () => {
  for (const [form, waits] of [
    ['nothing', false],
    ['comment', false],
    ['ours', true],
  ] as const) {
    test(`${waits ? 'waits for' : 'gives up'} a provider that says ${form} for five seconds, when it may be silent for two and a half`, async (context) => {
      const upstream = await slowProvider(context, 'openai-responses', { form, everyMs: 1000, times: 5 })
      const client = await createClientHome(context)
      const provider = [
        'model = "gpt-5"',
        'model_provider = "slow"',
        '[model_providers.slow]',
        'name = "Slow"',
        `base_url = "${upstream.origin}/v1"`,
        'env_key = "SLOW_KEY"',
        'wire_api = "responses"',
        'stream_idle_timeout_ms = 2500',
        'stream_max_retries = 0',
        'request_max_retries = 0',
        '[analytics]',
        'enabled = false',
      ]
      client.write('.codex/config.toml', provider.join('\n'))
      const { exitCode, stdout, stderr } = await client.run({
        file: clientFile('codex', '@openai', 'codex', 'bin', 'codex.js'),
        args: ['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', 'Say hello.'],
        env: { SLOW_KEY: 'sk-slow' },
      })
      if (waits) {
        assert.equal(exitCode, 0, stderr)
        assert.match(stdout, /Hello, world!/)
      } else {
        assert.equal(exitCode, 1)
        assert.match(stderr, /idle timeout waiting for SSE/)
      }
    })
  }
})

describe('Claude Code', { skip: skipClaude, concurrency: true }, () => {
  for (const [form, waits] of [
    ['nothing', false],
    ['ours', true],
  ] as const) {
    test(`${waits ? 'waits for' : 'gives up'} a provider that says ${form} for sixteen seconds, when it may be silent for ten`, async (context) => {
      const upstream = await slowProvider(context, 'anthropic-messages', { form, everyMs: 4000, times: 4 })
      const client = await createClientHome(context)
      const { exitCode, stdout, stderr } = await client.run({
        file: clientFile('claude-code', '@anthropic-ai', 'claude-code', 'cli-wrapper.cjs'),
        args: ['-p', 'Say hello.'],
        env: {
          ANTHROPIC_BASE_URL: upstream.origin,
          ANTHROPIC_AUTH_TOKEN: 'sk-slow',
          ANTHROPIC_MODEL: 'model-1',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
          // The least that it takes.
          CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '10000',
        },
      })
      assert.equal(exitCode, 0, stderr)
      assert.match(stdout, /Hello, world!/)
      const streamed = upstream.received.filter((request) => request.json()['stream'] === true).length
      // When it has given up, it asks once more, without a stream.
      assert.deepEqual([streamed, upstream.received.length], waits ? [1, 1] : [1, 2])
    })
  }
})

type Genai = {
  GoogleGenAI: new (options: JsonObject) => {
    models: { generateContentStream(ask: { model: string; contents: string }): Promise<AsyncIterable<{ text?: string }>> }
  }
}

/** The libraries time the head and not the body; each must read what comes in between. */
const libraries: Readonly<Record<ClientWire, (origin: string) => Promise<string>>> = {
  async 'openai-chat'(origin) {
    let text = ''
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-slow', maxRetries: 0, timeout: 1000 })
    for await (const chunk of await client.chat.completions.create({ model: 'm', messages: [], stream: true }))
      text += chunk.choices[0]?.delta.content ?? ''
    return text
  },
  async 'openai-responses'(origin) {
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-slow', maxRetries: 0, timeout: 1000 })
    return (await client.responses.stream({ model: 'm', input: 'Say hello.' }).finalResponse()).output_text
  },
  async 'anthropic-messages'(origin) {
    const client = new Anthropic({ baseURL: origin, apiKey: 'sk-slow', maxRetries: 0, timeout: 1000 })
    const { content } = await client.messages.stream({ model: 'm', messages: [], max_tokens: 10 }).finalMessage()
    return content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  },
  async gemini(origin) {
    const { GoogleGenAI } = await importFrom<Genai>('google-genai', '@google/genai')
    const { models } = new GoogleGenAI({ apiKey: 'sk-slow', httpOptions: { baseUrl: origin } })
    let text = ''
    for await (const chunk of await models.generateContentStream({ model: 'm', contents: 'Say hello.' })) text += chunk.text ?? ''
    return text
  },
}

describe('the library of', { concurrency: true }, () => {
  for (const wire of clientWireNames) {
    test(`${wire} reads an answer through our keep-alives`, { skip: wire === 'gemini' && skipGenai }, async (context) => {
      const upstream = await slowProvider(context, wire, { form: 'ours', everyMs: 500, times: 4 })
      assert.equal(await libraries[wire](upstream.origin), 'Hello, world!')
    })
  }
})
