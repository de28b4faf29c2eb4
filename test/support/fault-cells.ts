// What a provider can do wrong, and what must become of it: one list for the test of the fault matrix and for docs/fault-matrix.md.
import type { FailureKind, JsonObject } from '#kernel'
import { cut, keepAlive, reset, splitEvery, stall, write, type Answer } from './answer.ts'
import { clientScripts } from './client-scripts.ts'
import { faults, insufficientQuota, sseAnswer, type WireScripts } from './scripts.ts'

export type Mode = 'stream' | 'whole'

/** Where the first provider is, if not at the scripted one. */
export type Place = 'refused' | 'silent' | 'nowhere' | 'plain'

/**
 * What must become of a cell: `rescued` by the next target inside the same request; told in the client's wire when there is no next target
 * (`verdict`); `interrupted` in-band after content; `stopped` at the provider when the client leaves; or it `arrives` whole.
 */
export type Ending = 'rescued' | 'verdict' | 'interrupted' | 'stopped' | 'arrives'

export type FaultCell = {
  /** A sentence about the provider. */
  readonly name: string
  readonly modes: readonly Mode[]
  readonly endings: readonly Ending[]
  /** Classes of the attempt; one of. Empty: the attempt is answered. */
  readonly class: readonly FailureKind[]
  /** Of the verdict; 503 if not given. */
  readonly status?: number
  readonly timeouts?: JsonObject
  readonly place?: Place
  readonly answer?: (wire: WireScripts, mode: Mode) => Answer
}

const both: readonly Mode[] = ['stream', 'whole']
const stream: readonly Mode[] = ['stream']
const whole: readonly Mode[] = ['whole']
const before: readonly Ending[] = ['rescued', 'verdict']
const after: readonly Ending[] = ['interrupted']
const soon = { first_token_ms: 400 }
const idle = { idle_ms: 400 }

/** A stream up to so many pieces of content, and what then comes instead of the rest. */
function upTo(wire: WireScripts, pieces: number, ...after: Parameters<typeof sseAnswer>[1][]): Answer {
  return sseAnswer(wire.frames().slice(0, wire.preambleFrames + pieces), ...after)
}

function halfBody(wire: WireScripts): string {
  const body = String(wire.json().body)
  return body.slice(0, body.length >> 1)
}

const halfAnswer = (wire: WireScripts, ...after: Parameters<typeof sseAnswer>[1][]): Answer => ({
  headers: { 'content-type': 'application/json' },
  body: [write(halfBody(wire)), ...after],
})

/** Cells 1 to 7 before content, and the ways not to answer at all. */
const beforeContent: readonly FaultCell[] = [
  {
    name: 'accepts and sends nothing',
    modes: both,
    endings: before,
    class: ['first_token_timeout'],
    status: 408,
    timeouts: soon,
    answer: faults.silent,
  },
  {
    name: 'sends its head and preamble, then nothing',
    modes: both,
    endings: before,
    class: ['first_token_timeout'],
    status: 408,
    timeouts: soon,
    answer: (wire, mode) => (mode === 'stream' ? upTo(wire, 0, stall()) : halfAnswer(wire, stall())),
  },
  {
    name: 'sends comments for ever, and no content',
    modes: stream,
    endings: before,
    class: ['first_token_timeout'],
    status: 408,
    timeouts: soon,
    answer: () => sseAnswer([], ...Array.from({ length: 40 }, () => keepAlive()), stall()),
  },
  { name: 'closes the connection without an answer', modes: both, endings: before, class: ['cut'], answer: faults.hangUp },
  { name: 'resets the connection', modes: both, endings: before, class: ['cut'], answer: faults.resets },
  {
    name: 'is cut before content',
    modes: both,
    endings: before,
    class: ['cut'],
    answer: (wire, mode) => (mode === 'stream' ? upTo(wire, 0, cut()) : halfAnswer(wire, cut())),
  },
  {
    name: 'is cut in the middle of its head',
    modes: both,
    endings: before,
    class: ['cut', 'bad_response'],
    answer: () => ({ raw: [write('HTTP/1.1 200 OK\r\ncontent-ty'), cut()] }),
  },
  {
    name: 'sends an error event inside a 200',
    modes: stream,
    endings: before,
    class: ['error_in_stream', 'overloaded', 'provider_error'],
    answer: (wire) => sseAnswer([...wire.frames().slice(0, wire.preambleFrames), wire.errorFrame()]),
  },
  {
    name: 'answers a JSON error body with status 200',
    modes: both,
    endings: before,
    class: ['error_in_stream', 'provider_error'],
    answer: (wire) => wire.errorInside200(),
  },
  {
    name: 'answers 200 with a complaint in a shape of its own',
    modes: both,
    endings: before,
    class: ['error_in_stream', 'bad_response'],
    answer: () => ({ headers: { 'content-type': 'application/json' }, body: '{"detail":"Not authenticated"}' }),
  },
  {
    name: 'answers 200 with an empty object',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: () => ({ headers: { 'content-type': 'application/json' }, body: '{}' }),
  },
  {
    name: 'sends elsewhere (307)',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: () => ({
      status: 307,
      headers: { location: 'https://api.example.com/v1/chat/completions?key=sk-provider-secret-1' },
      body: '',
    }),
  },
  { name: 'ends its stream before any content', modes: stream, endings: before, class: ['ended_early'], answer: (wire) => upTo(wire, 0) },
  { name: 'refuses the connection', modes: both, endings: before, class: ['connect_failed'], place: 'refused' },
  {
    name: 'does not accept a connection in time',
    modes: both,
    endings: before,
    class: ['connect_timeout'],
    place: 'silent',
    timeouts: { connect_ms: 300 },
  },
  { name: 'has a name that does not resolve', modes: both, endings: before, class: ['dns_failed'], place: 'nowhere' },
  { name: 'speaks no TLS where TLS is due', modes: both, endings: before, class: ['tls_failed'], place: 'plain' },
  {
    name: 'answers something that is not HTTP',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: () => ({ raw: [write('SSH-2.0-OpenSSH_9.9\r\n\r\n')] }),
  },
  {
    name: 'answers an HTML page with status 502',
    modes: both,
    endings: before,
    class: ['provider_error'],
    answer: () => faults.htmlPage(),
  },
  {
    name: 'answers an HTML page with status 200',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: () => faults.htmlPage(200),
  },
  { name: 'answers 200 with an empty body', modes: both, endings: before, class: ['empty_response'], answer: () => faults.empty() },
  {
    name: 'opens an event stream and ends it without a byte',
    modes: stream,
    endings: before,
    class: ['ended_early', 'empty_response'],
    answer: () => sseAnswer([]),
  },
  {
    name: 'sends half a JSON body, of the length of the whole',
    modes: whole,
    endings: before,
    class: ['cut', 'bad_response'],
    answer: (wire) => faults.halfJson(wire),
  },
  {
    name: 'sends half a JSON body and calls it whole',
    modes: whole,
    endings: before,
    class: ['bad_response'],
    answer: (wire) => ({ headers: { 'content-type': 'application/json' }, body: halfBody(wire) }),
  },
  {
    name: 'answers words in the wrong content type',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: () => ({ headers: { 'content-type': 'text/plain' }, body: 'hello' }),
  },
  {
    // Alone it is the answer: some models have nothing to say.
    name: 'ends its answer without having said anything',
    modes: both,
    endings: ['rescued'],
    class: ['empty_response'],
    // Google's last chunk is one of the text, so there an empty text is the least that can be said.
    answer: (wire, mode) => {
      const saying = { text: wire === clientScripts['gemini'] ? [''] : [], usage: { input: 12, output: 0 } }
      return mode === 'stream' ? wire.sse(saying) : wire.json(saying)
    },
  },
  {
    name: 'says an empty text and ends',
    modes: both,
    endings: ['rescued'],
    class: ['empty_response'],
    answer: (wire, mode) => {
      const saying = { text: [''], usage: { input: 12, output: 1 } }
      return mode === 'stream' ? wire.sse(saying) : wire.json(saying)
    },
  },
  {
    name: 'takes longer than one attempt may',
    modes: both,
    endings: before,
    class: ['total_timeout'],
    status: 408,
    timeouts: { request_timeout: 400 },
    answer: faults.silent,
  },
  {
    name: 'answers in a damaged compression',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: (_, mode) => ({
      headers: { 'content-type': mode === 'stream' ? 'text/event-stream' : 'application/json', 'content-encoding': 'gzip' },
      body: 'this is not gzip',
    }),
  },
  {
    name: 'answers in an encoding that nobody knows',
    modes: both,
    endings: before,
    class: ['bad_response'],
    answer: (wire) => ({ ...wire.json(), headers: { 'content-type': 'application/json', 'content-encoding': 'x-secret' } }),
  },
  { name: 'answers 500', modes: both, endings: before, class: ['provider_error'], answer: (wire) => wire.error(500) },
  { name: 'answers 503', modes: both, endings: before, class: ['overloaded'], answer: (wire) => wire.error(503) },
  { name: 'answers 529', modes: both, endings: before, class: ['overloaded'], answer: (wire) => wire.error(529) },
  { name: 'answers 408', modes: both, endings: before, class: ['provider_error'], answer: (wire) => wire.error(408) },
  { name: 'answers 429', modes: both, endings: before, class: ['rate_limited'], answer: (wire) => wire.error(429) },
  {
    name: 'says that its account is used up, and not by 402',
    modes: both,
    endings: before,
    class: ['account_exhausted'],
    // Anthropic's is a 400; Google has OpenAI's words for those who ask in OpenAI's wire.
    answer: (wire) =>
      wire === clientScripts['anthropic-messages']
        ? wire.error(400, 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.')
        : insufficientQuota(),
  },
  { name: 'wants to be paid (402)', modes: both, endings: before, class: ['account_exhausted'], answer: (wire) => wire.error(402) },
  {
    name: "rejects the operator's credential (401)",
    modes: both,
    endings: before,
    class: ['credential_rejected'],
    answer: (wire) => wire.error(401),
  },
  { name: 'forbids (403)', modes: both, endings: before, class: ['credential_rejected'], answer: (wire) => wire.error(403) },
  { name: 'does not know the model (404)', modes: both, endings: before, class: ['target_not_found'], answer: (wire) => wire.error(404) },
  // The verdict about a request that every target blames is the first one's own.
  {
    name: 'blames the request (400)',
    modes: both,
    endings: before,
    class: ['request_refused'],
    status: 400,
    answer: (wire) => wire.error(400, 'The field temperature is out of range.'),
  },
  {
    name: 'blames the request (413)',
    modes: both,
    endings: before,
    class: ['request_refused'],
    status: 413,
    answer: (wire) => wire.error(413, 'The field temperature is out of range.'),
  },
  {
    name: 'blames the request (422)',
    modes: both,
    endings: before,
    class: ['request_refused'],
    status: 422,
    answer: (wire) => wire.error(422, 'The field temperature is out of range.'),
  },
  {
    name: 'says that the prompt is too long',
    modes: both,
    endings: before,
    class: ['context_length_exceeded'],
    status: 400,
    answer: (wire) => wire.contextTooLong(),
  },
]

const afterContent: readonly FaultCell[] = [
  {
    name: 'goes silent after content',
    modes: stream,
    endings: after,
    class: ['idle_timeout'],
    timeouts: idle,
    answer: (wire) => upTo(wire, 1, stall()),
  },
  { name: 'is cut after content', modes: stream, endings: after, class: ['cut'], answer: (wire) => upTo(wire, 1, cut()) },
  {
    name: 'resets the connection after content',
    modes: stream,
    endings: after,
    class: ['cut'],
    answer: (wire) => upTo(wire, 1, stallShortly(), reset()),
  },
  {
    name: 'sends an error event after content',
    modes: stream,
    endings: after,
    class: ['error_in_stream', 'overloaded', 'provider_error'],
    answer: (wire) => sseAnswer([...wire.frames().slice(0, wire.preambleFrames + 1), wire.errorFrame()]),
  },
  { name: 'ends without its terminal event', modes: stream, endings: after, class: ['ended_early'], answer: (wire) => upTo(wire, 2) },
  {
    name: 'takes longer than one attempt may, after content',
    modes: stream,
    endings: after,
    class: ['total_timeout'],
    timeouts: { request_timeout: 2000 },
    answer: (wire) => upTo(wire, 1, stall()),
  },
  {
    name: 'is cut in the middle of an event',
    modes: stream,
    endings: after,
    class: ['cut'],
    answer: (wire) => {
      const frames = wire.frames()
      const next = frames[wire.preambleFrames + 1]!
      return upTo(wire, 1, write(next.slice(0, next.length >> 1)), cut())
    },
  },
  {
    name: 'sends an event that is no JSON after content',
    modes: stream,
    endings: after,
    class: ['bad_response', 'error_in_stream', 'cut', 'ended_early'],
    answer: (wire) => upTo(wire, 1, write('data: {"broken\n\n'), cut()),
  },
]

/** A pause of two turns, so that what came before is read. */
function stallShortly() {
  return { kind: 'wait', until: new Promise((resolve) => setTimeout(resolve, 20)) } as const
}

const leaving: readonly FaultCell[] = [
  { name: 'the client leaves before the head', modes: both, endings: ['stopped'], class: ['client_closed'], answer: faults.silent },
  {
    name: 'the client leaves before content',
    modes: both,
    endings: ['stopped'],
    class: ['client_closed'],
    answer: (wire, mode) => (mode === 'stream' ? upTo(wire, 0, stall()) : halfAnswer(wire, stall())),
  },
  {
    name: 'the client leaves after content',
    modes: stream,
    endings: ['stopped'],
    class: ['client_closed'],
    answer: (wire) => upTo(wire, 1, stall()),
  },
]

export const oddText = ['Grüße, ', '世界 🛃', '!']
export const longText = ['a', 'x'.repeat(1 << 20)]

/** A stream's bytes, changed and cut. */
function changed(change: (text: string) => string, size: number): NonNullable<FaultCell['answer']> {
  return (wire) => ({
    headers: { 'content-type': 'text/event-stream' },
    body: splitEvery(change(wire.frames({ text: oddText }).join('')), size),
  })
}

const lines = (text: string) => text.replaceAll('\r\n', '\n')

const arriving: readonly FaultCell[] = [
  ...(['gzip', 'br', 'deflate', 'zstd'] as const).map((encoding): FaultCell => ({
    name: `compresses with ${encoding}, which nobody asked for`,
    modes: both,
    endings: ['arrives'],
    class: [],
    answer: (wire, mode) => ({ ...(mode === 'stream' ? wire.sse({ text: oddText }) : wire.json({ text: oddText })), encoding }),
  })),
  { name: 'sends a single event of 1 MB', modes: stream, endings: ['arrives'], class: [], answer: (wire) => wire.sse({ text: longText }) },
  { name: 'sends its events byte by byte', modes: stream, endings: ['arrives'], class: [], answer: changed((text) => text, 1) },
  {
    name: 'sends its body byte by byte',
    modes: whole,
    endings: ['arrives'],
    class: [],
    answer: (wire) => ({ headers: { 'content-type': 'application/json' }, body: splitEvery(String(wire.json({ text: oddText }).body), 1) }),
  },
  {
    name: 'ends its lines with CR LF',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: changed((text) => lines(text).replaceAll('\n', '\r\n'), 7),
  },
  {
    name: 'ends its lines with CR',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: changed((text) => lines(text).replaceAll('\n', '\r'), 7),
  },
  { name: 'begins with a byte order mark', modes: stream, endings: ['arrives'], class: [], answer: changed((text) => `\uFEFF${text}`, 7) },
  {
    name: 'sends comments between its events',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: changed((text) => `: hi\n\n${lines(text).replaceAll('\n\n', '\n\n: still here\n\n')}`, 1 << 20),
  },
  { name: 'splits characters between packets', modes: stream, endings: ['arrives'], class: [], answer: changed((text) => text, 3) },
  {
    name: 'streams under another content type',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: (wire) => ({ ...wire.sse({ text: oddText }), headers: { 'content-type': 'text/plain; charset=utf-8' } }),
  },
  {
    name: 'streams under another content type, byte by byte behind a comment',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: (wire) => ({
      headers: { 'content-type': 'application/octet-stream' },
      body: splitEvery(`:ok\n\n${wire.frames({ text: oddText }).join('')}`, 1),
    }),
  },
  {
    name: 'streams although it was not asked to',
    modes: whole,
    endings: ['arrives'],
    class: [],
    answer: (wire) => wire.sse({ text: oddText }),
  },
  {
    name: 'answers in one piece although a stream was asked for',
    modes: stream,
    endings: ['arrives'],
    class: [],
    answer: (wire) => wire.json({ text: oddText }),
  },
  {
    name: 'ends its body with the connection',
    modes: both,
    endings: ['arrives'],
    class: [],
    answer: (wire, mode) => ({ ...(mode === 'stream' ? wire.sse({ text: oddText }) : wire.json({ text: oddText })), framing: 'close' }),
  },
]

export type FaultSection = { readonly title: string; readonly cells: readonly FaultCell[] }

export const faultSections: readonly FaultSection[] = [
  { title: 'Before content', cells: beforeContent },
  { title: 'After content', cells: afterContent },
  { title: 'The client leaves', cells: leaving },
  { title: 'Odd, and right', cells: arriving },
]

/** Tested apart: a floor is measured over ten seconds. */
export const dripSection: FaultSection = {
  title: 'Slower than its floor',
  cells: [
    { name: 'drips before content', modes: both, endings: ['rescued'], class: ['too_slow'] },
    { name: 'drips after content', modes: stream, endings: ['arrives'], class: [] },
  ],
}
