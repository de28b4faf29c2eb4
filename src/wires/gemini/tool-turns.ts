// Whose a content is, and which functions it calls: of one content at a time, without reading the conversation.
import { isObject } from '#kernel'
import type { ToolTurns } from '#wires/codec'

export const toolTurns: ToolTurns = {
  marks: ['role'],
  content: ['parts'],
  isModels: ({ role }) => role === 'model',
  callsIn: ({ parts }) =>
    Array.isArray(parts)
      ? parts.flatMap((part) => {
          const call = isObject(part) ? (part['functionCall'] ?? part['function_call']) : undefined
          return isObject(call) ? { name: call['name'], input: call['args'] } : []
        })
      : [],
}
