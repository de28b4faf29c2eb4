// A provider that drips: below the floor of its routing config it is given up before content, and carries on after it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { clientRequest, clientScripts, eventsIn, hear, looksComplete, providerOf, textIn, type Heard } from '#test/client-scripts.ts'
import { dripCases, writePassed, type FaultCase } from '#test/fault-cases.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, waitFor, write, type Answer, type ScriptedUpstream, type Step } from '#test/upstream.ts'

const floor = 500
/** Longer than the floor is measured over. */
const dripMs = 12_000
const everyMs = 250

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
const passed: FaultCase[] = []

before(async () => {
  upstream = await createUpstream()
  const providers: JsonObject = {}
  for (const wire of clientWireNames) {
    for (const slug of [`drips-${wire}`, `sound-${wire}`]) {
      const models = { allow: ['model-1'], custom: [pricedModel] }
      providers[slug] = { ...providerOf(wire, `${upstream.origin}/${slug}`), models }
    }
    upstream.route(
      ({ url }) => url.startsWith(`/sound-${wire}/`),
      (request) => clientScripts[wire][request.url.includes(':stream') || request.json()['stream'] === true ? 'sse' : 'json'](),
    )
  }
  turnpike = await startTest({}, { declared: { providers } })
})
after(async () => {
  writePassed('drip', passed)
  await turnpike.end()
  await upstream.close()
})

/** Small pieces for as long as the floor is measured and more. */
function drip(pieces: (count: number) => readonly string[]): Step[] {
  let turn = Promise.resolve()
  return pieces(Math.ceil(dripMs / everyMs)).flatMap((piece) => {
    turn = turn.then(() => new Promise((resolve) => setTimeout(resolve, everyMs)))
    return [waitFor(turn), write(piece)]
  })
}

async function ask(client: ClientWire, provider: ClientWire, stream: boolean, answer: Answer, floorOf: number | undefined): Promise<Heard> {
  const marker = `${client} ${provider} ${stream} ${floorOf} ${JSON.stringify(answer.headers)}`
  upstream.route(({ url, body }) => url.startsWith(`/drips-${provider}/`) && body.includes(JSON.stringify(marker).slice(1, -1)), answer)
  const { path, body } = clientRequest(client, 'model-1', stream, marker)
  const timeouts = floorOf === undefined ? {} : { timeouts: { floor_bytes_per_second: floorOf } }
  const config = { targets: [{ provider: `@drips-${provider}`, ...timeouts }, { provider: `@sound-${client}` }] }
  return hear(await turnpike.post(path, body, { headers: { 'x-turnpike-config': JSON.stringify(config) } }))
}

const attemptsOf = async (id: string): Promise<(string | undefined)[][]> =>
  ((await turnpike.record(id)) as unknown as RequestDetail).attempt_list.map(({ provider, error }) => [provider, error?.class])

const comments = (count: number): string[] => Array.from({ length: count }, () => ': wait\n\n')
const spaces = (count: number): string[] => Array.from({ length: count }, () => ' ')
const eventStream = { 'content-type': 'text/event-stream' }

describe('a provider that drips', { concurrency: true }, () => {
  for (const one of dripCases) {
    const { client, provider, mode, ending } = one
    const script = clientScripts[provider]
    const frames = script.frames().map(write)
    const title = `${client} client, ${mode}: a ${provider} provider ${one.cell.name}`

    if (ending === 'rescued') {
      test(`${title}: the next one answers`, { timeout: 60_000 }, async () => {
        const answer: Answer =
          mode === 'stream'
            ? { headers: eventStream, body: [...drip(comments), ...frames] }
            : { headers: { 'content-type': 'application/json' }, body: [...drip(spaces), write(String(script.json().body))] }
        const heard = await ask(client, provider, mode === 'stream', answer, floor)
        assert.equal(heard.status, 200)
        assert.equal(heard.whole, true)
        assert.match(mode === 'stream' ? textIn(eventsIn(client, heard.body)) : heard.body, /Hello, world!/)
        assert.deepEqual(await attemptsOf(heard.id), [
          [`drips-${provider}`, 'too_slow'],
          [`sound-${client}`, undefined],
        ])
        passed.push(one)
      })
    } else {
      test(`${title}: it carries on`, { timeout: 60_000 }, async () => {
        const begun = script.preambleFrames + 1
        const body = [...frames.slice(0, begun), ...drip(comments), ...frames.slice(begun)]
        const heard = await ask(client, provider, true, { headers: { ...eventStream, 'x-drips': 'later' }, body }, floor)
        assert.equal(heard.whole, true)
        assert.equal(textIn(eventsIn(client, heard.body)), 'Hello, world!')
        assert.ok(looksComplete(client, heard.body))
        assert.deepEqual(await attemptsOf(heard.id), [[`drips-${provider}`, undefined]])
        passed.push(one)
      })
    }
  }

  test('without a floor is slow, and not dead', { timeout: 60_000 }, async () => {
    const frames = clientScripts['openai-chat'].frames().map(write)
    const heard = await ask('openai-chat', 'openai-chat', true, { headers: eventStream, body: [...drip(comments), ...frames] }, undefined)
    assert.equal(textIn(eventsIn('openai-chat', heard.body)), 'Hello, world!')
    assert.deepEqual(await attemptsOf(heard.id), [['drips-openai-chat', undefined]])
  })

  test('faster than the floor is waited for', { timeout: 60_000 }, async () => {
    const frames = clientScripts['openai-chat'].frames().map(write)
    const long = (count: number): string[] => Array.from({ length: count }, () => `: ${'wait '.repeat(100)}\n\n`)
    const heard = await ask(
      'openai-chat',
      'openai-chat',
      true,
      { headers: { ...eventStream, 'x-drips': 'fast' }, body: [...drip(long), ...frames] },
      floor,
    )
    assert.deepEqual(await attemptsOf(heard.id), [['drips-openai-chat', undefined]])
  })
})
