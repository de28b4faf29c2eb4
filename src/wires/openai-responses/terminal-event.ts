// The last event of a stream repeats the whole answer: it is looked at where it lies, and only its small fields are parsed.
import { createPeek, createSplicer, isObject, readValue, type ByteRange, type JsonObject, type JsonValue } from '#kernel'
import { holdsBilledCalls } from './usage.ts'

const small = ['id', 'model', 'status', 'usage', 'incomplete_details', 'error', 'service_tier', 'tool_usage'] as const
const outer = createPeek({ fields: ['response'] })
const inner = createPeek({ fields: [...small, 'output'] })
const usagePeek = createPeek({ fields: ['cost'] })

export type TerminalEvent = {
  readonly bytes: Buffer
  /** The response's small fields; its output, too, where calls may be billed. */
  readonly response: JsonObject
  /** The output asks the client to run something. */
  readonly hasCalls: boolean
  /** Where the usage object lies; undefined when there is none. */
  readonly usage: ByteRange | undefined
  /** All that was said. */
  output(): JsonValue | undefined
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
  const { output, usage } = found.members
  const said = output.start < 0 ? undefined : bytes.subarray(output.start, output.end)
  if (said !== undefined && holdsBilledCalls(said)) response['output'] = readValue(bytes, output)
  return {
    bytes,
    response,
    hasCalls: said !== undefined && holdsCalls(said),
    usage: isObject(response['usage']) ? { start: usage.start, end: usage.end } : undefined,
    output: () => (said === undefined ? undefined : readValue(bytes, output)),
  }
}

/** In a text the quotes of these would be escaped. */
const calls = ['"type":"function_call"', '"type": "function_call"', '"type":"custom_tool_call"', '"type": "custom_tool_call"'].map((text) =>
  Buffer.from(text),
)

export function holdsCalls(bytes: Buffer): boolean {
  return calls.some((call) => bytes.includes(call))
}

/** The event's JSON text with `cost` in the usage of its response, nothing else changed; undefined when there is none. */
export function insertCost({ bytes, usage }: TerminalEvent, costUsd: number): string | undefined {
  if (usage === undefined) return undefined
  const own = Buffer.from(bytes.subarray(usage.start, usage.end))
  const peeked = usagePeek.peek(own, 0, own.length)
  if (peeked === 'doubtful') return undefined
  const edited = createSplicer(own, 0, own.length, peeked).splice([{ field: 'cost', json: JSON.stringify(costUsd) }])
  const parts = [bytes.subarray(0, usage.start), edited.buffer.subarray(edited.start, edited.end), bytes.subarray(usage.end)]
  return Buffer.concat(parts).toString('utf8')
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
