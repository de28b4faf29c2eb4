// Tools whose names a provider's grammar refuses: called by other names there, and by their own again in the answer.
import type { Request, Response, StreamEvent, Wire } from '#ir'
import { providerCodecOf, type StreamDecoder } from '#wires'

/** The client's names by the provider's. */
export type ToolNames = ReadonlyMap<string, string>

/** undefined when every tool keeps its name. */
export function toolNamesFor(to: Wire, { tools }: Request): ToolNames | undefined {
  const { egress } = providerCodecOf(to)
  if (tools === undefined || egress.toolName === undefined) return undefined
  const names = new Map<string, string>()
  for (const tool of tools) {
    if (tool.type !== 'function') continue
    const there = egress.toolName(tool.name)
    if (there !== tool.name) names.set(there, tool.name)
  }
  return names.size === 0 ? undefined : names
}

/** The decoder, whose tool calls have the client's names. */
export function withOwnNames(decoder: StreamDecoder, names: ToolNames): StreamDecoder {
  const named = (event: StreamEvent): StreamEvent => {
    if (event.type !== 'part-start' || event.part.type !== 'tool-call') return event
    const name = names.get(event.part.name)
    return name === undefined ? event : { ...event, part: { ...event.part, name } }
  }
  return { push: (frame) => decoder.push(frame).map(named), end: () => decoder.end().map(named) }
}

export function ownNamesIn(response: Response, names: ToolNames): Response {
  const parts = response.parts.map((part) => {
    const name = part.type === 'tool-call' ? names.get(part.name) : undefined
    return part.type === 'tool-call' && name !== undefined ? { ...part, name } : part
  })
  return { ...response, parts }
}
