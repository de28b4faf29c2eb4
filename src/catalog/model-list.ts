// `GET /v1/models` as bytes, ready to be sent: made on first use in short slices, so that thousands of rows hold up nobody's request.
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DeclaredRates, ModelEntry } from '#config'
import { listedPrice } from './listed-price.ts'
import type { ModelCandidate } from './shelf.ts'

/** A row of `GET /v1/models`. */
export type ListedModel = {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
  readonly name?: string
  readonly context_window?: number
  readonly max_output_tokens?: number
  readonly input_modalities?: readonly string[]
  readonly output_modalities?: readonly string[]
  readonly capabilities?: readonly string[]
  /** As the admin API writes prices; null: unpriced. */
  readonly price: 'free' | DeclaredRates | null
  /** Slugs of the providers that serve it under this name, first choice first. */
  readonly providers: readonly string[]
}

/** A name, and who serves it, first choice first. */
export type ListedName = { readonly id: string; readonly candidates: readonly ModelCandidate[] }

/** The answer's body in parts, and the tag that changes with it. */
export type ModelList = { readonly body: readonly Buffer[]; readonly byteLength: number; readonly etag: string }

/** The longest that making a list keeps the event loop, roughly. */
const sliceMs = 2
/** All lists of a snapshot together: keys with many different lists of patterns make theirs again when they ask again. */
const maxKeptBytes = 16 << 20

/** Keeps what a snapshot's lists were made into, by whatever tells the lists apart. */
export function createModelLists(namesOf: (patterns: readonly string[] | undefined) => Iterable<ListedName | undefined>): {
  names(patterns: readonly string[] | undefined): Promise<readonly ListedName[]>
  list(patterns: readonly string[] | undefined): Promise<ModelList>
} {
  const names = new Map<string, Promise<readonly ListedName[]>>()
  const lists = new Map<string, { list: Promise<ModelList>; byteLength: number }>()
  const keyOf = (patterns: readonly string[] | undefined): string => (patterns === undefined ? '' : JSON.stringify(patterns))

  function allNames(patterns: readonly string[] | undefined): Promise<readonly ListedName[]> {
    const key = keyOf(patterns)
    const known = names.get(key)
    if (known !== undefined) return known
    if (names.size >= 64) names.clear()
    const made = inSlices(namesOf(patterns))
    names.set(key, made)
    made.catch(() => names.delete(key))
    return made
  }

  return {
    names: allNames,
    list(patterns) {
      const key = keyOf(patterns)
      const known = lists.get(key)
      if (known !== undefined) {
        // The latest one asked for stays longest.
        lists.delete(key)
        lists.set(key, known)
        return known.list
      }
      const entry = { list: allNames(patterns).then(encodeList), byteLength: 0 }
      lists.set(key, entry)
      entry.list.then(
        ({ byteLength }) => {
          entry.byteLength = byteLength
          let kept = 0
          for (const [other, { byteLength: bytes }] of [...lists].toReversed()) {
            kept += bytes
            if (kept > maxKeptBytes && other !== key) lists.delete(other)
          }
        },
        () => lists.delete(key),
      )
      return entry.list
    },
  }
}

async function inSlices<T>(source: Iterable<T | undefined>): Promise<T[]> {
  const all: T[] = []
  let until = performance.now() + sliceMs
  for (const one of source) {
    if (one !== undefined) all.push(one)
    if (performance.now() < until) continue
    await nextTurn()
    until = performance.now() + sliceMs
  }
  return all
}

async function encodeList(names: readonly ListedName[]): Promise<ModelList> {
  const hash = createHash('sha256')
  const facts = new Map<ModelEntry, string>()
  const body: Buffer[] = []
  let byteLength = 0
  let text = '{"object":"list","data":['
  const flush = (): void => {
    const part = Buffer.from(text)
    hash.update(part)
    body.push(part)
    byteLength += part.length
    text = ''
  }
  let until = performance.now() + sliceMs
  for (const [at, { id, candidates }] of names.entries()) {
    text += (at === 0 ? '' : ',') + encodeRow(id, candidates, facts)
    if (performance.now() < until) continue
    flush()
    await nextTurn()
    until = performance.now() + sliceMs
  }
  text += ']}'
  flush()
  return { body, byteLength, etag: `"${hash.digest('base64url').slice(0, 27)}"` }
}

/** What JSON.stringify makes of `listedModel`, with the facts of a model made once for all of its names. */
function encodeRow(id: string, candidates: readonly ModelCandidate[], facts: Map<ModelEntry, string>): string {
  const { model, provider } = candidates[0]!
  let known = facts.get(model)
  if (known === undefined) facts.set(model, (known = JSON.stringify(factsOf(model, provider.vendor)).slice(1, -1)))
  const slugs =
    candidates.length === 1 ? JSON.stringify(provider.slug) : candidates.map((one) => JSON.stringify(one.provider.slug)).join(',')
  return `{"id":${JSON.stringify(id)},"object":"model",${known},"providers":[${slugs}]}`
}

export function listedModel({ id, candidates }: ListedName): ListedModel {
  const { model, provider } = candidates[0]!
  return { id, object: 'model', ...factsOf(model, provider.vendor), providers: candidates.map((one) => one.provider.slug) }
}

function factsOf(model: ModelEntry, vendor: string): Omit<ListedModel, 'id' | 'object' | 'providers'> {
  return {
    created: model.createdSeconds ?? 0,
    owned_by: model.canonical === undefined ? vendor : model.canonical.slice(0, model.canonical.indexOf('/')),
    ...(model.name === undefined ? {} : { name: model.name }),
    ...(model.contextWindow === undefined ? {} : { context_window: model.contextWindow }),
    ...(model.maxOutputTokens === undefined ? {} : { max_output_tokens: model.maxOutputTokens }),
    ...(model.inputModalities === undefined ? {} : { input_modalities: model.inputModalities }),
    ...(model.outputModalities === undefined ? {} : { output_modalities: model.outputModalities }),
    ...(model.capabilities === undefined ? {} : { capabilities: model.capabilities }),
    price: model.free === true ? 'free' : model.price === undefined ? null : listedPrice(model.price),
  }
}
