// The wire of Amazon Bedrock's Converse API: providers speak it, no clients do.
import { decodeAwsError } from '#wires/aws-errors'
import type { FrameParser, ProviderCodec, RawFrame } from '#wires/codec'
import { createEventStreamParser, eventFrame, eventStreamType, exceptionBody, type EventMessage } from '#wires/framing/event-stream'
import { decodeResponse } from './decode-response.ts'
import { createStreamDecoder } from './decode-stream.ts'
import { toBedrockName } from './encode-blocks.ts'
import { encodeRequest } from './encode-request.ts'

const framing = { contentType: eventStreamType, createParser: (): FrameParser => createEventStreamParser(toFrame) }

export const bedrockConverse: ProviderCodec = {
  wire: 'bedrock-converse',
  egress: {
    framing: () => framing,
    toolName: toBedrockName,
    encodeRequest,
    decodeResponse,
    createStreamDecoder,
    decodeError: decodeAwsError,
  },
}

function toFrame(message: EventMessage): RawFrame {
  return message.type === 'exception'
    ? eventFrame('exception', JSON.stringify(exceptionBody(message)))
    : eventFrame(message.name, message.payload.toString('utf8'))
}
