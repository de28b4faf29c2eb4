// Turns -> `system` and `messages`, in the order and shape that Anthropic insists on.
import type { JsonObject } from '#kernel'
import type { Notes, SystemTurn, Turn } from '#ir'
import type { Generation } from '#wires/claude-generation'
import { encodeHistoryPart, encodeUserPart } from './encode-blocks.ts'
import { ownExt, textOf } from './fields.ts'

export type Message = { readonly role: 'user' | 'assistant' | 'system'; content: JsonObject[]; readonly ext?: JsonObject }
export type EncodedTurns = { readonly system: JsonObject[]; readonly messages: Message[] }

/** Adjacent turns of one role become one message, tool results first; results without their call are said as text. */
export function encodeTurns(turns: readonly Turn[], generation: Generation, seals: string | undefined, notes: Notes): EncodedTurns {
  const system: JsonObject[] = []
  const messages: Message[] = []
  const pathOfBlock = new Map<JsonObject, string>()

  turns.forEach((turn, i) => {
    const path = `turns[${i}]`
    notes.foreignExt(turn.ext, path)
    if (turn.role !== 'system' && turn.name !== undefined) notes.dropped(`${path}.name`, 'participants have no names on this wire')
    if (turn.role === 'system') {
      const blocks = encodeSystem(turn, path, notes)
      if (messages.length === 0) system.push(...blocks)
      else if (blocks.length > 0) placeSystem(blocks, turns[i + 1], path)
      return
    }
    const content: JsonObject[] = []
    turn.parts.forEach((part, j) => {
      const partPath = `${path}.parts[${j}]`
      const block = turn.role === 'user' ? encodeUserPart(turn.parts[j]!, partPath, notes) : encodeHistoryPart(part, partPath, seals, notes)
      if (block === undefined) return
      pathOfBlock.set(block, partPath)
      content.push(block)
    })
    add(turn.role, content, ownExt(turn.ext))
  })

  function add(role: 'user' | 'assistant', content: JsonObject[], ext?: JsonObject): void {
    if (content.length === 0) return
    const last = messages.at(-1)
    if (last?.role === role) last.content.push(...content)
    else messages.push({ role, content, ...(ext === undefined ? {} : { ext }) })
  }

  /** Instructions after the start: in place for models that take them there, else inside the user's turn, marked as what they are. */
  function placeSystem(blocks: JsonObject[], following: Turn | undefined, path: string): void {
    if (generation.laterSystem && messages.at(-1)?.role === 'user' && following?.role !== 'user') {
      messages.push({ role: 'system', content: blocks })
      return
    }
    notes.approximated(path, 'instructions stand only at the start; later ones become a <system> block of the user turn')
    add(
      'user',
      blocks.map((block) => ({ ...block, text: `<system>\n${textOf(block, 'text')}\n</system>` })),
    )
  }

  if (messages.length === 0 && system.length > 0) {
    notes.approximated('turns', 'Anthropic wants a user turn; instructions alone become it')
    messages.push({ role: 'user', content: system.splice(0) })
  }
  finishEnds(messages, turns.length, generation, notes)
  for (const [i, message] of messages.entries()) {
    if (message.role === 'user') message.content = pairResults(message.content, callsBefore(messages, i), pathOfBlock, notes)
  }
  return { system, messages }
}

function encodeSystem(turn: SystemTurn, path: string, notes: Notes): JsonObject[] {
  if (turn.authority === 'developer') notes.renamed(`${path}.authority`, 'instructions have one authority on this wire')
  const blocks: JsonObject[] = []
  turn.parts.forEach((part, j) => {
    const block = encodeUserPart(part, `${path}.parts[${j}]`, notes)
    if (block !== undefined) blocks.push(block)
  })
  return blocks
}

/** The calls that the user message at `index` answers, by id. */
function callsBefore(messages: readonly Message[], index: number): ReadonlyMap<unknown, JsonObject> {
  const before = messages[index - 1]
  if (before?.role !== 'assistant') return new Map()
  return new Map(before.content.filter((block) => block['type'] === 'tool_use').map((block) => [block['id'], block]))
}

/** Results first, one for each call of the message right before and for no other: Anthropic refuses the request otherwise. */
function pairResults(
  content: readonly JsonObject[],
  calls: ReadonlyMap<unknown, JsonObject>,
  paths: ReadonlyMap<JsonObject, string>,
  notes: Notes,
): JsonObject[] {
  const results: JsonObject[] = []
  const others: JsonObject[] = []
  const unanswered = new Map(calls)
  for (const block of content) {
    const path = paths.get(block) ?? 'turns'
    if (block['type'] !== 'tool_result') others.push(block)
    else if (!unanswered.delete(block['tool_use_id'])) {
      notes.approximated(path, 'the call of this result is not in the turn before it; the result is said as text')
      others.push(...asText(block))
    } else {
      if (others.length > 0) notes.approximated(path, 'results come first in a turn; it moved before the text')
      results.push(block)
    }
  }
  for (const [id, call] of unanswered) {
    notes.approximated(paths.get(call) ?? 'turns', 'the call has no result; one was added that says so')
    results.push({ type: 'tool_result', tool_use_id: id as string, content: 'This call has no recorded result.', is_error: true })
  }
  return [...results, ...others]
}

function asText(result: JsonObject): JsonObject[] {
  const content = result['content'] ?? ''
  const inner = typeof content === 'string' ? (content === '' ? [] : [{ type: 'text', text: content }]) : (content as JsonObject[])
  return [{ type: 'text', text: `Result of the tool call ${textOf(result, 'tool_use_id')}:` }, ...inner]
}

/** A conversation begins with the user, and ends in a prefill only where the model continues one. */
function finishEnds(messages: Message[], turns: number, generation: Generation, notes: Notes): void {
  if (messages[0]?.role === 'assistant') {
    notes.approximated('turns[0]', 'a conversation begins with the user; an opening turn was added')
    messages.unshift({ role: 'user', content: [{ type: 'text', text: '(The conversation begins with the assistant.)' }] })
  }
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return
  const path = `turns[${turns - 1}]`
  if (last.content.some((block) => block['type'] === 'tool_use')) {
    // Its calls are answered below.
    messages.push({ role: 'user', content: [] })
    return
  }
  if (!generation.prefill) {
    notes.approximated(path, 'this model does not continue an assistant turn; the user asks it to')
    messages.push({ role: 'user', content: [{ type: 'text', text: 'Continue.' }] })
    return
  }
  const block = last.content.at(-1)
  if (block?.['type'] !== 'text') return
  const trimmed = textOf(block, 'text').trimEnd()
  if (trimmed === block['text']) return
  notes.approximated(path, 'a final assistant turn may not end in white space')
  last.content[last.content.length - 1] = { ...block, text: trimmed }
}
