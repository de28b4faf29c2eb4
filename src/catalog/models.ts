// The models each vendor serves, with limits and prices: a dated data file for each vendor, read when a provider of that vendor is built.
import { readFileSync } from 'node:fs'
import type { ModelEntry } from '#config'
import { freePrice, priceOf, type Rates, type Wire } from '#ir'
import { vendors } from './vendors.ts'
import generated from './vendors.json' with { type: 'json' }

/** A row of models/<vendor>.json, which scripts/catalog.ts writes. Rates are decimal text, USD per million tokens. */
type Row = {
  readonly id: string
  readonly canonical?: string
  readonly name?: string
  readonly created?: string
  readonly context?: number
  readonly maxOutput?: number
  readonly in?: readonly string[]
  readonly out?: readonly string[]
  readonly can?: readonly string[]
  readonly wires?: readonly Wire[]
  readonly price?: Rates
  readonly free?: boolean
}
type Data = { readonly asOf: string; readonly models: readonly Row[] }

export interface ModelCatalog {
  /** Date of the newest table in it. */
  readonly asOf: string
  /** The models of a vendor by its own ids; empty when the catalog has none. The same Map each time. */
  modelsOf(vendor: string): ReadonlyMap<string, ModelEntry>
}

const none: ReadonlyMap<string, ModelEntry> = new Map()
/** What was read stays: every snapshot's providers share it. Only vendors in use are ever read. */
const read = new Map<string, ReadonlyMap<string, ModelEntry>>()

/** Reads a vendor's file on first use. */
export function readModelCatalog(): ModelCatalog {
  return {
    asOf: generated.asOf,
    modelsOf(vendor) {
      const known = read.get(vendor)
      if (known !== undefined) return known
      const models = readModels(vendor)
      read.set(vendor, models)
      return models
    },
  }
}

function readModels(vendor: string): ReadonlyMap<string, ModelEntry> {
  // The name becomes a path: only one of our own does.
  if (!vendors.has(vendor)) return none
  let text: string
  try {
    text = readFileSync(new URL(`./models/${vendor}.json`, import.meta.url), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return none
    throw error
  }
  const { asOf, models } = JSON.parse(text) as Data
  // Lists of modalities and capabilities repeat: one array of each kind.
  const lists = new Map<string, readonly string[]>()
  const shared = (list: readonly string[]): readonly string[] => {
    const known = lists.get(String(list))
    if (known === undefined) lists.set(String(list), list)
    return known ?? list
  }
  return new Map(models.map((row) => [row.id, entryOf(vendor, row, asOf, shared)]))
}

function entryOf(vendor: string, row: Row, asOf: string, shared: (list: readonly string[]) => readonly string[]): ModelEntry {
  const price =
    row.free === true ? freePrice : row.price === undefined ? undefined : priceOf(`catalog ${asOf} ${vendor}/${row.id}`, row.price)
  return {
    id: row.id,
    ...(row.canonical === undefined ? {} : { canonical: row.canonical }),
    ...(row.name === undefined ? {} : { name: row.name }),
    ...(row.created === undefined
      ? {}
      : { createdSeconds: Math.floor(Date.parse(`${row.created.padEnd(10, '-01')}T00:00:00Z`) / 1000) || 0 }),
    ...(row.context === undefined ? {} : { contextWindow: row.context }),
    ...(row.maxOutput === undefined ? {} : { maxOutputTokens: row.maxOutput }),
    ...(row.in === undefined ? {} : { inputModalities: shared(row.in) }),
    outputModalities: shared(row.out ?? ['text']),
    ...(row.can === undefined ? {} : { capabilities: shared(row.can) }),
    ...(row.wires === undefined ? {} : { wires: shared(row.wires) as readonly Wire[] }),
    ...(price === undefined ? {} : { price }),
    ...(row.free === true ? { free: true } : {}),
  }
}
