// Each recorded exchange, asked for by a client of each wire: what it reads is what the canon says, and every loss is in the ledger.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ClientWire, Wire } from '#ir'
import type { JsonObject } from '#kernel'
import { corpusPath, readCorpus, skipWithoutCorpus } from '#test/corpus.ts'
import { clientWires, codecOf } from '#wires'
import {
  eventsOfExchange,
  expectedFor,
  readAnswered,
  reduce,
  requestBody,
  throughResponse,
  throughStream,
  translate,
  type Translated,
} from '#test/pairs.ts'
import { assertAccepted, createAnthropicCheck, createOpenaiCheck, type Check } from './published-specs.ts'

const skip = skipWithoutCorpus
const data = (name: string): unknown => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))

type Exception = {
  readonly client: ClientWire
  readonly provider: Wire
  readonly form: 'stream' | 'whole'
  readonly id: string
  readonly reason: string
}
type Loss = { readonly from: Wire; readonly to: Wire; readonly path: string; readonly reason: string }
const exceptions = data('exceptions.json') as Exception[]
const ledger = data('losses.json') as Loss[]

for (const client of clientWires.keys()) {
  for (const form of ['stream', 'whole'] as const) {
    test(`a client of ${client} reads every recorded answer as it was given (${form})`, { skip }, () => {
      const compared = new Map<Wire, number>()
      const used = new Set<Exception>()
      const different: string[] = []
      for (const each of readAnswered()) {
        compared.set(each.wire, (compared.get(each.wire) ?? 0) + 1)
        const events = eventsOfExchange(each)
        const ours = reduce(form === 'stream' ? throughStream(events, client) : throughResponse(events, client))
        try {
          assert.deepEqual(ours, expectedFor(client, each, ours))
        } catch (error) {
          const known = exceptions.find(
            (e) => e.client === client && e.provider === each.wire && e.form === form && e.id === each.exchange.id,
          )
          if (known === undefined) different.push(`${each.wire} ${each.exchange.id}: ${(error as Error).message}`)
          else used.add(known)
        }
      }
      assert.deepEqual(different, [])
      for (const [provider, count] of compared) {
        const listed = exceptions.filter((e) => e.client === client && e.provider === provider && e.form === form)
        assert.ok(count > (provider === 'openai-chat' ? 770 : 160), `${count} answers of ${provider}`)
        assert.ok(listed.length < count / 100, `${listed.length} exceptions of ${count} for ${provider}`)
        for (const exception of listed) assert.ok(used.has(exception), `${exception.id} is no exception any more`)
      }
    })
  }
}

/** A model of each provider, for requests that were recorded at the other; two generations of Claude, since they accept different things. */
const modelsOf: Readonly<Partial<Record<ClientWire, readonly string[]>>> = {
  'openai-chat': ['gpt-5'],
  'anthropic-messages': ['claude-sonnet-4-5', 'claude-opus-5', 'claude-3-5-haiku-latest'],
}

type Step = { readonly from: ClientWire; readonly to: ClientWire; readonly translated: Translated; readonly what: string }

/** Requests of the corpus: the recorded ones, OpenClaw's and another gateway's examples. */
function* corpusRequests(): Generator<{ wire: ClientWire; body: JsonObject; what: string }> {
  for (const { exchange, wire } of readAnswered()) {
    const body = requestBody(exchange)
    // Azure's older form has the model in the path; the gateway puts it there itself.
    if (body !== undefined && typeof body['model'] === 'string') yield { wire, body, what: exchange.id }
  }
  for (const file of readdirSync(corpusPath('openclaw')!)) {
    const number = Number(file.slice(0, 2))
    if (!(number <= 7 || number === 10 || number === 11 || number === 18)) continue
    const { url, body } = JSON.parse(readCorpus('openclaw', file).toString('utf8')) as { url: string; body: JsonObject }
    yield { wire: url.includes('/messages') ? 'anthropic-messages' : 'openai-chat', body, what: `openclaw ${file}` }
  }
}

/** Each request on its way from a client of each wire to the provider that it was recorded at, and to every model of the other. */
function* translations(): Generator<Step> {
  for (const { wire, body, what } of corpusRequests()) {
    const recordedModel = body['model'] as string
    for (const other of clientWires.keys()) {
      if (other === wire) {
        yield { from: wire, to: wire, translated: translate(body, wire, wire, recordedModel), what }
        continue
      }
      for (const model of modelsOf[other] ?? []) {
        const there = translate(body, wire, other, model)
        yield { from: wire, to: other, translated: there, what }
        yield { from: other, to: wire, translated: translate(there.body, other, wire, recordedModel), what }
      }
    }
  }
}

test('every loss of a translated request is in the ledger, and the ledger holds nothing else', { skip }, () => {
  const key = ({ from, to, path }: { from: string; to: string; path: string }) => `${from} -> ${to}: ${path}`
  const listed = new Set(ledger.map(key))
  assert.equal(listed.size, ledger.length, 'an entry is there twice')
  const seen = new Map<string, string>()
  for (const { from, to, translated, what } of translations()) {
    for (const note of translated.notes) {
      const loss = key({ from, to, path: note.path.replace(/\[\d+\]/g, '[*]') })
      if (!seen.has(loss)) seen.set(loss, `${note.code}, ${note.why} (${what})`)
    }
  }
  assert.deepEqual(
    [...seen].filter(([loss]) => !listed.has(loss)).map(([loss, why]) => `${loss}: ${why}`),
    [],
    'losses that are not in losses.json',
  )
  assert.deepEqual(
    [...listed].filter((loss) => !seen.has(loss)),
    [],
    'entries of losses.json that nothing needs',
  )
  for (const { reason } of ledger) assert.ok(reason.length > 10)
})

test("each translated request is valid by the target's published spec", { skip }, () => {
  const checks: Readonly<Partial<Record<ClientWire, Check>>> = {
    'openai-chat': createOpenaiCheck(),
    'anthropic-messages': createAnthropicCheck(),
  }
  let checked = 0
  for (const { from, to, translated, what } of translations()) {
    if (from === to) continue
    assertAccepted(checks[to]!, translated.body, `${from} -> ${to} ${what}`)
    checked++
  }
  assert.ok(checked > 4_000, `${checked} requests`)
})

test('the checks refuse what the providers refuse', { skip }, () => {
  const openai = createOpenaiCheck()
  const user = { role: 'user', content: [{ type: 'text', text: 'Hi' }] }
  assert.deepEqual(openai({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }), [])
  assert.notDeepEqual(openai({ model: 'm', messages: [{ role: 'robot', content: 'Hi' }] }), [])
  assert.notDeepEqual(openai({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], temperature: 9 }), [])
  assert.notDeepEqual(openai({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools: [{ type: 'function' }] }), [])
  const anthropic = createAnthropicCheck()
  const least = { model: 'm', max_tokens: 9, messages: [user] }
  const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] }
  const result = (id: string) => ({ type: 'tool_result', tool_use_id: id })
  assert.deepEqual(anthropic(least), [])
  assert.deepEqual(anthropic({ ...least, messages: [user, call, { role: 'user', content: [result('a'), ...user.content] }] }), [])
  for (const wrong of [
    { model: 'm', messages: [user] },
    { ...least, n: 2 },
    { ...least, temperature: 1.5 },
    { ...least, messages: [call] },
    { ...least, messages: [user, call, user] },
    { ...least, messages: [user, call, { role: 'user', content: [...user.content, result('a')] }] },
    { ...least, messages: [user, call, { role: 'user', content: [result('a'), result('b')] }] },
    { ...least, messages: [user, { role: 'assistant', content: [{ type: 'tool_use', id: 'a.b', name: 'f', input: {} }] }] },
    { ...least, messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] },
    { ...least, tools: [{ name: 'f' }] },
    { ...least, tool_choice: { type: 'auto' } },
    { ...least, thinking: { type: 'enabled', budget_tokens: 1024 } },
    { ...least, max_tokens: 5000, thinking: { type: 'enabled', budget_tokens: 1024 }, temperature: 0.5 },
    { ...least, output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: {} } } } },
  ]) {
    assert.notDeepEqual(anthropic(wrong), [], JSON.stringify(wrong))
  }
})

test("OpenClaw's requests keep every text, tool, call and result on the other wire", { skip }, () => {
  let compared = 0
  for (const { wire, body, what } of corpusRequests()) {
    if (!what.startsWith('openclaw')) continue
    const other: ClientWire = wire === 'openai-chat' ? 'anthropic-messages' : 'openai-chat'
    const there = translate(body, wire, other, modelsOf[other]![0]!)
    assert.deepEqual(contentOf(there.body, other), contentOf(body, wire), what)
    compared++
  }
  assert.ok(compared >= 9, `${compared} requests`)
})

/** What a request says, whatever its wire and however it is cut into turns. */
function contentOf(body: JsonObject, wire: ClientWire): object {
  const { request } = codecOf(wire).ingress.decodeRequest(body)
  const parts = request.turns.flatMap((turn) =>
    turn.parts.map((part): unknown[] => {
      if (part.type === 'text') return [turn.role, 'text', part.text]
      if (part.type === 'tool-call') return [turn.role, 'call', part.id, part.name, JSON.parse(part.args)]
      if (part.type === 'tool-result')
        return [turn.role, 'result', part.id, part.output.map((output) => (output.type === 'text' ? output.text : output))]
      return [turn.role, part]
    }),
  )
  return {
    parts,
    tools: request.tools?.map((tool) =>
      tool.type === 'function' ? { name: tool.name, description: tool.description, input: tool.input } : tool,
    ),
    stream: request.stream,
  }
}
