// The wire of Anthropic's Messages API, both halves.
import type { WireCodec } from '#wires/codec'
import { bedrockFraming } from './bedrock-stream.ts'
import { tokenCounting } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { toAnthropicName } from './encode-blocks.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { decodeError, encodeError, encodeStreamError } from './errors.ts'
import { passThrough } from './pass-through.ts'
import { platformFields } from './platforms.ts'
import { toolTurns } from './tool-turns.ts'

export const anthropicMessages: WireCodec = {
  wire: 'anthropic-messages',
  ingress: {
    requestIdHeader: 'request-id',
    shape: {
      turns: 'messages',
      instructions: 'system',
      fields: ['model', 'stream', 'max_tokens', 'thinking', 'metadata', ...platformFields],
    },
    toolTurns,
    decodeRequest,
    encodeResponse,
    createStreamEncoder,
    encodeError,
    encodeStreamError,
  },
  egress: {
    framing: ({ anthropicVersion }) => (anthropicVersion === 'bedrock-2023-05-31' ? bedrockFraming : undefined),
    encodeRequest,
    toolName: toAnthropicName,
    decodeResponse,
    createStreamDecoder,
    decodeError,
  },
  passThrough,
  tokenCounting,
}
