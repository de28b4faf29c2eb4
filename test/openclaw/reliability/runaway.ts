// A model that asks for the same tool again and again: the gateway ends the run, OpenClaw says why, and another session goes on.
import assert from 'node:assert/strict'
import { repliesOf } from '#test/openclaw.ts'
import { chat } from '#test/scripts.ts'
import type { ScriptedUpstream } from '#test/upstream.ts'
import { client, provider, type Part } from './part.ts'

const key = 'tp-runaway-0123456789'
/** Of the key; without it, 25. */
const repeats = 6

export function runaway(upstream: ScriptedUpstream): Part {
  let calls = 0
  upstream.route(chat.path, ({ body }) => {
    if (!body.includes('Run in circles.')) return chat.sse({ text: ['Good day', ' from a straight line.'] })
    return chat.sse({ toolCalls: [{ id: `call_${++calls}`, name: 'read', args: { path: 'AGENTS.md' } }] })
  })
  return {
    providers: { runaway: provider('openai-chat', upstream.origin, ['runaway', 'runaway-too']) },
    keys: [{ name: 'runaway', value: key, client: 'openclaw', loop_guard: { mode: 'enforce', repeats } }],
    clients: (url) => ({ runaway: client(url, 'openai-completions', key, ['runaway', 'runaway-too']) }),
    agents: { runaway: { model: { primary: 'runaway/runaway', fallbacks: ['runaway/runaway-too'] } } },
    async run(context, { service, records }) {
      await context.test('the run ends with the words of the gateway', async () => {
        await assert.rejects(
          service.turn('Run in circles.', { agent: 'runaway' }),
          /This session repeated the same tool call 6 times\. Try again in 10 minutes\./,
        )
        assert.equal(calls, repeats, 'each repetition was an answer of the model, and the next request had none')
        const refused = await records.until(2, ({ error }) => error?.code === 'loop_detected')
        assert.deepEqual(new Set(refused.map(({ status }) => status)), new Set([429]))
        assert.equal(new Set(refused.map(({ session }) => session)).size, 1)
      })

      await context.test('another session of the same key is not affected', async () => {
        const turn = await service.turn('Walk straight on.', { agent: 'runaway', session: 'agent:runaway:straight' })
        assert.deepEqual(repliesOf(turn), ['Good day from a straight line.'])
      })
    },
  }
}
