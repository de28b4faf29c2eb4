// Turns -> items.
import type { JsonObject } from '#kernel'
import type {
  AssistantTurn,
  MediaPart,
  Notes,
  OpaquePart,
  ReasoningPart,
  RefusalPart,
  SystemTurn,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
  UserTurn,
} from '#ir'
import type { EncodeTarget } from '#wires/codec'
import { openaiNameGrammar, toOpenaiName } from '#wires/tool-ids'
import { CallPairs } from './call-pairs.ts'
import { encodePart } from './encode-parts.ts'
import { ownExt, wire } from './fields.ts'
import { callShape, encodeImage, isContent, sealedCall } from './items.ts'
import { encodeReasoningItem } from './reasoning-items.ts'
import { encodeAnnotations } from './annotations.ts'

export function encodeInput(turns: readonly Turn[], target: EncodeTarget, notes: Notes): JsonObject[] {
  const encoder = new InputEncoder(target, notes)
  turns.forEach((turn, at) => encoder.turn(turn, `turns[${at}]`))
  return encoder.calls.complete(encoder.items, notes)
}

type PlacedPart = { readonly part: TextPart | MediaPart | OpaquePart; readonly path: string }

class InputEncoder {
  readonly items: JsonObject[] = []
  readonly calls = new CallPairs()
  readonly #target: EncodeTarget
  readonly #notes: Notes
  readonly #cacheControl: boolean

  constructor(target: EncodeTarget, notes: Notes) {
    this.#target = target
    this.#notes = notes
    this.#cacheControl = target.dialect.cacheControl === true
  }

  turn(turn: Turn, path: string): void {
    this.#notes.foreignExt(turn.ext, path)
    switch (turn.role) {
      case 'system':
        return this.#message(
          turn.authority,
          turn,
          turn.parts.map((part, index) => ({ part, path: `${path}.parts[${index}]` })),
        )
      case 'user':
        return this.#user(turn, path)
      case 'assistant':
        return this.#assistant(turn, path)
      default:
        turn satisfies never
    }
  }

  #message(role: string, turn: SystemTurn | UserTurn, parts: readonly PlacedPart[]): void {
    const content = parts
      .map(({ part, path }) => encodePart(part, path, this.#notes, this.#cacheControl))
      .filter((encoded) => encoded !== undefined)
    if (content.length > 0) this.items.push({ type: 'message', role, content: contentOf(content), ...ownExt(turn.ext) })
  }

  #user(turn: UserTurn, path: string): void {
    if (turn.name !== undefined) this.#notes.dropped(`${path}.name`, 'messages of this wire have no name')
    let words: PlacedPart[] = []
    const flush = () => {
      this.#message('user', turn, words)
      words = []
    }
    turn.parts.forEach((part, index) => {
      const partPath = `${path}.parts[${index}]`
      if (part.type === 'tool-result') {
        flush()
        this.#result(part, partPath)
      } else if (part.type === 'opaque' && part.wire === wire && !isContent(part)) {
        flush()
        this.items.push(part.value)
      } else words.push({ part, path: partPath })
    })
    flush()
  }

  #result(part: ToolResultPart, path: string): void {
    this.#notes.foreignExt(part.ext, path)
    if (part.failed === true) this.#notes.dropped(`${path}.failed`, 'an output of this wire cannot say that the tool failed')
    if (part.cache !== undefined) this.#notes.dropped(`${path}.cache`, 'an output of this wire takes no cache mark')
    const content = part.output
      .map((output, index) => encodePart(output, `${path}.output[${index}]`, this.#notes, this.#cacheControl))
      .filter((encoded) => encoded !== undefined)
    const call = this.calls.answer(part.id)
    if (call !== undefined) {
      this.items.push({ ...call, output: content.length === 0 ? '' : contentOf(content), ...ownExt(part.ext) })
      return
    }
    this.#notes.approximated(path, 'no call that waits for a result comes before this one; it is said as text')
    const words = { type: 'input_text', text: `Result of the tool call ${part.id}:` }
    this.items.push({ type: 'message', role: 'user', content: [words, ...content] })
  }

  #assistant(turn: AssistantTurn, path: string): void {
    if (turn.name !== undefined) this.#notes.dropped(`${path}.name`, 'messages of this wire have no name')
    /** Reasoning whose seal is still to come: a seal is on the last part of its item. */
    let reasoning: { part: ReasoningPart; path: string }[] = []
    const flush = () => {
      this.#reasoning(reasoning)
      reasoning = []
    }
    turn.parts.forEach((part, index) => {
      const partPath = `${path}.parts[${index}]`
      if (part.type === 'reasoning') {
        reasoning.push({ part, path: partPath })
        if (part.seal !== undefined) flush()
        return
      }
      flush()
      switch (part.type) {
        case 'text':
        case 'refusal':
          return this.#said(part, partPath)
        case 'media':
          return this.#media(part, partPath)
        case 'tool-call':
          return this.#call(part, partPath)
        case 'tool-result':
          return this.#notes.dropped(partPath, 'this wire has no results of tools that another provider ran')
        case 'opaque':
          if (part.wire !== wire) this.#notes.dropped(partPath, `only ${part.wire} knows a block of kind ${part.kind}`)
          else if (isContent(part)) this.#answered([part.value], ownExt(part.ext))
          else this.items.push(part.value)
          return
        default:
          part satisfies never
      }
    })
    flush()
  }

  #said(part: TextPart | RefusalPart, path: string): void {
    this.#notes.foreignExt(part.ext, path)
    if (part.cache !== undefined) this.#notes.dropped(`${path}.cache`, 'words of the model take no cache mark on this wire')
    const { content: inside, ...message } = ownExt(part.ext) ?? {}
    const own = inside as JsonObject | undefined
    if (part.type === 'refusal') return this.#answered([{ type: 'refusal', refusal: part.text, ...own }], message)
    const annotations = encodeAnnotations(part.citations, part.text.length)
    if (part.citations !== undefined && annotations.length < part.citations.length)
      this.#notes.dropped(`${path}.citations`, 'this wire cites addresses and its own files only')
    if (annotations.length === 0 && own === undefined)
      this.items.push({ type: 'message', role: 'assistant', content: part.text, ...message })
    else this.#answered([{ type: 'output_text', text: part.text, annotations, logprobs: [], ...own }], message)
  }

  /** A message in the form of an answer's; it must have an id, which nobody looks up. */
  #answered(content: JsonObject[], message: JsonObject | undefined): void {
    const id = `msg_${this.items.length}`
    this.items.push({ type: 'message', role: 'assistant', id, status: 'completed', content, ...message })
  }

  #media(part: MediaPart, path: string): void {
    // An image that this wire's own tool made goes back as it came; OpenAI knows no other images of a model.
    const item = ownExt(part.ext)?.['id'] === undefined ? undefined : encodeImage(part, '')
    if (item === undefined) this.#notes.dropped(path, `the model's own words hold no ${part.kind} on this wire`)
    else this.items.push(item)
  }

  #call(part: ToolCallPart, path: string): void {
    if (part.ranBy === 'provider') return this.#notes.dropped(path, 'this wire has no calls of tools that another provider ran')
    this.#notes.foreignExt(part.ext, path)
    if (part.cache !== undefined) this.#notes.dropped(`${path}.cache`, 'a tool call takes no cache mark on this wire')
    const opens = part.seal !== undefined && part.seal.domain === this.#target.sealDomain
    if (part.seal !== undefined && !opens) this.#notes.dropped(`${path}.seal`, `only ${part.seal.domain} can open it`)
    const { type, argument } = callShape(part.kind)
    const name = part.kind === 'custom' ? part.name : toOpenaiName(part.name)
    if (name !== part.name) this.#notes.renamed(`${path}.name`, openaiNameGrammar)
    const { id: _id, ...own } = ownExt(part.ext) ?? {}
    const item: JsonObject = { type }
    const call = { call_id: this.calls.begin(part, path, item), name, [argument]: part.args }
    this.items.push(Object.assign(item, call, opens ? sealedCall(part.seal) : {}, own))
  }

  /** Reasoning goes back with the seal that the target can open; without one only to servers that read it. */
  #reasoning(group: readonly { readonly part: ReasoningPart; readonly path: string }[]): void {
    if (group.length === 0) return
    const last = group.at(-1)!
    const { seal } = last.part
    const opens = seal !== undefined && seal.domain === this.#target.sealDomain
    const reads = (this.#target.dialect.reasoningField ?? 'none') !== 'none'
    const kept = group.filter(({ part }) => opens || (reads && part.text !== ''))
    for (const { part, path } of group) {
      if (opens || kept.some((each) => each.part === part)) continue
      this.#notes.dropped(
        path,
        part.seal === undefined ? 'this provider takes no reasoning that is not its own' : `only ${part.seal.domain} can open it`,
      )
    }
    if (!opens && seal !== undefined && kept.some(({ part }) => part === last.part))
      this.#notes.dropped(`${last.path}.seal`, `only ${seal.domain} can open it`)
    if (kept.length > 0)
      this.items.push(
        encodeReasoningItem(
          kept.map(({ part }) => part),
          opens ? seal : undefined,
        ),
      )
  }
}

/** A single plain text is a string, as every server knows it; everything else is an array. */
function contentOf(parts: readonly JsonObject[]): string | JsonObject[] {
  const [only] = parts
  return parts.length === 1 && Object.keys(only!).length === 2 && typeof only!['text'] === 'string' ? only!['text'] : [...parts]
}
