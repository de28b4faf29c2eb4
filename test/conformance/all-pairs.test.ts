// Each recorded answer and refusal, asked for by a client of each wire: what it reads is what the provider said.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ClientWire } from '#ir'
import { skipWithoutCorpus } from '#test/corpus.ts'
import {
  eventsOfExchange,
  expectedFor,
  readAnswered,
  readLeftOut,
  readRefused,
  reduce,
  throughResponse,
  throughStream,
  wireOfApi,
  type Recorded,
} from '#test/pairs.ts'
import { clientWires, wires } from '#wires'

const skip = skipWithoutCorpus

type Exception = {
  readonly client: ClientWire
  /** The provider's API, as the corpus calls it. */
  readonly api: string
  readonly form: 'stream' | 'whole'
  readonly id: string
  readonly reason: string
}
const exceptions = JSON.parse(readFileSync(new URL('exceptions.json', import.meta.url), 'utf8')) as Exception[]

/** What the corpus holds of each API: answers, refusals, and what is left out (its reasons are in `test/support/recordings.ts`). */
const counts: ReadonlyMap<string, readonly [answered: number, refused: number, leftOut: number]> = new Map([
  ['chat', [780, 18, 4]],
  ['responses', [199, 4, 1]],
  ['messages', [162, 6, 1]],
  ['invoke', [52, 6, 87]],
  ['generateContent', [101, 3, 0]],
  ['converse', [79, 5, 0]],
  ['cohere-v2-chat', [18, 0, 0]],
  ['ollama-chat', [15, 1, 0]],
])

const isRegistered = ({ wire }: { wire: Recorded['wire'] }) => wires.has(wire)
const byApi = (api: string) => readAnswered().filter(({ exchange }) => exchange.api === api)

test('every exchange of the corpus that is of a wire is compared, or left out for a reason', { skip }, () => {
  const count = (list: readonly { readonly exchange: { readonly api: string } }[], api: string) =>
    list.filter(({ exchange }) => exchange.api === api).length
  assert.deepEqual([...counts.keys()], [...wireOfApi.keys()])
  for (const [api, expected] of counts)
    assert.deepEqual([count(readAnswered(), api), count(readRefused(), api), count(readLeftOut(), api)], expected, api)
  assert.ok(readLeftOut().every(({ reason }) => reason.length > 10))
})

for (const client of clientWires.keys()) {
  for (const [api, [answered]] of counts) {
    if (!isRegistered({ wire: wireOfApi.get(api)! })) continue
    for (const form of ['stream', 'whole'] as const) {
      test(`a client of ${client} reads every recorded answer of ${api} as it was given (${form})`, { skip }, () => {
        const listed = exceptions.filter((each) => each.client === client && each.api === api && each.form === form)
        const known = new Set(listed.map(({ id }) => id))
        const different = new Map<string, string>()
        let compared = 0
        for (const each of byApi(api)) {
          compared++
          const wrong = differenceOf(each, client, form)
          if (wrong !== undefined) different.set(each.exchange.id, wrong)
        }
        assert.equal(compared, answered)
        assert.deepEqual(
          [...different].filter(([id]) => !known.has(id)).map(([id, wrong]) => `${id}: ${wrong}`),
          [],
        )
        for (const { id, reason } of listed) {
          assert.ok(different.has(id), `${id} is no exception any more`)
          assert.ok(reason.length > 10)
        }
        assert.ok(listed.length < compared / 100, `${listed.length} exceptions of ${compared}`)
      })
    }
  }
}

/** What a client reads otherwise than the canon says. */
function differenceOf(each: Recorded, client: ClientWire, form: Exception['form']): string | undefined {
  try {
    const events = eventsOfExchange(each)
    const ours = reduce(form === 'stream' ? throughStream(events, client) : throughResponse(events, client))
    assert.deepEqual(ours, expectedFor(client, each, ours))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
