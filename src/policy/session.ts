// Which conversation a request belongs to, and what started it. Works on byte ranges: the prompt is never parsed.
import { crc32 } from 'node:zlib'
import { isObject, type ByteRange, type JsonObject } from '#kernel'
import type { RequestKind } from '#store'

/** Byte ranges of a request body, -1 where absent; offsets into `body`. */
export type ConversationBytes = {
  readonly body: Buffer
  /** The conversation's array (`messages`), and the end of its first few elements. */
  readonly messagesStart: number
  readonly messagesEnd: number
  readonly openingEnd: number
  /** Instructions outside the array (Anthropic's `system`). */
  readonly systemStart: number
  readonly systemEnd: number
}

/** Where the last turns of a conversation lie. */
export type LatestTurns = {
  readonly buffer: Buffer
  /** Of all turns; -1: there is no array of them, or it was not found. */
  readonly count: number
  /** The turn at that distance from the end, 0 being the last; undefined: it is out of reach. */
  readonly fromEnd: (distance: number) => ByteRange | undefined
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const noHeaders: Headers = Object.freeze({})

/** The headers when one of them is the gateway's own (`x-turnpike-`, `x-portkey-`), else none: one look instead of one for each name. */
export function withOwnHeaders(headers: Headers): Headers {
  for (const name in headers) if (name.startsWith('x-turnpike-') || name.startsWith('x-portkey-')) return headers
  return noHeaders
}

const ownHeaders = ['x-turnpike-session-id', 'x-portkey-session-id', 'x-turnpike-trace-id', 'x-portkey-trace-id']
const agentHeaders = ['x-session-affinity', 'session_id', 'x-claude-code-session-id']
const maxSessionLength = 128

/** The session that a header names; known before the body is read. `own`: `withOwnHeaders`, where it is at hand. */
export function sessionHeader(headers: Headers, own = headers): string | undefined {
  for (const name of ownHeaders) {
    const value = own[name]
    // The client's own name for it, which may well end in a number.
    if (typeof value === 'string' && value !== '') return value.slice(0, maxSessionLength)
  }
  for (const name of agentHeaders) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return withoutTurn(value)
  }
  return undefined
}

/** The session of a request, in the contract's order of sources; never empty. `fields` are the small top-level fields. */
export function sessionOf(headers: Headers, fields: JsonObject, bytes: ConversationBytes, own = headers): string {
  const named = sessionHeader(headers, own)
  if (named !== undefined) return named
  const cacheKey = fields['prompt_cache_key']
  if (typeof cacheKey === 'string' && cacheKey !== '') return withoutTurn(cacheKey)
  const metadata = fields['metadata']
  if (isObject(metadata) && typeof metadata['user_id'] === 'string' && metadata['user_id'] !== '')
    return metadata['user_id'].slice(0, maxSessionLength)
  if (bytes.messagesEnd - bytes.messagesStart < agentBytes && bytes.systemStart < 0) return fingerprint(bytes)
  return (
    runtimeLineSession(bytes, bytes.messagesStart, bytes.openingEnd) ??
    runtimeLineSession(bytes, bytes.systemStart, bytes.systemEnd) ??
    fingerprint(bytes)
  )
}

/** OpenClaw appends the turn's number to its affinity headers and cache keys (`<id>:3`). */
function withoutTurn(value: string): string {
  return value.slice(0, maxSessionLength).replace(/:\d+$/, '')
}

/** An agent's first request brings its instructions: OpenClaw's are 38 KB and more. In less, its marks need not be looked for. */
const agentBytes = 1024
const runtimeLine = Buffer.from('Runtime: agent=')
/** Instructions are shorter; an opening with images or documents may have megabytes. */
const lookedAtBytes = 1 << 20
const sessionIdName = Buffer.from('sessionId=')

/** `Runtime: agent=main | session=... | sessionId=<uuid> | host=...`, as OpenClaw writes it. */
function runtimeLineSession({ body }: ConversationBytes, start: number, end: number): string | undefined {
  if (start < 0) return undefined
  const range = body.subarray(start, Math.min(end, start + lookedAtBytes))
  const line = range.indexOf(runtimeLine)
  if (line < 0) return undefined
  const found = range.indexOf(sessionIdName, line)
  if (found < 0 || found > line + 1024) return undefined
  const from = found + sessionIdName.length
  return /^[\w-]{8,64}/.exec(range.toString('latin1', from, from + 64))?.[0]
}

/** The same opening (instructions and first user message) is the same conversation. */
function fingerprint({ body, messagesStart, openingEnd, systemStart, systemEnd }: ConversationBytes): string {
  let sum = 0
  let length = 0
  if (systemStart >= 0) {
    sum = crc32(body.subarray(systemStart, Math.min(systemEnd, systemStart + lookedAtBytes)), sum)
    length += systemEnd - systemStart
  }
  if (messagesStart >= 0) {
    sum = crc32(body.subarray(messagesStart, Math.min(openingEnd, messagesStart + lookedAtBytes)), sum)
    length += openingEnd - messagesStart
  }
  return `fp-${sum.toString(16).padStart(8, '0')}-${length}`
}

/** The client has said which session it is; another one may well have the same fingerprint. */
export function isNamedSession(session: string): boolean {
  return session !== '' && !/^fp-[\da-f]{8}-\d+$/.test(session)
}

const assistantRole = Buffer.from('"assistant"')
/** Google's name for the same. */
const modelRole = Buffer.from('"model"')
const heartbeatWords = [Buffer.from('Follow the heartbeat monitor scratch context'), Buffer.from('Read HEARTBEAT.md if it exists')]
const cronWords = Buffer.from('[cron:')
const compactionWords = Buffer.from('You are a context summarization assistant')
const tailBytes = 16 << 10
const probeBodyBytes = 2048
const probeMaxTokens = 16

/**
 * What started a request, recognised from OpenClaw's bodies (captured from openclaw 2026.9.6): a heartbeat and a cron turn say so in what
 * follows the model's last message, a compaction in its instructions; a probe is a tiny request that asks for a word.
 */
export function kindOf(fields: JsonObject, bytes: ConversationBytes, bodyBytes: number): RequestKind {
  const { body, messagesStart, messagesEnd, openingEnd, systemStart, systemEnd } = bytes
  if (messagesStart < 0) return 'user'
  if (bodyBytes < agentBytes) return isProbe(fields) ? 'probe' : 'user'
  if (body.subarray(messagesStart, Math.min(openingEnd, messagesStart + 512)).includes(compactionWords)) return 'compaction'
  if (systemStart >= 0 && body.subarray(systemStart, Math.min(systemEnd, systemStart + 512)).includes(compactionWords)) return 'compaction'
  const tail = body.subarray(Math.max(messagesStart, messagesEnd - tailBytes), messagesEnd)
  const turn = tail.subarray(Math.max(0, tail.lastIndexOf(assistantRole), tail.lastIndexOf(modelRole)))
  if (heartbeatWords.some((words) => turn.includes(words))) return 'heartbeat'
  if (turn.includes(cronWords)) return 'cron'
  return bodyBytes < probeBodyBytes && isProbe(fields) ? 'probe' : 'user'
}

function isProbe(fields: JsonObject): boolean {
  const { generationConfig: gemini } = fields
  const cap =
    fields['max_completion_tokens'] ??
    fields['max_tokens'] ??
    fields['max_output_tokens'] ??
    (isObject(gemini) ? gemini['maxOutputTokens'] : undefined)
  return typeof cap === 'number' && cap <= probeMaxTokens
}
