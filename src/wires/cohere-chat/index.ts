// Cohere's chat API, version 2: a wire that providers speak.
import type { ProviderCodec } from '#wires/codec'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'
import { decodeError } from './errors.ts'

export const cohereChat: ProviderCodec = {
  wire: 'cohere-chat',
  egress: { encodeRequest, decodeResponse, createStreamDecoder, decodeError },
}
