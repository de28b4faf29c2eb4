// Turns -> messages.
import type { JsonObject } from '#kernel'
import type { AssistantTurn, Dialect, Notes, ReasoningPart, SystemTurn, TextPart, ToolCallPart, ToolResultPart, Turn, UserTurn } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { openaiNameGrammar, toOpenaiName } from '#wires/tool-ids'
import { encodePart } from './encode-parts.ts'
import { encodeToolCall } from './encode-response.ts'
import { wire } from './fields.ts'
import { encodeDetails } from './reasoning-details.ts'

export function encodeMessages(turns: readonly Turn[], target: EncodeTarget, notes: Notes): JsonObject[] {
  return turns.flatMap((turn, at) => {
    const path = `turns[${at}]`
    notes.foreignExt(turn.ext, path)
    switch (turn.role) {
      case 'system':
        return [encodeSystem(turn, path, target.dialect, notes)]
      case 'user':
        return encodeUser(turn, path, target.dialect, notes)
      case 'assistant':
        return [encodeAssistant(turn, path, target, notes)]
      default:
        return turn satisfies never
    }
  })
}

/** A single plain text is a string, as every server knows it; everything else is an array. */
function contentOf(parts: readonly JsonObject[]): string | JsonObject[] {
  if (parts.length === 0) return ''
  const [only] = parts
  return parts.length === 1 && Object.keys(only!).length === 2 && typeof only!['text'] === 'string' ? only!['text'] : [...parts]
}

function encodeSystem(turn: SystemTurn, path: string, dialect: Dialect, notes: Notes): JsonObject {
  const isDeveloper = turn.authority === 'developer' && dialect.developerRole === true
  if (turn.authority === 'developer' && !isDeveloper) notes.renamed(`${path}.authority`, 'this provider takes instructions as system')
  const parts = turn.parts.map((part, index) => encodePart(part, `${path}.parts[${index}]`, notes, dialect.cacheControl === true)!)
  return { ...turn.ext?.[wire], role: isDeveloper ? 'developer' : 'system', content: contentOf(parts) }
}

function encodeUser(turn: UserTurn, path: string, dialect: Dialect, notes: Notes): JsonObject[] {
  const cacheControl = dialect.cacheControl === true
  const results: JsonObject[] = []
  const words: JsonObject[] = []
  turn.parts.forEach((part, index) => {
    const partPath = `${path}.parts[${index}]`
    if (part.type === 'tool-result') {
      // Results must follow their calls at once.
      if (words.length > 0 && results.length === 0) notes.approximated(partPath, 'tool results come before the words of the same turn')
      const { message, media } = encodeToolResult(part, partPath, cacheControl, notes)
      results.push(message)
      words.push(...media)
    } else {
      const encoded = encodePart(part, partPath, notes, cacheControl)
      if (encoded !== undefined) words.push(encoded)
    }
  })
  if (words.length === 0 && results.length > 0) return results
  const name = turn.name === undefined ? {} : { name: turn.name }
  return [...results, { ...turn.ext?.[wire], role: 'user', content: contentOf(words), ...name }]
}

/** A tool message takes only text: media follow in a user message after all results. */
function encodeToolResult(
  part: ToolResultPart,
  path: string,
  cacheControl: boolean,
  notes: Notes,
): { message: JsonObject; media: JsonObject[] } {
  notes.foreignExt(part.ext, path)
  if (part.failed === true) notes.dropped(`${path}.failed`, 'a tool message cannot say that the tool failed')
  const content: JsonObject[] = []
  const media: JsonObject[] = []
  part.output.forEach((output, index) => {
    const encoded = encodePart(output, `${path}.output[${index}]`, notes, cacheControl)
    if (encoded === undefined) return
    if (output.type !== 'media') content.push(encoded)
    else {
      media.push(encoded)
      notes.approximated(`${path}.output[${index}]`, `a tool message takes only text: the ${output.kind} follows in a user message`)
    }
  })
  if (content.length === 0 && media.length > 0) content.push({ type: 'text', text: 'The output is attached to the next user message.' })
  const mark = part.cache === undefined ? undefined : cacheControl ? { cache_control: part.cache } : undefined
  if (part.cache !== undefined && mark === undefined) notes.dropped(`${path}.cache`, 'this provider has no cache marks')
  return { message: { ...part.ext?.[wire], role: 'tool', tool_call_id: part.id, content: contentOf(content), ...mark }, media }
}

function encodeAssistant(turn: AssistantTurn, path: string, target: EncodeTarget, notes: Notes): JsonObject {
  const content: JsonObject[] = []
  const calls: JsonObject[] = []
  const reasoning: ReasoningPart[] = []
  const annotations: JsonObject[] = []
  turn.parts.forEach((part, index) => {
    const partPath = `${path}.parts[${index}]`
    switch (part.type) {
      case 'text':
      case 'refusal':
      case 'media':
      case 'opaque': {
        if (part.type === 'text') for (const each of ownAnnotations(part, partPath, notes)) annotations.push(each)
        if (part.type === 'media') return notes.dropped(partPath, `an assistant message takes no ${part.kind}`)
        const encoded = encodePart(part, partPath, notes, target.dialect.cacheControl === true)
        if (encoded === undefined) return
        if (calls.length > 0) notes.approximated(partPath, 'a message puts its words before its tool calls')
        content.push(encoded)
        return
      }
      case 'reasoning': {
        const sent = encodableReasoning(part, partPath, target, notes)
        if (sent !== undefined) reasoning.push(sent)
        return
      }
      case 'tool-call':
        return encodeCall(part, partPath, target, calls, notes)
      case 'tool-result':
        return notes.dropped(partPath, 'this wire has no results of tools that a provider ran')
      default:
        part satisfies never
    }
  })
  return {
    ...turn.ext?.[wire],
    role: 'assistant',
    ...assistantContent(content, calls.length > 0),
    ...(turn.name === undefined ? {} : { name: turn.name }),
    ...encodeReasoning(reasoning, target.dialect),
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
}

/** Annotations go back as they came. Others have no use in a history, and a provider may refuse the field. */
function ownAnnotations({ citations = [] }: TextPart, path: string, notes: Notes): JsonObject[] {
  const own = citations.flatMap(({ raw }) => (raw?.wire === wire ? [raw.value] : []))
  if (own.length < citations.length) notes.dropped(`${path}.citations`, 'citations of another wire mean nothing to the models of this one')
  return own
}

function assistantContent(content: JsonObject[], hasCalls: boolean): JsonObject {
  const [only] = content
  if (content.length === 1 && only!['type'] === 'refusal' && Object.keys(only!).length === 2)
    return { content: null, refusal: only!['refusal']! }
  return { content: content.length === 0 && hasCalls ? null : contentOf(content) }
}

function encodeCall(part: ToolCallPart, path: string, target: EncodeTarget, calls: JsonObject[], notes: Notes): void {
  if (part.ranBy === 'provider') return notes.dropped(path, 'this wire has no calls of tools that a provider ran')
  notes.foreignExt(part.ext, path)
  if (part.cache !== undefined) notes.dropped(`${path}.cache`, 'a tool call takes no cache mark on this wire')
  const { seal, ...unsealed } = part
  if (seal !== undefined && seal.domain !== target.sealDomain) notes.dropped(`${path}.seal`, `only ${seal.domain} can open it`)
  const name = part.kind === 'custom' ? part.name : toOpenaiName(part.name)
  if (name !== part.name) notes.renamed(`${path}.name`, openaiNameGrammar)
  calls.push(encodeToolCall({ ...(seal !== undefined && seal.domain === target.sealDomain ? part : unsealed), name }))
}

/** Reasoning goes where the provider reads it back; a seal only to who can open it. Foreign reasoning never becomes visible text. */
function encodableReasoning(part: ReasoningPart, path: string, target: EncodeTarget, notes: Notes): ReasoningPart | undefined {
  if ((target.dialect.reasoningField ?? 'none') === 'none') {
    notes.dropped(path, 'this provider takes no reasoning back')
    return undefined
  }
  const { seal, ...unsealed } = part
  if (seal === undefined || seal.domain === target.sealDomain) return part
  notes.dropped(part.text === '' ? path : `${path}.seal`, `only ${seal.domain} can open it`)
  return part.text === '' ? undefined : unsealed
}

function encodeReasoning(parts: readonly ReasoningPart[], dialect: Dialect): JsonObject {
  if (parts.length === 0) return {}
  const text = parts.map((part) => part.text).join('')
  const field = dialect.reasoningField === 'reasoning' ? 'reasoning' : 'reasoning_content'
  return {
    ...(text === '' ? {} : { [field]: text }),
    ...(parts.some((part) => part.seal !== undefined) ? { reasoning_details: parts.flatMap(encodeDetails) } : {}),
  }
}
