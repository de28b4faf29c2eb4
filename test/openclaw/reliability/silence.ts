// A provider that is silent for a minute: OpenClaw's watchdog sees signs of life from the gateway, waits, and shows the answer.
import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { JsonObject } from '#kernel'
import { agentScripts } from '#test/agent-provider.ts'
import { repliesOf } from '#test/openclaw.ts'
import { write, type Answer, type Received, type ScriptedUpstream, type Step } from '#test/upstream.ts'
import { answered, apiTypeNames, apiTypes, client, provider, type ApiType, type Part } from './part.ts'

const silenceMs = 60_000
/**
 * Its own limits are 120 s for addresses in the internet and 300 s for names of a local network; of a loopback address it waits for the
 * head only. What stands in the entry counts instead: three times as often as the minute needs, and twice the rhythm of our keep-alives.
 */
const watchdogSeconds = 20
const key = 'tp-silence-0123456789'
const slow = (api: ApiType): string => `slow-${api}`

/** A comment each half second for a minute, and nothing else. */
function comments(): Answer {
  const steps = Array.from({ length: 120 }, (_, index): Step[] => [
    { kind: 'wait', until: wait(500 * (index + 1), undefined, { ref: false }) },
    write(': still here\n\n'),
  ])
  return { headers: { 'content-type': 'text/event-stream' }, body: steps.flat() }
}

/** `upstream` is silent and then answers; `commenting` is asked without the gateway, and never says anything but comments. */
export function silence(upstream: ScriptedUpstream, commenting: ScriptedUpstream): Part {
  const providers: JsonObject = {}
  const commented = Object.fromEntries(apiTypeNames.map((api) => [api, Promise.withResolvers<Received>()])) as Record<
    ApiType,
    PromiseWithResolvers<Received>
  >
  for (const api of apiTypeNames) {
    const { wire } = apiTypes[api]
    providers[slow(api)] = provider(wire, upstream.origin, [slow(api)])
    const script = agentScripts[wire]
    upstream.route(
      ({ url }) => script.path.test(url.split('?', 1)[0]!),
      async (received) => {
        await wait(silenceMs)
        return script.answer({ model: slow(api), text: ['Good day', ' after all.'] }, script.read(received).stream)
      },
    )
  }
  for (const api of apiTypeNames) {
    const { path } = agentScripts[apiTypes[api].wire]
    commenting.route(
      ({ url }) => path.test(url.split('?', 1)[0]!),
      (received) => {
        commented[api].resolve(received)
        return comments()
      },
    )
  }
  return {
    providers,
    keys: [{ name: 'silence', value: key, client: 'openclaw' }],
    clients: (url) => {
      const watched = (origin: string, api: ApiType, timeoutSeconds: number): JsonObject =>
        client(origin, api, key, [slow(api)], { timeoutSeconds })
      return {
        ...Object.fromEntries(apiTypeNames.map((api) => [slow(api), watched(url, api, watchdogSeconds)])),
        ...Object.fromEntries(apiTypeNames.map((api) => [`comments-${api}`, watched(commenting.origin, api, 2)])),
      }
    },
    async run(context, world) {
      const { service } = world
      const minutes = apiTypeNames.map((api) =>
        context.test(`${api}: a minute of silence, and then the answer is shown`, async () => {
          const options = { model: `${slow(api)}/${slow(api)}`, session: `agent:main:${slow(api)}`, timeoutMs: 150_000 }
          const turn = await service.turn('Take your time.', options)
          assert.deepEqual(repliesOf(turn), ['Good day after all.'])
          const { records } = await answered(world, turn)
          const [record] = records
          assert.deepEqual([record!.outcome, record!.attempts, record!.provider], ['ok', 1, slow(api)])
          assert.ok(record!.ms.total >= silenceMs, `${record!.ms.total} ms`)
        }),
      )
      for (const api of apiTypeNames) {
        await context.test(`${api}: comments alone would not have held it`, async () => {
          const session = `agent:main:comments-${api}`
          const turn = service.turn('Take your time.', { model: `comments-${api}/${slow(api)}`, session, timeoutMs: 150_000 })
          const over = turn.then(
            () => undefined,
            () => undefined,
          )
          const asked = await commented[api].promise
          assert.equal(await asked.closed, 'aborted', 'it left while comments came')
          await service.call('sessions.abort', { key: session })
          await over
        })
      }
      await Promise.all(minutes)
    },
  }
}
