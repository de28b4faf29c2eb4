// Whose an item is, and which tool it calls: of one item at a time, without reading the conversation.
import type { JsonValue } from '#kernel'
import type { ToolTurns } from '#wires/codec'

/** What the client runs; the provider's own tools (web search, code interpreter) end inside one answer. */
const calls: ReadonlySet<JsonValue | undefined> = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'computer_call',
])

export const toolTurns: ToolTurns = {
  marks: ['type', 'role'],
  content: ['name', 'arguments', 'input', 'action', 'operation'],
  oneCallEach: true,
  isModels: ({ type, role }) => calls.has(type) || ((type === undefined || type === 'message') && role === 'assistant'),
  callsIn: ({ type, name, arguments: text, input, action, operation }) =>
    calls.has(type) ? [{ name: name ?? type, input: text ?? input ?? action ?? operation }] : [],
}
