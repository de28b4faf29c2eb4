// Turns -> messages that alternate between user and assistant, in the order and shape that Anthropic insists on, and Bedrock with it.
import type { JsonObject } from '#kernel'
import type { AssistantPart, Notes, SystemTurn, Turn, UserPart, Wire } from '#ir'

export type Message = { readonly role: 'user' | 'assistant' | 'system'; content: JsonObject[]; readonly ext?: JsonObject }
export type EncodedTurns = { readonly system: JsonObject[]; readonly messages: Message[] }

/** How a wire writes its blocks. */
export interface BlockForm {
  readonly wire: Wire
  /** A block of a user turn or of the instructions; undefined, with a note, when the part cannot be said on this wire. */
  user(part: UserPart, path: string): JsonObject | undefined
  /** A block of an assistant turn of the history. */
  assistant(part: AssistantPart, path: string): JsonObject | undefined
  text(text: string): JsonObject
  /** The text of a block that is nothing but text. */
  textOf(block: JsonObject): string | undefined
  /** The block with another text. */
  withText(block: JsonObject, text: string): JsonObject
  /** The id of a call that the client has run. */
  callId(block: JsonObject): string | undefined
  /** The id of the call that a result answers. */
  resultId(block: JsonObject): string | undefined
  /** What a result holds, as blocks of a user turn. */
  contentOf(result: JsonObject): readonly JsonObject[]
  failedResult(id: string, text: string): JsonObject
}

/** What the model behind the wire takes. */
export type TurnLimits = {
  /** The conversation may end in an assistant turn that the model continues. */
  readonly prefill: boolean
  /** Instructions may stand among the messages. */
  readonly laterSystem: boolean
}

/** Adjacent turns of one role become one message, tool results first; results without their call are said as text. */
export function encodeAlternating(turns: readonly Turn[], form: BlockForm, limits: TurnLimits, notes: Notes): EncodedTurns {
  const system: JsonObject[] = []
  const messages: Message[] = []
  const pathOfBlock = new Map<JsonObject, string>()

  turns.forEach((turn, i) => {
    const path = `turns[${i}]`
    notes.foreignExt(turn.ext, path)
    if (turn.role !== 'system' && turn.name !== undefined) notes.dropped(`${path}.name`, 'participants have no names on this wire')
    if (turn.role === 'system') {
      const blocks = encodeSystem(turn, path)
      if (messages.length === 0) system.push(...blocks)
      else if (blocks.length > 0) placeSystem(blocks, turns[i + 1], path)
      return
    }
    const content: JsonObject[] = []
    turn.parts.forEach((part, j) => {
      const partPath = `${path}.parts[${j}]`
      const block = turn.role === 'user' ? form.user(turn.parts[j]!, partPath) : form.assistant(part, partPath)
      if (block === undefined) return
      pathOfBlock.set(block, partPath)
      content.push(block)
    })
    add(turn.role, content, turn.ext?.[form.wire])
  })

  function encodeSystem(turn: SystemTurn, path: string): JsonObject[] {
    if (turn.authority === 'developer') notes.renamed(`${path}.authority`, 'instructions have one authority on this wire')
    return turn.parts.map((part, j) => form.user(part, `${path}.parts[${j}]`)).filter((block) => block !== undefined)
  }

  function add(role: 'user' | 'assistant', content: JsonObject[], ext?: JsonObject): void {
    if (content.length === 0) return
    const last = messages.at(-1)
    if (last?.role === role) last.content.push(...content)
    else messages.push({ role, content, ...(ext === undefined ? {} : { ext }) })
  }

  /** Instructions after the start: in place for models that take them there, else inside the user's turn, marked as what they are. */
  function placeSystem(blocks: JsonObject[], following: Turn | undefined, path: string): void {
    if (limits.laterSystem && messages.at(-1)?.role === 'user' && following?.role !== 'user') {
      messages.push({ role: 'system', content: blocks })
      return
    }
    notes.approximated(path, 'instructions stand only at the start; later ones become a <system> block of the user turn')
    add(
      'user',
      blocks.map((block) => form.withText(block, `<system>\n${form.textOf(block) ?? ''}\n</system>`)),
    )
  }

  if (messages.length === 0 && system.length > 0) {
    notes.approximated('turns', 'there must be a user turn; instructions alone become it')
    messages.push({ role: 'user', content: system.splice(0) })
  }
  finishEnds(messages, turns.length, form, limits, notes)
  for (const [i, message] of messages.entries()) {
    if (message.role === 'user') message.content = pairResults(message.content, callsBefore(messages, i, form), form, pathOfBlock, notes)
  }
  return { system, messages }
}

/** Whether the conversation is inside a tool loop whose last assistant turn does not begin with a block that `isSealed`. */
export function isUnsealedLoop(messages: readonly Message[], form: BlockForm, isSealed: (block: JsonObject) => boolean): boolean {
  const last = messages.findLastIndex((message) => message.role === 'assistant')
  if (last === -1) return false
  const [first, ...rest] = messages[last]!.content
  const answer = messages[last + 1]?.content[0]
  return (
    first !== undefined &&
    !isSealed(first) &&
    [first, ...rest].some((block) => form.callId(block) !== undefined) &&
    answer !== undefined &&
    form.resultId(answer) !== undefined
  )
}

/** The calls that the user message at `index` answers, by id. */
function callsBefore(messages: readonly Message[], index: number, form: BlockForm): ReadonlyMap<string, JsonObject> {
  const calls = new Map<string, JsonObject>()
  const before = messages[index - 1]
  if (before?.role !== 'assistant') return calls
  for (const block of before.content) {
    const id = form.callId(block)
    if (id !== undefined) calls.set(id, block)
  }
  return calls
}

/** Results first, one for each call of the message right before and for no other: the request is refused otherwise. */
function pairResults(
  content: readonly JsonObject[],
  calls: ReadonlyMap<string, JsonObject>,
  form: BlockForm,
  paths: ReadonlyMap<JsonObject, string>,
  notes: Notes,
): JsonObject[] {
  const results: JsonObject[] = []
  const others: JsonObject[] = []
  const unanswered = new Map(calls)
  for (const block of content) {
    const path = paths.get(block) ?? 'turns'
    const id = form.resultId(block)
    if (id === undefined) others.push(block)
    else if (!unanswered.delete(id)) {
      notes.approximated(path, 'the call of this result is not in the turn before it; the result is said as text')
      others.push(form.text(`Result of the tool call ${id}:`), ...form.contentOf(block))
    } else {
      if (others.length > 0) notes.approximated(path, 'results come first in a turn; it moved before the text')
      results.push(block)
    }
  }
  for (const [id, call] of unanswered) {
    notes.approximated(paths.get(call) ?? 'turns', 'the call has no result; one was added that says so')
    results.push(form.failedResult(id, 'This call has no recorded result.'))
  }
  return [...results, ...others]
}

/** A conversation begins with the user, and ends in a prefill only where the model continues one. */
function finishEnds(messages: Message[], turns: number, form: BlockForm, limits: TurnLimits, notes: Notes): void {
  if (messages[0]?.role === 'assistant') {
    notes.approximated('turns[0]', 'a conversation begins with the user; an opening turn was added')
    messages.unshift({ role: 'user', content: [form.text('(The conversation begins with the assistant.)')] })
  }
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return
  const path = `turns[${turns - 1}]`
  if (last.content.some((block) => form.callId(block) !== undefined)) {
    // Its calls are answered below.
    messages.push({ role: 'user', content: [] })
    return
  }
  if (!limits.prefill) {
    notes.approximated(path, 'this model does not continue an assistant turn; the user asks it to')
    messages.push({ role: 'user', content: [form.text('Continue.')] })
    return
  }
  const block = last.content.at(-1)
  const text = block === undefined ? undefined : form.textOf(block)
  if (block === undefined || text === undefined || text === text.trimEnd()) return
  notes.approximated(path, 'a final assistant turn may not end in white space')
  last.content[last.content.length - 1] = form.withText(block, text.trimEnd())
}
