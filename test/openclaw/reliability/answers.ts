// What OpenClaw counts on in every answer: usage with its cost, the model that really answered, an end that it knows.
import assert from 'node:assert/strict'
import type { JsonObject } from '#kernel'
import { repliesOf } from '#test/openclaw.ts'
import { chat, messages, type Saying, type WireScripts } from '#test/scripts.ts'
import type { ScriptedUpstream } from '#test/upstream.ts'
import { answered, client, provider, type Part } from './part.ts'

const key = 'tp-answers-0123456789'
const served = 'the-model-that-really-answered'
const usage = { input: 9000, output: 12, cacheRead: 4000 }
/** 5000 tokens at $2, 4000 from the cache at $0.50, 12 of answer at $10, all for a million. */
const cost = 0.01212

const wires = { chat, messages } as const
type WireName = keyof typeof wires
/** Ends that providers give and OpenClaw does not know: it would show an error instead of the answer. With what they mean. */
const ends: Readonly<Record<WireName, Readonly<Record<string, 'stop' | 'length'>>>> = {
  chat: { eos: 'stop', end_turn: 'stop', insufficient_system_resource: 'stop', model_length: 'length' },
  messages: { pause_turn: 'stop', something_new: 'stop', model_context_window_exceeded: 'length' },
}
const truncated = /^⚠️ Reply truncated at the model's output token limit\./
const filtered: Readonly<Record<WireName, string>> = { chat: 'content_filter', messages: 'refusal' }

type Case = { readonly name: string; readonly wire: WireName; readonly saying: Saying }
const casesOf = (wire: WireName): readonly Case[] => [
  { name: `${wire}-whole`, wire, saying: { model: served, usage } },
  { name: `${wire}-filtered-at-once`, wire, saying: { text: [], finish: filtered[wire] } },
  { name: `${wire}-filtered-later`, wire, saying: { text: ['So far', ' so good.'], finish: filtered[wire] } },
  ...Object.keys(ends[wire]).map((finish) => ({ name: `${wire}-${finish}`, wire, saying: { finish } })),
]
const cases = [...casesOf('chat'), ...casesOf('messages')]

export function answers(upstream: ScriptedUpstream, other: ScriptedUpstream): Part {
  const wireOf = { chat: 'openai-chat', messages: 'anthropic-messages' } as const
  const namesOf = (wire: WireName): string[] => cases.filter((one) => one.wire === wire).map(({ name }) => name)
  const providers: JsonObject = {}
  for (const wire of ['chat', 'messages'] as const) {
    const script: WireScripts = wires[wire]
    upstream.route(script.path, ({ body }) => {
      const found = cases.find(({ name }) => body.includes(`"${name}"`))
      return script.sse({ text: ['Good day', '.'], ...found?.saying })
    })
    other.route(
      ({ url, body }) => url === script.path && body.includes('-filtered-at-once"'),
      () => script.sse({ text: ['Good day', ' from another.'] }),
    )
    providers[`answers-${wire}`] = provider(wireOf[wire], upstream.origin, namesOf(wire), { priority: 1 })
    providers[`answers-${wire}-else`] = provider(wireOf[wire], other.origin, [`${wire}-filtered-at-once`], { priority: 2 })
  }
  return {
    providers,
    keys: [{ name: 'answers', value: key, client: 'openclaw' }],
    clients: (url) => ({
      answers: client(
        url,
        'openai-completions',
        key,
        cases.map(({ name }) => name),
      ),
    }),
    async run(context, world) {
      const ask = (name: string) => world.service.turn('hi', { model: `answers/${name}`, session: `agent:main:${name}` })
      for (const wire of ['chat', 'messages'] as const) {
        await context.test(`${wire}: usage with the cached tokens and the cost, and the model that answered`, async () => {
          const { meta, records } = await answered(world, await ask(`${wire}-whole`))
          assert.deepEqual([meta.usage?.input, meta.usage?.cacheRead, meta.usage?.output], [5000, 4000, 12])
          assert.deepEqual(meta.usage?.cost, { total: cost, totalOrigin: 'provider-billed' })
          assert.equal(meta.terminalReceipt?.effective.responseModel, served)
          assert.equal(records[0]!.model.served, served)
        })

        for (const [finish, meaning] of Object.entries(ends[wire])) {
          await context.test(`${wire}: an answer that ends with "${finish}" is shown, as one that ends with "${meaning}"`, async () => {
            const turn = await ask(`${wire}-${finish}`)
            const [reply, ...more] = repliesOf(turn)
            assert.equal(reply, 'Good day.')
            if (meaning === 'stop') assert.deepEqual(more, [])
            else assert.match(more.join('\n'), truncated)
          })
        }

        await context.test(`${wire}: a content filter before any content: another provider answers`, async () => {
          const turn = await ask(`${wire}-filtered-at-once`)
          assert.deepEqual(repliesOf(turn), ['Good day from another.'])
          const { records } = await answered(world, turn)
          assert.deepEqual([records[0]!.attempts, records[0]!.provider, records[0]!.outcome], [2, `answers-${wire}-else`, 'ok'])
        })

        await context.test(`${wire}: a content filter in the middle: what there is is shown, with a notice`, async () => {
          const turn = await ask(`${wire}-filtered-later`)
          const [reply, ...more] = repliesOf(turn)
          assert.deepEqual(more, [])
          assert.match(reply!, /^So far so good\.\s+\[The answer ends here: the provider's content filter stopped it\.\]$/)
          await answered(world, turn)
        })
      }
    },
  }
}
