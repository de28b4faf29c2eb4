// Whose a message is, and which tools it calls: of one message at a time, without reading the conversation.
import { isObject } from '#kernel'
import type { ToolTurns } from '#wires/codec'

export const toolTurns: ToolTurns = {
  marks: ['role'],
  content: ['tool_calls', 'function_call'],
  isModels: ({ role }) => role === 'assistant',
  callsIn({ tool_calls: calls, function_call: legacy }) {
    const all = Array.isArray(calls) ? calls : []
    return [...all.map((call) => (isObject(call) ? (call['function'] ?? call['custom']) : undefined)), legacy].flatMap((called) =>
      isObject(called) ? { name: called['name'], input: called['arguments'] ?? called['input'] } : [],
    )
  },
}
