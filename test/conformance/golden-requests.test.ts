// Golden requests: a feature is the same to the language whichever wire its client speaks, and goes to every provider or is noted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientWire, Request } from '#ir'
import type { JsonObject } from '#kernel'
import { askedOf, translate } from '#test/pairs.ts'
import { clientWires, codecOf, wires } from '#wires'
import { goldens } from './golden-requests.ts'
import { modelsOf } from './translations.ts'

const partsOf = (request: Request, role: string) =>
  request.turns.filter((turn) => turn.role === role).flatMap(({ parts }) => [...parts] as JsonObject[])
const field =
  <K extends keyof Request>(name: K) =>
  (request: Request): unknown =>
    request[name]
const bare = (parts: readonly JsonObject[], ...keys: string[]) =>
  parts.map((part) => Object.fromEntries(keys.map((key) => [key, part[key]])))

const mediaOf = (request: Request) =>
  partsOf(request, 'user')
    .filter(({ type }) => type === 'media')
    .map(({ kind, source }) => [kind, source])

/** What of the language's request all the bodies of a feature say. */
const meanings: ReadonlyMap<string, (request: Request) => unknown> = new Map<string, (request: Request) => unknown>([
  [
    'instructions and a question',
    (request) => request.turns.map(({ role, parts }) => [role, bare(parts as readonly JsonObject[], 'type', 'text')]),
  ],
  [
    'a tool, which must be called',
    ({ tools, toolChoice }) => [
      tools?.map((tool) => (tool.type === 'function' ? [tool.name, tool.description, tool.input] : tool)),
      toolChoice,
    ],
  ],
  ['one tool by its name, strictly, one call at a time', ({ toolChoice }) => toolChoice],
  [
    'parallel calls and their results, one of them a failure',
    (request) => [
      bare(partsOf(request, 'assistant'), 'type', 'id', 'name', 'args'),
      partsOf(request, 'user')
        .filter(({ type }) => type === 'tool-result')
        .map(({ id }) => id),
    ],
  ],
  ['an image, inline and by its address', mediaOf],
  ['a PDF', mediaOf],
  ['sound', mediaOf],
  [
    'a result with an image',
    (request) => partsOf(request, 'user').flatMap(({ output }) => (output as JsonObject[] | undefined)?.map(({ type }) => type) ?? []),
  ],
  ['an answer by a schema', ({ output }) => (output?.type === 'json-schema' ? output.schema : output)],
  ['an answer in JSON', field('output')],
  ['reasoning by effort', ({ reasoning }) => reasoning?.effort],
  ['reasoning by a budget', ({ reasoning }) => reasoning?.budgetTokens],
  [
    'sealed reasoning before a call',
    (request) =>
      bare(
        partsOf(request, 'assistant').filter(({ type }) => type === 'tool-call'),
        'name',
      ),
  ],
  ['marks of the prompt cache', ({ tools }) => tools?.map((tool) => (tool.type === 'function' ? tool.cache : undefined))],
  ['limits and sampling', ({ maxOutputTokens, temperature, topP }) => [maxOutputTokens, temperature, topP]],
  ['who asks, and how urgently', ({ stream }) => stream],
  ['a search that the provider runs', ({ tools }) => tools?.map(({ type }) => type)],
  ['a tool that takes free text', ({ tools }) => tools?.map(({ type }) => type)],
  ['an answer that refused, cited and was named', (request) => request.turns.length],
])

test('every golden request has a meaning', () => {
  assert.deepEqual(
    goldens.map(({ feature }) => feature),
    [...meanings.keys()],
  )
})

for (const { feature, bodies } of goldens) {
  const means = meanings.get(feature)!
  const said = (Object.entries(bodies) as [ClientWire, JsonObject][]).filter(([wire]) => clientWires.has(wire))

  test(`${feature}: means the same in every wire`, () => {
    const read = said.map(([wire, body]) => {
      const { path } = askedOf(wire, body, 'm', false)
      return [wire, JSON.parse(JSON.stringify(means(codecOf(wire).ingress.decodeRequest(body, path).request) ?? null))] as const
    })
    for (const [wire, meaning] of read) assert.deepEqual(meaning, read[0]![1], `${wire} beside ${read[0]![0]}`)
    assert.notDeepEqual(read[0]![1], null)
  })

  test(`${feature}: is translated for every provider, and back in its own wire nothing is lost`, () => {
    for (const [wire, body] of said) {
      const { path } = askedOf(wire, body, 'm', false)
      for (const provider of wires.keys()) for (const model of modelsOf[provider]) translate(body, wire, provider, model, path)
      const own = modelsOf[wire][0]
      const again = translate(body, wire, wire, own, path)
      assert.deepEqual(
        again.notes
          .filter(({ code }) => code === 'dropped')
          .map(({ path: lost }) => lost)
          .filter((lost) => !ownModel.has(lost)),
        [],
        wire,
      )
    }
  })
}

/** What models refuse that always think, not their wire. */
const ownModel = new Set(['temperature', 'topP'])
