// Requests of every client wire, each on its way to every provider wire: what the ledger of losses and the published specs are held against.
import { readdirSync } from 'node:fs'
import type { ClientWire, Wire } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { corpusPath, readCorpus } from '#test/corpus.ts'
import { askedOf, readAnswered, recordedRequest, translate, type Translated } from '#test/pairs.ts'
import { clientWires, wires } from '#wires'
import { goldenRequests, type Source } from './golden-requests.ts'

/** Models of each provider, for requests that were recorded at another: generations and families that accept different things. */
export const modelsOf: Readonly<Record<Wire, readonly [string, ...string[]]>> = {
  'openai-chat': ['gpt-5'],
  'openai-responses': ['gpt-5'],
  'anthropic-messages': ['claude-sonnet-4-5', 'claude-opus-5', 'claude-3-5-haiku-latest'],
  gemini: ['gemini-2.5-flash', 'gemini-3-pro-preview'],
  'bedrock-converse': ['anthropic.claude-sonnet-4-5-20250929-v1:0', 'amazon.nova-pro-v1:0'],
  'cohere-chat': ['command-a-reasoning-08-2025', 'command-r7b-12-2024'],
  'ollama-chat': ['qwen3'],
}

export type Step = { readonly from: ClientWire; readonly to: Wire; readonly translated: Translated; readonly what: string }
/** A request that cannot be translated: refused, with the field that is in the way. */
export type Refusal = { readonly from: ClientWire; readonly to: Wire; readonly param: string; readonly what: string }

const wireOfUrl: readonly (readonly [RegExp, ClientWire])[] = [
  [/\/chat\/completions$/, 'openai-chat'],
  [/\/responses$/, 'openai-responses'],
  [/\/messages(\?|$)/, 'anthropic-messages'],
  [/:(streamG|g)enerateContent/, 'gemini'],
]

type Captured = { readonly url: string; readonly model: string; readonly body: JsonObject | null }

/** A real OpenClaw's requests, of each API type. */
export function* openclawRequests(): Generator<Source> {
  for (const file of readdirSync(corpusPath('openclaw')!).sort()) {
    if (!file.endsWith('.json') && !file.endsWith('.jsonl')) continue
    const text = readCorpus('openclaw', file).toString('utf8')
    const captured = file.endsWith('.json') ? [text] : text.split('\n').filter((line) => line !== '')
    for (const [at, line] of captured.entries()) {
      const { url, model, body } = JSON.parse(line) as Captured
      const wire = wireOfUrl.find(([form]) => form.test(url ?? ''))?.[1]
      if (wire === undefined || !clientWires.has(wire) || typeof body !== 'object' || body === null) continue
      const named = model ?? /models\/([^:]+)/.exec(url)?.[1] ?? String(body['model'])
      yield { asked: askedOf(wire, body, named, url.includes(':stream')), what: `openclaw ${file}#${at}` }
    }
  }
}

/** Requests of the corpus: the recorded ones, and OpenClaw's. */
export function* corpusRequests(): Generator<Source> {
  for (const each of readAnswered()) {
    const asked = recordedRequest(each)
    if (asked !== undefined) yield { asked, what: each.exchange.id }
  }
  yield* openclawRequests()
}

/** Everything there is to translate. */
export function* allRequests(): Generator<Source> {
  yield* goldenRequests()
  yield* corpusRequests()
}

/** Each request to its own wire and to every model of the others; what arrives there is asked for again by a client of that wire. */
export function* translations(sources: Iterable<Source>, refusals: Refusal[] = []): Generator<Step> {
  for (const { asked, what } of sources) {
    const { wire, body, path, model } = asked
    const steps: { readonly to: Wire; readonly model: string }[] = [{ to: wire, model }]
    for (const to of wires.keys()) if (to !== wire) steps.push(...modelsOf[to].map((each) => ({ to, model: each })))
    for (const { to, model: named } of steps) {
      let there: Translated
      try {
        there = translate(body, wire, to, named, path)
      } catch (error) {
        if (!(error instanceof Failure) || error.details.param === undefined) throw error
        refusals.push({ from: wire, to, param: error.details.param, what })
        continue
      }
      yield { from: wire, to, translated: there, what }
      const client = clientWires.get(to as ClientWire)?.wire
      if (client === undefined || to === wire || named !== modelsOf[to][0]) continue
      const again = askedOf(client, there.body, named, path.stream === true)
      yield { from: client, to: wire, translated: translate(again.body, client, wire, model, again.path), what }
    }
  }
}
