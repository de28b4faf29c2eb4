// Parts -> content blocks. Cache marks become points of their own behind the block, once the blocks have their places.
import type { JsonObject } from '#kernel'
import type { AssistantPart, CacheMark, MediaPart, Notes, OpaquePart, TextPart, ToolCallPart, ToolResultPart, UserPart } from '#ir'
import type { BlockForm } from '#wires/alternating-turns'
import { inputOfArgs, toPlainId } from '#wires/tool-ids'
import { ownExt, wire } from './fields.ts'
import { DocumentNames, encodeMedia } from './media.ts'
import type { Traits } from './traits.ts'

/** Ids and names of tools are of letters, digits, _ and -, and at most this long. */
const longestName = 64

export function toBedrockName(name: string): string {
  return toPlainId(name, longestName)
}

export class Blocks implements BlockForm {
  readonly wire = wire
  readonly #traits: Traits
  readonly #seals: string | undefined
  readonly #notes: Notes
  readonly #names = new DocumentNames()
  readonly #marks = new Map<JsonObject, { readonly mark: CacheMark; readonly path: string }>()

  /** `seals`: the domain whose seals may be sent. */
  constructor(traits: Traits, seals: string | undefined, notes: Notes) {
    this.#traits = traits
    this.#seals = seals
    this.#notes = notes
  }

  user(part: UserPart, path: string): JsonObject | undefined {
    this.#notes.foreignExt(part.ext, path)
    switch (part.type) {
      case 'text':
        return this.#marked(this.#text(part, path), part.cache, path)
      case 'media':
        return this.#marked(this.#media(part, path), part.cache, path)
      case 'tool-result':
        return this.#marked(this.#toolResult(part, path), part.cache, path)
      case 'opaque':
        return this.#opaque(part, path)
      default:
        return part satisfies never
    }
  }

  assistant(part: AssistantPart, path: string): JsonObject | undefined {
    this.#notes.foreignExt(part.ext, path)
    switch (part.type) {
      case 'text':
        return this.#marked(this.#text(part, path), part.cache, path)
      case 'reasoning': {
        if (!this.#traits.sealed || part.seal === undefined || part.seal.domain !== this.#seals || part.seal.kind === 'encrypted') {
          this.#notes.dropped(path, 'reasoning goes only to the vendor that sealed it')
          return undefined
        }
        const { kind, data } = part.seal
        return {
          reasoningContent: kind === 'redacted' ? { redactedContent: data } : { reasoningText: { text: part.text, signature: data } },
        }
      }
      case 'refusal':
        this.#notes.approximated(path, 'Converse has no refusal blocks; it is said as text')
        return this.#text({ type: 'text', text: part.text }, path)
      case 'tool-call':
        return this.#marked(this.#toolUse(part, path), part.cache, path)
      case 'media':
        this.#notes.dropped(path, 'Bedrock takes media from the user only')
        return undefined
      case 'tool-result':
        this.#notes.dropped(path, 'results of tools that another provider ran cannot be replayed')
        return undefined
      case 'opaque':
        return this.#opaque(part, path)
      default:
        return part satisfies never
    }
  }

  text(text: string): JsonObject {
    return { text }
  }

  textOf(block: JsonObject): string | undefined {
    return typeof block['text'] === 'string' ? block['text'] : undefined
  }

  withText(block: JsonObject, text: string): JsonObject {
    const changed = { ...block, text }
    const marked = this.#marks.get(block)
    if (marked !== undefined) this.#marks.set(changed, marked)
    return changed
  }

  callId(block: JsonObject): string | undefined {
    return toolUseOf(block)?.toolUseId
  }

  resultId(block: JsonObject): string | undefined {
    return toolResultOf(block)?.toolUseId
  }

  contentOf(result: JsonObject): readonly JsonObject[] {
    return (toolResultOf(result)?.content ?? []).map((block) => ('json' in block ? { text: JSON.stringify(block['json']) } : block))
  }

  failedResult(id: string, text: string): JsonObject {
    return this.#result(id, [{ text }], true)
  }

  /** The blocks with their cache points; and documents, which must not stand alone, with words. */
  placed(blocks: readonly JsonObject[]): JsonObject[] {
    const placed: JsonObject[] = []
    if (blocks.some((block) => 'document' in block) && !blocks.some((block) => 'text' in block)) placed.push({ text: 'The documents:' })
    for (const block of blocks) {
      placed.push(block)
      const marked = this.#marks.get(block)
      const point = marked === undefined ? undefined : this.cachePoint(marked.mark, `${marked.path}.cache`, false)
      if (point !== undefined) placed.push(point)
    }
    return placed
  }

  /** A cache mark in Converse's words, where the model has it. */
  cachePoint(mark: CacheMark, path: string, amongTools: boolean): JsonObject | undefined {
    const { cachePoints, cacheHour } = this.#traits
    if (cachePoints === 'none' || (amongTools && cachePoints === 'beside tools')) {
      this.#notes.dropped(path, 'this model takes no cache points here')
      return undefined
    }
    const { type: _type, ttl, ...rest } = mark
    if (Object.keys(rest).length > 0) this.#notes.dropped(path, `cache points have no ${Object.keys(rest).join(', ')}`)
    if (ttl !== '1h') return { cachePoint: { type: 'default' } }
    if (!cacheHour) this.#notes.approximated(`${path}.ttl`, 'this model caches for five minutes')
    return { cachePoint: { type: 'default', ...(cacheHour ? { ttl } : {}) } }
  }

  /** A call and its result as text: a request without tools may not hold them. */
  said(block: JsonObject): JsonObject[] {
    const call = toolUseOf(block)
    if (call !== undefined) return [{ text: `Called the tool ${call.name} (${call.toolUseId}) with ${JSON.stringify(call.input)}` }]
    const id = this.resultId(block)
    return id === undefined ? [block] : [{ text: `Result of the tool call ${id}:` }, ...this.contentOf(block)]
  }

  toolName(name: string, path: string): string {
    const plain = toBedrockName(name)
    if (plain !== name) this.#notes.renamed(path, 'Bedrock accepts names of letters, digits, _ and -, at most 64')
    return plain
  }

  #marked(block: JsonObject | undefined, mark: CacheMark | undefined, path: string): JsonObject | undefined {
    if (block !== undefined && mark !== undefined) this.#marks.set(block, { mark, path })
    return block
  }

  #text(part: TextPart, path: string): JsonObject | undefined {
    if (part.text.trim() !== '') return { text: part.text }
    this.#notes.dropped(path, 'Bedrock refuses text blocks without visible text')
    return undefined
  }

  #media(part: MediaPart, path: string): JsonObject | undefined {
    return encodeMedia(part, path, this.#names, this.#notes)
  }

  #toolUse(part: ToolCallPart, path: string): JsonObject | undefined {
    if (part.ranBy === 'provider') {
      this.#notes.dropped(path, 'calls of tools that another provider ran cannot be replayed')
      return undefined
    }
    if (part.seal !== undefined) this.#notes.dropped(`${path}.seal`, 'Bedrock seals reasoning, not tool calls')
    const toolUseId = this.#toolId(part.id, path)
    const name = this.toolName(part.name, `${path}.name`)
    if (part.kind === 'custom') {
      this.#notes.approximated(path, 'a call with free text becomes a call whose input holds that text')
      return { toolUse: { toolUseId, name, input: { input: part.args } } }
    }
    const { input, verbatim } = inputOfArgs(part.args)
    if (!verbatim) this.#notes.approximated(`${path}.args`, 'the arguments are not a JSON object; they are kept as text')
    return { toolUse: { toolUseId, name, input } }
  }

  #toolResult(part: ToolResultPart, path: string): JsonObject {
    const content: JsonObject[] = []
    part.output.forEach((item, i) => {
      const itemPath = `${path}.output[${i}]`
      this.#notes.foreignExt(item.ext, itemPath)
      // An empty text says nothing; Bedrock refuses it.
      if (item.type === 'text' && item.text.trim() === '') return
      const block =
        item.type === 'text'
          ? { text: item.text }
          : item.type === 'media'
            ? this.#resultMedia(item, itemPath)
            : this.#opaque(item, itemPath)
      if (block !== undefined) content.push(block)
    })
    const failed = part.failed === true
    if (failed && !this.#traits.resultStatus) this.#notes.dropped(`${path}.failed`, 'this model is not told that a tool failed')
    return this.#result(this.#toolId(part.id, path), content.length === 0 ? [{ text: '(no output)' }] : content, failed)
  }

  #result(toolUseId: string, content: JsonObject[], failed: boolean): JsonObject {
    return { toolResult: { toolUseId, content, ...(failed && this.#traits.resultStatus ? { status: 'error' } : {}) } }
  }

  #resultMedia(part: MediaPart, path: string): JsonObject | undefined {
    if (part.kind !== 'audio') return this.#media(part, path)
    this.#notes.dropped(path, 'tool results hold no audio on this wire')
    return undefined
  }

  #opaque(part: OpaquePart, path: string): JsonObject | undefined {
    if (part.wire === wire) return { ...part.value, ...ownExt(part.ext) }
    this.#notes.dropped(path, `"${part.kind}" is a block of ${part.wire}`)
    return undefined
  }

  #toolId(id: string, path: string): string {
    const plain = toBedrockName(id)
    if (plain !== id) this.#notes.renamed(`${path}.id`, 'Bedrock accepts ids of letters, digits, _ and -, at most 64')
    return plain
  }
}

type ToolUse = { toolUseId: string; name: string; input: JsonObject }
type ToolResult = { toolUseId: string; content: JsonObject[] }

function toolUseOf(block: JsonObject): ToolUse | undefined {
  return block['toolUse'] as ToolUse | undefined
}

function toolResultOf(block: JsonObject): ToolResult | undefined {
  return block['toolResult'] as ToolResult | undefined
}
