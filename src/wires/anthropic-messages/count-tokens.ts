// `/v1/messages/count_tokens`: a request without `max_tokens`, answered with one number.
import type { TokenCounting } from '#wires/codec'
import { decodePrompt } from './decode-request.ts'

export const tokenCounting: TokenCounting = {
  // Bedrock and Vertex, with the model in the path, count elsewhere and otherwise.
  endpoint: (generate) => (generate.endsWith('/messages') ? `${generate}/count_tokens` : undefined),
  decode: (body) => decodePrompt(body),
  encode: (inputTokens) => ({ input_tokens: inputTokens }),
}
