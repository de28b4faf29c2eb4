// A paced provider of streams, its wire by path: every stream gets one event each interval, each in its own packet. What is larger than
// a small request gets a whole answer at once.
// Usage: node stream-server.ts PORT EVENTS INTERVAL_MS
import { createServer, type ServerResponse } from 'node:http'

const [port, events, intervalMs] = process.argv.slice(2).map(Number)
if (port === undefined || events === undefined || intervalMs === undefined)
  throw new Error('usage: node stream-server.ts PORT EVENTS INTERVAL_MS')
/** Streams are served in turns, so that an interval isn't one burst. */
const turns = 5

type Stream = { readonly response: ServerResponse; readonly frames: readonly Buffer[]; sent: number }

const chatFrames = [
  chatChunk([{ index: 0, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null }]),
  ...Array.from({ length: events }, (_, n) =>
    chatChunk([{ index: 0, delta: { content: ` word${n}` }, logprobs: null, finish_reason: null }]),
  ),
  chatChunk([{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }]) +
    chatChunk([], {
      prompt_tokens: 24,
      completion_tokens: events,
      total_tokens: 24 + events,
      prompt_tokens_details: { cached_tokens: 0 },
    }) +
    'data: [DONE]\n\n',
].map((text) => Buffer.from(text))

const messagesFrames = [
  messagesEvent('message_start', {
    message: {
      id: 'msg_bench000000000000000001',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-4-5-20250929',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 24, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
    },
  }) + messagesEvent('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  ...Array.from({ length: events }, (_, n) =>
    messagesEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text: ` word${n}` } }),
  ),
  messagesEvent('content_block_stop', { index: 0 }) +
    messagesEvent('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: events } }) +
    messagesEvent('message_stop', {}),
].map((text) => Buffer.from(text))

const geminiFrames = [
  ...Array.from({ length: events }, (_, n) => geminiChunk({ content: { parts: [{ text: ` word${n}` }], role: 'model' }, index: 0 })),
  geminiChunk(
    { content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 },
    { promptTokenCount: 24, candidatesTokenCount: events, totalTokenCount: 24 + events },
  ),
].map((text) => Buffer.from(text))

const largeFrom = 1 << 20
const wholeAnswer = JSON.stringify({
  id: 'msg_bench000000000000000002',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'A toll road.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1600, output_tokens: 5 },
})

const waiting: Set<Stream>[] = Array.from({ length: turns }, () => new Set())
let turn = 0
let joined = 0

const server = createServer((request, response) => {
  request.resume()
  const large = Number(request.headers['content-length'] ?? 0) >= largeFrom
  request.once('end', () => {
    if (large) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(wholeAnswer)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    const stream: Stream = { response, frames: framesFor(request.url ?? ''), sent: 0 }
    const group = waiting[joined++ % turns]!
    group.add(stream)
    response.once('close', () => group.delete(stream))
  })
})

setInterval(() => {
  for (const stream of waiting[turn++ % turns]!) {
    stream.response.write(stream.frames[stream.sent++]!)
    if (stream.sent === stream.frames.length) stream.response.end()
  }
}, intervalMs / turns)

server.keepAliveTimeout = 300_000
server.on('connection', (socket) => socket.setNoDelay(true))
server.listen(port, '127.0.0.1', 4096)
process.once('SIGTERM', () => process.exit(0))

function framesFor(url: string): readonly Buffer[] {
  if (url.includes(':streamGenerateContent')) return geminiFrames
  return url.startsWith('/v1/messages') ? messagesFrames : chatFrames
}

function geminiChunk(candidate: object, usageMetadata?: object): string {
  const chunk = { candidates: [candidate], usageMetadata, modelVersion: 'gemini-2.5-flash', responseId: 'bench000000000000000001' }
  return `data: ${JSON.stringify(chunk)}\r\n\r\n`
}

function chatChunk(choices: unknown[], usage?: object): string {
  const chunk = {
    id: 'chatcmpl-bench0000000000000000000001',
    object: 'chat.completion.chunk',
    created: 1_780_000_000,
    model: 'gpt-4o-mini-2024-07-18',
    service_tier: 'default',
    system_fingerprint: 'fp_bench',
    choices,
    usage: usage ?? null,
  }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

function messagesEvent(type: string, more: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
}
