// The read half of the record store: pages of rows by filter, one request in full, its bodies.
import type { DatabaseSync } from 'node:sqlite'
import { formatPicoUsd, formatUsd } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { createBatchReader, type BatchPosition } from './batches.ts'
import { createBlockReader } from './blocks.ts'
import { partNumber } from './payload-writer.ts'
import { decodeFinish } from './record-codec.ts'
import type { CostSource, FinishRecord, Outcome, PayloadPart, RequestKind, RequestRow } from './record.ts'
import type { FacetField, FacetSummary, RequestDetail, RequestFilters, RequestHistogram, StoredPayload, StreamPage } from './query-types.ts'
import { allOf, requestConditions, seqRange, within } from './request-condition.ts'
import { planRequestQuery } from './request-filter.ts'
import { requestFacets, requestHistogram } from './request-summary.ts'
import { seqPerMs } from './schema.ts'
import { reading } from './transaction.ts'

export interface RecordQuery {
  list(filters: RequestFilters, limit: number, beforeSeq: number | undefined): { rows: RequestRow[]; nextSeq: number | undefined }
  get(id: string): RequestDetail | undefined
  payload(id: string, part: PayloadPart): StoredPayload
  /** At most `limit` of the rows that came into the store after `position`, in that order; undefined: none, only where that is now. */
  newer(filters: RequestFilters, position: string | undefined, limit: number): StreamPage
  histogram(filters: RequestFilters, fromMs: number, toMs: number, intervalMs: number): RequestHistogram
  facets(filters: RequestFilters, fields: readonly FacetField[], limit: number): FacetSummary
}

/** Rows that one question of a stream looks at. */
const scannedRows = 5_000

type Row = Record<string, string | number | bigint | Uint8Array | null>

const rowColumns = `requests.seq, requests.id, session, trace, metadata, attempts, input, cached, output, reasoning,
  CAST(cost_nano_usd AS TEXT) AS cost, overhead_us, first_token_us, total_us, payloads, block, at, length,
  key_id, key_name, kind, client, wire, endpoint, model_asked, model_served, provider, stream, status, outcome, error_code, error_class,
  cost_source, cache, fallback, config, config_version`

export function createRecordQuery(db: DatabaseSync): RecordQuery {
  const bySeq = db.prepare(`SELECT ${rowColumns} FROM requests JOIN facets ON facets.id = requests.facet WHERE seq = ?`)
  const byId = db.prepare(`SELECT ${rowColumns} FROM requests JOIN facets ON facets.id = requests.facet WHERE requests.id = ?`)
  const selectPayload = db.prepare('SELECT bytes, block, at, length, base, prefix, suffix FROM payloads WHERE request = ? AND part = ?')
  const batches = createBatchReader(db)
  const readBlock = createBlockReader(db)

  function stored(record: FinishRecord, part: PayloadPart): boolean {
    return record.bodies !== undefined ? record.bodies[part].length > 0 : selectPayload.get(record.id, partNumber[part]) !== undefined
  }

  function detailOf(row: Row): FinishRecord {
    const bytes = readBlock({ block: Number(row['block']), at: Number(row['at']) }, Number(row['length']))
    if (bytes === undefined) throw new Error(`The detail of request ${String(row['id'])} is missing from the store`)
    return decodeFinish(bytes)
  }

  function body(id: string, part: PayloadPart): Buffer | undefined {
    const chain: Row[] = []
    for (let request: string | undefined = id; request !== undefined;) {
      const row = selectPayload.get(request, partNumber[part]) as Row | undefined
      if (row === undefined) return undefined
      chain.push(row)
      request = row['base'] === null ? undefined : String(row['base'])
    }
    let bytes: Buffer = Buffer.alloc(0)
    for (const row of chain.reverse()) {
      const fresh = readBlock({ block: Number(row['block']), at: Number(row['at']) }, Number(row['length']))
      if (fresh === undefined) return undefined
      const suffix = Number(row['suffix'])
      bytes = Buffer.concat([bytes.subarray(0, Number(row['prefix'])), fresh, bytes.subarray(bytes.length - suffix)])
      if (bytes.length !== Number(row['bytes'])) throw new Error(`The stored body of request ${id} does not add up to its length`)
    }
    return bytes
  }

  return {
    list(filters, limit, beforeSeq) {
      return reading(db, () => {
        const seqs = planRequestQuery(db, filters, limit + 1, beforeSeq)
        const rows = seqs.slice(0, limit).map((seq) => requestRow(bySeq.get(seq) as Row))
        return { rows, nextSeq: seqs.length > limit ? seqs[limit - 1] : undefined }
      })
    },
    get(id) {
      return reading(db, () => {
        const row = byId.get(id) as Row | undefined
        if (row === undefined) return undefined
        const record = detailOf(row)
        return requestDetail(requestRow(row), record, { request: stored(record, 'request'), response: stored(record, 'response') })
      })
    },
    payload(id, part) {
      return reading(db, () => {
        const row = byId.get(id) as Row | undefined
        if (row === undefined) return { missing: `There is no request ${id}.` }
        const bytes = body(id, part)
        if (bytes !== undefined) return { bytes }
        switch (Number(row['payloads'])) {
          case 0:
            return { missing: 'Bodies of this request were not stored: the logging mode or the request itself said so.' }
          case 2:
            return { missing: 'This body has been dropped: it was older than the retention, or the store had reached its size limit.' }
          default: {
            const record = detailOf(row)
            if (record.bodies !== undefined && record.bodies[part].length > 0) return { bytes: record.bodies[part] }
            return part === 'response' && record.responseBytes === 0
              ? { missing: 'This request got no answer body from a provider.' }
              : { missing: 'This body was lost: the process was killed, or the disk was full, before it was stored.' }
          }
        }
      })
    },
    newer: (filters, position, limit) =>
      reading(db, () => {
        const from = position === undefined ? undefined : positionOf(position)
        const end = batches.end()
        // A position behind the end is of a store that has lost its newest rows since: what comes is new.
        if (from === undefined || from.batch > end.batch) return { rows: [], position: textOf(end), more: false }
        return newerRows(filters, from, limit)
      }),
    histogram: (filters, fromMs, toMs, intervalMs) => reading(db, () => requestHistogram(db, filters, fromMs, toMs, intervalMs)),
    facets: (filters, fields, limit) => reading(db, () => requestFacets(db, filters, fields, limit)),
  }

  function newerRows(filters: RequestFilters, from: BatchPosition, limit: number): StreamPage {
    const coming = batches.after(from, scannedRows)
    const where = allOf([within(seqRange(filters)), ...requestConditions(filters)])
    const rows = db
      .prepare(
        `SELECT wanted.key AS place, ${rowColumns} FROM json_each(?) AS wanted
         CROSS JOIN requests ON requests.seq = wanted.value CROSS JOIN facets ON facets.id = requests.facet
         WHERE ${where.sql} ORDER BY wanted.key LIMIT ?`,
      )
      .all(JSON.stringify(coming.map(({ seq }) => seq)), ...where.values, limit) as Row[]
    const given = rows.map((row) => ({ position: textOf(coming[Number(row['place'])]!.position), json: JSON.stringify(requestRow(row)) }))
    if (rows.length === limit) return { rows: given, position: given.at(-1)!.position, more: true }
    return { rows: given, position: textOf(coming.at(-1)?.position ?? from), more: coming.length >= scannedRows }
  }
}

function positionOf(text: string): BatchPosition {
  const [batch = 0, rows = 0] = text.split('-').map(Number)
  return { batch, rows }
}

function textOf({ batch, rows }: BatchPosition): string {
  return `${batch}-${rows}`
}

function requestRow(row: Row): RequestRow {
  const text = (name: string): string => String(row[name])
  const count = (name: string): number | null => (row[name] === null ? null : Number(row[name]))
  const us = (name: string): number | null => (row[name] === null ? null : Number(row[name]) / 1000)
  const errorCode = text('error_code')
  const errorClass = text('error_class')
  const config = text('config')
  return {
    id: text('id'),
    at: new Date(Math.floor(Number(row['seq']) / seqPerMs)).toISOString(),
    key: { id: text('key_id'), name: text('key_name') },
    kind: text('kind') as RequestKind,
    session: text('session'),
    trace: text('trace'),
    client: text('client'),
    wire: text('wire'),
    endpoint: text('endpoint'),
    model: { asked: text('model_asked'), served: text('model_served') || null },
    provider: text('provider') || null,
    ...(config === '' ? {} : { config: { slug: config, version: Number(row['config_version']) } }),
    stream: row['stream'] === 1,
    status: Number(row['status']),
    outcome: text('outcome') as Outcome,
    ...(errorCode === '' && errorClass === '' ? {} : { error: { code: errorCode, class: errorClass } }),
    attempts: Number(row['attempts']),
    fallback: row['fallback'] === 1,
    cache: text('cache') as RequestRow['cache'],
    tokens: { input: count('input'), cached: count('cached'), output: count('output'), reasoning: count('reasoning') },
    cost_usd: row['cost'] === null ? null : formatUsd(BigInt(text('cost'))),
    cost_source: text('cost_source') as CostSource,
    ms: { overhead: us('overhead_us') ?? 0, first_token: us('first_token_us'), total: us('total_us') ?? 0 },
    metadata: parseObject(text('metadata')) ?? {},
  }
}

function requestDetail(row: RequestRow, record: FinishRecord, payloads: RequestDetail['payloads']): RequestDetail {
  return {
    ...row,
    lane: record.lane,
    finish_reason: record.finishReason || null,
    attempt_list: record.attempts.map((attempt) => ({
      provider: attempt.provider,
      model: attempt.model,
      credential: attempt.credential,
      status: attempt.status === 0 ? null : attempt.status,
      error: attempt.errorClass === '' ? null : { class: attempt.errorClass, message: attempt.errorMessage },
      at: new Date(attempt.startedAtMs).toISOString(),
      ms: { head: attempt.headMs ?? null, first_token: attempt.firstTokenMs ?? null, total: attempt.totalMs },
      reason: attempt.reason,
      route: attempt.route || null,
    })),
    cost_lines: record.costLines.map((line) => ({
      item: line.item,
      units: line.units,
      ...(line.rate === undefined ? {} : { rate: line.rate }),
      unit_usd: formatPicoUsd(line.picoUsdPerUnit),
      amount_usd: formatPicoUsd(line.picoUsdPerUnit * BigInt(line.units)),
    })),
    price_version: record.price?.version ?? null,
    provider_cost_usd: record.providerCostNanoUsd === undefined ? null : formatUsd(record.providerCostNanoUsd),
    notes: record.notes.map((note) => ({ ...note })),
    headers: stringsOf(parseObject(record.headers)),
    usage: parseObject(record.usageRaw) ?? null,
    bytes: { request: record.requestBytes, response: record.responseBytes },
    payloads,
  }
}

function parseObject(text: string): JsonObject | undefined {
  if (text === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function stringsOf(object: JsonObject | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(object ?? {}).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
}
