// What the tests of all pairs share: an exchange's way through two wires, and its reduction to the canon's words.
import { explode, fold, type ClientWire, type Dialect, type Note, type Response, type StreamEvent, type Wire } from '#ir'
import type { JsonObject } from '#kernel'
import type { Canon, Exchange } from '#test/corpus.ts'
import type { Recorded } from '#test/recordings.ts'
import { clientWires, codecOf, createSseParser, providerCodecOf, type EncodeTarget, type PathFields, type RawFrame } from '#wires'

export { readAnswered, readLeftOut, readRefused, wireOfApi, type Recorded, type Refused } from '#test/recordings.ts'

/** The recorded request; undefined where none was recorded, or where it is no request of its wire (the provider refused it). */
export function requestBody(exchange: Exchange): JsonObject | undefined {
  const text = exchange.req.body_text
  if (exchange.resp.status !== 200 || text === null || text === '') return undefined
  return JSON.parse(text) as JsonObject
}

/** A request as a client sends it. `path`: what its wire has in the path instead of the body. */
export type Asked = { readonly wire: ClientWire; readonly body: JsonObject; readonly path: PathFields; readonly model: string }

/** A body of that wire, asked for in that form. */
export function askedOf(wire: ClientWire, body: JsonObject, model: string, stream: boolean): Asked {
  return { wire, body, path: inPath(wire) ? { model, stream } : {}, model }
}

const inPath = (wire: ClientWire) => !codecOf(wire).ingress.shape.fields.includes('model')

/** The recorded request, where a client of Turnpike could have sent it. */
export function recordedRequest({ exchange, wire }: Recorded): Asked | undefined {
  const codec = clientWires.get(wire as ClientWire)
  const body = requestBody(exchange)
  // InvokeModel's body is Anthropic's without the model, which only Bedrock takes.
  if (codec === undefined || body === undefined || exchange.api === 'invoke') return undefined
  const model = inPath(codec.wire) ? (exchange.model ?? undefined) : body['model']
  // Azure's older form has the model in the path; the gateway puts it there itself.
  return typeof model === 'string' ? askedOf(codec.wire, body, model, exchange.path.includes(':stream')) : undefined
}

/** Whose seals a provider of the wire can open, and the dialect that says the most. */
const targets: Readonly<Record<Wire, Partial<EncodeTarget>>> = {
  'openai-chat': { dialect: { developerRole: true }, sealDomain: 'openai' },
  'openai-responses': { sealDomain: 'openai' },
  'anthropic-messages': { sealDomain: 'anthropic' },
  gemini: { sealDomain: 'google' },
  'bedrock-converse': { sealDomain: 'bedrock' },
  'cohere-chat': {},
  'ollama-chat': {},
}

export function targetOf(wire: Wire, model: string): EncodeTarget {
  return { model, dialect: {}, defaultMaxOutputTokens: 4_096, ...targets[wire] }
}

export type Translated = { readonly body: JsonObject; readonly notes: readonly Note[] }

/** A client's request, as it goes to a provider. */
export function translate(body: JsonObject, from: ClientWire, to: Wire, model: string, path: PathFields = {}): Translated {
  const decoded = codecOf(from).ingress.decodeRequest(body, path)
  const encoded = providerCodecOf(to).egress.encodeRequest(decoded.request, targetOf(to, model))
  return { body: encoded.body, notes: [...decoded.notes, ...encoded.notes] }
}

/** Frames of a stream as the provider frames it, its bytes cut into pieces of `pieceBytes`. */
export function framesOf(wire: Wire, bytes: Uint8Array, dialect: Dialect = {}, pieceBytes = 16_384): RawFrame[] {
  const parser = providerCodecOf(wire).egress.framing?.(dialect)?.createParser() ?? createSseParser()
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // As a socket's buffer: gone after the call.
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes))
    parser.push(piece, (frame) => frames.push({ ...frame, raw: Buffer.from(frame.raw) }))
    piece.fill(0x21)
  }
  parser.end((frame) => frames.push(frame))
  return frames
}

/** Events of a stream, from its bytes. */
export function eventsOfStream(wire: Wire, bytes: string | Uint8Array, dialect: Dialect = {}, pieceBytes?: number): StreamEvent[] {
  const decoder = providerCodecOf(wire).egress.createStreamDecoder(dialect)
  const frames = framesOf(wire, typeof bytes === 'string' ? Buffer.from(bytes) : bytes, dialect, pieceBytes)
  const events = frames.flatMap(({ event, data }) =>
    data === undefined ? [] : decoder.push({ ...(event === undefined ? {} : { event }), data }),
  )
  return [...events, ...decoder.end()]
}

/** The recorded body as it was on the wire. */
export function bodyBytes({ resp }: Exchange): Buffer {
  return Buffer.from(resp.body, resp.kind === 'aws-eventstream' ? 'base64' : 'utf8')
}

/** What the provider answered, as events. */
export function eventsOfExchange({ exchange, wire, dialect }: Recorded, pieceBytes?: number): StreamEvent[] {
  if (exchange.resp.kind !== 'json') return eventsOfStream(wire, bodyBytes(exchange), dialect, pieceBytes)
  const body = JSON.parse(exchange.resp.body) as JsonObject | JsonObject[]
  // Gemini's stream as an array; the gateway always asks for server-sent events, which hold the same chunks.
  if (Array.isArray(body)) return eventsOfStream(wire, body.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''), dialect)
  return explode(providerCodecOf(wire).egress.decodeResponse(body, dialect))
}

const context = { requestId: 'r', model: 'm', createdSeconds: 1_700_000_000, streamUsage: true }

/** The answer as a client of `to` reads its stream. */
export function throughStream(events: readonly StreamEvent[], to: ClientWire): Response {
  const encoder = codecOf(to).ingress.createStreamEncoder(context)
  return fold(eventsOfStream(to, events.map((event) => encoder.push(event)).join('')))
}

/** The answer as a client of `to` reads it in one piece. */
export function throughResponse(events: readonly StreamEvent[], to: ClientWire): Response {
  const { ingress, egress } = codecOf(to)
  const body = ingress.encodeResponse(fold(events), context, undefined)
  return egress.decodeResponse(JSON.parse(JSON.stringify(body)) as JsonObject, {})
}

/** An answer in the canon's words. Arguments are compared as values: providers and clients write the same JSON with other spaces. */
export type Reduced = {
  readonly text: string
  readonly reasoning: string
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  readonly finish: string
  readonly usage:
    | { readonly in: number; readonly out: number; readonly cacheRead: number; readonly cacheWrite: number; readonly reasoning: number }
    | undefined
}

const finishWords: ReadonlyMap<string, string> = new Map([
  ['tool-calls', 'tool'],
  ['filtered', 'filter'],
  ['refused', 'filter'],
])

export function reduce(response: Response): Reduced {
  const join = (type: string) => response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')
  const { usage } = response
  return {
    text: join('text'),
    reasoning: join('reasoning'),
    toolCalls: response.parts.flatMap((part) =>
      part.type === 'tool-call' ? [{ id: part.id, name: part.name, args: valueOf(part.args) }] : [],
    ),
    finish: finishWords.get(response.finish.reason) ?? response.finish.reason,
    usage:
      usage === undefined
        ? undefined
        : {
            in: usage.input.total,
            out: usage.output.total,
            cacheRead: usage.input.cacheRead ?? 0,
            cacheWrite: usage.input.cacheWrite ?? 0,
            reasoning: usage.output.reasoning ?? 0,
          },
  }
}

/** The canon in the same words. What it doesn't know (null, absent) is taken from ours: it says nothing about it. */
export function reduceCanon(canon: Canon, ours: Reduced): Reduced {
  const counts = canon.usage ?? {}
  const known = Object.values(counts).some((count) => count !== null)
  const count = (key: string, fallback: number) => counts[key] ?? fallback
  return {
    text: canon.text ?? '',
    reasoning: canon.reasoning ?? '',
    toolCalls: (canon.tool_calls ?? []).map(({ id, name, args }, i) => ({
      id: id ?? ours.toolCalls[i]?.id ?? '',
      name,
      args: valueOf(args),
    })),
    finish: canon.finish ?? ours.finish,
    usage:
      !known || ours.usage === undefined
        ? known
          ? { in: NaN, out: NaN, cacheRead: NaN, cacheWrite: NaN, reasoning: NaN }
          : ours.usage
        : {
            in: count('in', ours.usage.in),
            out: count('out', ours.usage.out),
            cacheRead: count('cache_read', ours.usage.cacheRead),
            cacheWrite: count('cache_write', ours.usage.cacheWrite),
            reasoning: count('reasoning', ours.usage.reasoning),
          },
  }
}

/**
 * What a client of `client` must read. OpenAI's refusal is a field beside the text, which the canon leaves out; on Anthropic's and
 * Google's wires it is the text, and the finish reason says that it is a refusal.
 */
export function expectedFor(client: Wire, { exchange, canon }: Pick<Recorded, 'exchange' | 'canon'>, ours: Reduced): Reduced {
  const said = reduceCanon(canon, ours)
  const expected = { ...said, reasoning: recordedPlan(exchange) + said.reasoning }
  const refusal = client === 'anthropic-messages' || client === 'gemini' ? recordedRefusal(exchange) : ''
  return refusal === '' ? expected : { ...expected, text: expected.text + refusal, finish: 'filter' }
}

/** What Cohere's models plan to do with their tools is reasoning to clients; the canon leaves it out. Read from the recorded bytes. */
function recordedPlan({ api, resp }: Exchange): string {
  if (api !== 'cohere-v2-chat') return ''
  const texts = resp.kind === 'sse' ? [...resp.body.matchAll(/^data: ?(\{.*)$/gm)].map((found) => found[1]!) : [resp.body]
  return texts
    .map((text) => {
      type Planned = { readonly tool_plan?: string }
      const { message, delta } = JSON.parse(text) as { message?: Planned; delta?: { message?: Planned } }
      return (message ?? delta?.message)?.tool_plan ?? ''
    })
    .join('')
}

/** Read from the recorded bytes, not by a codec. */
function recordedRefusal({ resp }: Exchange): string {
  if (!resp.body.includes('"refusal"')) return ''
  const texts = resp.kind === 'sse' ? [...resp.body.matchAll(/^data: ?(\{.*)$/gm)].map((found) => found[1]!) : [resp.body]
  return texts
    .map((text) => {
      const { choices } = JSON.parse(text) as { choices?: { message?: { refusal?: string | null }; delta?: { refusal?: string | null } }[] }
      return choices?.[0]?.message?.refusal ?? choices?.[0]?.delta?.refusal ?? ''
    })
    .join('')
}

function valueOf(args: string): unknown {
  if (args === '') return {}
  try {
    return JSON.parse(args)
  } catch {
    return args
  }
}
