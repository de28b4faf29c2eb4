// Turns -> messages.
import type { JsonObject } from '#kernel'
import type { AssistantTurn, MediaPart, Notes, OpaquePart, SystemTurn, TextPart, ToolCallPart, ToolResultPart, Turn, UserTurn } from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { urlOf } from '#wires/data-urls'
import { encodeDetail } from '#wires/openai-media'
import { thinksAhead, wire } from './generation.ts'

/** `instruction`: our own, after those of the client. */
export function encodeMessages(turns: readonly Turn[], instruction: string | undefined, target: EncodeTarget, notes: Notes): JsonObject[] {
  const system: JsonObject[] = []
  const messages: JsonObject[] = []
  const add = (said: readonly JsonObject[]) => {
    for (const message of said) messages.push(message)
  }
  turns.forEach((turn, at) => {
    const path = `turns[${at}]`
    notes.foreignExt(turn.ext, path)
    if (turn.role !== 'system' && turn.name !== undefined) notes.dropped(`${path}.name`, 'participants have no names on this wire')
    switch (turn.role) {
      case 'system': {
        const texts = encodeSystem(turn, path, notes)
        if (messages.length > 0) return add(laterSystem(texts, path, notes))
        for (const text of texts) system.push(text)
        return
      }
      case 'user':
        return add(encodeUser(turn, path, notes))
      case 'assistant':
        return add(encodeAssistant(turn, path, target, notes))
      default:
        turn satisfies never
    }
  })
  if (instruction !== undefined) system.push(textBlock(instruction))
  return system.length === 0 ? messages : [{ role: 'system', content: contentOf(system) }, ...messages]
}

const textBlock = (text: string): JsonObject => ({ type: 'text', text })

/** A single plain text is a string; everything else is an array. */
function contentOf(blocks: readonly JsonObject[]): string | JsonObject[] {
  const [only] = blocks
  if (only === undefined) return ''
  return blocks.length === 1 && Object.keys(only).length === 2 && typeof only['text'] === 'string' ? only['text'] : [...blocks]
}

function encodeSystem(turn: SystemTurn, path: string, notes: Notes): JsonObject[] {
  if (turn.authority === 'developer') notes.renamed(`${path}.authority`, 'instructions have one authority on this wire')
  return turn.parts.map((part, at) => encodeBlock(part, `${path}.parts[${at}]`, notes)).filter((block) => block !== undefined)
}

/** "system turn must be the first in the list": later instructions are said by the user, marked as what they are. */
function laterSystem(texts: readonly JsonObject[], path: string, notes: Notes): JsonObject[] {
  if (texts.length === 0) return []
  notes.approximated(path, 'instructions stand only at the start; later ones become a <system> block of the user')
  const content = texts.map(({ text }) => textBlock(`<system>\n${text as string}\n</system>`))
  return [{ role: 'user', content: contentOf(content) }]
}

function encodeUser(turn: UserTurn, path: string, notes: Notes): JsonObject[] {
  const results: JsonObject[] = []
  const words: JsonObject[] = []
  turn.parts.forEach((part, at) => {
    const partPath = `${path}.parts[${at}]`
    if (part.type === 'tool-result') {
      // Results must follow their calls at once.
      if (words.length > 0 && results.length === 0) notes.approximated(partPath, 'tool results come before the words of the same turn')
      const { message, images } = encodeToolResult(part, partPath, notes)
      results.push(message)
      words.push(...images)
      return
    }
    const block = encodeBlock(part, partPath, notes)
    if (block !== undefined) words.push(block)
  })
  if (words.length === 0 && results.length > 0) return results
  return [...results, { ...turn.ext?.[wire], role: 'user', content: contentOf(words) }]
}

/** A tool message takes text and documents: images follow in a user message after all results. */
function encodeToolResult(part: ToolResultPart, path: string, notes: Notes): { message: JsonObject; images: JsonObject[] } {
  noteExtras(part, path, notes)
  if (part.failed === true) notes.dropped(`${path}.failed`, 'a tool message cannot say that the tool failed')
  const content: JsonObject[] = []
  const images: JsonObject[] = []
  part.output.forEach((output, at) => {
    const outputPath = `${path}.output[${at}]`
    const block = encodeBlock(output, outputPath, notes)
    if (block === undefined) return
    if (block['type'] !== 'image_url') content.push(block)
    else {
      images.push(block)
      notes.approximated(outputPath, 'a tool message takes only text: the image follows in a user message')
    }
  })
  if (content.length === 0 && images.length > 0) content.push(textBlock('The output is attached to the next user message.'))
  return { message: { ...part.ext?.[wire], role: 'tool', tool_call_id: part.id, content: contentOf(content) }, images }
}

function encodeAssistant(turn: AssistantTurn, path: string, target: EncodeTarget, notes: Notes): JsonObject[] {
  const content: JsonObject[] = []
  const calls: JsonObject[] = []
  const thoughts: string[] = []
  turn.parts.forEach((part, at) => {
    const partPath = `${path}.parts[${at}]`
    switch (part.type) {
      case 'text':
      case 'refusal':
      case 'opaque': {
        if (part.type === 'refusal') notes.approximated(partPath, 'a refusal is text on this wire')
        const block = encodeBlock(part.type === 'refusal' ? { ...part, type: 'text' } : part, partPath, notes)
        if (block === undefined) return
        if (calls.length > 0) notes.approximated(partPath, 'a message puts its words before its tool calls')
        content.push(block)
        return
      }
      case 'reasoning': {
        const { seal } = part
        if (seal !== undefined) return notes.dropped(partPath, `reasoning that ${seal.domain} sealed goes only there`)
        noteExtras(part, partPath, notes)
        if (thinksAhead(target.model)) content.push({ type: 'thinking', thinking: part.text })
        // The plan, which is what these models say instead; it belongs to calls.
        else if (turn.parts.some(({ type }) => type === 'tool-call')) thoughts.push(part.text)
        else notes.dropped(partPath, 'this model takes no reasoning')
        return
      }
      case 'tool-call': {
        const call = encodeCall(part, partPath, notes)
        if (call !== undefined) calls.push(call)
        return
      }
      case 'media':
        return notes.dropped(partPath, `an assistant message takes no ${part.kind}`)
      case 'tool-result':
        return notes.dropped(partPath, 'this wire has no results of tools that a provider ran')
      default:
        part satisfies never
    }
  })
  if (content.length === 0 && calls.length === 0) return []
  return [
    {
      ...turn.ext?.[wire],
      role: 'assistant',
      ...(content.length === 0 ? {} : { content: contentOf(content) }),
      ...(thoughts.length === 0 || calls.length === 0 ? {} : { tool_plan: thoughts.join('') }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ]
}

function encodeCall(part: ToolCallPart, path: string, notes: Notes): JsonObject | undefined {
  if (part.ranBy === 'provider') {
    notes.dropped(path, 'this wire has no calls of tools that a provider ran')
    return undefined
  }
  noteExtras(part, path, notes)
  if (part.seal !== undefined) notes.dropped(`${path}.seal`, `only ${part.seal.domain} can open it`)
  if (part.kind === 'custom') notes.approximated(path, 'a call with free text becomes a call whose arguments hold that text')
  const args = part.kind === 'custom' ? JSON.stringify({ input: part.args }) : part.args === '' ? '{}' : part.args
  return { ...part.ext?.[wire], id: part.id, type: 'function', function: { name: part.name, arguments: args } }
}

function encodeBlock(part: TextPart | MediaPart | OpaquePart, path: string, notes: Notes): JsonObject | undefined {
  noteExtras(part, path, notes)
  switch (part.type) {
    case 'text':
      if (part.citations !== undefined) notes.dropped(`${path}.citations`, 'citations of another provider mean nothing here')
      return { ...textBlock(part.text), ...part.ext?.[wire] }
    case 'opaque':
      if (part.wire === wire) return part.value
      notes.dropped(path, `only ${part.wire} knows a block of kind ${part.kind}`)
      return undefined
    case 'media':
      return encodeMedia(part, path, notes)
    default:
      return part satisfies never
  }
}

function encodeMedia(part: MediaPart, path: string, notes: Notes): JsonObject | undefined {
  const { kind, source } = part
  const url = kind === 'image' ? urlOf(source) : undefined
  if (url !== undefined) {
    return { type: 'image_url', image_url: { url, ...encodeDetail(part.detail, path, notes) } }
  }
  if (kind === 'document' && source.type === 'base64' && source.mediaType.startsWith('text/')) {
    notes.approximated(path, 'a text document is said as text')
    const title = part.name === undefined ? '' : `${part.name}:\n`
    return textBlock(title + Buffer.from(source.data, 'base64').toString('utf8'))
  }
  notes.dropped(path, `Cohere takes no ${kind} by ${source.type === 'base64' ? source.mediaType : source.type}`)
  return undefined
}

function noteExtras(part: { readonly cache?: JsonObject; readonly ext?: Turn['ext'] }, path: string, notes: Notes): void {
  notes.foreignExt(part.ext, path)
  if (part.cache !== undefined) notes.dropped(`${path}.cache`, 'Cohere has no cache marks')
}
