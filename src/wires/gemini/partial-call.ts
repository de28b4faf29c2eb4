// A function call whose arguments arrive piece by piece (Vertex AI, `streamFunctionCallArguments`): JSON paths and values, gathered.
import type { JsonObject, JsonValue } from '#kernel'
import { listOf } from './fields.ts'

/** `$.items[0].name`, `$['a key']`: names and indexes. */
const stepPattern = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/gy

export class PartialCall {
  /** By path, in the order of their first piece. Strings come in pieces and are joined once. */
  readonly #values = new Map<string, { readonly pieces: string[] } | number | boolean | null>()

  /** Reads `functionCall.partialArgs`. */
  add(partialArgs: JsonValue | undefined): void {
    for (const piece of listOf(partialArgs)) {
      const path = piece['jsonPath']
      if (typeof path !== 'string') continue
      if (typeof piece['stringValue'] === 'string') {
        const before = this.#values.get(path)
        if (typeof before === 'object' && before !== null) before.pieces.push(piece['stringValue'])
        else this.#values.set(path, { pieces: [piece['stringValue']] })
      } else if (typeof piece['numberValue'] === 'number') this.#values.set(path, piece['numberValue'])
      else if (typeof piece['boolValue'] === 'boolean') this.#values.set(path, piece['boolValue'])
      else if ('nullValue' in piece) this.#values.set(path, null)
    }
  }

  /** The arguments; undefined when a path makes no sense. */
  build(): JsonObject | undefined {
    const root: JsonObject = {}
    for (const [path, value] of this.#values) {
      if (!place(root, stepsOf(path), typeof value === 'object' && value !== null ? value.pieces.join('') : value)) return undefined
    }
    return root
  }
}

function stepsOf(path: string): readonly (string | number)[] {
  if (!path.startsWith('$')) return []
  const steps: (string | number)[] = []
  let end = 1
  stepPattern.lastIndex = 1
  for (let found = stepPattern.exec(path); found !== null; found = stepPattern.exec(path)) {
    end = stepPattern.lastIndex
    const name = found[1] ?? found[3]?.replace(/\\(.)/g, '$1') ?? found[4]?.replace(/\\(.)/g, '$1')
    steps.push(name ?? Number(found[2]))
  }
  return end === path.length ? steps : []
}

/** Arrays grow one by one: an index that leaves a gap is refused, so that no path can ask for a huge array. */
function place(root: JsonObject, steps: readonly (string | number)[], value: JsonValue): boolean {
  if (steps.length === 0) return false
  let at: JsonValue = root
  for (const [i, step] of steps.entries()) {
    const next: JsonValue | undefined = i === steps.length - 1 ? value : typeof steps[i + 1] === 'number' ? [] : {}
    if (typeof at !== 'object' || at === null || Array.isArray(at) !== (typeof step === 'number')) return false
    if (Array.isArray(at) && (step as number) > at.length) return false
    const holder = at as Record<string | number, JsonValue>
    if (i === steps.length - 1 || !Object.hasOwn(holder, step)) {
      // An own property, whatever its name is.
      Object.defineProperty(holder, step, { value: next, writable: true, enumerable: true, configurable: true })
    }
    at = holder[step]!
  }
  return true
}
