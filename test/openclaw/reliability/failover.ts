// Whatever a provider does, the next one answers within the same request: OpenClaw asks once and notices nothing.
import assert from 'node:assert/strict'
import type { JsonObject } from '#kernel'
import { repliesOf } from '#test/openclaw.ts'
import { chat, faults, insufficientQuota, messages } from '#test/scripts.ts'
import { cut, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { answered, client, provider, type Part } from './part.ts'

type Fault = { readonly name: string; readonly answer: Answer | 'refused'; readonly errorClass: string; readonly silentMs?: number }

/** How long the first provider may be silent where it is: what is measured is what comes on top of it. */
const silentMs = 1500
const faultsOfTheFirst: readonly Fault[] = [
  { name: '401', answer: chat.error(401), errorClass: 'credential_rejected' },
  { name: '402', answer: chat.error(402), errorClass: 'account_exhausted' },
  { name: '403', answer: chat.error(403), errorClass: 'credential_rejected' },
  { name: '404', answer: chat.error(404), errorClass: 'target_not_found' },
  { name: '408', answer: chat.error(408), errorClass: 'provider_error' },
  { name: '429-without-quota', answer: insufficientQuota(), errorClass: 'account_exhausted' },
  { name: '429', answer: chat.error(429), errorClass: 'rate_limited' },
  { name: '500', answer: chat.error(500), errorClass: 'provider_error' },
  { name: 'silence', answer: faults.silent(), errorClass: 'first_token_timeout', silentMs },
  { name: 'silence-after-its-head', answer: faults.stallsBeforeContent(chat), errorClass: 'first_token_timeout', silentMs },
  { name: 'cut-in-its-head', answer: { raw: [write('HTTP/1.1 200 OK\r\ncontent-type: text/ev'), cut()] }, errorClass: 'cut' },
  { name: 'cut-before-content', answer: faults.cutsBeforeContent(chat), errorClass: 'cut' },
  { name: 'error-in-its-stream', answer: faults.errorBeforeContent(chat), errorClass: 'error_in_stream' },
  { name: 'error-with-status-200', answer: chat.errorInside200(), errorClass: 'error_in_stream' },
  { name: 'refused-connection', answer: 'refused', errorClass: 'connect_failed' },
]

/** After its request OpenClaw's own part is less than a second; before it would use a fallback of its own it retries for 90 and more. */
const mostTurnMs = 30_000
const mostMs = 3000

/** Two ways to have two targets: a bare name that two providers serve, and a config at the key. */
const ways = [
  { way: 'two providers of one model', prefix: 'bare', second: 'second-chat', reply: 'Good day from the second.' },
  { way: 'a config of the key', prefix: 'config', second: 'second-claude', reply: 'Good day from Claude.' },
] as const

export function failover(first: ScriptedUpstream, second: ScriptedUpstream, refusedOrigin: string): Part {
  const modelOf = (prefix: string, { name }: Fault): string => `${prefix}-${name}`
  const keyOf = ({ name }: Fault): string => `tp-failover-of-${name.padEnd(24, '-')}`
  const slugOf = ({ name }: Fault): string => `first-with-${name}`
  const bareKey = 'tp-failover-of-two-providers'
  const names = (prefix: string): string[] => faultsOfTheFirst.map((fault) => modelOf(prefix, fault))
  for (const { prefix } of ways) {
    for (const fault of faultsOfTheFirst) {
      const { answer } = fault
      if (answer !== 'refused') first.route(({ body }) => body.includes(`"${modelOf(prefix, fault)}"`), answer)
    }
  }
  second.route(chat.path, () => chat.sse({ model: 'served-chat', text: ['Good day', ' from the second.'] }))
  second.route(messages.path, () => messages.sse({ model: 'served-claude', text: ['Good day', ' from Claude.'] }))

  const providers: JsonObject = {
    'second-chat': provider('openai-chat', second.origin, names('bare'), { priority: 2 }),
    'second-claude': provider('anthropic-messages', second.origin, names('config'), { priority: 2 }),
  }
  const configs: JsonObject = {}
  const keys: JsonObject[] = [{ name: 'failover', value: bareKey, client: 'openclaw' }]
  for (const fault of faultsOfTheFirst) {
    const origin = fault.answer === 'refused' ? refusedOrigin : first.origin
    // One provider for each fault: what it learns of one must not change the order for another.
    const timeouts = fault.silentMs === undefined ? {} : { timeouts: { first_token_ms: fault.silentMs } }
    providers[`bare-${fault.name}`] = provider('openai-chat', origin, [modelOf('bare', fault)], { priority: 1, ...timeouts })
    // The second would come first, but for the config.
    providers[`config-${fault.name}`] = provider('openai-chat', origin, [modelOf('config', fault)], { priority: 9 })
    const targets = [{ provider: `@config-${fault.name}`, ...timeouts }, { provider: '@second-claude' }]
    configs[slugOf(fault)] = { strategy: { mode: 'fallback' }, targets }
    keys.push({ name: `failover-${fault.name}`, value: keyOf(fault), client: 'openclaw', config: slugOf(fault) })
  }

  return {
    providers,
    configs,
    keys,
    clients: (url) => ({
      bare: client(url, 'openai-completions', bareKey, names('bare')),
      ...Object.fromEntries(
        faultsOfTheFirst.map((fault) => [
          `config-${fault.name}`,
          client(url, 'openai-completions', keyOf(fault), [modelOf('config', fault)]),
        ]),
      ),
    }),
    async run(context, world) {
      const sessions: string[] = []
      for (const { way, prefix, second: slug, reply } of ways) {
        for (const fault of faultsOfTheFirst) {
          await context.test(`${fault.name} of the first, by ${way}: the second answers in the same request`, async () => {
            const model = modelOf(prefix, fault)
            const entry = prefix === 'bare' ? 'bare' : model
            const turn = await world.service.turn('And now?', { model: `${entry}/${model}`, session: `agent:main:${model}` })
            const endedMs = Date.now()
            assert.deepEqual(repliesOf(turn), [reply])
            const { meta, records } = await answered(world, turn)
            sessions.push(meta.sessionId)
            const [record] = records
            assert.deepEqual([record!.outcome, record!.provider, record!.attempts, record!.fallback], ['ok', slug, 2, true])
            const [failed, won] = record!.attempt_list
            assert.deepEqual([failed!.provider, failed!.error?.class], [`${prefix}-${fault.name}`, fault.errorClass])
            assert.deepEqual([won!.provider, won!.error], [slug, null])
            const { total } = record!.ms
            assert.ok(total < mostMs + (fault.silentMs ?? 0), `${total} ms`)
            assert.ok(total >= (fault.silentMs ?? 0), `${total} ms, before the first could be given up`)
            const tookMs = endedMs - Date.parse(record!.at)
            assert.ok(tookMs < mostTurnMs, `${tookMs} ms from OpenClaw's request to the end of its turn`)
          })
        }
      }

      await context.test('OpenClaw has not asked for any of these answers again', () => {
        const rows = world.records.rows.filter(({ session }) => sessions.includes(session))
        assert.equal(rows.length, ways.length * faultsOfTheFirst.length)
      })
    },
  }
}
