// The wire of Google's generateContent (Gemini API and Vertex AI), both halves.
import type { WireCodec } from '#wires/codec'
import { tokenCounting } from './count-tokens.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { toGoogleName } from './encode-parts.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { createStreamEncoder } from './encode-stream.ts'
import { decodeError, encodeError, encodeStreamError } from './errors.ts'
import { passThrough } from './pass-through.ts'
import { toolTurns } from './tool-turns.ts'

export { createArrayStream } from './array-stream.ts'
export { encodeModel, pageOfModels, type GeminiModel } from './model-list.ts'

export const gemini: WireCodec = {
  wire: 'gemini',
  ingress: {
    // Google's SDKs show no request id; Google's own answers have none either.
    requestIdHeader: 'x-request-id',
    shape: { turns: 'contents', instructions: 'systemInstruction', fields: ['generationConfig', 'serviceTier', 'service_tier'] },
    toolTurns,
    decodeRequest,
    encodeResponse,
    createStreamEncoder,
    encodeError,
    encodeStreamError,
  },
  egress: { encodeRequest, toolName: toGoogleName, decodeResponse, createStreamDecoder, decodeError },
  passThrough,
  tokenCounting,
}
