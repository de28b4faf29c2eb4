// Calls and their outputs pair off, one to one: OpenAI refuses a conversation in which they don't.
import type { JsonObject } from '#kernel'
import type { Notes, ToolCallPart } from '#ir'
import { toPlainId } from '#wires/tool-ids'

/** Longer ids are refused. */
const longestId = 64

type Call = { readonly id: string; readonly custom: boolean; readonly path: string; readonly item: JsonObject }

export class CallPairs {
  /** Calls that wait for their output, by the id that the conversation has for them. */
  readonly #waiting = new Map<string, Call>()
  readonly #used = new Set<string>()

  /** The id of a new call: its own, unless it is too long or an earlier call had it. `item` is where it will stand. */
  begin(part: ToolCallPart, path: string, item: JsonObject): string {
    let id = part.id.length <= longestId ? part.id : toPlainId(part.id, longestId)
    for (let n = 2; this.#used.has(id); n++) id = toPlainId(`${part.id}#${n}`, longestId)
    this.#used.add(id)
    this.#waiting.set(part.id, { id, custom: part.kind === 'custom', path, item })
    return id
  }

  /** The beginning of the output of a call; undefined when there is no such call, or it has one already. */
  answer(id: string): { readonly type: string; readonly call_id: string } | undefined {
    const call = this.#waiting.get(id)
    this.#waiting.delete(id)
    return call === undefined ? undefined : outputOf(call)
  }

  /** The items with an output behind each call that has none. */
  complete(items: readonly JsonObject[], notes: Notes): JsonObject[] {
    if (this.#waiting.size === 0) return [...items]
    const unanswered = new Map([...this.#waiting.values()].map((call) => [call.item, call]))
    return items.flatMap((item) => {
      const call = unanswered.get(item)
      if (call === undefined) return [item]
      notes.approximated(call.path, 'the call has no result; one was added that says so')
      return [item, { ...outputOf(call), output: 'This call has no recorded result.' }]
    })
  }
}

function outputOf({ id, custom }: Call): { readonly type: string; readonly call_id: string } {
  return { type: custom ? 'custom_tool_call_output' : 'function_call_output', call_id: id }
}
