// Readers for the values of a routing config: each returns what was asked for, or throws a sentence that says where and what is wrong.
import { isObject, nearestNames, type JsonObject } from '#kernel'
import { ConfigError, didYouMean } from './config-error.ts'
import { namesElsewhere } from './routing-config-keys.ts'

/** A value and the path under which it was written: `config.targets[1].retry`. */
export type Written = { readonly path: string; readonly value: unknown }

const shownCharacters = 100
/** Longer text in a word's place may be a key that slipped there. */
const longestWord = 24

/** What is said beside the config itself, and counted in it. */
export type Remarks = {
  readonly warnings: string[]
  /** Paths. */
  readonly notYet: string[]
  targets: number
  patterns: number
  /** How large the expressions are together. */
  programs: number
}

export type Members = ReadonlyMap<string, Written>

export function fault(path: string, what: string): ConfigError {
  return new ConfigError(path, `${path} ${what}`)
}

/** A member that is left out where there is nothing to say. */
export function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: V })
}

export function below(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${quoted(key)}]`
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text)
}

/** What kind of thing a value is. Text is not repeated: it may be a secret that stands in the wrong place. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'a string'
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'an object'
}

/** Members by their names in snake_case; what is undefined is not there. `known`: all others are refused, with the nearest. */
export function membersOf({ path, value }: Written, known: ReadonlySet<string>, families?: RegExp): Members {
  const members = new Map<string, Written>()
  for (const [key, member] of Object.entries(objectIn({ path, value }))) {
    if (member === undefined) continue
    const name = known.has(key) ? key : snakeCase(key)
    const at = below(path, key)
    if (!known.has(name) && families?.test(name) !== true) throw unknownName(at, key, known)
    const same = members.get(name)
    if (same !== undefined) throw fault(at, `says the same as ${same.path}; keep one of them.`)
    members.set(name, { path: at, value: member })
  }
  return members
}

export function unknownName(path: string, name: string, known: Iterable<string>): ConfigError {
  const names = [...known]
  const meant = names.filter((one) => one === namesElsewhere.get(snakeCase(name)))
  const near = didYouMean(meant.length > 0 ? meant : nearestNames(snakeCase(name), names, 1))
  return fault(path, `is not known here.${near || ` Known: ${names.slice(0, 20).join(', ')}.`}`)
}

/** SDKs write `virtualKey` for `virtual_key`. */
export function snakeCase(key: string): string {
  return key.replaceAll(/(?<=[a-z0-9])[A-Z]+/g, (upper) => `_${upper}`).toLowerCase()
}

export function objectIn({ path, value }: Written): JsonObject {
  if (!isObject(value)) throw fault(path, `is ${kindOf(value)}, which is not an object.`)
  return value
}

/** A copy of its own, so that nothing changes it from outside. */
export function copiedObject(written: Written): JsonObject {
  return JSON.parse(JSON.stringify(objectIn(written))) as JsonObject
}

export function listIn({ path, value }: Written): readonly Written[] {
  if (!Array.isArray(value)) throw fault(path, `is ${kindOf(value)}, which is not a list.`)
  return value.map((item: unknown, index) => ({ path: `${path}[${index}]`, value: item }))
}

export function textIn({ path, value }: Written, most = 4096): string {
  if (typeof value !== 'string') throw fault(path, `is ${kindOf(value)}, which is not a string.`)
  if (value.trim() === '') throw fault(path, 'is empty. Write it, or leave the key out.')
  if (value.length > most) throw fault(path, `has ${value.length} characters, and at most ${most} are allowed.`)
  return value
}

export function textsIn(written: Written): readonly string[] {
  return listIn(written).map((item) => textIn(item))
}

export function flagIn({ path, value }: Written): boolean {
  if (typeof value !== 'boolean') throw fault(path, `is ${kindOf(value)}, which is not true or false.`)
  return value
}

/** One of some words, which the sentence may repeat when it is another one. */
export function wordIn<Word extends string>(written: Written, words: readonly Word[]): Word {
  const text = textIn(written)
  const word = words.find((one) => one === text)
  if (word !== undefined) return word
  const near = didYouMean(nearestNames(text, words, 1))
  const shown = text.length > longestWord ? kindOf(text) : quoted(text)
  throw fault(written.path, `is ${shown}, which is not one of ${words.join(', ')}.${near}`)
}

export function numberIn({ path, value }: Written, least: number, most: number, unit = ''): number {
  if (typeof value !== 'number') throw fault(path, `is ${kindOf(value)}, which is not a number.`)
  if (!(value >= least)) throw fault(path, `is ${value}, which is less than ${least}${unit}.`)
  if (value > most) throw fault(path, `is ${value}, which is more than ${most}${unit}.`)
  return value
}

export function wholeIn(written: Written, least: number, most: number, unit = ''): number {
  if (typeof written.value === 'number' && !Number.isInteger(written.value))
    throw fault(written.path, `is ${written.value}, which is not a whole number.`)
  return numberIn(written, least, most, unit)
}

/** Portkey's first examples write weights as text. */
export function weightIn({ path, value }: Written): number {
  return numberIn({ path, value: typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value }, 0, 1e9)
}

/** Portkey's reference calls them strings in one place, and numbers in others. */
export function statusCodesIn(written: Written): ReadonlySet<number> {
  return new Set(
    listIn(written).map(({ path, value }) => {
      const code = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
      if (typeof code === 'number' && Number.isInteger(code) && code >= 100 && code <= 599) return code
      throw fault(path, `is ${kindOf(value)}, which is not a status code from 100 to 599.`)
    }),
  )
}
