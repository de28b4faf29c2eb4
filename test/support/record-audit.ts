// Holds what is recorded against what clients and provider saw: the journal's promise, as sentences about what breaks it.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBeyondLimit, nanoUsdPerToken, type Ask } from './crash-load.ts'

export type StoredRow = {
  readonly id: string
  readonly session: string
  readonly outcome: string
  readonly errorClass: string
  readonly provider: string
  readonly costSource: string
  readonly input: number | null
  readonly output: number | null
  readonly costNanoUsd: bigint | null
}

/** Read beside the gateway that serves from it; the gateway must have been asked for something before, so that all of it is there. */
export function readRows(home: string): StoredRow[] {
  return inStore(home, (db) =>
    db
      .prepare(
        `SELECT requests.id, session, outcome, error_class AS errorClass, provider, cost_source AS costSource, input, output,
          CAST(cost_nano_usd AS TEXT) AS cost FROM requests JOIN facets ON facets.id = requests.facet ORDER BY seq`,
      )
      .all()
      .map(({ cost, ...row }) => ({ ...row, costNanoUsd: cost === null ? null : BigInt(String(cost)) }) as unknown as StoredRow),
  )
}

/** Minutes and facets whose roll-up is not the sum of its rows. */
export function differingRollups(home: string): string[] {
  // 2048 places per millisecond of arrival: the time is in the number of the row.
  const rows = `SELECT seq / 2048 / 60000 AS minute, facet, count(*) AS requests, sum(attempts) AS attempts, sum(coalesce(input, 0)) AS input,
    sum(coalesce(output, 0)) AS output, sum(coalesce(cost_nano_usd, 0)) AS cost FROM requests GROUP BY 1, 2`
  const rollups = 'SELECT minute, facet, requests, attempts, input, output, cost_nano_usd AS cost FROM rollups'
  return inStore(home, (db) => {
    const missing = (kind: string, these: string, those: string) =>
      db
        .prepare(`${these} EXCEPT ${those}`)
        .all()
        .map((row) => `${kind}: ${JSON.stringify(row)}`)
    const summed = `SELECT * FROM (${rows})`
    return [...missing('rows without their roll-up', summed, rollups), ...missing('roll-up without its rows', rollups, summed)]
  })
}

function inStore<T>(home: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path.join(home, 'records.db'), { readOnly: true })
  try {
    return read(db)
  } finally {
    db.close()
  }
}

/** Files of the journal and their bytes. */
export function journalFiles(home: string): { readonly name: string; readonly bytes: number }[] {
  const folder = path.join(home, 'journal')
  return readdirSync(folder).map((name) => ({ name, bytes: statSync(path.join(folder, name)).size }))
}

export type Audit = {
  readonly violations: readonly string[]
  readonly answered: number
  /** Refused for a limit of their key. */
  readonly beyond: number
  readonly orphans: number
  /** Orphans that had heard more than an interval's worth, so that the lower bound said something. */
  readonly bounded: number
  /** Most tokens by which a charge stayed behind what its client had heard, and the age of the oldest of them in milliseconds. */
  readonly worstLoss: { readonly tokens: number; readonly ageMs: number }
}

/** `killedMs`: when the process of these asks was killed. `intervalMs`: how old what is charged may be. */
export function auditRecords(asks: readonly Ask[], rows: readonly StoredRow[], killedMs: (ask: Ask) => number, intervalMs: number): Audit {
  const violations: string[] = []
  const bySession = Map.groupBy(rows, ({ session }) => session)
  const ids = new Set(rows.map(({ id }) => id))
  const sessions = new Set(asks.map(({ marker }) => marker))
  if (ids.size !== rows.length) violations.push(`${rows.length - ids.size} ids are there twice`)
  for (const row of rows) if (!sessions.has(row.session)) violations.push(`nobody asked for ${row.id} of session ${row.session}`)
  const found = { answered: 0, beyond: 0, orphans: 0, bounded: 0 }
  let worstLoss = { tokens: 0, ageMs: 0 }

  for (const ask of asks) {
    const own = bySession.get(ask.marker) ?? []
    const row = own[0]
    const say = (what: string): void =>
      void violations.push(
        `${ask.marker} (${ask.kind}, ${ask.client} to ${ask.provider}): ${what}; ${JSON.stringify({ ...ask, body: ask.body.length, heardMs: ask.heardMs.length })} ${JSON.stringify(own, plainMoney)}`,
      )
    if (own.length > 1) say(`${own.length} records`)
    if (ask.reached > 1) say(`reached the provider ${ask.reached} times`)
    if (row === undefined) {
      if (ask.reached > 0) say('reached the provider and has no record')
      else if (ask.complete) say('was answered and has no record')
      continue
    }
    if (ask.id !== undefined && row.id !== ask.id) say(`was answered as ${ask.id} and recorded as ${row.id}`)
    if (ask.reached > 0 && row.provider !== (ask.provider === 'openai-chat' ? 'chat' : 'claude')) say('the record names another provider')
    const inputEstimate = Math.ceil(Buffer.byteLength(ask.body) / 4)
    const estimate = BigInt(row.input ?? 0) * nanoUsdPerToken.input + BigInt(row.output ?? 0) * nanoUsdPerToken.output

    if (ask.complete && ask.statusHeard === 200) {
      found.answered++
      if (row.outcome !== 'ok') say('was answered completely and is not ok')
      if (ask.kind === 'uncounted') {
        if (row.costSource !== 'estimated') say('has no usage and is not marked estimated')
        if (row.output !== ask.usage.output || row.input !== inputEstimate || row.costNanoUsd !== estimate) say('is not counted right')
      } else if (row.costSource !== 'computed' || row.costNanoUsd !== price(ask)) say(`does not cost the ${price(ask)} that its usage says`)
      continue
    }
    const unheard = !ask.complete && ask.payer !== 'ample' && ask.reached === 0 && row.outcome === 'denied'
    if (isBeyondLimit(ask) || unheard) {
      found.beyond++
      if (ask.payer === 'ample') say('was refused for a limit, and those of its key are far away')
      if (row.outcome !== 'denied') say('was refused for a limit and is not denied')
      if (row.costNanoUsd !== null) say('was refused and costs something')
      continue
    }
    if (ask.complete) {
      found.answered++
      const outcome = ask.status === 400 ? 'client_error' : 'upstream_error'
      if (row.outcome !== outcome) say(`was answered with an error and is not ${outcome}`)
      if (row.costNanoUsd !== null && row.costNanoUsd !== 0n) say('was an error and costs something')
      continue
    }
    // Its client did not hear the end of it.
    if (row.outcome === 'ok') {
      if (!ask.said) say('is called ok, and the provider had not said all')
      if (ask.kind !== 'uncounted' && row.costNanoUsd !== price(ask)) say(`does not cost the ${price(ask)} that its usage says`)
      continue
    }
    const crashed = row.errorClass === 'crash'
    if (ask.kind === 'refused' && !crashed) {
      if (row.costNanoUsd !== null && row.costNanoUsd !== 0n) say('was an error and costs something')
      continue
    }
    const outcome = !crashed && ask.kind === 'left' ? 'cancelled' : 'interrupted'
    if (row.outcome !== outcome) say(`ended before its answer did and is not ${outcome}`)
    if (row.costNanoUsd === null) {
      // A client that left before anything was produced.
      if (row.outcome !== 'cancelled' || ask.heardMs.length > 0) say('has no charge')
      continue
    }
    const output = row.output ?? 0
    // Anthropic opens every stream with a usage that has an output of 1.
    const sent = Math.max(ask.sent, ask.provider === 'anthropic-messages' && ask.kind !== 'uncounted' ? 1 : 0)
    if (output > sent) say(`is charged ${output} tokens of output, and the provider had sent ${sent}`)
    if (row.input !== ask.usage.input && row.input !== inputEstimate)
      say(`is charged an input of ${row.input}, stated ${ask.usage.input}, estimated ${inputEstimate}`)
    const most = BigInt(Math.max(ask.usage.input, inputEstimate)) * nanoUsdPerToken.input + BigInt(sent) * nanoUsdPerToken.output
    if (row.costNanoUsd > most) say(`costs more than ${most}`)
    if (row.costSource !== 'estimated' && ask.sent > 0) say('is not marked estimated')
    if (!crashed) {
      // A client that left may not have heard what was on its way.
      if (output < ask.heardMs.length) say(`is charged ${output} tokens of output, and its client had heard ${ask.heardMs.length}`)
      continue
    }
    found.orphans++
    const due = killedMs(ask) - intervalMs
    const owed = ask.heardMs.filter((heardMs) => heardMs <= due).length
    if (owed > 0) found.bounded++
    if (output < owed) say(`is charged ${output} tokens of output, and ${owed} were older than an interval`)
    const oldest = ask.heardMs[output]
    if (oldest !== undefined && killedMs(ask) - oldest > worstLoss.ageMs) {
      worstLoss = { tokens: ask.heardMs.length - output, ageMs: Math.round(killedMs(ask) - oldest) }
    }
  }
  return { violations, ...found, worstLoss }
}

/** Nano-USD of the usage that the provider states. */
function price({ usage }: Ask): bigint {
  return (
    BigInt(usage.input - usage.cacheRead) * nanoUsdPerToken.input +
    BigInt(usage.cacheRead) * nanoUsdPerToken.cacheRead +
    BigInt(usage.output) * nanoUsdPerToken.output
  )
}

function plainMoney(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
