// Rebuilds src/catalog/vendors.json and src/catalog/models/ from public tables: `node scripts/catalog.ts <folder> [--to <folder>] [--accept]`,
// where the folder has `catalog/` (models.dev) and `prices/` (LiteLLM's price maps) as the test corpus has them. Run by hand, result committed.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { modelRows, type ModelRow } from './catalog/model-rows.ts'
import { readTables, type Tables } from './catalog/tables.ts'
import { curated, leftOut, vendorRows } from './catalog/vendor-rows.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { to: { type: 'string' }, accept: { type: 'boolean', default: false } },
})
const [folder] = positionals
if (folder === undefined || !existsSync(path.join(folder, 'catalog', 'models.jsonl'))) {
  process.stderr.write(
    'Usage: node scripts/catalog.ts <folder with catalog/providers.json, catalog/models.jsonl and prices/litellm-model-prices-*.json> [--to <folder>] [--accept]\n',
  )
  process.exit(2)
}
const target = options.to ?? path.join(import.meta.dirname, '..', 'src', 'catalog')
const tables = readTables(folder)
const models = modelRows(tables)
const files = new Map([
  ['vendors.json', vendorFile(tables)],
  ...[...models].map(([vendor, rows]) => [path.join('models', `${vendor}.json`), modelFile(tables, rows)] as const),
])

const { summary, troubles } = compare(readModels(target), models)
process.stdout.write(summary)
if (troubles.length > 0) {
  process.stdout.write(
    `\nNot written, since this looks wrong (--accept writes it all the same):\n${troubles.map((one) => `  ${one}\n`).join('')}`,
  )
  if (!options.accept) process.exit(1)
}
mkdirSync(path.join(target, 'models'), { recursive: true })
for (const file of readdirSync(path.join(target, 'models'))) rmSync(path.join(target, 'models', file))
for (const [file, text] of files) writeFileSync(path.join(target, file), text)

/** One row a line: what changed is what a diff shows. */
function lines(rows: readonly object[]): string {
  return rows.map((row) => JSON.stringify(row)).join(',\n')
}

function modelFile({ asOf }: Tables, rows: readonly ModelRow[]): string {
  return `{"asOf":${JSON.stringify(asOf)},"models":[\n${lines(rows)}\n]}\n`
}

function vendorFile({ asOf, sources, providers, models: devModels }: Tables): string {
  const rows = vendorRows(providers, variablesOfCurated(), wantsReasoningBack)
  return `{"asOf":${JSON.stringify(asOf)},"sources":${JSON.stringify(sources)},"vendors":[\n${lines(rows)}\n]}\n`

  /** Half of its reasoning models or more say so. */
  function wantsReasoningBack(dev: string): boolean {
    const reasoning = devModels.filter((model) => model.provider === dev && model.reasoning === true)
    const wanting = reasoning.filter(
      ({ interleaved }) => typeof interleaved === 'object' && interleaved !== null && interleaved.field === 'reasoning_content',
    )
    return reasoning.length > 0 && wanting.length * 2 >= reasoning.length
  }

  function variablesOfCurated(): Set<string> {
    const written = curated.flatMap(({ dev }) => (dev === undefined ? [] : (providers[dev]?.env ?? [])))
    return new Set(written)
  }
}

/** The rows that are there now, by vendor; none before the first run. */
function readModels(from: string): Map<string, ModelRow[]> {
  const rooted = path.join(from, 'models')
  if (!existsSync(rooted)) return new Map()
  return new Map(
    readdirSync(rooted).map((file) => [
      path.basename(file, '.json'),
      (JSON.parse(readFileSync(path.join(rooted, file), 'utf8')) as { models: ModelRow[] }).models,
    ]),
  )
}

function compare(
  before: ReadonlyMap<string, readonly ModelRow[]>,
  after: ReadonlyMap<string, readonly ModelRow[]>,
): { summary: string; troubles: string[] } {
  const report: string[] = []
  const odd: string[] = []
  for (const [vendor, rows] of before)
    if (rows.length > 0 && !after.has(vendor)) odd.push(`${vendor} lost all of its ${rows.length} models`)
  for (const [vendor, rows] of after) {
    const known = new Map((before.get(vendor) ?? []).map((row) => [row.id, row]))
    const added = rows.filter(({ id }) => !known.has(id)).length
    const removed = known.size - (rows.length - added)
    let repriced = 0
    for (const row of rows) {
      const old = known.get(row.id)
      if (old === undefined || JSON.stringify(old.price) === JSON.stringify(row.price)) continue
      repriced++
      for (const [rate, was] of Object.entries(old.price ?? {})) {
        const is = row.price?.[rate]
        // Tiers and the like are compared by nobody.
        if (typeof is !== 'string' || typeof was !== 'string') continue
        const times = Number(is) / Number(was)
        if (times > 10 || times < 0.1) odd.push(`${vendor}/${row.id}: ${rate} was ${was} and is ${is} USD per million tokens`)
      }
    }
    const unpriced = rows.filter(({ price, free }) => price === undefined && free === undefined).length
    if (added + removed + repriced > 0)
      report.push(`${vendor}: ${rows.length} models, ${unpriced} unpriced; ${added} new, ${removed} gone, ${repriced} with another price`)
  }
  const all = [...after.values()].flat()
  const identities = new Set(all.map(({ canonical }) => canonical).filter((name) => name !== undefined))
  report.push(
    `${after.size} vendors with ${all.length} models, ${all.filter(({ price, free }) => price ?? free).length} with a price; ${identities.size} identities, ${all.filter(({ canonical }) => canonical === undefined).length} models without one`,
    `left out: ${[...leftOut].map(([dev, why]) => `${dev} (${why})`).join(', ')}`,
  )
  return { summary: report.map((line) => `${line}\n`).join(''), troubles: odd }
}
