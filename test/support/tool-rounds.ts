// How each wire that clients speak writes an agent's rounds: the model's tool calls, the tools' results, and words of either side.
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'

export type Call = readonly [name: string, input: JsonObject]
type Writer = {
  /** The model's turn; ids of calls begin with `id`. */
  readonly calls: (calls: readonly Call[], id: string) => readonly JsonObject[]
  readonly results: (calls: readonly Call[], id: string) => readonly JsonObject[]
  readonly said: (by: 'user' | 'model', text: string) => JsonObject
}
export const toolRounds: Readonly<Record<ClientWire, Writer>> = {
  'openai-chat': {
    calls: (calls, id) => [
      {
        role: 'assistant',
        content: null,
        tool_calls: calls.map(([name, input], n) => ({
          id: `${id}${n}`,
          type: 'function',
          function: { name, arguments: JSON.stringify(input) },
        })),
      },
    ],
    results: (calls, id) => calls.map((_, n) => ({ role: 'tool', tool_call_id: `${id}${n}`, content: `result ${id}` })),
    said: (by, text) => ({ role: by === 'model' ? 'assistant' : 'user', content: text }),
  },
  'openai-responses': {
    calls: (calls, id) => [
      { type: 'reasoning', id: `rs_${id}`, summary: [] },
      ...calls.map(([name, input], n) => ({ type: 'function_call', call_id: `${id}${n}`, name, arguments: JSON.stringify(input) })),
    ],
    results: (calls, id) => calls.map((_, n) => ({ type: 'function_call_output', call_id: `${id}${n}`, output: `result ${id}` })),
    said: (by, text) => ({ type: 'message', role: by === 'model' ? 'assistant' : 'user', content: [{ type: 'input_text', text }] }),
  },
  'anthropic-messages': {
    calls: (calls, id) => [
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: `about ${id}`, signature: 's' },
          ...calls.map(([name, input], n) => ({ type: 'tool_use', id: `${id}${n}`, name, input })),
        ],
      },
    ],
    results: (calls, id) => [
      { role: 'user', content: calls.map((_, n) => ({ type: 'tool_result', tool_use_id: `${id}${n}`, content: `result ${id}` })) },
    ],
    said: (by, text) => ({ role: by === 'model' ? 'assistant' : 'user', content: text }),
  },
  gemini: {
    calls: (calls, id) => [{ parts: calls.map(([name, args], n) => ({ functionCall: { id: `${id}${n}`, name, args } })), role: 'model' }],
    results: (calls) => [{ parts: calls.map(([name]) => ({ functionResponse: { name, response: {} } })), role: 'user' }],
    said: (by, text) => ({ parts: [{ text }], role: by }),
  },
}
