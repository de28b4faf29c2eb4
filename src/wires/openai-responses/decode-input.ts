// `instructions` and `input` -> turns.
import { asText, invalidRequest, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AssistantPart, SystemTurn, ToolCallPart, ToolResultPart, Turn, UserPart } from '#ir'
import { decodeContent, decodeTextContent } from './decode-parts.ts'
import { asExt, isGiven, readName, readObject, readText, restOf, typeOf, wire, wrong } from './fields.ts'
import { argsText, decodeImage, opaqueItem, thoughtSignature, vendorDomain } from './items.ts'
import { decodeReasoningItem } from './reasoning-items.ts'

/**
 * Items that a model made one after the other are one turn of it; outputs that follow each other are one turn of the user, apart from
 * the words. Names of items (`id`) and their `status` are left behind: only an `item_reference` would need them.
 */
export function decodeInput(body: JsonObject): Turn[] {
  const turns = new Turns()
  const instructions = body['instructions']
  if (isGiven(instructions) && instructions !== '')
    turns.add({ role: 'system', authority: 'system', parts: decodeTextContent(instructions, 'instructions') })
  const input = body['input']
  if (typeof input === 'string') turns.add({ role: 'user', parts: input === '' ? [] : [{ type: 'text', text: input }] })
  else if (!Array.isArray(input)) wrong('input', 'a string or an array of items', input)
  else input.forEach((value, at) => decodeItem(readObject(value, `input[${at}]`), `input[${at}]`, turns))
  return turns.list
}

class Turns {
  readonly list: Turn[] = []
  #said: AssistantPart[] | undefined
  #results: UserPart[] | undefined
  readonly #calls = new Set<string>()
  readonly #answered = new Set<string>()

  add(turn: Turn): void {
    this.list.push(turn)
    this.#said = this.#results = undefined
  }

  say(parts: readonly AssistantPart[]): void {
    if (parts.length === 0) return
    if (this.#said === undefined) {
      const said: AssistantPart[] = []
      this.add({ role: 'assistant', parts: said })
      this.#said = said
    }
    this.#said.push(...parts)
  }

  call(part: ToolCallPart, path: string): void {
    if (this.#calls.has(part.id)) throw invalidRequest(`${path}.call_id`, `\`${path}.call_id\` is that of an earlier call: ${part.id}.`)
    this.#calls.add(part.id)
    this.say([part])
  }

  result(part: ToolResultPart, path: string): void {
    if (!this.#calls.has(part.id))
      throw invalidRequest(`${path}.call_id`, `\`${path}.call_id\` answers no call that comes before it: ${part.id}.`)
    if (this.#answered.has(part.id))
      throw invalidRequest(`${path}.call_id`, `\`${path}.call_id\` is of a call that has been answered already: ${part.id}.`)
    this.#answered.add(part.id)
    this.#answer(part)
  }

  #answer(part: UserPart): void {
    if (this.#results === undefined) {
      const results: UserPart[] = []
      this.add({ role: 'user', parts: results })
      this.#results = results
    }
    this.#results.push(part)
  }

  opaque(item: JsonObject): void {
    const part = opaqueItem(item)
    // Outputs and approvals are the client's words, everything else is the model's.
    if (/_output$|_response$/.test(part.kind)) this.#answer(part)
    else this.say([part])
  }
}

function decodeItem(item: JsonObject, path: string, turns: Turns): void {
  const type = typeOf(item) || (item['role'] === undefined && item['id'] !== undefined ? 'item_reference' : 'message')
  switch (type) {
    case 'message':
      return decodeMessage(item, path, turns)
    case 'function_call':
    case 'custom_tool_call':
      return turns.call(decodeCall(item, path, type === 'custom_tool_call'), path)
    case 'function_call_output':
    case 'custom_tool_call_output':
      return turns.result(decodeResult(item, path), path)
    case 'reasoning': {
      const parts = decodeReasoningItem(item, vendorDomain)
      return parts.length === 0 ? turns.opaque(item) : turns.say(parts)
    }
    case 'image_generation_call': {
      const image = decodeImage(item)
      return image === undefined ? turns.opaque(item) : turns.say([image])
    }
    case 'item_reference':
      throw invalidRequest(
        path,
        `\`${path}\` refers to an item that this model's provider does not store. Send the item itself: with \`store: false\`, clients do.`,
      )
    case 'compaction':
    case 'compaction_summary':
      throw invalidRequest(path, `\`${path}\` is an encrypted summary, which only the provider that made it can read.`)
    default:
      return turns.opaque(item)
  }
}

const messageFields = new Set(['type', 'role', 'content', 'id', 'status'])

function decodeMessage(item: JsonObject, path: string, turns: Turns): void {
  const role = item['role']
  const rest = restOf(item, messageFields)
  if (!isGiven(item['content'])) wrong(`${path}.content`, 'a string or an array of parts', item['content'])
  if (role === 'system' || role === 'developer') {
    const authority: SystemTurn['authority'] = role
    return turns.add({ role: 'system', authority, parts: decodeTextContent(item['content'], `${path}.content`), ...asExt(rest) })
  }
  const parts = decodeContent(item['content'], `${path}.content`)
  if (role === 'assistant') {
    // A message of the model is no turn of its own: what it says beside its content (`phase`) is on each part.
    return turns.say(
      parts.map(({ ext, ...part }) => ({ ...part, ...asExt({ ...rest, ...(ext?.[wire] === undefined ? {} : { content: ext[wire] }) }) })),
    )
  }
  if (role !== 'user') {
    return wrong(
      `${path}.role`,
      "one of 'user', 'assistant', 'system', 'developer'",
      isGiven(role) && typeof role !== 'string' ? role : undefined,
    )
  }
  turns.add({
    role: 'user',
    parts: parts.map((part, at): UserPart => {
      return part.type === 'refusal' ? wrong(`${path}.content[${at}].type`, 'a part that users write') : part
    }),
    ...asExt(rest),
  })
}

const callFields = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'status', 'extra_content'])

function decodeCall(item: JsonObject, path: string, isCustom: boolean): ToolCallPart {
  const seal = thoughtSignature(item)
  return {
    type: 'tool-call',
    id: readName(item['call_id'], `${path}.call_id`),
    name: readName(item['name'], `${path}.name`),
    args: argsText(item[isCustom ? 'input' : 'arguments']),
    ranBy: 'client',
    ...(isCustom ? { kind: 'custom' as const } : {}),
    ...(seal === undefined ? {} : { seal }),
    ...asExt(restOf(item, callFields)),
  }
}

const resultFields = new Set(['type', 'id', 'call_id', 'output', 'status'])

function decodeResult(item: JsonObject, path: string): ToolResultPart {
  return {
    type: 'tool-result',
    id: readName(item['call_id'], `${path}.call_id`),
    output: decodeOutput(item['output'], `${path}.output`),
    ...asExt(restOf(item, resultFields)),
  }
}

function decodeOutput(output: JsonValue | undefined, path: string): ToolResultPart['output'] {
  // Older clients of custom tools send an object.
  if (isObject(output)) return [{ type: 'text', text: asText(output['content']) ?? JSON.stringify(output) }]
  if (!isGiven(output)) readText(output, path)
  return decodeContent(output, path).map((part, at) => {
    return part.type === 'refusal' ? wrong(`${path}[${at}].type`, 'a part that tools return') : part
  })
}
