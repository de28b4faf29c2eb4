// Journal records <-> bytes: reserve, progress, finish. The store keeps a finish record's bytes as the detail of its row.
import { parsePrice, priceText } from './price-text.ts'
import { RecordReader, type RecordWriter } from './record-bytes.ts'
import type {
  AttemptRecord,
  CacheState,
  CostLine,
  CostSource,
  FinishRecord,
  FinishSummary,
  Outcome,
  ProgressRecord,
  RequestKind,
  ReserveRecord,
  UsageCounts,
} from './record.ts'

export const recordType = { reserve: 0x52, progress: 0x50, finish: 0x46 } as const
/** A later layout gets a new number, and `decodeX` keeps reading the earlier ones: stored details are never rewritten. */
/** 2: what a usage has besides tokens. */
const progressVersion = 2
/** 2: the routing config, behind the price. 3: user, team, wallet and the asked service tier, behind the config. */
const reserveVersion = 3
/** 2: bodies behind the notes. 3: the routing config, the cache's part, each attempt's route. 4: what reserve 3 has, what a usage has besides tokens, each cost line's rate. */
const finishVersion = 4

const reserveBytes = 19 * 4 + 5 * 8
const usageBytes = 12 * 8 + 3 * 4
/** Of each kind of calls. */
const hostedBytes = 4 + 8
const finishBytes = reserveBytes + usageBytes + 16 * 4 + 12 * 8
const attemptBytes = 7 * 4 + 5 * 8
const costLineBytes = 3 * 4 + 8
const noteBytes = 3 * 4

export function encodeReserve(out: RecordWriter, record: ReserveRecord): void {
  out.begin(recordType.reserve, reserveVersion, record.id, reserveBytes)
  writeReserve(out, record)
  out.end()
}

export function encodeProgress(out: RecordWriter, record: ProgressRecord): void {
  out.begin(recordType.progress, progressVersion, record.id, usageBytes + hostedKinds(record.usage) * hostedBytes + 3 * 8)
  out.number(record.atMs)
  out.number(record.responseBytes)
  out.number(record.estimated ? 1 : 0)
  writeUsage(out, record.usage)
  out.end()
}

export function encodeFinish(out: RecordWriter, record: FinishRecord): void {
  const { attempts, bodies, costLines, notes, usage } = record
  out.begin(
    recordType.finish,
    finishVersion,
    record.id,
    finishBytes +
      hostedKinds(usage) * hostedBytes +
      attempts.length * attemptBytes +
      costLines.length * costLineBytes +
      notes.length * noteBytes +
      (bodies === undefined ? 0 : bodies.request.length + bodies.response.length),
  )
  writeReserve(out, record)
  out.number(record.status)
  out.string(record.outcome)
  out.string(record.errorCode)
  out.string(record.errorClass)
  out.string(record.modelServed)
  out.string(record.lane)
  out.string(record.usageRaw)
  out.string(record.costSource)
  out.bigint(record.costNanoUsd)
  out.bigint(record.providerCostNanoUsd)
  out.string(record.finishReason)
  out.number(record.responseBytes)
  out.number(record.overheadUs)
  out.optional(record.firstTokenMs)
  out.number(record.totalMs)
  out.string(record.headers)
  out.string(record.payloads)
  out.string(record.kept)
  out.string(record.cache)
  out.number(usage === undefined ? 0 : 1)
  if (usage !== undefined) writeUsage(out, usage)
  out.number(attempts.length)
  for (const attempt of attempts) writeAttempt(out, attempt)
  out.number(costLines.length)
  for (const line of costLines) {
    out.string(line.item)
    out.number(line.units)
    out.bigint(line.picoUsdPerUnit)
    out.string(line.rate ?? '')
  }
  out.number(notes.length)
  for (const note of notes) {
    out.string(note.code)
    out.string(note.path)
    out.string(note.why)
  }
  out.optional(bodies?.request.length)
  if (bodies !== undefined) {
    out.number(bodies.response.length)
    out.raw(bodies.request)
    out.raw(bodies.response)
  }
  out.end()
}

/** `record`: a frame without its length and CRC. Throws when the record is of another type or version. */
export function decodeReserve(record: Buffer): ReserveRecord {
  const reader = open(record, recordType.reserve)
  return readReserve(reader, reader.version)
}

export function decodeProgress(record: Buffer): ProgressRecord {
  const reader = open(record, recordType.progress)
  const atMs = reader.number()
  const responseBytes = reader.number()
  const estimated = reader.number() === 1
  return { id: reader.id, atMs, responseBytes, estimated, usage: readUsage(reader, reader.version >= 2) }
}

export function decodeFinish(record: Buffer): FinishRecord {
  const reader = open(record, recordType.finish)
  // A finish record's layout is one ahead of the reserve record's in it.
  const reserve = readReserve(reader, reader.version - 1)
  const status = reader.number()
  const outcome = reader.string() as Outcome
  const errorCode = reader.string()
  const errorClass = reader.string()
  const modelServed = reader.string()
  const lane = reader.string() as FinishRecord['lane']
  const usageRaw = reader.string()
  const costSource = reader.string() as CostSource
  const costNanoUsd = reader.bigint()
  const providerCostNanoUsd = reader.bigint()
  const finishReason = reader.string()
  const responseBytes = reader.number()
  const overheadUs = reader.number()
  const firstTokenMs = reader.optional()
  const totalMs = reader.number()
  const headers = reader.string()
  const payloads = reader.string() as FinishRecord['payloads']
  const kept = reader.string()
  const cache = reader.version < 3 ? 'disabled' : (reader.string() as CacheState)
  const usage = reader.number() === 1 ? readUsage(reader, reader.version >= 4) : undefined
  const attempts: AttemptRecord[] = []
  for (let left = reader.number(); left > 0; left--) attempts.push(readAttempt(reader))
  const costLines: CostLine[] = []
  for (let left = reader.number(); left > 0; left--) {
    const line = { item: reader.string(), units: reader.number(), picoUsdPerUnit: reader.bigint() ?? 0n }
    const rate = reader.version < 4 ? '' : reader.string()
    costLines.push(rate === '' ? line : { ...line, rate })
  }
  const notes: { code: string; path: string; why: string }[] = []
  for (let left = reader.number(); left > 0; left--) notes.push({ code: reader.string(), path: reader.string(), why: reader.string() })
  const bodies = reader.version < 2 ? undefined : readBodies(reader)
  return {
    id: reserve.id,
    atMs: reserve.atMs,
    keyId: reserve.keyId,
    keyName: reserve.keyName,
    kind: reserve.kind,
    session: reserve.session,
    trace: reserve.trace,
    client: reserve.client,
    wire: reserve.wire,
    endpoint: reserve.endpoint,
    modelAsked: reserve.modelAsked,
    stream: reserve.stream,
    provider: reserve.provider,
    modelTarget: reserve.modelTarget,
    requestBytes: reserve.requestBytes,
    metadata: reserve.metadata,
    price: reserve.price,
    configSlug: reserve.configSlug,
    configVersion: reserve.configVersion,
    user: reserve.user,
    team: reserve.team,
    wallet: reserve.wallet,
    serviceTier: reserve.serviceTier,
    status,
    outcome,
    errorCode,
    errorClass,
    modelServed,
    lane,
    cache,
    attempts,
    usage,
    usageRaw,
    costSource,
    costNanoUsd,
    costLines,
    providerCostNanoUsd,
    finishReason,
    notes,
    responseBytes,
    overheadUs,
    firstTokenMs,
    totalMs,
    headers,
    payloads,
    bodies,
    kept,
  }
}

/** Views of the record. */
function readBodies(reader: RecordReader): FinishRecord['bodies'] {
  const requestBytes = reader.optional()
  if (requestBytes === undefined) return undefined
  const responseBytes = reader.number()
  return { request: reader.raw(requestBytes), response: reader.raw(responseBytes) }
}

/** The fields of a finish record that rows and roll-ups need, without making the others. What comes after the attempts is not looked at. */
export function decodeFinishSummary(record: Buffer): FinishSummary {
  const reader = open(record, recordType.finish)
  const id = reader.id
  const atMs = reader.number()
  const keyId = reader.string()
  const keyName = reader.string()
  const kind = reader.string() as RequestKind
  const session = reader.string()
  const trace = reader.string()
  const client = reader.string()
  const wire = reader.string()
  const endpoint = reader.string()
  const modelAsked = reader.string()
  const stream = reader.number() === 1
  const provider = reader.string()
  const modelTarget = reader.string()
  reader.number() // requestBytes
  const metadata = reader.string()
  // Not needed here, but a price that is none makes the record unreadable for every later question.
  parsePrice(reader.string())
  const configSlug = reader.version < 3 ? '' : reader.string()
  const configVersion = reader.version < 3 ? 0 : reader.number()
  const hasOwner = reader.version >= 4
  const user = hasOwner ? reader.string() : ''
  const team = hasOwner ? reader.string() : ''
  const wallet = hasOwner ? reader.string() : ''
  if (hasOwner) reader.skipString() // serviceTier
  const status = reader.number()
  const outcome = reader.string() as Outcome
  const errorCode = reader.string()
  const errorClass = reader.string()
  const modelServed = reader.string()
  reader.skipString() // lane
  reader.skipString() // usageRaw
  const costSource = reader.string() as CostSource
  const costNanoUsd = reader.bigint()
  const providerCostNanoUsd = reader.bigint()
  reader.skipString() // finishReason
  const responseBytes = reader.number()
  const overheadUs = reader.number()
  const firstTokenMs = reader.optional()
  const totalMs = reader.number()
  reader.skipString() // headers
  const payloads = reader.string() as FinishRecord['payloads']
  const kept = reader.string()
  const cache = reader.version < 3 ? 'disabled' : (reader.string() as CacheState)
  const usage = reader.number() === 1 ? readUsage(reader, reader.version >= 4) : undefined
  const attempts: AttemptRecord[] = []
  for (let left = reader.number(); left > 0; left--) attempts.push(readAttempt(reader))
  return {
    id,
    atMs,
    keyId,
    keyName,
    kind,
    session,
    trace,
    client,
    wire,
    endpoint,
    modelAsked,
    stream,
    provider,
    modelTarget,
    metadata,
    configSlug,
    configVersion,
    user,
    team,
    wallet,
    status,
    outcome,
    errorCode,
    errorClass,
    modelServed,
    cache,
    attempts,
    usage,
    costSource,
    costNanoUsd,
    providerCostNanoUsd,
    responseBytes,
    overheadUs,
    firstTokenMs,
    totalMs,
    payloads,
    kept,
  }
}

const newestVersions = {
  [recordType.reserve]: reserveVersion,
  [recordType.progress]: progressVersion,
  [recordType.finish]: finishVersion,
} as const

function open(record: Buffer, type: keyof typeof newestVersions): RecordReader {
  const reader = new RecordReader(record)
  if (reader.type !== type) throw new RangeError(`A journal record of type ${reader.type} stands where type ${type} belongs`)
  const newest = newestVersions[type]
  if (reader.version < 1 || reader.version > newest)
    throw new RangeError(`A journal record has layout ${reader.version}; this release reads layouts up to ${newest}`)
  return reader
}

function writeReserve(out: RecordWriter, record: ReserveRecord): void {
  out.number(record.atMs)
  out.string(record.keyId)
  out.string(record.keyName)
  out.string(record.kind)
  out.string(record.session)
  out.string(record.trace)
  out.string(record.client)
  out.string(record.wire)
  out.string(record.endpoint)
  out.string(record.modelAsked)
  out.number(record.stream ? 1 : 0)
  out.string(record.provider)
  out.string(record.modelTarget)
  out.number(record.requestBytes)
  out.string(record.metadata)
  out.string(record.price === undefined ? '' : priceText(record.price))
  out.string(record.configSlug)
  out.number(record.configVersion)
  out.string(record.user)
  out.string(record.team)
  out.string(record.wallet)
  out.string(record.serviceTier)
}

/** `layout`: of a reserve record. */
function readReserve(reader: RecordReader, layout: number): ReserveRecord {
  return {
    id: reader.id,
    atMs: reader.number(),
    keyId: reader.string(),
    keyName: reader.string(),
    kind: reader.string() as RequestKind,
    session: reader.string(),
    trace: reader.string(),
    client: reader.string(),
    wire: reader.string(),
    endpoint: reader.string(),
    modelAsked: reader.string(),
    stream: reader.number() === 1,
    provider: reader.string(),
    modelTarget: reader.string(),
    requestBytes: reader.number(),
    metadata: reader.string(),
    price: parsePrice(reader.string()),
    configSlug: layout >= 2 ? reader.string() : '',
    configVersion: layout >= 2 ? reader.number() : 0,
    user: layout >= 3 ? reader.string() : '',
    team: layout >= 3 ? reader.string() : '',
    wallet: layout >= 3 ? reader.string() : '',
    serviceTier: layout >= 3 ? reader.string() : '',
  }
}

function hostedKinds(usage: UsageCounts | undefined): number {
  return usage?.hosted === undefined ? 0 : Object.keys(usage.hosted).length
}

function writeUsage(out: RecordWriter, usage: UsageCounts): void {
  out.number(usage.input)
  out.number(usage.fresh)
  out.optional(usage.cacheRead)
  out.optional(usage.cacheWrite)
  out.optional(usage.cacheWrite1h)
  out.optional(usage.inputAudio)
  out.number(usage.output)
  out.optional(usage.reasoning)
  out.optional(usage.outputAudio)
  const { hosted, inputImage, outputImage, region, serviceTier } = usage
  const hasRest = (hosted ?? inputImage ?? outputImage ?? region ?? serviceTier) !== undefined
  out.string(hasRest ? '+' : '')
  if (!hasRest) return
  out.optional(inputImage)
  out.optional(outputImage)
  out.string(serviceTier ?? '')
  out.string(region ?? '')
  out.number(hosted === undefined ? -1 : hostedKinds(usage))
  for (const [kind, calls] of Object.entries(hosted ?? {})) {
    out.string(kind)
    out.number(calls)
  }
}

function readUsage(reader: RecordReader, mayHaveRest: boolean): UsageCounts {
  const counts = {
    input: reader.number(),
    fresh: reader.number(),
    cacheRead: reader.optional(),
    cacheWrite: reader.optional(),
    cacheWrite1h: reader.optional(),
    inputAudio: reader.optional(),
    output: reader.number(),
    reasoning: reader.optional(),
    outputAudio: reader.optional(),
  }
  if (!mayHaveRest || reader.string() === '') return counts
  const inputImage = reader.optional()
  const outputImage = reader.optional()
  const serviceTier = reader.string() || undefined
  const region = reader.string() || undefined
  const kinds = reader.number()
  const calls: [string, number][] = []
  for (let left = kinds; left > 0; left--) calls.push([reader.string(), reader.number()])
  return { ...counts, inputImage, outputImage, hosted: kinds < 0 ? undefined : Object.fromEntries(calls), serviceTier, region }
}

function writeAttempt(out: RecordWriter, attempt: AttemptRecord): void {
  out.string(attempt.provider)
  out.string(attempt.model)
  out.string(attempt.credential)
  out.number(attempt.status)
  out.string(attempt.errorClass)
  out.string(attempt.errorMessage)
  out.number(attempt.startedAtMs)
  out.optional(attempt.headMs)
  out.optional(attempt.firstTokenMs)
  out.number(attempt.totalMs)
  out.string(attempt.reason)
  out.string(attempt.route)
}

function readAttempt(reader: RecordReader): AttemptRecord {
  return {
    provider: reader.string(),
    model: reader.string(),
    credential: reader.string(),
    status: reader.number(),
    errorClass: reader.string(),
    errorMessage: reader.string(),
    startedAtMs: reader.number(),
    headMs: reader.optional(),
    firstTokenMs: reader.optional(),
    totalMs: reader.number(),
    reason: reader.string(),
    route: reader.version < 3 ? '' : reader.string(),
  }
}
