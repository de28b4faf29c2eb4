// OpenAI's chat completions, as OpenAI and everybody compatible speaks them.
import type { WireCodec } from '#wires/codec'
import { decodeError } from '#wires/provider-errors'
import { toOpenaiName } from '#wires/tool-ids'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { encodeError, encodeStreamError } from './errors.ts'
import { passThrough } from './pass-through.ts'
import { toolTurns } from './tool-turns.ts'

export const openaiChat: WireCodec = {
  wire: 'openai-chat',
  ingress: {
    requestIdHeader: 'x-request-id',
    shape: {
      turns: 'messages',
      fields: [
        'model',
        'stream',
        'stream_options',
        'max_tokens',
        'max_completion_tokens',
        'prompt_cache_key',
        'metadata',
        'service_tier',
        'n',
      ],
    },
    toolTurns,
    decodeRequest,
    encodeResponse,
    createStreamEncoder,
    encodeError,
    encodeStreamError,
  },
  egress: { encodeRequest, toolName: toOpenaiName, decodeResponse, createStreamDecoder, decodeError },
  passThrough,
}
