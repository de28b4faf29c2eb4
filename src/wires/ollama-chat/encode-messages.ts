// Turns -> messages. A message is one text; images stand beside it.
import type { JsonObject } from '#kernel'
import type {
  AssistantTurn,
  Dialect,
  MediaPart,
  Notes,
  OpaquePart,
  PartExtras,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
  UserTurn,
} from '#ir'
import { inputOfArgs } from '#wires/tool-ids'
import { wire } from './wire.ts'

export function encodeMessages(turns: readonly Turn[], dialect: Dialect, notes: Notes): JsonObject[] {
  /** Names of the tools, by the ids of their calls: a result names its tool. */
  const called = new Map<string, string>()
  return turns.flatMap((turn, at) => {
    const path = `turns[${at}]`
    notes.foreignExt(turn.ext, path)
    if (turn.role !== 'system' && turn.name !== undefined) notes.dropped(`${path}.name`, 'participants have no names on this wire')
    switch (turn.role) {
      case 'system': {
        if (turn.authority === 'developer') notes.renamed(`${path}.authority`, 'instructions have one authority on this wire')
        const words = new Words()
        turn.parts.forEach((part, i) => words.add(part, `${path}.parts[${i}]`, notes))
        return [{ ...turn.ext?.[wire], role: 'system', ...words.fields() }]
      }
      case 'user':
        return encodeUser(turn, path, called, notes)
      case 'assistant':
        return encodeAssistant(turn, path, called, dialect, notes)
      default:
        return turn satisfies never
    }
  })
}

/** The content of one message: its texts with a blank line between them, which is how Ollama joins messages of one role. */
class Words {
  readonly #texts: string[] = []
  readonly #images: string[] = []

  add(part: TextPart | MediaPart | OpaquePart, path: string, notes: Notes): void {
    noteExtras(part, path, notes)
    if (part.type === 'text') {
      if (part.citations !== undefined) notes.dropped(`${path}.citations`, 'this wire has no citations')
      this.#texts.push(part.text)
    } else if (part.type === 'opaque') notes.dropped(path, `only ${part.wire} knows a block of kind ${part.kind}`)
    else this.#addMedia(part, path, notes)
  }

  say(text: string): void {
    this.#texts.push(text)
  }

  #addMedia({ kind, source, name, detail }: MediaPart, path: string, notes: Notes): void {
    if (kind === 'image' && source.type === 'base64') {
      if (detail !== undefined && detail !== 'auto') notes.dropped(`${path}.detail`, 'Ollama has no image detail')
      this.#images.push(source.data)
    } else if (kind === 'document' && source.type === 'base64' && source.mediaType.startsWith('text/')) {
      notes.approximated(path, 'a text document is said as text')
      this.#texts.push((name === undefined ? '' : `${name}:\n`) + Buffer.from(source.data, 'base64').toString('utf8'))
    } else notes.dropped(path, `Ollama takes no ${kind} by ${source.type === 'base64' ? source.mediaType : source.type}`)
  }

  fields(): { content: string; images?: string[] } {
    return { content: this.#texts.join('\n\n'), ...(this.#images.length === 0 ? {} : { images: this.#images }) }
  }

  takeImages(): string[] {
    return this.#images.splice(0)
  }

  get isEmpty(): boolean {
    return this.#texts.length === 0 && this.#images.length === 0
  }
}

function encodeUser(turn: UserTurn, path: string, called: ReadonlyMap<string, string>, notes: Notes): JsonObject[] {
  const results: JsonObject[] = []
  const images: string[] = []
  const words = new Words()
  turn.parts.forEach((part, at) => {
    const partPath = `${path}.parts[${at}]`
    if (part.type !== 'tool-result') return words.add(part, partPath, notes)
    if (!words.isEmpty && results.length === 0) notes.approximated(partPath, 'tool results come before the words of the same turn')
    const result = encodeToolResult(part, partPath, called, notes)
    results.push(result.message)
    images.push(...result.images)
  })
  const { content, images: own = [] } = words.fields()
  if (results.length > 0 && words.isEmpty && images.length === 0) return results
  const all = [...images, ...own]
  return [...results, { ...turn.ext?.[wire], role: 'user', content, ...(all.length === 0 ? {} : { images: all }) }]
}

/** Models look at images of users only: those of a result follow in a user message. */
function encodeToolResult(
  part: ToolResultPart,
  path: string,
  called: ReadonlyMap<string, string>,
  notes: Notes,
): { message: JsonObject; images: string[] } {
  noteExtras(part, path, notes)
  if (part.failed === true) notes.dropped(`${path}.failed`, 'a tool message cannot say that the tool failed')
  const words = new Words()
  part.output.forEach((output, at) => {
    const outputPath = `${path}.output[${at}]`
    words.add(output, outputPath, notes)
    if (output.type === 'media' && output.kind === 'image' && output.source.type === 'base64') {
      notes.approximated(outputPath, 'a tool message takes only text: the image follows in a user message')
    }
  })
  const images = words.takeImages()
  if (words.isEmpty && images.length > 0) words.say('The output is attached to the next user message.')
  const name = called.get(part.id)
  return {
    message: {
      ...part.ext?.[wire],
      role: 'tool',
      ...words.fields(),
      ...(name === undefined ? {} : { tool_name: name }),
      tool_call_id: part.id,
    },
    images,
  }
}

function encodeAssistant(turn: AssistantTurn, path: string, called: Map<string, string>, dialect: Dialect, notes: Notes): JsonObject[] {
  const words = new Words()
  const thoughts: string[] = []
  const calls: JsonObject[] = []
  turn.parts.forEach((part, at) => {
    const partPath = `${path}.parts[${at}]`
    switch (part.type) {
      case 'text':
      case 'opaque':
        if (calls.length > 0 && part.type === 'text') notes.approximated(partPath, 'a message puts its words before its tool calls')
        return words.add(part, partPath, notes)
      case 'refusal':
        notes.approximated(partPath, 'a refusal is text on this wire')
        return words.add({ ...part, type: 'text' }, partPath, notes)
      case 'reasoning':
        if (part.seal !== undefined) return notes.dropped(partPath, `reasoning that ${part.seal.domain} sealed goes only there`)
        if (dialect.reasoningField === 'none') return notes.dropped(partPath, 'this provider takes no reasoning in a history')
        noteExtras(part, partPath, notes)
        thoughts.push(part.text)
        return undefined
      case 'tool-call': {
        const call = encodeCall(part, partPath, notes)
        if (call === undefined) return undefined
        called.set(part.id, part.name)
        calls.push(call)
        return undefined
      }
      case 'media':
        return notes.dropped(partPath, `an assistant message takes no ${part.kind}`)
      case 'tool-result':
        return notes.dropped(partPath, 'this wire has no results of tools that a provider ran')
      default:
        return part satisfies never
    }
  })
  if (words.isEmpty && calls.length === 0 && thoughts.length === 0) return []
  return [
    {
      ...turn.ext?.[wire],
      role: 'assistant',
      ...words.fields(),
      ...(thoughts.length === 0 ? {} : { thinking: thoughts.join('\n\n') }),
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
  const { input, verbatim } = part.kind === 'custom' ? { input: { input: part.args }, verbatim: true } : inputOfArgs(part.args)
  if (!verbatim) notes.approximated(`${path}.args`, 'the arguments are not a JSON object; they are kept as text')
  return { ...part.ext?.[wire], id: part.id, function: { name: part.name, arguments: input } }
}

function noteExtras(part: PartExtras, path: string, notes: Notes): void {
  notes.foreignExt(part.ext, path)
  if (part.cache !== undefined) notes.dropped(`${path}.cache`, 'Ollama has no cache marks')
}
