// The corpus' recorded exchanges, sorted: answers with what they say, refusals, and those that nothing can be learned from, with the reason.
import type { Dialect, Wire } from '#ir'
import { isObject, type JsonObject } from '#kernel'
import { readCanon, readExchanges, type Canon, type Exchange } from '#test/corpus.ts'

/** APIs of the corpus that are wires of ours. */
export const wireOfApi: ReadonlyMap<string, Wire> = new Map([
  ['chat', 'openai-chat'],
  ['responses', 'openai-responses'],
  ['messages', 'anthropic-messages'],
  ['invoke', 'anthropic-messages'],
  ['generateContent', 'gemini'],
  ['converse', 'bedrock-converse'],
  ['cohere-v2-chat', 'cohere-chat'],
  ['ollama-chat', 'ollama-chat'],
])

export type Recorded = { readonly exchange: Exchange; readonly wire: Wire; readonly dialect: Dialect; readonly canon: Canon }
/** An answer with an error status. */
export type Refused = { readonly exchange: Exchange; readonly wire: Wire; readonly dialect: Dialect }
export type LeftOut = { readonly exchange: Exchange; readonly reason: string }
type Sorted = { readonly answered: readonly Recorded[]; readonly refused: readonly Refused[]; readonly leftOut: readonly LeftOut[] }

let sorted: Sorted | undefined

export const readAnswered = (): readonly Recorded[] => sortOnce().answered
export const readRefused = (): readonly Refused[] => sortOnce().refused
export const readLeftOut = (): readonly LeftOut[] => sortOnce().leftOut

function sortOnce(): Sorted {
  return (sorted ??= sort())
}

function sort(): Sorted {
  const canon = readCanon()
  const answered: Recorded[] = []
  const refused: Refused[] = []
  const leftOut: LeftOut[] = []
  for (const exchange of readExchanges(({ api }) => wireOfApi.has(api))) {
    const { resp } = exchange
    const wire = wireOfApi.get(exchange.api)!
    const dialect = dialectOf(exchange)
    const reason = reasonToLeaveOut(exchange)
    if (reason !== undefined) leftOut.push({ exchange, reason })
    else if (resp.status !== 200) refused.push({ exchange, wire, dialect })
    else {
      const truth = exchange.api === 'ollama-chat' ? canonOfOllama(exchange) : named(canon.get(exchange.id))
      if (truth === undefined) leftOut.push({ exchange, reason: 'an error inside a 200' })
      else answered.push({ exchange, wire, dialect, canon: truth })
    }
  }
  return { answered, refused, leftOut }
}

function reasonToLeaveOut({ api, path, resp, req }: Exchange): string | undefined {
  if (resp.kind === 'empty' || resp.kind === 'base64') return 'the recording holds no readable body'
  if (api !== 'invoke' || resp.status !== 200) return undefined
  if (!path.includes('anthropic.claude')) return "a model family's own format of InvokeModel, which is no wire of Turnpike"
  return (req.body_text ?? '').includes('"prompt"') ? "Claude's text completions, which messages have replaced" : undefined
}

/** How the recorded provider differs from its wire's own vendor. */
function dialectOf({ api }: Exchange): Dialect {
  return api === 'invoke' ? { anthropicVersion: 'bedrock-2023-05-31' } : {}
}

/** Recorded through a client of Google's that asked for enums as numbers, which the canon left as they were: 1 is STOP, 2 is MAX_TOKENS. */
function named(canon: Canon | undefined): Canon | undefined {
  if (canon === undefined || !/^other:[12]$/.test(canon.finish ?? '')) return canon
  const hasCalls = (canon.tool_calls ?? []).length > 0
  return { ...canon, finish: canon.finish === 'other:2' ? 'length' : hasCalls ? 'tool' : 'stop' }
}

/** The corpus has no canon of Ollama: this reads the recorded bytes as its documentation says, without a codec. */
function canonOfOllama({ id, provider, api, model, resp }: Exchange): Canon {
  const lines = resp.body.split('\n').filter((line) => line.trim() !== '')
  const values = lines.map((line) => JSON.parse(line) as JsonObject)
  const messages = values.map(({ message }) => (isObject(message) ? message : {}))
  const last = values.at(-1)!
  const join = (field: string) => messages.map((message) => (typeof message[field] === 'string' ? message[field] : '')).join('')
  const calls = messages.flatMap(({ tool_calls: list }) => (Array.isArray(list) ? (list as JsonObject[]) : []))
  const count = (field: string) => (typeof last[field] === 'number' ? last[field] : null)
  return {
    id,
    provider,
    api,
    stream: resp.kind === 'ndjson',
    status: resp.status,
    model,
    text: join('content'),
    reasoning: join('thinking'),
    tool_calls: calls.map((call) => {
      const asked = call['function'] as JsonObject
      return {
        id: typeof call['id'] === 'string' ? call['id'] : null,
        name: String(asked['name']),
        args: JSON.stringify(asked['arguments']),
      }
    }),
    finish: calls.length > 0 ? 'tool' : last['done_reason'] === 'length' ? 'length' : 'stop',
    // A prompt that was in its cache is not counted.
    usage: count('eval_count') === null ? null : { in: count('prompt_eval_count'), out: count('eval_count') },
  }
}
