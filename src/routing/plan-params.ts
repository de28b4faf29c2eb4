// What a target of a config does to the parameters of a request, in the client's wire: defaults below it, overrides above it, then what is left out.
import type { RoutingLeaf } from '#config'
import type { ClientWire, Note } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { placeParam, placesOf } from '#wires'
import type { Operation, ParamDefault, ParamEdit, ParamRemoval, TargetParams } from './plan.ts'

/** Leaves that say the same share their params. undefined: nothing is changed. Counting tokens needs none. */
export function createParamReader(wire: ClientWire, operation: Operation): (leaf: RoutingLeaf) => TargetParams | undefined {
  const known = new Map<string, TargetParams>()
  return ({ defaultParams, overrideParams, dropParams }) => {
    if (operation === 'count-tokens') return undefined
    const nothing = Object.keys(defaultParams).length === 0 && Object.keys(overrideParams).length === 0 && dropParams.length === 0
    if (nothing) return undefined
    const name = JSON.stringify([defaultParams, overrideParams, dropParams])
    const found = known.get(name) ?? readParams(wire, operation === 'embed', defaultParams, overrideParams, dropParams)
    known.set(name, found)
    return found
  }
}

function readParams(
  wire: ClientWire,
  isEmbedding: boolean,
  defaultParams: JsonObject,
  overrideParams: JsonObject,
  dropParams: readonly string[],
): TargetParams {
  const notes: Note[] = []
  const defaults: ParamDefault[] = []
  /** The last word about a field counts. */
  const edits = new Map<string, ParamEdit>()
  const edit = (one: ParamEdit): void => void edits.set(JSON.stringify([one.within ?? null, one.field]), one)
  const unplaced = (from: string, name: string, why: string): void => void notes.push({ code: 'dropped', path: `${from}.${name}`, why })
  const synonymsOf = (name: string): readonly string[] => {
    const found = placesOf(wire, isEmbedding, name)
    return typeof found === 'string' ? [] : found.synonyms
  }

  for (const [name, value] of Object.entries(defaultParams)) {
    const placed = placeParam(wire, isEmbedding, name, value)
    const synonyms = synonymsOf(name)
    if (typeof placed === 'string') unplaced('default_params', name, placed)
    else defaults.push(...placed.map((one) => ({ ...one, ...(synonyms.length === 0 ? {} : { synonyms }) })))
  }
  for (const [name, value] of Object.entries(overrideParams)) {
    const placed = placeParam(wire, isEmbedding, name, value)
    if (typeof placed === 'string') {
      unplaced('override_params', name, placed)
      continue
    }
    for (const field of synonymsOf(name)) edit({ field, value: undefined })
    for (const one of placed) edit(one)
  }
  const removals: ParamRemoval[] = []
  for (const name of dropParams) {
    const [field = '', ...steps] = name.match(/[^.[\]]+/g) ?? []
    if (steps.length > 0) {
      removals.push({ field, steps })
      continue
    }
    const found = placesOf(wire, isEmbedding, name)
    // What the wire has no place for is not there.
    if (typeof found === 'string') continue
    for (const place of found.places) edit({ ...place, value: undefined })
    // Both names of a cap are one parameter.
    for (const synonym of found.synonyms) edit({ field: synonym, value: undefined })
  }
  // An item that goes moves those behind it.
  removals.sort((one, other) => laterFirst([one.field, ...one.steps], [other.field, ...other.steps]))
  return { defaults, edits: [...edits.values()], ...(removals.length === 0 ? {} : { removals }), notes }
}

function laterFirst(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((step, index) => step !== other[index])
  const [step = '', beside = ''] = [one[at], other[at]]
  const difference = Number(beside) - Number(step)
  return Number.isNaN(difference) ? Number(step > beside) - Number(step < beside) : difference
}

/** The value without that part of it, and the same one where it has no such part. Nothing is written to. */
export function withoutPart(value: JsonValue, [step, ...inner]: ParamRemoval['steps']): JsonValue {
  if (step === undefined) return value
  if (Array.isArray(value)) {
    const isMeant = (index: number): boolean => step === '*' || step === String(index)
    if (inner.length === 0) return value.some((_, index) => isMeant(index)) ? value.filter((_, index) => !isMeant(index)) : value
    const items = value.map((item, index) => (isMeant(index) ? withoutPart(item, inner) : item))
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  if (!isObject(value) || !Object.hasOwn(value, step)) return value
  const member = inner.length === 0 ? undefined : withoutPart(value[step]!, inner)
  if (member === value[step]) return value
  const members = Object.entries(value).flatMap(([name, own]) =>
    name !== step ? [[name, own]] : member === undefined ? [] : [[name, member]],
  )
  return Object.fromEntries(members) as JsonObject
}
