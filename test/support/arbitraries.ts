// Arbitrary requests, answers and streams for the laws. What they make is what every wire should carry or say that it can't.
import fc from 'fast-check'
import type {
  AssistantPart,
  FunctionTool,
  MediaPart,
  ReasoningPart,
  Request,
  Response,
  Seal,
  StreamEvent,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
  Usage,
} from '#ir'
import { explode } from '#ir'
import { Failure, type JsonObject } from '#kernel'

/** Text as people and attackers write it: any Unicode, newlines, quotes, escapes, SSE look-alikes. Well-formed, as JSON over UTF-8 is. */
export const text = (options: { minLength?: number } = {}): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'grapheme', minLength: options.minLength ?? 0, maxLength: 40 }),
    fc.string({ unit: 'binary', minLength: options.minLength ?? 0, maxLength: 20 }).map((value) => value.toWellFormed()),
    fc.constantFrom('data: {"x":1}\n\n', '[DONE]', '\r\n\r', '"usage":{', '\u0000\u2028\u2029', 'Grüße, 世界 🛃', '\\u0041"', ' '),
  )

const someText = text({ minLength: 1 })
const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,15}$/)
const toolCallId = fc.stringMatching(/^call_[a-zA-Z0-9]{4,20}$/)
const count = fc.integer({ min: 0, max: 100_000 })

/** Without undefined fields and fast-check's null prototypes: the IR knows absent, not undefined, and is plain JSON. */
function present<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return JSON.parse(JSON.stringify(value)) as T
}
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

/** As JSON.parse makes it. */
export const jsonObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)

export const seal = (domain = 'anthropic'): fc.Arbitrary<Seal> =>
  fc.record({
    domain: fc.constant(domain),
    kind: fc.constant(domain === 'openai' ? ('encrypted' as const) : ('signature' as const)),
    data: fc.base64String({ minLength: 4, maxLength: 24 }),
  })

/** Never blank: some providers refuse a blank text, so codecs leave it out. */
export const textPart: fc.Arbitrary<TextPart> = someText
  .filter((value) => value.trim() !== '')
  .map((value) => ({ type: 'text', text: value }))
/** Citations of web pages, and probabilities: what hangs on a text. The title is what a reader sees, so there is one. */
const markedTextPart: fc.Arbitrary<TextPart> = textPart.chain((part) => {
  const place = fc.tuple(fc.nat({ max: part.text.length - 1 }), fc.nat({ max: part.text.length - 1 }))
  const citation = fc
    .record({ page: word, title: word, quote: maybe(someText), place: maybe(place) })
    .map(({ page, title, quote, place: at }) => ({
      url: `https://pages.example/${page}`,
      title,
      quote,
      ...(at === undefined ? {} : { start: Math.min(...at), end: Math.max(...at) + 1 }),
    }))
  const token = {
    token: someText,
    logprob: fc.integer({ min: -9_999, max: -1 }).map((value) => value / 100),
    bytes: maybe(fc.array(fc.nat({ max: 255 }))),
  }
  const logprob = fc.record({ ...token, top: fc.array(fc.record(token), { maxLength: 2 }) })
  return fc
    .record({
      citations: maybe(fc.array(citation, { minLength: 1, maxLength: 2 })),
      logprobs: maybe(fc.array(logprob, { minLength: 1, maxLength: 3 })),
    })
    .map((marks) => present<TextPart>({ ...part, ...marks } as TextPart))
})
export const reasoningPart = (domain = 'anthropic'): fc.Arbitrary<ReasoningPart> =>
  fc.record({ text: someText, seal: maybe(seal(domain)) }).map((fields) => present<ReasoningPart>({ type: 'reasoning', ...fields }))
export const toolCallPart: fc.Arbitrary<ToolCallPart> = fc
  .record({ id: toolCallId, name: word, args: jsonObject.map((value) => JSON.stringify(value)) })
  .map((fields) => ({ type: 'tool-call', ...fields, ranBy: 'client' }))
export const imagePart: fc.Arbitrary<MediaPart> = fc
  .oneof(
    fc.record({
      type: fc.constant('base64' as const),
      mediaType: fc.constantFrom('image/png', 'image/jpeg', 'image/webp'),
      data: fc.base64String({ minLength: 4, maxLength: 24 }),
    }),
    word.map((name) => ({ type: 'url' as const, url: `https://images.example/${name}.png` })),
  )
  .map((source) => ({ type: 'media', kind: 'image', source }))
export const toolResultPart = (id: fc.Arbitrary<string> = toolCallId): fc.Arbitrary<ToolResultPart> =>
  fc.record({ id, output: fc.array(textPart, { minLength: 1, maxLength: 2 }) }).map((fields) => ({ type: 'tool-result', ...fields }))

/** Usage whose sums hold: totals inclusive, breakdown disjoint. */
export const usage: fc.Arbitrary<Usage> = fc
  .record({ fresh: count, cacheRead: maybe(count), cacheWrite: maybe(count), answer: count, reasoning: maybe(count) })
  .map(({ fresh, cacheRead, cacheWrite, answer, reasoning }) => ({
    input: present<Usage['input']>({ total: fresh + (cacheRead ?? 0) + (cacheWrite ?? 0), fresh, cacheRead, cacheWrite }),
    output: present<Usage['output']>({ total: answer + (reasoning ?? 0), reasoning }),
    raw: {},
  }))

/**
 * An answer as models give them: reasoning, then words or a refusal, then tool calls; finish says which. `marked`: with citations and
 * probabilities on its words.
 */
export const response = (domain = 'anthropic', marked = false): fc.Arbitrary<Response> =>
  fc
    .record({
      id: maybe(word.map((value) => `msg_${value}`)),
      model: maybe(word),
      created: maybe(fc.integer({ min: 1, max: 2_000_000_000 })),
      reasoning: fc.array(reasoningPart(domain), { maxLength: 1 }),
      prose: fc.oneof(
        fc.array(marked ? markedTextPart : textPart, { maxLength: 1 }),
        someText.map((value): AssistantPart[] => [{ type: 'refusal', text: value }]),
      ),
      calls: fc.uniqueArray(toolCallPart, { maxLength: 3, selector: (part) => part.id }),
      plainReason: fc.constantFrom('stop' as const, 'length' as const),
      usage: maybe(usage),
    })
    .map(({ reasoning, prose, calls, plainReason, ...rest }) =>
      present<Response>({
        ...rest,
        parts: [...reasoning, ...prose, ...calls],
        finish: { reason: calls.length > 0 ? 'tool-calls' : plainReason },
      }),
    )

/** Any parts in any order, with everything that events can carry: for the laws of the language itself. */
export const anyResponse: fc.Arbitrary<Response> = fc
  .record({
    parts: fc.array(
      fc.oneof(
        fc.record({ text: text() }).map((fields): AssistantPart => ({ type: 'text', ...fields })),
        markedTextPart,
        fc.record({ text: text() }).map((fields): AssistantPart => ({ type: 'refusal', ...fields })),
        fc
          .record({ text: text(), summary: maybe(fc.boolean()), seal: maybe(seal()), ext: maybe(fc.record({ 'openai-chat': jsonObject })) })
          .map((fields) => present<ReasoningPart>({ type: 'reasoning', ...fields })),
        fc
          .record({
            id: toolCallId,
            name: word,
            args: text(),
            ranBy: fc.constantFrom('client' as const, 'provider' as const),
            seal: maybe(seal()),
          })
          .map((fields) => present<ToolCallPart>({ type: 'tool-call', ...fields })),
        imagePart,
        toolResultPart(),
        fc.record({ kind: word, value: jsonObject }).map((fields): AssistantPart => ({ type: 'opaque', wire: 'openai-chat', ...fields })),
      ),
      { maxLength: 6 },
    ),
    usage: maybe(usage),
    finish: fc.record({ reason: fc.constantFrom('stop', 'length', 'tool-calls', 'filtered', 'refused', 'paused', 'other') }),
    ext: maybe(fc.record({ 'anthropic-messages': jsonObject })),
  })
  .map((fields) => present<Response>(fields as Response))

/** Events of an answer with each text cut into several deltas, and usage said more than once. */
export const stream = (of: fc.Arbitrary<Response> = response()): fc.Arbitrary<StreamEvent[]> =>
  fc.tuple(of, fc.infiniteStream(fc.integer({ min: 1, max: 9 }))).map(([whole, sizes]) => {
    const events: StreamEvent[] = []
    for (const event of explode(whole)) {
      if (event.type !== 'part-delta') {
        events.push(event)
        continue
      }
      // Cut between code points: a decoder never sees half of one, JSON escapes them whole.
      const points = [...event.text]
      while (points.length > 0) events.push({ ...event, text: points.splice(0, sizes.next().value as number).join('') })
    }
    return events
  })

/** Tool calls of one answer whose argument deltas arrive interleaved, as parallel calls may. */
export const interleavedCalls: fc.Arbitrary<StreamEvent[]> = fc
  .tuple(fc.uniqueArray(toolCallPart, { minLength: 2, maxLength: 4, selector: (part) => part.id }), fc.infiniteStream(fc.nat()))
  .map(([calls, choices]) => {
    const events: StreamEvent[] = [{ type: 'start' }]
    const waiting = calls.map((call, index) => ({ index, points: [...call.args] }))
    calls.forEach(({ id, name, ranBy }, index) => events.push({ type: 'part-start', index, part: { type: 'tool-call', id, name, ranBy } }))
    while (waiting.length > 0) {
      const at = (choices.next().value as number) % waiting.length
      const call = waiting[at]!
      if (call.points.length > 0) events.push({ type: 'part-delta', index: call.index, text: call.points.splice(0, 3).join('') })
      else {
        events.push({ type: 'part-end', index: call.index })
        waiting.splice(at, 1)
      }
    }
    return [...events, { type: 'finish', finish: { reason: 'tool-calls' } }]
  })

export const failure: fc.Arbitrary<Failure> = fc
  .record({ kind: fc.constantFrom('interrupted' as const, 'idle_timeout' as const, 'overloaded' as const), message: someText })
  .map(({ kind, message }) => new Failure(kind, message))

const functionTool: fc.Arbitrary<FunctionTool> = fc
  .record({
    name: word,
    description: maybe(someText),
    input: jsonObject.map((properties) => ({ type: 'object', properties })),
    strict: maybe(fc.boolean()),
  })
  .map((fields) => present<FunctionTool>({ type: 'function', ...fields }))

/** A round of an agent: the user asks, the assistant answers or calls tools, and their results come back. */
const round = (domain: string): fc.Arbitrary<Turn[]> =>
  fc
    .record({
      ask: fc.array(fc.oneof({ weight: 3, arbitrary: textPart }, imagePart), { minLength: 1, maxLength: 3 }),
      reasoning: fc.array(reasoningPart(domain), { maxLength: 1 }),
      say: fc.array(textPart, { maxLength: 1 }),
      calls: fc.uniqueArray(toolCallPart, { maxLength: 3, selector: (part) => part.id }),
      results: fc.array(fc.array(textPart, { minLength: 1, maxLength: 2 }), { minLength: 3, maxLength: 3 }),
    })
    .map(({ ask, reasoning, say, calls, results }): Turn[] => {
      const answer: AssistantPart[] = [...reasoning, ...say, ...calls]
      return [
        { role: 'user', parts: ask },
        ...(answer.length > 0 ? [{ role: 'assistant' as const, parts: answer }] : []),
        ...(calls.length > 0
          ? [
              {
                role: 'user' as const,
                parts: calls.map(({ id }, index): ToolResultPart => ({ type: 'tool-result', id, output: results[index]! })),
              },
            ]
          : []),
      ]
    })

/** A request of an agent: instructions, rounds with tools, parameters. Turns are as decoders make them: tool results apart from words. */
export const request = (domain = 'anthropic'): fc.Arbitrary<Request> =>
  fc
    .record({
      model: word,
      system: fc.array(textPart, { maxLength: 2 }),
      rounds: fc.array(round(domain), { minLength: 1, maxLength: 3 }),
      stream: fc.boolean(),
      tools: maybe(fc.uniqueArray(functionTool, { minLength: 1, maxLength: 3, selector: (tool) => tool.name })),
      choice: fc.constantFrom('auto' as const, 'none' as const, 'required' as const, 'tool' as const, undefined),
      parallelToolCalls: maybe(fc.boolean()),
      maxOutputTokens: maybe(fc.integer({ min: 1, max: 100_000 })),
      stop: maybe(fc.array(someText, { minLength: 1, maxLength: 3 })),
      temperature: maybe(fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)),
      topP: maybe(fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10)),
      seed: maybe(fc.nat()),
      logprobs: maybe(fc.integer({ min: 0, max: 20 })),
      user: maybe(word),
    })
    .map(({ system, rounds, tools, choice, ...rest }) =>
      present<Request>({
        ...rest,
        turns: [...(system.length > 0 ? [{ role: 'system' as const, authority: 'system' as const, parts: system }] : []), ...rounds.flat()],
        tools,
        toolChoice:
          tools === undefined || choice === undefined
            ? undefined
            : choice === 'tool'
              ? { mode: 'tool', name: tools[0]!.name }
              : { mode: choice },
        parallelToolCalls: tools === undefined ? undefined : rest.parallelToolCalls,
      }),
    )
