// What OpenClaw does by itself is recorded as what it is, and a config sends it to another model.
import assert from 'node:assert/strict'
import { repliesOf } from '#test/openclaw.ts'
import { chat } from '#test/scripts.ts'
import type { ScriptedUpstream } from '#test/upstream.ts'
import { answered, client, provider, type Part } from './part.ts'

const key = 'tp-kinds-0123456789'
/** The model of the agent `main`, and so of its heartbeats. */
export const mainModel = 'kinds/thoughtful'

export function kinds(upstream: ScriptedUpstream): Part {
  for (const model of ['thoughtful', 'cheap']) {
    upstream.route(
      ({ body }) => body.includes(`"model":"${model}"`),
      () => chat.sse({ model, text: ['Good day', ` from the ${model} one.`] }),
    )
  }
  return {
    providers: {
      thoughtful: provider('openai-chat', upstream.origin, ['thoughtful']),
      cheap: provider('openai-chat', upstream.origin, ['cheap']),
    },
    configs: {
      'by-kind': {
        strategy: {
          mode: 'conditional',
          // oxlint-disable-next-line unicorn/no-thenable -- a target's name, by Portkey's word
          conditions: [{ query: { 'request.kind': { $in: ['heartbeat', 'cron'] } }, then: 'cheap' }],
          default: 'thoughtful',
        },
        targets: [
          { name: 'thoughtful', provider: '@thoughtful' },
          { name: 'cheap', provider: '@cheap', override_params: { model: 'cheap' } },
        ],
      },
    },
    keys: [{ name: 'kinds', value: key, client: 'openclaw', config: 'by-kind' }],
    clients: (url) => ({ kinds: client(url, 'openai-completions', key, ['thoughtful']) }),
    async run(context, world) {
      const { service, records, turnpike } = world
      await context.test("a user's turn goes where it always goes", async () => {
        const turn = await service.turn('hi', { session: 'agent:main:kinds' })
        assert.deepEqual(repliesOf(turn), ['Good day from the thoughtful one.'])
        const [record] = (await answered(world, turn)).records
        assert.deepEqual([record!.kind, record!.provider, record!.config?.slug], ['user', 'thoughtful', 'by-kind'])
      })

      await context.test('a heartbeat is recorded as one, and goes to the cheap model', async () => {
        await service.call('wake', { text: 'Look around.', mode: 'now' })
        const [row] = await records.until(1, ({ kind }) => kind === 'heartbeat')
        assert.deepEqual([row!.outcome, row!.model.asked, row!.model.served, row!.provider], ['ok', 'thoughtful', 'cheap', 'cheap'])
        const record = await turnpike.record(row!.id)
        assert.deepEqual(
          (record['attempt_list'] as { route: string }[]).map(({ route }) => route),
          ['config.targets[1]'],
        )
      })

      await context.test('a cron turn is recorded as one, and goes to the cheap model', async () => {
        const job = await service.call('cron.add', {
          name: 'a look around',
          schedule: { kind: 'every', everyMs: 3_600_000 },
          sessionTarget: 'isolated',
          wakeMode: 'now',
          payload: { kind: 'agentTurn', message: 'Look around once an hour.' },
          delivery: { mode: 'none' },
        })
        await service.call('cron.run', { id: String(job['id']), mode: 'force' })
        const [row] = await records.until(1, ({ kind }) => kind === 'cron')
        assert.deepEqual([row!.outcome, row!.model.asked, row!.model.served, row!.provider], ['ok', 'thoughtful', 'cheap', 'cheap'])
      })
    },
  }
}
