// What the gateway says in a 402 or 429 is what OpenClaw's user reads; another model answers at once where there is one, and no other is harmed.
import assert from 'node:assert/strict'
import { Failure, failureTable, isObject, type FailureKind, type JsonObject } from '#kernel'
import { agentScripts } from '#test/agent-provider.ts'
import { agentMetaOf, repliesOf } from '#test/openclaw.ts'
import type { Answer, Received, ScriptedUpstream } from '#test/upstream.ts'
import { codecOf } from '#wires'
import { apiTypeNames, apiTypes, client, type ApiType, type Part, type World } from './part.ts'

/**
 * `ends`: the turn ends with the sentence, unless a fallback answers. `waits`: it ends so only when every model of the chain says the like;
 * while none does, OpenClaw waits as long as it is told. `disabled`: OpenClaw's own words, and no model of this key for ten minutes.
 */
type Effect = 'ends' | 'waits' | 'disabled'
type Sentence = {
  readonly name: string
  readonly status: 402 | 429
  /** Those that the gateway does not have yet are written as their like, under their own code. */
  readonly code: string
  readonly message: string
  readonly retryAfterSeconds?: number
  readonly effect: Effect
}

const sentences: readonly Sentence[] = [
  {
    name: 'budget-of-a-day',
    status: 402,
    code: 'budget_exceeded',
    message: "Daily spending limit of $5.00 reached for key 'x'. Resets in 3 hours.",
    effect: 'ends',
  },
  {
    name: 'budget-in-all',
    status: 402,
    code: 'budget_exceeded',
    // Without "usage limit" it is a passing trouble to OpenClaw, tried ten times; without "resets" the user sees a sentence of OpenClaw's.
    message:
      "Workspace spending limit of $50.00 reached for key 'x'. It stays until it is raised. This usage limit never resets by itself.",
    effect: 'ends',
  },
  {
    name: 'balance',
    status: 402,
    code: 'insufficient_balance',
    message: "The prepaid balance of user 'x' is used up. Top it up at https://gateway.example/top-up",
    effect: 'disabled',
  },
  {
    name: 'requests-of-a-day',
    status: 429,
    code: 'rate_limit_exceeded',
    message: "Rate limit of 100 requests per day reached for key 'x': try again in 3600 seconds.",
    retryAfterSeconds: 3600,
    effect: 'ends',
  },
  {
    name: 'requests-of-an-hour',
    status: 429,
    code: 'rate_limit_exceeded',
    message: "Rate limit of 100 requests per hour reached for key 'x': try again in 900 seconds.",
    retryAfterSeconds: 900,
    effect: 'waits',
  },
  {
    name: 'loop',
    status: 429,
    code: 'loop_detected',
    message: 'This session repeated the same tool call 25 times. Try again in 10 minutes.',
    retryAfterSeconds: 600,
    effect: 'waits',
  },
  {
    name: 'all-failed',
    status: 429,
    code: 'all_targets_failed',
    message: 'Every target failed: alpha (rate_limited), beta (account_exhausted). Try again in 120 seconds.',
    retryAfterSeconds: 120,
    effect: 'waits',
  },
]

/** Over in a moment: OpenClaw waits and asks the same model again, and has its answer. */
const passing: readonly { readonly name: string; readonly status: number; readonly code: string; readonly message: string }[] = [
  {
    name: 'budget-reserved',
    status: 429,
    code: 'budget_reserved',
    // "spending limit" would be billing to OpenClaw in a 429.
    message: "What is left of the budget of $5.00 a day for key 'x' is held by running requests; try again in 1 second.",
  },
  {
    name: 'requests-of-a-second',
    status: 429,
    code: 'rate_limit_exceeded',
    message: "Rate limit of 1 request per second reached for key 'x': try again in 1 second.",
  },
  {
    name: 'all-failed-shortly',
    status: 503,
    code: 'all_targets_failed',
    message: 'Every target failed: alpha (overloaded). Try again in 1 seconds.',
  },
]

/** As the gateway writes it on a wire. */
function refusal(api: ApiType, status: number, code: string, message: string, retryAfterSeconds?: number): Answer {
  const known = code in failureTable
  const details = { status, ...(retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1000 }) }
  const failure = new Failure(known ? (code as FailureKind) : 'all_targets_failed', message, details)
  const body = codecOf(apiTypes[api].wire).ingress.encodeError(failure, 'req_1')
  const { error } = body
  // Gemini's code is the status.
  if (!known && isObject(error) && typeof error['code'] === 'string') error['code'] = code
  const retryAfter = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  return { status, headers: { 'content-type': 'application/json', ...retryAfter }, body: JSON.stringify(body) }
}

/** What OpenClaw shows instead: it has written the seconds of `Retry-After` behind the JSON of this API's errors, and cannot read that. */
const unreadable = 'API rate limit reached. Please try again later.'

/** The entries of an API type: each sentence has an entry of its own, since OpenClaw remembers what a key was refused for. */
const entryOf = (api: ApiType, name: string): string => `${api}-${name}`
const agentOf = (api: ApiType, name: string): string => `asks-${api}-${name}`
/** Models of an entry: the one that is refused, one that is refused as well, one that answers. */
const models = (name: string): string[] => [name, `${name}-too`, `${name}-not`]

/** OpenClaw's other API types read the same from other bodies: one sentence of each status will do for them. */
function sentencesOf(api: ApiType): readonly Sentence[] {
  if (api === 'openai-completions') return sentences
  return sentences.filter(({ name }) => name === 'budget-of-a-day' || name === 'requests-of-a-day')
}

/** `upstream` is asked by OpenClaw without the gateway between: it says what the gateway would say. */
export function sentencesPart(upstream: ScriptedUpstream): Part {
  const refused = new Set<string>()
  for (const api of apiTypeNames) {
    const script = agentScripts[apiTypes[api].wire]
    upstream.route(
      ({ url }) => script.path.test(url.split('?', 1)[0]!),
      (received) => {
        const model = modelOf(received)
        const sentence = sentences.find(({ name }) => model === name || model === `${name}-too`)
        if (sentence !== undefined) {
          const { status, code, message, retryAfterSeconds } = sentence
          return refusal(api, status, code, message, retryAfterSeconds)
        }
        const once = passing.find(({ name }) => model === name)
        if (once !== undefined && !refused.has(model)) {
          refused.add(model)
          return refusal(api, once.status, once.code, once.message, 1)
        }
        return script.answer({ model, text: ['Good day', ` from ${model}.`] }, script.read(received).stream)
      },
    )
  }
  const clients: JsonObject = { spare: client(upstream.origin, 'openai-completions', 'sk-spare', ['spare']) }
  const agents: JsonObject = {}
  for (const api of apiTypeNames) {
    for (const { name, effect } of sentencesOf(api)) {
      const entry = entryOf(api, name)
      clients[entry] = client(upstream.origin, api, `sk-${entry}`, models(name))
      const fallback = effect === 'waits' ? `${entry}/${name}-too` : 'spare/spare'
      agents[agentOf(api, name)] = { model: { primary: `${entry}/${name}`, fallbacks: [fallback] } }
    }
  }
  for (const { name } of passing) clients[name] = client(upstream.origin, 'openai-completions', `sk-${name}`, [name])

  return {
    clients: () => clients,
    agents,
    async run(context, { service }) {
      for (const api of apiTypeNames) {
        for (const sentence of sentencesOf(api)) {
          const { name, message, effect, code } = sentence
          await context.test(`${api}, ${code} (${name}): ${titleOf(effect)}`, async () => {
            if (effect === 'disabled') await assertDisabled(service, api, name)
            else await assertShown(service, api, sentence)
            assert.ok(message.length <= 300, 'OpenClaw shows no longer sentence')
          })
        }
      }
      for (const { name, code, status } of passing) {
        await context.test(
          `${code} with ${status} and a second to wait (${name}): OpenClaw waits, and the same model answers`,
          async () => {
            const asked = () => upstream.received.filter((request) => modelOf(request) === name).length
            const turn = await service.turn('hi', { model: `${name}/${name}`, session: `agent:main:${name}`, timeoutMs: 60_000 })
            assert.deepEqual(repliesOf(turn), [`Good day from ${name}.`])
            assert.equal(asked(), 2)
          },
        )
      }
    },
  }

  async function assertShown(service: World['service'], api: ApiType, sentence: Sentence): Promise<void> {
    const { name, effect } = sentence
    const agent = agentOf(api, name)
    const before = upstream.received.length
    const asked = () => upstream.received.slice(before).map(modelOf)
    const says = (error: Error): true => {
      const shown = api === 'anthropic-messages' && sentence.status === 429 ? unreadable : sentence.message
      assert.ok(error.message.includes(shown), error.message)
      return true
    }
    if (effect === 'waits') {
      await assert.rejects(service.turn('hi', { agent }), says)
      assert.deepEqual(asked(), [name, `${name}-too`], 'none is asked again')
    } else {
      const turn = await service.turn('hi', { agent })
      assert.deepEqual(repliesOf(turn), ['Good day from spare.'])
      assert.equal(agentMetaOf(turn).model, 'spare')
      assert.deepEqual(asked(), [name, 'spare'], 'it is not asked again before the fallback')
      await assert.rejects(service.turn('hi', { agent, model: `${entryOf(api, name)}/${name}`, session: `agent:${agent}:strict` }), says)
    }
    await assertUnharmed(service, api, name)
  }

  /** Another model of the same key is asked, and answers. */
  async function assertUnharmed(service: World['service'], api: ApiType, name: string): Promise<void> {
    assert.deepEqual(repliesOf(await askAnother(service, api, name)), [`Good day from ${name}-not.`])
  }

  async function assertDisabled(service: World['service'], api: ApiType, name: string): Promise<void> {
    const turn = await service.turn('hi', { agent: agentOf(api, name) })
    assert.deepEqual(repliesOf(turn), ['Good day from spare.'])
    const before = upstream.received.length
    await assert.rejects(askAnother(service, api, name), /temporarily disabled/)
    assert.equal(upstream.received.length, before)
  }

  /** What an agent was refused, it alone remembers. */
  function askAnother(service: World['service'], api: ApiType, name: string): Promise<JsonObject> {
    const agent = agentOf(api, name)
    return service.turn('hi', { agent, model: `${entryOf(api, name)}/${name}-not`, session: `agent:${agent}:another` })
  }
}

function titleOf(effect: Effect): string {
  switch (effect) {
    case 'ends':
      return 'the fallback answers at once; without one the turn ends with the sentence; other models answer'
    case 'waits':
      return 'the fallback answers at once; when all say so, the turn ends with the sentence; other models answer'
    case 'disabled':
      return 'the fallback of another key answers at once, and this key is left alone'
  }
}

function modelOf(received: Received): string {
  return /\/models\/([^:/]+):/.exec(received.url)?.[1] ?? String(received.json()['model'])
}
