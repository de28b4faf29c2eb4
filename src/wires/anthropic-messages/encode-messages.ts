// Turns -> `system` and `messages` of this wire.
import type { JsonObject } from '#kernel'
import type { Notes, Turn } from '#ir'
import { encodeAlternating, isUnsealedLoop, type BlockForm, type EncodedTurns } from '#wires/alternating-turns'
import type { Generation } from '#wires/claude-generation'
import { encodeHistoryPart, encodeUserPart } from './encode-blocks.ts'
import { textOf, typeOf, wire } from './fields.ts'

/** `unsealedLoop`: the tool loop that is being continued began without sealed thinking. */
export function encodeTurns(
  turns: readonly Turn[],
  generation: Generation,
  seals: string | undefined,
  notes: Notes,
): EncodedTurns & { readonly unsealedLoop: boolean } {
  const form: BlockForm = {
    ...blocks,
    user: (part, path) => encodeUserPart(part, path, notes),
    assistant: (part, path) => encodeHistoryPart(part, path, seals, notes),
  }
  const encoded = encodeAlternating(turns, form, generation, notes)
  return { ...encoded, unsealedLoop: isUnsealedLoop(encoded.messages, form, isSealed) }
}

const blocks: Omit<BlockForm, 'user' | 'assistant'> = {
  wire,
  text: (text) => ({ type: 'text', text }),
  textOf: (block) => (block['type'] === 'text' ? textOf(block, 'text') : undefined),
  withText: (block, text) => ({ ...block, text }),
  callId: (block) => (block['type'] === 'tool_use' ? textOf(block, 'id') : undefined),
  resultId: (block) => (block['type'] === 'tool_result' ? textOf(block, 'tool_use_id') : undefined),
  contentOf(result) {
    const content = result['content'] ?? ''
    if (typeof content !== 'string') return content as JsonObject[]
    return content === '' ? [] : [{ type: 'text', text: content }]
  },
  failedResult: (id, text) => ({ type: 'tool_result', tool_use_id: id, content: text, is_error: true }),
}

function isSealed(block: JsonObject): boolean {
  return typeOf(block) === 'thinking' || typeOf(block) === 'redacted_thinking'
}
