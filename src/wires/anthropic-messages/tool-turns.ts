// Whose a message is, and which tools it calls: of one message at a time, without reading the conversation.
import { isObject } from '#kernel'
import type { ToolTurns } from '#wires/codec'

export const toolTurns: ToolTurns = {
  marks: ['role'],
  content: ['content'],
  isModels: ({ role }) => role === 'assistant',
  callsIn: ({ content }) =>
    Array.isArray(content)
      ? content.flatMap((block) => (isObject(block) && block['type'] === 'tool_use' ? { name: block['name'], input: block['input'] } : []))
      : [],
}
