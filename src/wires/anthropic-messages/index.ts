// The wire of Anthropic's Messages API, both halves.
import type { WireCodec } from '#wires/codec'
import { tokenCounting } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { decodeError, encodeError, encodeStreamError } from './errors.ts'
import { passThrough } from './pass-through.ts'

export const anthropicMessages: WireCodec = {
  wire: 'anthropic-messages',
  ingress: {
    requestIdHeader: 'request-id',
    shape: { turns: 'messages', instructions: 'system', fields: ['model', 'stream', 'max_tokens', 'metadata'] },
    decodeRequest,
    encodeResponse,
    createStreamEncoder,
    encodeError,
    encodeStreamError,
  },
  egress: { encodeRequest, decodeResponse, createStreamDecoder, decodeError },
  passThrough,
  tokenCounting,
}
