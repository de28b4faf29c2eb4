// Turns -> `systemInstruction` and `contents`, in the order that Google insists on: a turn of calls, then its results, then the rest.
import { asText, type JsonObject } from '#kernel'
import type { Notes, SystemTurn, ToolResultPart, Turn, UserTurn } from '#ir'
import { encodeHistoryPart, encodeToolResult, encodeUserPart, toGoogleName, type PartContext } from './encode-parts.ts'
import { isOnlySignature, mayBeSigned } from './encode-response.ts'
import { foreignSignature, ownExt } from './fields.ts'
import type { Generation } from './generation.ts'

type Content = { readonly role: 'user' | 'model'; readonly parts: JsonObject[]; readonly ext?: JsonObject }
export type EncodedTurns = { readonly system: JsonObject[]; readonly contents: JsonObject[] }

export function encodeTurns(turns: readonly Turn[], generation: Generation, seals: string | undefined, notes: Notes): EncodedTurns {
  const context: PartContext = { generation, seals, notes, names: namesOf(turns) }
  const system: JsonObject[] = []
  const contents: Content[] = []
  /** Calls that wait for a result, by id, in order: only those of the content right before may get one. */
  let waiting = new Map<string, { readonly name: string; readonly path: string }>()

  const add = (role: Content['role'], parts: readonly JsonObject[], ext?: JsonObject): void => {
    if (parts.length === 0) return
    const last = contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else contents.push({ role, parts: [...parts], ...(ext === undefined ? {} : { ext }) })
  }

  /** Google counts: as many results as calls, right behind them. */
  const settle = (): void => {
    const missing = Array.from(waiting, ([id, { name, path }]) => {
      notes.approximated(path, 'the call has no result; one was added that says so')
      return { functionResponse: { id, name, response: { error: 'This call has no recorded result.' } } }
    })
    waiting = new Map()
    add('user', missing)
  }

  const addUser = (turn: UserTurn, path: string): void => {
    const results: JsonObject[] = []
    const others: JsonObject[] = []
    turn.parts.forEach((part, j) => {
      const partPath = `${path}.parts[${j}]`
      if (part.type !== 'tool-result') {
        const encoded = encodeUserPart(part, partPath, context)
        if (encoded !== undefined) others.push(encoded)
        return
      }
      const call = waiting.get(part.id)
      if (call === undefined) {
        notes.approximated(partPath, 'the call of this result is not in the turn before it; the result is said as text')
        others.push(...saidAsText(part, partPath, context))
        return
      }
      waiting.delete(part.id)
      if (others.length > 0) notes.approximated(partPath, 'results come first in a turn; it moved before the rest')
      const { result, media } = encodeToolResult(part, call.name, partPath, context)
      results.push(result)
      others.push(...media)
    })
    add('user', results, ownExtOf(turn))
    // Results of one turn of calls may come in several turns; anything else ends the wait.
    if (others.length > 0) settle()
    add('user', others, ownExtOf(turn))
  }

  turns.forEach((turn, i) => {
    const path = `turns[${i}]`
    notes.foreignExt(turn.ext, path)
    if (turn.role !== 'system' && turn.name !== undefined) notes.dropped(`${path}.name`, 'participants have no names on this wire')
    switch (turn.role) {
      case 'system': {
        const parts = encodeSystem(turn, path, context)
        if (contents.length === 0) system.push(...parts)
        else if (parts.length > 0) {
          notes.approximated(path, 'instructions stand only at the start; later ones become a <system> block of the user turn')
          settle()
          add(
            'user',
            parts.map((part) => ({ ...part, text: `<system>\n${asText(part['text']) ?? ''}\n</system>` })),
          )
        }
        return
      }
      case 'user':
        return addUser(turn, path)
      case 'assistant': {
        const parts: JsonObject[] = []
        const calls: [string, { name: string; path: string }][] = []
        turn.parts.forEach((part, j) => {
          const partPath = `${path}.parts[${j}]`
          const encoded = encodeHistoryPart(part, partPath, context)
          if (encoded === undefined) return
          const before = parts.at(-1)
          if (isOnlySignature(encoded) && before !== undefined && mayBeSigned(before)) {
            parts[parts.length - 1] = { ...before, thoughtSignature: encoded['thoughtSignature']! }
            return
          }
          parts.push(encoded)
          if (part.type === 'tool-call') calls.push([part.id, { name: toGoogleName(part.name), path: partPath }])
        })
        if (parts.length === 0) return
        settle()
        if (calls.length > 0 && contents.length === 0) {
          notes.approximated(path, 'a call follows a user turn; an opening one was added')
          add('user', [{ text: '(The conversation begins with the assistant.)' }])
        }
        add('model', generation.signedCalls ? signed(parts) : parts, ownExtOf(turn))
        waiting = new Map(calls)
        return
      }
      default:
        turn satisfies never
    }
  })
  settle()
  if (contents.length === 0 && system.length > 0) {
    notes.approximated('turns', 'Gemini wants a user turn; instructions alone become it')
    add('user', system.splice(0))
  }
  return { system, contents: contents.map(({ role, parts, ext }) => ({ ...ext, role, parts })) }
}

function namesOf(turns: readonly Turn[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const turn of turns) {
    if (turn.role === 'assistant') for (const part of turn.parts) if (part.type === 'tool-call') names.set(part.id, part.name)
  }
  return names
}

function encodeSystem(turn: SystemTurn, path: string, context: PartContext): JsonObject[] {
  if (turn.authority === 'developer') context.notes.renamed(`${path}.authority`, 'instructions have one authority on this wire')
  return turn.parts.map((part, j) => encodeUserPart(part, `${path}.parts[${j}]`, context)).filter((part) => part !== undefined)
}

/** The first call of a turn of Gemini 3 has a signature; those of parallel calls behind it have none. */
function signed(parts: readonly JsonObject[]): JsonObject[] {
  const first = parts.findIndex((part) => part['functionCall'] !== undefined)
  return parts.map((part, i) =>
    i === first && part['thoughtSignature'] === undefined ? { ...part, thoughtSignature: foreignSignature } : part,
  )
}

function saidAsText(part: ToolResultPart, path: string, context: PartContext): JsonObject[] {
  const inner = part.output.map((item, i) => encodeUserPart(item, `${path}.output[${i}]`, context)).filter((each) => each !== undefined)
  return [{ text: `Result of the tool call ${context.names.get(part.id) ?? part.id}:` }, ...inner]
}

function ownExtOf(turn: Turn): JsonObject | undefined {
  const own = ownExt(turn.ext)
  return Object.keys(own).length === 0 ? undefined : own
}
