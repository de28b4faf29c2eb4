// The wires there are. A wire that is registered here is in every law and every pair.
import type { ClientWire, Wire } from '#ir'
import { anthropicMessages } from './anthropic-messages/index.ts'
import { bedrockConverse } from './bedrock-converse/index.ts'
import type { ProviderCodec, WireCodec } from './codec.ts'
import { cohereChat } from './cohere-chat/index.ts'
import { gemini } from './gemini/index.ts'
import { ollamaChat } from './ollama-chat/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import { openaiResponses } from './openai-responses/index.ts'

/** Those that clients speak. */
export const clientWires: ReadonlyMap<ClientWire, WireCodec> = new Map<ClientWire, WireCodec>([
  ['openai-chat', openaiChat],
  ['openai-responses', openaiResponses],
  ['anthropic-messages', anthropicMessages],
  ['gemini', gemini],
])

/** Those that providers speak: all of them. */
export const wires: ReadonlyMap<Wire, ProviderCodec> = new Map<Wire, ProviderCodec>([
  ...clientWires,
  ['bedrock-converse', bedrockConverse],
  ['cohere-chat', cohereChat],
  ['ollama-chat', ollamaChat],
])

export function codecOf(wire: ClientWire): WireCodec {
  return registered(clientWires.get(wire), wire)
}

export function providerCodecOf(wire: Wire): ProviderCodec {
  return registered(wires.get(wire), wire)
}

function registered<Codec>(codec: Codec | undefined, wire: Wire): Codec {
  if (codec === undefined) throw new Error(`No codec is registered for the wire ${wire}.`)
  return codec
}
