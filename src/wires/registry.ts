// The wires there are. A wire that is registered here is in every law and every pair.
import type { Wire } from '#ir'
import { anthropicMessages } from './anthropic-messages/index.ts'
import type { WireCodec } from './codec.ts'
import { openaiChat } from './openai-chat/index.ts'

export const wires: ReadonlyMap<Wire, WireCodec> = new Map<Wire, WireCodec>([
  ['openai-chat', openaiChat],
  ['anthropic-messages', anthropicMessages],
])

export function codecOf(wire: Wire): WireCodec {
  const codec = wires.get(wire)
  if (codec === undefined) throw new Error(`No codec is registered for the wire ${wire}.`)
  return codec
}
