// A Turnpike with a scripted provider of each wire, for real clients: what they are asked to do, and what must have happened then.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { clientWireNames, type ClientWire } from '#ir'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { createAgent, plainWords, type Agent, type ToolChoice } from './agent-provider.ts'
import { startTest, type TestTurnpike } from './turnpike.ts'
import { createUpstream } from './upstream.ts'

/** How the provider of a wire is declared; each serves `model-1`, so that `chat/model-1` is the one behind chat completions. */
const providers = {
  'openai-chat': { slug: 'chat', vendor: 'openai', base: '/v1' },
  'openai-responses': { slug: 'responses', vendor: 'openai', base: '/v1' },
  'anthropic-messages': { slug: 'claude', vendor: 'anthropic', base: '' },
  gemini: { slug: 'gemini', vendor: 'gemini', base: '/v1beta' },
} as const satisfies Record<ClientWire, { slug: string; vendor: string; base: string }>

const model: JsonObject = {
  id: 'model-1',
  context_window: 200_000,
  max_output_tokens: 32_000,
  capabilities: ['tools'],
  price: { input_per_million_usd: '2', output_per_million_usd: '10' },
}
/** The scripted providers count 12 tokens in and 5 out. */
const costUsd = 0.000074

export type Note = { readonly file: string; readonly text: string; readonly token: string }

export type Task = { readonly prompt: string; readonly model: string; readonly note: Note }

export type ClientScene = {
  readonly turnpike: TestTurnpike
  agent(wire: ClientWire): Agent
  /** The name under which the provider of a wire is asked. */
  modelOf(wire: ClientWire): string
  /**
   * Has a client do two things with the provider of a wire: answer a plain prompt, and find what stands in a note by the tool that
   * `call` chooses. `turn` gives what the client has for its user in the end.
   */
  check(context: TestContext, pair: { client: ClientWire; provider: ClientWire }, doing: Doing): Promise<void>
}

/** The one tool that the tests of libraries offer. */
export const noteTool = {
  name: 'read_note',
  description: 'Reads a file.',
  schema: { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] },
  call:
    ({ file }: Note): ToolChoice =>
    (tools) =>
      tools.has('read_note') ? { name: 'read_note', args: { file } } : undefined,
} as const

export function readNote(note: Note, { file }: { file: string }): string {
  return file === note.file ? note.text : `There is no file ${file}.`
}

export type Doing = {
  /** Requests of each turn that are to be refused before they reach the provider; none, if not given. */
  readonly refused?: { readonly count: number; readonly code: string }
  readonly call: (note: Note) => ToolChoice
  turn(task: Task): Promise<string>
}

/** Every provider for a client of that wire, its own first: the rest are translated. */
export function pairsOf(client: ClientWire): { client: ClientWire; provider: ClientWire }[] {
  return [client, ...clientWireNames.filter((wire) => wire !== client)].map((provider) => ({ client, provider }))
}

export async function startClientScene(context: TestContext): Promise<ClientScene> {
  const agents = new Map<ClientWire, Agent>()
  const declared: JsonObject = {}
  for (const wire of clientWireNames) {
    const upstream = await createUpstream()
    context.after(() => upstream.close())
    const { slug, vendor, base } = providers[wire]
    declared[slug] = {
      vendor,
      base_url: upstream.origin + base,
      wires: [wire],
      credentials: [{ value: 'sk-provider-secret-1' }],
      models: { allow: ['model-1'], custom: [model] },
    }
    agents.set(wire, createAgent(upstream, wire))
  }
  const turnpike = await startTest({}, { declared: { providers: declared } })
  context.after(() => turnpike.end())
  const modelOf = (wire: ClientWire): string => `${providers[wire].slug}/model-1`
  const seen = new Set<unknown>()

  async function newRecords(): Promise<RequestDetail[]> {
    const rows = (await turnpike.records()).filter(({ id }) => !seen.has(id))
    for (const { id } of rows) seen.add(id)
    return Promise.all(rows.reverse().map(async ({ id }) => (await turnpike.record(String(id))) as unknown as RequestDetail))
  }

  /** Records but those of requests that were rightly refused. */
  async function answeredRecords(refused: Doing['refused']): Promise<RequestDetail[]> {
    const records = await newRecords()
    const refusals = records.filter(({ error }) => error?.code === refused?.code && error !== undefined)
    assert.equal(refusals.length, refused?.count ?? 0)
    return records.filter((record) => !refusals.includes(record))
  }

  function assertRecords(
    records: readonly RequestDetail[],
    asked: number,
    { client, provider }: { client: ClientWire; provider: ClientWire },
  ) {
    const generated = records.filter(({ endpoint }) => !/count_?tokens/i.test(endpoint))
    assert.equal(generated.length, asked, 'one record for each request that the provider had')
    for (const record of generated) {
      const { wire, lane, outcome, provider: slug, cost_usd: cost, tokens } = record
      assert.deepEqual(
        { wire, lane, outcome, slug, cost: Number(cost), input: tokens.input, output: tokens.output },
        { wire: client, lane: client === provider ? 'pass' : 'translate', outcome: 'ok', slug: providers[provider].slug, cost: costUsd, input: 12, output: 5 }, // prettier-ignore
      )
    }
  }

  return {
    turnpike,
    agent: (wire) => agents.get(wire)!,
    modelOf,
    async check(context, pair, { call, refused, turn }) {
      const agent = agents.get(pair.provider)!
      const token = `TKN-${randomBytes(8).toString('hex')}`
      const note: Note = { file: `note-${token.slice(-6)}.txt`, text: `The token is ${token}.\n`, token }
      const model = modelOf(pair.provider)

      await context.test('a plain turn', async () => {
        agent.expect(undefined)
        const before = agent.asked.length
        const said = await turn({ prompt: 'Say good day.', model, note })
        assert.ok(said.includes(plainWords), said)
        const asked = agent.asked.length - before
        assert.ok(asked >= 1)
        assertRecords(await answeredRecords(refused), asked, pair)
      })

      await context.test('a tool round trip', async () => {
        agent.expect({ about: note.file, call: call(note) })
        const before = agent.asked.length
        const said = await turn({ prompt: `Read the file ${note.file} and say which token stands in it.`, model, note })
        assert.ok(said.includes(`The note says ${note.token}.`), said)
        const asked = agent.asked.slice(before)
        const bodies = asked.map(({ received }) => received.body.toString())
        assert.ok(asked.every(({ results }, index) => results.length > 0 || !bodies[index]!.includes(note.token)), 'nobody can know what stands in the note') // prettier-ignore
        assert.ok(asked.some(({ results }) => results.some(({ text }) => text.includes(note.token))), `no result of the tool in ${bodies.join('\n')}`) // prettier-ignore
        assertRecords(await answeredRecords(refused), asked.length, pair)
      })
    },
  }
}
