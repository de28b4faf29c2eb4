// The last event of a stream repeats the whole answer: it is looked at where it lies, and only its small fields are parsed.
import { createPeek, createSplicer, isObject, readValue, type JsonObject } from '#kernel'

const outer = createPeek({ fields: ['type', 'response', 'sequence_number'] })
const inner = createPeek({
  fields: ['id', 'model', 'status', 'usage', 'incomplete_details', 'error', 'service_tier', 'tool_usage', 'output'],
})
const usagePeek = createPeek({ fields: ['cost'] })
const small = ['id', 'model', 'status', 'usage', 'incomplete_details', 'error', 'service_tier', 'tool_usage'] as const

export type TerminalEvent = {
  /** The response's small fields. */
  readonly response: JsonObject
  /** The output asks the client to run something. */
  readonly hasCalls: boolean
}

/** undefined: its bytes are doubtful, or they hold no response. */
export function readTerminal(data: string): TerminalEvent | undefined {
  const bytes = Buffer.from(data)
  const event = outer.peek(bytes, 0, bytes.length)
  if (event === 'doubtful' || event.members.response.start < 0) return undefined
  const { start, end } = event.members.response
  const found = inner.peek(bytes, start, end)
  if (found === 'doubtful') return undefined
  const response: JsonObject = {}
  for (const name of small) {
    const member = found.members[name]
    if (member.start >= 0) response[name] = readValue(bytes, member)
  }
  const { output } = found.members
  return { response, hasCalls: output.start >= 0 && holdsCalls(bytes.subarray(output.start, output.end)) }
}

/** In a text the quotes of these would be escaped. */
const calls = ['"type":"function_call"', '"type": "function_call"', '"type":"custom_tool_call"', '"type": "custom_tool_call"'].map((text) =>
  Buffer.from(text),
)

export function holdsCalls(bytes: Buffer): boolean {
  return calls.some((call) => bytes.includes(call))
}

/** The JSON text with `cost` in the usage of its response, nothing else changed; undefined when there is none. */
export function withCost(data: string, costUsd: number): string | undefined {
  const bytes = Buffer.from(data)
  const event = outer.peek(bytes, 0, bytes.length)
  if (event === 'doubtful' || event.members.response.start < 0) return undefined
  const found = inner.peek(bytes, event.members.response.start, event.members.response.end)
  if (found === 'doubtful') return undefined
  const { start, end } = found.members.usage
  if (start < 0 || bytes[start] !== 0x7b) return undefined
  const usage = Buffer.from(bytes.subarray(start, end))
  const peeked = usagePeek.peek(usage, 0, usage.length)
  if (peeked === 'doubtful') return undefined
  const edited = createSplicer(usage, 0, usage.length, peeked).splice([{ field: 'cost', json: JSON.stringify(costUsd) }])
  return Buffer.concat([bytes.subarray(0, start), edited.buffer.subarray(edited.start, edited.end), bytes.subarray(end)]).toString('utf8')
}

/** For what cannot be peeked: parsed whole. */
export function parseObject(data: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
