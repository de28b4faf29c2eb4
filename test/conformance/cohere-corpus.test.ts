// Every recorded exchange of Cohere's second chat API, decoded, says what the corpus' canon says.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { billedCounts, createGrammar, fold, type Response, type StreamEvent } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { corpusPath, readCanon, readCorpus, readExchanges, readJsonLines, skipWithoutCorpus, type Exchange } from '#test/corpus.ts'
import { createSseParser, providerCodecOf } from '#wires'

const { egress } = providerCodecOf('cohere-chat')
const skip = skipWithoutCorpus
const chats = (): Exchange[] => [...readExchanges(({ api }) => api === 'cohere-v2-chat')]

function eventsOf(body: string, chunkBytes: number): StreamEvent[] {
  const bytes = Buffer.from(body)
  const parser = createSseParser()
  const decoder = egress.createStreamDecoder({})
  const events: StreamEvent[] = []
  const onFrame = (frame: { event?: string; data: string | undefined }) => {
    if (frame.data !== undefined) events.push(...decoder.push({ ...frame, data: frame.data }))
  }
  for (let at = 0; at < bytes.length; at += chunkBytes) parser.push(bytes.subarray(at, at + chunkBytes), onFrame)
  parser.end(onFrame)
  return [...events, ...decoder.end()]
}

function answerOf({ resp }: Exchange): Response {
  return resp.kind === 'sse' ? fold(eventsOf(resp.body, 1_400)) : egress.decodeResponse(JSON.parse(resp.body) as JsonObject, {})
}

const join = (response: Response, type: string) =>
  response.parts.map((part) => (part.type === type && 'text' in part ? part.text : '')).join('')

/** The plan is no part of the canon: it is read here from the recorded bytes. */
function planOf({ resp }: Exchange): string {
  const bodies = resp.kind === 'sse' ? [...resp.body.matchAll(/^data: (\{.*)$/gm)].map((found) => found[1]!) : [resp.body]
  return bodies
    .map((body) => {
      const { delta, message } = JSON.parse(body) as { delta?: { message?: JsonObject }; message?: JsonObject }
      return (message ?? delta?.message)?.['tool_plan'] ?? ''
    })
    .join('')
}

const finishWords = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool-calls', 'tool'],
])

test('every recorded answer decodes to the canon: text, plan, tool calls, citations, finish and usage', { skip }, () => {
  const canon = readCanon()
  let cited = 0
  const all = chats()
  assert.equal(all.length, 18)
  for (const exchange of all) {
    const truth = canon.get(exchange.id)!
    const response = answerOf(exchange)
    const { usage } = response
    const citations = response.parts.flatMap((part) => (part.type === 'text' ? (part.citations ?? []) : []))
    cited += citations.length
    assert.deepEqual(
      {
        text: join(response, 'text'),
        plan: join(response, 'reasoning'),
        calls: response.parts.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.id, name: part.name, args: part.args }] : [])),
        finish: finishWords.get(response.finish.reason),
        raw: response.finish.raw,
        citations: citations.length,
        usage: {
          in: usage?.input.total,
          out: usage?.output.total,
          cached: usage?.input.cacheRead,
          billed: [usage?.billed?.input, usage?.billed?.output],
        },
      },
      {
        text: truth.text,
        plan: planOf(exchange),
        calls: truth.tool_calls!.map(({ id, name, args }) => ({ id, name, args })),
        finish: truth.finish,
        raw: truth.finish_raw,
        citations: truth['citations'] ?? 0,
        usage: {
          in: truth.usage!['in'],
          out: truth.usage!['out'],
          cached: truth.usage!['cache_read'],
          billed: [truth.usage!['billed_in'], truth.usage!['billed_out']],
        },
      },
      exchange.id,
    )
    for (const { start, end, raw } of citations) assert.equal(join(response, 'text').slice(start, end), raw!.value['text'], exchange.id)
  }
  assert.equal(cited, 5)
})

test('what is charged for are the billed units, as three price tables agree', { skip }, () => {
  const charged = new Map<string, JsonObject>()
  for (const row of readJsonLines('prices', 'expected-cost.jsonl')) {
    if (row['api'] === 'cohere-v2-chat') charged.set(row['id'] as string, row['usage'] as JsonObject)
  }
  let compared = 0
  for (const exchange of chats()) {
    const expected = charged.get(exchange.id)
    if (expected === undefined) continue
    const counts = billedCounts(answerOf(exchange).usage!)
    assert.deepEqual([counts.fresh, counts.cacheRead, counts.output], [expected['input_tokens'], undefined, expected['output_tokens']])
    compared++
  }
  assert.equal(compared, 9)
})

test('every recorded stream is grammatical, says the same byte by byte, and is an error when it is cut', { skip }, () => {
  const streams = chats().filter(({ resp }) => resp.kind === 'sse')
  assert.equal(streams.length, 10)
  for (const { id, resp } of streams) {
    const events = eventsOf(resp.body, 1_400)
    const grammar = createGrammar()
    for (const event of events) assert.equal(grammar.check(event), undefined, id)
    assert.equal(grammar.finished(), true, id)
    assert.deepEqual(eventsOf(resp.body, 1), events, id)
    const end = resp.body.lastIndexOf('event: message-end')
    for (const at of [end, Math.floor(end / 2), 40]) {
      assert.equal(eventsOf(resp.body.slice(0, at), 1_400).at(-1)?.type, 'error', `${id} cut at ${at}`)
    }
  }
})

test('the newest fixtures decode: thinking, plans, calls without arguments, citations', { skip }, () => {
  const folder = ['vercel-ai-fixtures', 'cohere'] as const
  const read = new Map<string, Response>()
  for (const file of readdirSync(corpusPath(...folder)!)) {
    if (file.includes('embedding') || !/\.(json|chunks\.txt)$/.test(file)) continue
    const text = readCorpus(...folder, file).toString('utf8')
    if (file.endsWith('.json')) read.set(file, egress.decodeResponse(JSON.parse(text) as JsonObject, {}))
    else {
      const decoder = egress.createStreamDecoder({})
      const lines = text.split('\n').filter((line) => line.trim() !== '')
      read.set(file, fold([...lines.flatMap((data) => decoder.push({ data })), ...decoder.end()]))
    }
  }
  assert.equal(read.size, 10)
  const partsOf = (file: string) => read.get(file)!.parts
  assert.deepEqual(
    partsOf('cohere-reasoning.json').map(({ type }) => type),
    ['reasoning', 'text'],
  )
  assert.deepEqual(
    partsOf('cohere-reasoning.chunks.txt').map(({ type }) => type),
    ['reasoning', 'text'],
  )
  assert.equal(join(read.get('cohere-reasoning.json')!, 'text'), '2 + 2 = 4')
  assert.equal(read.get('cohere-max-tokens.json')!.finish.reason, 'length')
  const [plan, call] = partsOf('cohere-null-args.json')
  assert.equal(plan?.type === 'reasoning' && plan.text, 'I will use the currentTime tool to find the current time.')
  assert.equal(call?.type === 'tool-call' && call.args, '{}')
  const streamed = partsOf('cohere-empty-tool-call.chunks.txt').at(-1)
  assert.equal(streamed?.type === 'tool-call' && streamed.args, '')
  const calls = partsOf('cohere-tool-call.chunks.txt').filter((part) => part.type === 'tool-call')
  assert.deepEqual(
    calls.map(({ name, args }) => [name, JSON.parse(args)]),
    [
      ['weather', { location: 'San Francisco' }],
      ['cityAttractions', { city: 'San Francisco' }],
    ],
  )
  const [cited] = partsOf('cohere-citations.json')
  assert.ok(cited?.type === 'text' && cited.citations?.length === 3)
  for (const { start, end, title, raw } of cited.citations) {
    assert.equal(title, 'benefits.txt')
    assert.equal(cited.text.slice(start, end), raw!.value['text'])
    assert.ok(isObject((raw!.value['sources'] as JsonObject[])[0]))
  }
})
