// Every recorded exchange through a real Turnpike, on sockets, asked for by a client of each wire: what the client reads is the canon.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test, type TestContext } from 'node:test'
import { fold, type StreamEvent } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { readCanon, readExchanges, skipWithoutCorpus, type Canon, type Exchange } from '#test/corpus.ts'
import { expectedFor, reduce, translate, wireOfApi } from '#test/pairs.ts'
import { replay, scriptedWires, wireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestProvider, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, type Received, type ScriptedUpstream } from '#test/upstream.ts'
import { codecOf, createSseParser } from '#wires'

const skip = skipWithoutCorpus
const atOnce = 12

/** A recorded exchange and the name under which it is asked for: the model that was recorded, with its number behind it. */
type Replayed = {
  readonly exchange: Exchange
  readonly wire: ScriptedWire
  /** Of answers; a refusal has none here. */
  readonly canon: Canon | undefined
  readonly stream: boolean
  /** The provider's id of the model. */
  readonly model: string
}

type Exception = { readonly combination: string; readonly id: string; readonly reason: string }
const exceptions = JSON.parse(readFileSync(new URL('replay-exceptions.json', import.meta.url), 'utf8')) as Exception[]

/** Azure's dialect is OpenAI's. Servers without a row of their own are compatible ones. */
const vendorOf = new Map([
  ['azure', 'openai'],
  ['local', 'openai-compatible'],
  ['portkey', 'openai-compatible'],
])

const replayed: Replayed[] = []
const byModel = new Map<string, Replayed>()
/** The last request for each model. */
const asked = new Map<string, Received>()
let upstream: ScriptedUpstream
let turnpike: TestTurnpike

before(async () => {
  if (skip !== false) return
  const canon = readCanon()
  for (const exchange of readExchanges(({ api }) => api === 'chat' || api === 'messages')) {
    const truth = canon.get(exchange.id)
    const said = parsed(exchange.req.body_text)
    const model = `${exchange.model ?? 'model'}~${replayed.length}`
    const stream = said === undefined ? truth?.stream === true : said['stream'] === true
    const answered = exchange.resp.status === 200 && truth !== undefined
    const each = { exchange, wire: wireOfApi.get(exchange.api) as ScriptedWire, canon: answered ? truth : undefined, stream, model }
    replayed.push(each)
    byModel.set(model, each)
  }
  upstream = await createUpstream()
  upstream.route(/./, (request) => {
    const model = String(request.json()['model'])
    asked.set(model, request)
    return replay(byModel.get(model)!.exchange)
  })
  const providers = Map.groupBy(replayed, ({ exchange }) => exchange.provider)
  turnpike = await startTest(
    Object.fromEntries(
      [...providers].map(([slug, [first]]): [string, TestProvider] => {
        const messages = first!.wire === 'anthropic-messages'
        // Some vendors speak both wires; here each one speaks what was recorded.
        const more = {
          vendor: vendorOf.get(slug) ?? slug,
          base_url: `${upstream.origin}/${slug}${messages ? '' : '/v1'}`,
          wires: [messages ? 'anthropic-messages' : 'openai-chat'],
        }
        return [slug, { wire: first!.wire, origin: upstream.origin, models: [], more }]
      }),
    ),
  )
})

after(async () => {
  if (skip !== false) return
  await turnpike.end()
  await upstream.close()
})

for (const client of scriptedWires) {
  for (const provider of scriptedWires) {
    const combination = `${client} client, ${provider} provider`

    test(`${combination}: every recorded answer reads as the canon says, and is recorded`, { skip }, async (t) => {
      const counts = new Map<string, number>()
      const answers = replayed.filter(({ wire, canon }) => wire === provider && canon !== undefined)
      const different = await inParallel(answers, async (each) => {
        const sent = requestOf(each, client)
        const { response, body } = await ask(each, client, sent.text)
        assert.equal(response.status, 200, body)
        checkAnswer(each, client, response, body)
        await checkRecord(each, client, response.headers.get('x-turnpike-request-id')!)
        counted(counts, checkReceived(each, client, sent))
        counted(counts, sent.how)
        counted(counts, each.stream ? 'streams' : 'whole')
      })
      report(t, combination, answers, different, counts)
      assert.ok(answers.length > (provider === 'openai-chat' ? 770 : 160), `${answers.length} answers`)
    })

    test(`${combination}: every recorded refusal comes out as the contract says`, { skip }, async (t) => {
      const refusals = replayed.filter(({ wire, canon }) => wire === provider && canon === undefined)
      const counts = new Map<string, number>()
      const different = await inParallel(refusals, async (each) => {
        const { response, body } = await ask(each, client, requestOf(each, client).text)
        checkRefusal(each, client, response, body)
        const record = await turnpike.record(response.headers.get('x-turnpike-request-id')!)
        assert.equal(record['status'], response.status)
        assert.equal(record['outcome'], response.status === 503 ? 'upstream_error' : 'client_error')
        counted(counts, `answered ${response.status}`)
      })
      report(t, combination, refusals, different, counts)
      assert.ok(refusals.length >= 7, `${refusals.length} refusals`)
    })
  }
}

test('every exception is of a combination that is tested', () => {
  const combinations = scriptedWires.flatMap((client) => scriptedWires.map((provider) => `${client} client, ${provider} provider`))
  for (const { combination, reason } of exceptions) {
    assert.ok(combinations.includes(combination), combination)
    assert.ok(reason.length > 10)
  }
})

// Asking.

type Sent = { readonly text: string; readonly how: 'as recorded' | 'translated' | 'plain request instead' }

/** The request in the client's wire: as it was recorded, translated from that, or a plain one where there is nothing to translate. */
function requestOf({ exchange, wire, stream, model }: Replayed, client: ScriptedWire): Sent {
  const name = `${exchange.provider}/${model}`
  const plain: JsonObject = {
    model: name,
    max_tokens: 100,
    messages: [{ role: 'user', content: 'Say hello.' }],
    ...(stream ? { stream } : {}),
  }
  const recorded = parsed(exchange.req.body_text)
  if (recorded === undefined) return { text: JSON.stringify(plain), how: 'plain request instead' }
  const named = { ...recorded, model: name }
  if (client === wire) return { text: renamed(exchange.req.body_text!, recorded, name) ?? JSON.stringify(named), how: 'as recorded' }
  try {
    const { body } = translate(named, wire, client, name)
    if ((body['messages'] as unknown[]).length > 0) return { text: JSON.stringify(body), how: 'translated' }
  } catch {
    // No messages, or not messages.
  }
  assert.ok(exchange.resp.status >= 400, `${exchange.id}: only what its provider refused too cannot be translated`)
  return { text: JSON.stringify(plain), how: 'plain request instead' }
}

/** The recorded text with another model; undefined where its place in the text is not plain. */
function renamed(text: string, recorded: JsonObject, name: string): string | undefined {
  if (typeof recorded['model'] !== 'string') return undefined
  const old = new RegExp(`("model"\\s*:\\s*)${JSON.stringify(recorded['model']).replaceAll(/[^\w-]/g, '\\$&')}`)
  const changed = text.replace(old, (_whole, key: string) => key + JSON.stringify(name))
  return JSON.stringify(parsed(changed)) === JSON.stringify({ ...recorded, model: name }) ? changed : undefined
}

async function ask({ exchange }: Replayed, client: ScriptedWire, text: string): Promise<{ response: Response; body: string }> {
  const version = exchange.req.headers['anthropic-version'] === undefined ? {} : { 'anthropic-version': '2023-06-01' }
  const response = await turnpike.post(wireScripts[client].path, text, { headers: version })
  return { response, body: await response.text() }
}

// Checking.

function checkAnswer(each: Replayed, client: ScriptedWire, response: Response, body: string): void {
  assert.match(response.headers.get('content-type')!, each.stream ? /^text\/event-stream/ : /^application\/json/)
  const answer = each.stream ? fold(streamOf(client, body)) : codecOf(client).egress.decodeResponse(JSON.parse(body) as JsonObject, {})
  const ours = reduce(answer)
  assert.deepEqual(ours, expectedFor(client, { exchange: each.exchange, canon: each.canon! }, ours))
  const served = /"model"\s*:\s*"([^"]+)"/.exec(each.exchange.resp.body)?.[1]
  assert.equal(answer.model, served ?? each.model)
  if (each.stream && client === 'openai-chat') assert.match(body, /data: \[DONE\]\s*$/)
}

function streamOf(client: ScriptedWire, body: string): StreamEvent[] {
  const decoder = codecOf(client).egress.createStreamDecoder({})
  const parser = createSseParser()
  const events: StreamEvent[] = []
  const onFrame = ({ event, data }: { event?: string; data: string | undefined }) => {
    if (data !== undefined) events.push(...decoder.push({ ...(event === undefined ? {} : { event }), data }))
  }
  parser.push(Buffer.from(body), onFrame)
  parser.end(onFrame)
  return [...events, ...decoder.end()]
}

/** Where the provider counted nothing, the gateway counts itself. */
async function checkRecord({ exchange, wire, canon, stream, model }: Replayed, client: ScriptedWire, id: string): Promise<void> {
  const record = await turnpike.record(id)
  const { outcome, status, lane, provider } = record
  assert.deepEqual(
    { outcome, status, lane, provider, stream: record['stream'], asked: (record['model'] as JsonObject)['asked'] },
    {
      outcome: 'ok',
      status: 200,
      lane: client === wire ? 'pass' : 'translate',
      provider: exchange.provider,
      stream,
      asked: `${exchange.provider}/${model}`,
    },
  )
  const tokens = record['tokens'] as Readonly<Record<string, number | null>>
  const usage = canon!.usage ?? {}
  const known = Object.values(usage).some((count) => count !== null)
  if (!known) {
    assert.equal(typeof tokens['input'], 'number')
    assert.equal(record['cost_source'], 'unpriced')
    return
  }
  assert.deepEqual(
    { input: tokens['input'], cached: tokens['cached'] ?? 0, output: tokens['output'], reasoning: tokens['reasoning'] ?? 0 },
    {
      input: usage['in'] ?? tokens['input'],
      cached: usage['cache_read'] ?? tokens['cached'] ?? 0,
      output: usage['out'] ?? tokens['output'],
      reasoning: usage['reasoning'] ?? tokens['reasoning'] ?? 0,
    },
  )
}

/** What the provider got. In the pass-through lane: what the client sent, byte for byte, but for the documented edits. */
function checkReceived({ exchange, wire, stream, model }: Replayed, client: ScriptedWire, sent: Sent): string {
  const received = asked.get(model)!
  const name = `${exchange.provider}/${model}`
  assert.equal(received.url, wire === 'openai-chat' ? `/${exchange.provider}/v1/chat/completions` : `/${exchange.provider}/v1/messages`)
  const body = received.json()
  assert.equal(body['model'], model)
  assert.equal(body['stream'] === true, stream)
  const options = body['stream_options']
  // Mistral refuses the field and sends usage unasked.
  if (wire === 'openai-chat' && stream && exchange.provider !== 'mistral') assert.equal((options as JsonObject)['include_usage'], true)
  if (client !== wire) return 'translated bodies'
  const text = received.body.toString('utf8')
  const original = parsed(sent.text)!
  const expected = sent.text.replace(JSON.stringify(name), JSON.stringify(model))
  if (text === expected || textsWithUsageAsked(expected).includes(text)) return 'bodies equal byte by byte'
  const given = original['stream_options']
  const asks = { ...(isObject(given) ? given : {}), include_usage: true }
  const edited: JsonObject = { ...original, model, ...(stream ? { stream_options: asks } : {}) }
  if (exchange.provider === 'mistral') delete edited['stream_options']
  assert.deepEqual(body, edited)
  return 'bodies equal but for stream_options'
}

/** Where an added member can stand: first or last. */
function textsWithUsageAsked(text: string): string[] {
  const member = '"stream_options":{"include_usage":true}'
  const close = text.lastIndexOf('}')
  return [text.replace('{', `{${member},`), `${text.slice(0, close)},${member}${text.slice(close)}`]
}

/** The contract's rows: a blamed request is answered with the provider's verdict, whatever else it says is all_targets_failed. */
function checkRefusal({ exchange, wire }: Replayed, client: ScriptedWire, response: Response, body: string): void {
  const document = JSON.parse(body) as { type?: string; error: JsonObject }
  const recorded = parsed(exchange.resp.body)
  const recordedError = isObject(recorded?.['error']) ? recorded['error'] : undefined
  // Azure's filter says its 400 inside a 200.
  const verdict = exchange.resp.status === 200 ? recordedError?.['status'] : exchange.resp.status
  assert.equal(response.status, verdict === 400 ? 400 : 503, body)
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  if (client === 'anthropic-messages') assert.equal(document.type, 'error')
  assert.equal(typeof document.error['message'], 'string')
  assert.equal(typeof document.error['type'], 'string')
  if (verdict === 400) {
    assert.ok(String(document.error['message']).includes(String(recordedError!['message'])), body)
    if (client === wire && exchange.resp.status !== 200) assert.equal(body, exchange.resp.body)
    return
  }
  assert.equal(document.error['code'], 'all_targets_failed')
  assert.ok(Number(response.headers.get('retry-after')) >= 1)
  const classes = new Map<unknown, string>([
    [401, 'credential_rejected'],
    [404, 'target_not_found'],
    [undefined, 'empty_response'],
  ])
  assert.deepEqual(document.error['attempts'], [{ target: exchange.provider, class: classes.get(verdict) }])
  // What clients read as a bill, and what is none of the client's business.
  assert.doesNotMatch(body, /credit|balance|quota|billing|api key|sk-/i)
}

// Small parts.

function parsed(text: string | null): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function counted(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

/** What differs, by id; a few exchanges at a time. */
async function inParallel(list: readonly Replayed[], check: (each: Replayed) => Promise<void>): Promise<Map<string, string>> {
  const different = new Map<string, string>()
  const rest = list.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const each of rest) {
        try {
          await check(each)
        } catch (error) {
          different.set(each.exchange.id, (error as Error).message)
        }
      }
    }),
  )
  return different
}

function report(
  t: TestContext,
  combination: string,
  list: readonly Replayed[],
  different: Map<string, string>,
  counts: Map<string, number>,
): void {
  const ids = new Set(list.map(({ exchange }) => exchange.id))
  const listed = exceptions.filter((each) => each.combination === combination && ids.has(each.id))
  const details = [...counts].map(([what, count]) => `${count} ${what}`)
  t.diagnostic(
    `${combination}: ${list.length - different.size} of ${list.length} agree, ${listed.length} exceptions (${details.join(', ')})`,
  )
  const known = new Set(listed.map(({ id }) => id))
  assert.deepEqual(
    [...different].filter(([id]) => !known.has(id)).map(([id, why]) => `${id}: ${why}`),
    [],
  )
  for (const { id } of listed) assert.ok(different.has(id), `${id} is no exception any more`)
  assert.ok(listed.length < Math.max(1, list.length / 100), `${listed.length} exceptions of ${list.length}`)
}
