// The models each vendor serves, with limits and prices: read once, when the first provider asks, from the dated data file beside this.
import { readFileSync } from 'node:fs'
import type { ModelEntry } from '#config'
import { freePrice, priceOf } from '#ir'

/** A row of models.json, which scripts/catalog.ts writes. Rates are decimal text, USD per million tokens. */
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
  readonly price?: Readonly<
    Partial<Record<'input' | 'output' | 'cacheRead' | 'cacheWrite' | 'cacheWrite1h' | 'reasoning' | 'inputAudio' | 'outputAudio', string>>
  >
  readonly free?: boolean
}
type Data = { readonly asOf: string; readonly vendors: Readonly<Record<string, readonly Row[]>> }

export interface ModelCatalog {
  /** Date of the newest table in it. */
  readonly asOf: string
  /** The models of a vendor by its own ids; empty when the catalog has none. */
  modelsOf(vendor: string): ReadonlyMap<string, ModelEntry>
}

/** Parses on first use, and keeps only the vendors that were asked for. */
export function readModelCatalog(): ModelCatalog {
  const data = JSON.parse(readFileSync(new URL('./models.json', import.meta.url), 'utf8')) as Data
  const rows = new Map(Object.entries(data.vendors))
  return {
    asOf: data.asOf,
    modelsOf: (vendor) => new Map((rows.get(vendor) ?? []).map((row) => [row.id, entryOf(vendor, row, data.asOf)])),
  }
}

function entryOf(vendor: string, row: Row, asOf: string): ModelEntry {
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
    ...(row.in === undefined ? {} : { inputModalities: row.in }),
    outputModalities: row.out ?? ['text'],
    ...(row.can === undefined ? {} : { capabilities: row.can }),
    ...(price === undefined ? {} : { price }),
    ...(row.free === true ? { free: true } : {}),
  }
}
