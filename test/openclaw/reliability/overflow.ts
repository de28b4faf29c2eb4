// A conversation that has grown too long for its model: whatever the provider calls it, OpenClaw compacts the conversation and goes on.
import assert from 'node:assert/strict'
import type { ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import { agentScripts } from '#test/agent-provider.ts'
import { repliesOf } from '#test/openclaw.ts'
import { chat, messages } from '#test/scripts.ts'
import type { Answer, ScriptedUpstream } from '#test/upstream.ts'
import { client, provider, type ApiType, type Part } from './part.ts'

const key = 'tp-overflow-0123456789'

/** In the providers' own words; Gemini's as its API answers it. */
const geminiOverflow: Answer = {
  status: 400,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: JSON.stringify({
    error: {
      code: 400,
      message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      status: 'INVALID_ARGUMENT',
    },
  }),
}
const cases: readonly { readonly api: ApiType; readonly wire: ClientWire; readonly overflow: Answer }[] = [
  { api: 'openai-completions', wire: 'openai-chat', overflow: chat.contextTooLong() },
  { api: 'openai-completions', wire: 'anthropic-messages', overflow: messages.contextTooLong() },
  { api: 'openai-completions', wire: 'gemini', overflow: geminiOverflow },
  { api: 'openai-responses', wire: 'openai-responses', overflow: chat.contextTooLong() },
  { api: 'anthropic-messages', wire: 'anthropic-messages', overflow: messages.contextTooLong() },
  { api: 'google-generative-ai', wire: 'gemini', overflow: geminiOverflow },
]
const modelOf = ({ api, wire }: { api: ApiType; wire: ClientWire }): string => `small-${api}-${wire}`
const summarizer = 'You are a context summarization assistant'
const tooMuch = 'One word too many.'

export function overflow(upstream: ScriptedUpstream): Part {
  const providers: JsonObject = {}
  const clients: Record<string, (url: string) => JsonObject> = {}
  for (const one of cases) {
    const model = modelOf(one)
    providers[model] = provider(one.wire, upstream.origin, [model])
    clients[model] = (url) => client(url, one.api, key, [model])
    const script = agentScripts[one.wire]
    let compacted = false
    upstream.route(
      ({ url, body }) => script.path.test(url.split('?', 1)[0]!) && (body.includes(`"${model}"`) || url.includes(`/${model}:`)),
      (received) => {
        const { stream } = script.read(received)
        const say = (...text: string[]): Answer => script.answer({ model, text }, stream)
        if (received.body.includes(summarizer)) {
          compacted = true
          return say('## Goal\n', 'To remember the number 4711.')
        }
        if (received.body.includes(tooMuch) && !compacted) return one.overflow
        return say('Good day', compacted ? ' again.' : '.')
      },
    )
  }
  return {
    providers,
    keys: [{ name: 'overflow', value: key, client: 'openclaw' }],
    clients: (url) => Object.fromEntries(Object.entries(clients).map(([model, write]) => [model, write(url)])),
    async run(context, world) {
      for (const one of cases) {
        await context.test(`${one.api}, the overflow of an ${one.wire} provider: compacted, and answered`, async () => {
          const model = modelOf(one)
          const options = { model: `${model}/${model}`, session: `agent:main:${model}` }
          for (const words of ['Remember the number 4711.', 'And the colour blue.']) {
            assert.deepEqual(repliesOf(await world.service.turn(words, options)), ['Good day.'])
          }
          const turn = await world.service.turn(tooMuch, options)
          assert.deepEqual(repliesOf(turn), ['Good day again.'])
          // The overflow of the provider is the client's: it is not asked of anybody else, and is no failure of the provider's.
          // Anthropic's and Google's wires do not say which session a compaction is of.
          const records = await world.records.until(5, ({ model: { asked } }) => asked === model)
          assert.deepEqual(
            records.map(({ kind, status, error, outcome }) => [kind, status, error?.code, outcome]),
            [
              ['user', 200, undefined, 'ok'],
              ['user', 200, undefined, 'ok'],
              ['user', 400, 'context_length_exceeded', 'client_error'],
              ['compaction', 200, undefined, 'ok'],
              ['user', 200, undefined, 'ok'],
            ],
          )
        })
      }
    },
  }
}
