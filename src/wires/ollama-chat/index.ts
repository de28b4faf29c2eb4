// Ollama's own chat API: a wire that providers speak. Its streams are lines of JSON.
import type { ProviderCodec } from '#wires/codec'
import { createJsonLinesParser, jsonLinesType } from '#wires/framing/json-lines'
import { decodeError } from '#wires/provider-errors'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'

const framing = { contentType: jsonLinesType, createParser: () => createJsonLinesParser() }

export const ollamaChat: ProviderCodec = {
  wire: 'ollama-chat',
  egress: { framing: () => framing, encodeRequest, decodeResponse, createStreamDecoder, decodeError },
}
