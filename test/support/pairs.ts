// What the tests of all pairs share: corpus exchanges, an answer's way through two wires, and its reduction to the canon's words.
import { explode, fold, type Note, type Response, type ClientWire, type StreamEvent, type Wire } from '#ir'
import type { JsonObject } from '#kernel'
import { readCanon, readExchanges, type Canon, type Exchange } from '#test/corpus.ts'
import { codecOf, createSseParser, providerCodecOf, type EncodeTarget, type RawFrame } from '#wires'

export const wireOfApi: ReadonlyMap<string, ClientWire> = new Map([
  ['chat', 'openai-chat'],
  ['messages', 'anthropic-messages'],
])

export type Recorded = { readonly exchange: Exchange; readonly wire: ClientWire; readonly canon: Canon }

/** Answered chat and messages exchanges, with what they say. */
export function readAnswered(): Recorded[] {
  const canon = readCanon()
  const answered: Recorded[] = []
  for (const exchange of readExchanges(
    ({ api, resp }) => wireOfApi.has(api) && resp.status === 200 && (resp.kind === 'json' || resp.kind === 'sse'),
  )) {
    const truth = canon.get(exchange.id)
    if (truth !== undefined) answered.push({ exchange, wire: wireOfApi.get(exchange.api)!, canon: truth })
  }
  return answered
}

/** The recorded request; undefined where none was recorded, or where it is no request of its wire (the provider refused it). */
export function requestBody(exchange: Exchange): JsonObject | undefined {
  const text = exchange.req.body_text
  if (exchange.resp.status !== 200 || text === null || text === '') return undefined
  return JSON.parse(text) as JsonObject
}

export function targetOf(wire: Wire, model: string): EncodeTarget {
  return wire === 'openai-chat'
    ? { model, dialect: { developerRole: true }, sealDomain: 'openai', defaultMaxOutputTokens: 4_096 }
    : { model, dialect: {}, sealDomain: 'anthropic', defaultMaxOutputTokens: 4_096 }
}

export type Translated = { readonly body: JsonObject; readonly notes: readonly Note[] }

/** A client's request, as it goes to a provider. */
export function translate(body: JsonObject, from: ClientWire, to: Wire, model: string): Translated {
  const decoded = codecOf(from).ingress.decodeRequest(body)
  const encoded = providerCodecOf(to).egress.encodeRequest(decoded.request, targetOf(to, model))
  return { body: encoded.body, notes: [...decoded.notes, ...encoded.notes] }
}

/** Events of a stream, from its bytes. */
export function eventsOfStream(wire: Wire, bytes: string): StreamEvent[] {
  const decoder = providerCodecOf(wire).egress.createStreamDecoder({})
  const parser = createSseParser()
  const events: StreamEvent[] = []
  const onFrame = (frame: RawFrame) => {
    if (frame.data !== undefined)
      events.push(...decoder.push({ ...(frame.event === undefined ? {} : { event: frame.event }), data: frame.data }))
  }
  parser.push(Buffer.from(bytes), onFrame)
  parser.end(onFrame)
  return [...events, ...decoder.end()]
}

/** What the provider answered, as events. */
export function eventsOfExchange({ exchange, wire }: Recorded): StreamEvent[] {
  if (exchange.resp.kind === 'sse') return eventsOfStream(wire, exchange.resp.body)
  return explode(providerCodecOf(wire).egress.decodeResponse(JSON.parse(exchange.resp.body) as JsonObject, {}))
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
 * What a client of `client` must read. OpenAI's refusal is a field beside the text, which the canon leaves out; on Anthropic's wire it is
 * the text, and the stop reason says that it is a refusal.
 */
export function expectedFor(client: Wire, { exchange, canon }: Recorded, ours: Reduced): Reduced {
  const expected = reduceCanon(canon, ours)
  const refusal = client === 'anthropic-messages' ? recordedRefusal(exchange) : ''
  return refusal === '' ? expected : { ...expected, text: expected.text + refusal, finish: 'filter' }
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
