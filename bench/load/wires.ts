// What a client of each wire sends, and how its load knows content and the end of a stream.
export const benchWires = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
export type BenchWire = (typeof benchWires)[number]

type Side = {
  readonly path: string
  readonly body: string
  /** In each frame with content. */
  readonly contentMark: string
  /** How a complete stream ends. */
  readonly lastFrame: RegExp
}

const model = 'mock/gpt-4o-mini'
const question = 'Say in one sentence why a toll road remembers.'
const messages = [{ role: 'user', content: question }]

/** For streams. */
export const sides: Readonly<Record<BenchWire, Side>> = {
  'openai-chat': {
    path: '/v1/chat/completions',
    body: `{"model":"${model}","messages":[{"role":"user","content":"${question}"}],"max_tokens":100,"n":1,"stream":true}`,
    contentMark: '"content":" word',
    lastFrame: /data: \[DONE\]\n\n$/,
  },
  'openai-responses': {
    path: '/v1/responses',
    body: JSON.stringify({ model, input: messages, max_output_tokens: 100, stream: true }),
    contentMark: '"delta":" word',
    lastFrame: /event: response\.completed\ndata: .*\}\n\n$/s,
  },
  'anthropic-messages': {
    path: '/v1/messages',
    body: JSON.stringify({ model, messages, max_tokens: 100, stream: true }),
    contentMark: '"text":" word',
    lastFrame: /"type":"message_stop"\}\n\n$/,
  },
  gemini: {
    path: `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: question }] }], generationConfig: { maxOutputTokens: 100 } }),
    contentMark: '"text":" word',
    lastFrame: /"finishReason":"STOP".*\}\r?\n\r?\n$/s,
  },
}

/** A request with an image, not streamed. */
export function imageBody(wire: 'openai-chat' | 'anthropic-messages', base64: string): string {
  const image =
    wire === 'openai-chat'
      ? { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } }
      : { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }
  return JSON.stringify({ model, max_tokens: 100, messages: [{ role: 'user', content: [{ type: 'text', text: question }, image] }] })
}
