// Arbitrary requests with everything that the language can say, sensible or not: each wire must carry it, note it, or name what is wrong.
import fc from 'fast-check'
import type {
  AssistantPart,
  CustomTool,
  Ext,
  HostedTool,
  MediaPart,
  OpaquePart,
  OutputFormat,
  PartExtras,
  Reasoning,
  ReasoningPart,
  Request,
  Seal,
  SystemTurn,
  TextPart,
  Tool,
  ToolCallPart,
  ToolResultPart,
  Turn,
} from '#ir'
import { wireNames } from '#ir'
import type { JsonObject } from '#kernel'
import { jsonObject, text } from '#test/arbitraries.ts'

/** Without undefined fields and fast-check's null prototypes: the language knows absent, not undefined, and is plain JSON. */
function present<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return JSON.parse(JSON.stringify(value)) as T
}
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 })

const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,15}$/)
const wire = fc.constantFrom(...wireNames)
const words = text({ minLength: 1 }).filter((value) => value.trim() !== '')
const bytes = fc.base64String({ minLength: 4, maxLength: 24 })

/** Names and ids as other vendors and careless clients make them: long, with dots and spaces, doubled. */
const toolName = fc.oneof(
  { weight: 4, arbitrary: word },
  fc.constantFrom('mcp.server/tool', 'with space', 'ünïcode', 'x'.repeat(80), '__proto__', 'constructor'),
)
const callId = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^call_[a-zA-Z0-9]{4,12}$/) },
  fc.constantFrom('toolu_1', 'a.b:c/d', 'fc-1|rs-2', 'x'.repeat(90), 'call with space', 'ü'),
)

/** As decoders make them: whose it is says of which kind. */
const sealKinds = {
  anthropic: ['signature', 'redacted'],
  bedrock: ['signature', 'redacted'],
  google: ['signature'],
  openai: ['encrypted'],
  nobody: ['signature', 'encrypted', 'redacted'],
} as const satisfies Record<string, readonly Seal['kind'][]>

const anySeal: fc.Arbitrary<Seal> = fc
  .constantFrom(...(Object.keys(sealKinds) as (keyof typeof sealKinds)[]))
  .chain((domain) =>
    fc
      .record({ kind: fc.constantFrom<Seal['kind'][]>(...sealKinds[domain]), data: bytes, itemId: word.map((id) => `rs_${id}`) })
      .map(({ itemId, ...fields }) => ({ domain, ...fields, ...(domain === 'openai' ? { itemId } : {}) })),
  )

const ext: fc.Arbitrary<Ext> = fc.tuple(wire, jsonObject).map(([name, fields]) => ({ [name]: fields }))
const cache = fc.constantFrom({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' })
const extras: fc.Arbitrary<PartExtras> = fc
  .record({ cache: maybe(cache), ext: maybe(ext) })
  .map((fields) => (fields.cache === undefined && fields.ext === undefined ? {} : present<PartExtras>(fields)))

const withExtras = <T extends object>(part: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(part, extras).map(([fields, more]) => ({ ...fields, ...more }))

export const anyText: fc.Arbitrary<TextPart> = withExtras(
  fc.oneof({ weight: 5, arbitrary: words }, text()).map((value): TextPart => ({ type: 'text', text: value })),
)

const mediaTypes: Readonly<Record<MediaPart['kind'], readonly string[]>> = {
  image: ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/heic', 'image/svg+xml'],
  document: ['application/pdf', 'text/plain', 'text/csv', 'application/msword', 'application/octet-stream'],
  audio: ['audio/wav', 'audio/mpeg', 'audio/mp3', 'audio/ogg'],
  video: ['video/mp4', 'video/quicktime', 'video/webm'],
}

export const anyMedia: fc.Arbitrary<MediaPart> = withExtras(
  fc.constantFrom('image' as const, 'document' as const, 'audio' as const, 'video' as const).chain((kind) =>
    fc
      .record({
        source: fc.oneof(
          fc.record({ type: fc.constant('base64' as const), mediaType: fc.constantFrom(...mediaTypes[kind]), data: bytes }),
          fc.constantFrom(
            { type: 'url' as const, url: 'https://files.example/a.pdf' },
            { type: 'url' as const, url: 'gs://bucket/clip.mp4' },
            { type: 'url' as const, url: 's3://bucket/a.png' },
          ),
          word.map((id) => ({ type: 'file' as const, id: `file-${id}` })),
        ),
        name: maybe(fc.constantFrom('report.pdf', 'Übersicht (1).pdf', '../../etc/passwd', '')),
        detail: maybe(fc.constantFrom('low', 'high', 'auto', 'original')),
      })
      .map((fields) => present<MediaPart>({ type: 'media', kind, ...fields })),
  ),
)

const opaque: fc.Arbitrary<OpaquePart> = fc
  .record({ wire, kind: word, value: jsonObject })
  .map((fields) => ({ type: 'opaque', ...fields, value: { type: fields.kind, ...fields.value } }))

const reasoning: fc.Arbitrary<ReasoningPart> = fc
  .record({ text: fc.oneof(words, fc.constant('')), summary: maybe(fc.boolean()), seal: maybe(anySeal) })
  .map((fields) => present<ReasoningPart>({ type: 'reasoning', ...fields }))

const args = fc.oneof(
  { weight: 4, arbitrary: jsonObject.map((value) => JSON.stringify(value)) },
  fc.constantFrom('', '{"half": ', 'null', '[1]', '"text"', '4 + 4', '{ "spaced" :  1.50 }'),
)
const toolCall: fc.Arbitrary<ToolCallPart> = withExtras(
  fc
    .record({
      id: callId,
      name: toolName,
      args,
      ranBy: fc.constantFrom('client' as const, 'client' as const, 'client' as const, 'provider' as const),
      kind: maybe(fc.constantFrom('function' as const, 'custom' as const)),
      seal: maybe(anySeal),
    })
    .map((fields) => present<ToolCallPart>({ type: 'tool-call', ...fields })),
)
const toolResult = (id: fc.Arbitrary<string>): fc.Arbitrary<ToolResultPart> =>
  withExtras(
    fc
      .record({
        id,
        output: fc.array(fc.oneof({ weight: 3, arbitrary: anyText }, anyMedia, opaque), { maxLength: 3 }),
        failed: maybe(fc.boolean()),
      })
      .map((fields) => present<ToolResultPart>({ type: 'tool-result', ...fields })),
  )

/** Calls of one turn and their results in the next, in any order, some missing, some answered twice, some never called. */
const toolRound: fc.Arbitrary<Turn[]> = fc
  .record({
    before: fc.array(fc.oneof(reasoning, anyText), { maxLength: 2 }),
    calls: fc.array(toolCall, { minLength: 1, maxLength: 3 }),
    orphans: fc.array(toolResult(callId), { maxLength: 1 }),
    forget: fc.integer({ min: 0, max: 5 }),
    words: fc.array(fc.oneof(anyText, anyMedia), { maxLength: 1 }),
  })
  .chain(({ before, calls, orphans, forget, words: said }) =>
    fc.tuple(...calls.map(({ id }) => toolResult(fc.constant(id)))).map((results): Turn[] => [
      { role: 'assistant', parts: [...before, ...calls] },
      { role: 'user', parts: [...results.filter((_, at) => at !== forget), ...orphans, ...said] },
    ]),
  )

const userTurn: fc.Arbitrary<Turn> = fc
  .record({
    parts: fc.array(fc.oneof({ weight: 4, arbitrary: anyText }, anyMedia, opaque), { maxLength: 3 }),
    name: maybe(word),
    ext: maybe(ext),
  })
  .map((fields) => present<Extract<Turn, { role: 'user' }>>({ role: 'user', ...fields }))
const assistantTurn: fc.Arbitrary<Turn> = fc
  .record({
    parts: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: anyText },
        reasoning,
        text({ minLength: 1 }).map((value): AssistantPart => ({ type: 'refusal', text: value })),
        anyMedia,
        opaque,
      ),
      { maxLength: 3 },
    ),
    name: maybe(word),
    ext: maybe(ext),
  })
  .map((fields) => present<Extract<Turn, { role: 'assistant' }>>({ role: 'assistant', ...fields }))
const systemTurn: fc.Arbitrary<SystemTurn> = fc
  .record({
    authority: fc.constantFrom('system' as const, 'developer' as const),
    parts: fc.array(anyText, { maxLength: 2 }),
    ext: maybe(ext),
  })
  .map((fields) => present<SystemTurn>({ role: 'system', ...fields }))

/** Schemas that a client may send: open, closed, with references (to themselves too), with words that some vendors don't know. */
const schema: fc.Arbitrary<JsonObject> = fc.oneof(
  jsonObject.map((properties) => ({
    type: 'object',
    properties: Object.fromEntries(Object.keys(properties).map((key) => [key, { type: 'string' }])),
  })),
  fc.constantFrom<JsonObject[]>(
    {
      type: 'object',
      properties: { node: { $ref: '#/$defs/node' } },
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
    },
    { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] },
    {
      type: 'object',
      properties: { n: { type: ['integer', 'null'], minimum: 0, maximum: 9 } },
      additionalProperties: false,
      required: ['n'],
    },
    {
      type: 'object',
      properties: {
        s: { anyOf: [{ type: 'string', pattern: '^a', minLength: 2 }, { const: 7 }] },
        l: { type: 'array', items: {}, minItems: 2 },
      },
    },
    { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', patternProperties: { '^x': {} }, $comment: 'x' },
    {},
  ),
)

const tool: fc.Arbitrary<Tool> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({
        name: toolName,
        description: maybe(text()),
        input: maybe(schema),
        strict: maybe(fc.boolean()),
        cache: maybe(cache),
        ext: maybe(ext),
      })
      .map((fields) => present<Extract<Tool, { type: 'function' }>>({ type: 'function', ...fields })),
  },
  word.map((name): CustomTool => ({ type: 'custom', name, value: { type: 'custom', name, format: { type: 'text' } } })),
  fc.tuple(wire, word).map(([from, kind]): HostedTool => ({ type: 'hosted', wire: from, kind, value: { type: kind } })),
)

const reasoningWish: fc.Arbitrary<Reasoning> = fc
  .record({
    mode: maybe(fc.constantFrom('on' as const, 'off' as const, 'adaptive' as const)),
    effort: maybe(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max')),
    budgetTokens: maybe(fc.constantFrom(0, 1, 1_024, 8_192, 200_000)),
    display: maybe(fc.constantFrom('summarized', 'omitted')),
  })
  .map((fields) => present<Reasoning>(fields))
  .filter((wish) => Object.keys(wish).length > 0)

const output: fc.Arbitrary<OutputFormat> = fc.oneof(
  fc.constantFrom<OutputFormat>({ type: 'text' }, { type: 'json' }),
  fc
    .record({ name: maybe(toolName), description: maybe(words), schema: maybe(schema), strict: maybe(fc.constantFrom(true, false, null)) })
    .map((fields) => present<Extract<OutputFormat, { type: 'json-schema' }>>({ type: 'json-schema', ...fields })),
)

const hundredths = (min: number, max: number) => fc.integer({ min: min * 100, max: max * 100 }).map((value) => value / 100)

/** Anything at all, but that somebody says something. */
export const anyRequest: fc.Arbitrary<Request> = fc
  .record({
    model: word,
    first: maybe(systemTurn),
    turns: fc.array(
      fc.oneof(
        userTurn.map((turn) => [turn]),
        assistantTurn.map((turn) => [turn]),
        toolRound,
        systemTurn.map((turn) => [turn]),
      ),
      { maxLength: 4 },
    ),
    last: fc
      .tuple(userTurn, words)
      .map(([turn, said]): Turn => ({ ...turn, parts: [...turn.parts, { type: 'text', text: said }] }) as Turn),
    stream: fc.boolean(),
    tools: maybe(fc.uniqueArray(tool, { maxLength: 4, selector: (each) => (each.type === 'hosted' ? each.kind : each.name) })),
    toolChoice: maybe(
      fc.oneof(
        fc.constantFrom({ mode: 'auto' as const }, { mode: 'none' as const }, { mode: 'required' as const }),
        toolName.map((name) => ({ mode: 'tool' as const, name })),
      ),
    ),
    parallelToolCalls: maybe(fc.boolean()),
    maxOutputTokens: maybe(fc.integer({ min: 1, max: 200_000 })),
    stop: maybe(fc.array(text({ minLength: 1 }), { minLength: 1, maxLength: 4 })),
    temperature: maybe(hundredths(0, 2)),
    topP: maybe(hundredths(0, 1)),
    topK: maybe(fc.integer({ min: 0, max: 1_000 })),
    seed: maybe(fc.integer({ min: -5, max: 2 ** 40 })),
    frequencyPenalty: maybe(hundredths(-2, 2)),
    presencePenalty: maybe(hundredths(-2, 2)),
    n: maybe(fc.constant(1)),
    logprobs: maybe(fc.integer({ min: 0, max: 20 })),
    reasoning: maybe(reasoningWish),
    output: maybe(output),
    verbosity: maybe(fc.constantFrom('low', 'medium', 'high')),
    serviceTier: maybe(fc.constantFrom('auto', 'default', 'flex', 'priority', 'standard_only', 'scale')),
    user: maybe(fc.oneof(word, fc.constantFrom('x'.repeat(300), 'someone@mail.example'))),
    cacheKey: maybe(word),
    ext: maybe(ext),
  })
  .map(({ first, turns, last, ...rest }) =>
    present<Request>({ ...rest, turns: [...(first === undefined ? [] : [first]), ...turns.flat(), last] }),
  )
