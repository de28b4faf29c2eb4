// What is read of a request's end, on every wire that clients speak, and what a real runaway comes to.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientWireNames, type ClientWire, type Note } from '#ir'
import { createPeek, Failure, type JsonObject, type JsonValue } from '#kernel'
import type { LatestTurns } from '#policy'
import { codecOf } from '#wires'
import { readCorpus, readJsonLines, skipWithoutCorpus } from '#test/corpus.ts'
import { toolRounds, type Call } from '#test/tool-rounds.ts'
import { createLoopCheck, modelTurn } from './loop-check.ts'

const peeks = new Map(
  clientWireNames.map((wire) => {
    const { turns } = codecOf(wire).ingress.shape
    return [wire, createPeek({ fields: [turns], lastElementOf: turns })]
  }),
)

function latestTurns(wire: ClientWire, turns: JsonValue): LatestTurns {
  const buffer = Buffer.from(JSON.stringify({ [codecOf(wire).ingress.shape.turns]: turns }))
  const found = peeks.get(wire)!.peek(buffer, 0, buffer.length)
  assert.ok(found !== 'doubtful')
  return { buffer, count: found.elements.count, fromEnd: found.elements.fromEnd }
}

const turnOf = (wire: ClientWire, turns: JsonValue) => modelTurn(latestTurns(wire, turns), wire)

for (const wire of clientWireNames) {
  describe(`on ${wire}`, () => {
    const { calls, results, said } = toolRounds[wire]
    const read: Call = ['read', { path: 'a', limit: 1 }]
    const list: Call = ['list', {}]
    const opening = [said('user', 'Hello.')]
    const context = said('user', '<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>')
    const round = (called: readonly Call[], id: string) => [...calls(called, id), ...results(called, id)]
    const after = (called: readonly Call[], id: string, ...more: JsonObject[]) => turnOf(wire, [...opening, ...round(called, id), ...more])

    test("the model's last tool calls are told by names and arguments in their order, whatever their ids", () => {
      const one = after([read], 'x')
      assert.ok(one !== undefined && one.calls !== '')
      assert.equal(after([read], 'y')?.calls, one.calls)
      const others: (readonly Call[])[] = [
        [['read', { path: 'b', limit: 1 }]],
        [['write', read[1]]],
        [read, read],
        [read, list],
        [list, read],
      ]
      const all = [one.calls, ...others.map((called) => after(called, 'x')?.calls)]
      assert.equal(new Set(all).size, all.length)
    })

    test("what follows the model's turn changes nothing, and each round is further on", () => {
      const one = after([read, list], 'x')!
      assert.deepEqual(after([read, list], 'x', context), one)
      assert.deepEqual(after([read, list], 'x', said('user', 'Stop!'), context), one)
      const next = after([read, list], 'x', ...round([read, list], 'y'), context)!
      assert.equal(next.calls, one.calls)
      assert.ok(next.index > one.index)
    })

    test('an answer in words calls nothing, and a conversation that has just begun has no turn of the model', () => {
      const words = after([read], 'x', said('model', 'Done.'), said('user', 'Thanks.'))!
      assert.equal(words.calls, '')
      assert.ok(words.index > after([read], 'x')!.index)
      assert.deepEqual(turnOf(wire, [...opening, context]), { index: -1, calls: '' })
      assert.deepEqual(turnOf(wire, []), { index: -1, calls: '' })
    })

    test('what is out of reach is not known', () => {
      const lines = Array.from({ length: 20 }, (_, n) => said('user', `${n}`))
      assert.equal(after([read], 'x', ...lines), undefined)
      assert.equal(after([read], 'x', said('user', 'long '.repeat(50_000))), undefined)
      assert.equal(turnOf(wire, 'no array'), undefined)
    })
  })
}

test('calls of other kinds count too, and tools that the provider runs are none', () => {
  const custom = { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'patch', input: '*** a' } }] }
  const legacy = { role: 'assistant', function_call: { name: 'patch', arguments: '{}' } }
  for (const turn of [custom, legacy]) assert.notEqual(turnOf('openai-chat', [turn])?.calls, '')
  const item = (value: JsonObject) => turnOf('openai-responses', [{ role: 'user', content: 'x' }, value])
  const shells = ['ls', 'rm'].map((command) => item({ type: 'local_shell_call', action: { type: 'exec', command: [command] } })?.calls)
  assert.notEqual(shells[0], shells[1])
  assert.notEqual(item({ type: 'custom_tool_call', name: 'patch', input: '*** a' })?.calls, '')
  assert.deepEqual(item({ type: 'web_search_call', action: { type: 'search', query: 'x' } }), { index: -1, calls: '' })
  const hosted = { role: 'assistant', content: [{ type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } }] }
  assert.equal(turnOf('anthropic-messages', [hosted])?.calls, '')
})

const key = { id: 'k1', name: 'claw', hash: '', streamUsage: 'always', client: 'openclaw' } as const

/** Asks at the door; returns what was noted, and the refusal. */
function ask(
  check: ReturnType<typeof createLoopCheck>,
  wire: ClientWire,
  turns: JsonValue,
  readyMs: number,
  session: string,
  more: object = {},
) {
  const notes: Note[] = []
  const body = { latestTurns: () => latestTurns(wire, turns) }
  try {
    check.check({ key, operation: 'generate', wire, readyMs, ...more }, { session, body }, notes)
  } catch (error) {
    assert.ok(error instanceof Failure && error.kind === 'loop_detected')
    return { notes, refusal: error.message }
  }
  return { notes, refusal: undefined }
}

describe('the door', () => {
  const { calls, results, said } = toolRounds['openai-chat']
  const rounds = (count: number) => [
    said('user', 'Hello.'),
    ...Array.from({ length: count }, (_, n) => [...calls([['read', {}]], `${n}`), ...results([['read', {}]], `${n}`)]).flat(),
  ]
  const run = (session: string, more?: object) => {
    const check = createLoopCheck()
    return Array.from({ length: 40 }, (_, n) => ask(check, 'openai-chat', rounds(n), 1000 * n, session, more))
  }

  test('is open for keys without a guard, and for anything that is no turn of a conversation', () => {
    const plain = { id: 'k2', name: 'plain', hash: '', streamUsage: 'always' }
    for (const more of [{ key: plain }, { key: { ...key, loopGuard: { mode: 'off' } } }, { operation: 'count-tokens' }])
      assert.ok(run('s', more).every(({ notes, refusal }) => notes.length === 0 && refusal === undefined))
    assert.ok(run('').every(({ notes }) => notes.length === 0))
  })

  test('stops a named session at 25, and says so on the record from 13 on', () => {
    const all = run('s')
    assert.equal(
      all.findIndex(({ notes }) => notes.length > 0),
      13,
    )
    assert.deepEqual(all[13]?.notes, [
      { code: 'observed', path: 'session', why: 'the same tool call 13 times in a row; a session is stopped at 25' },
    ])
    assert.equal(
      all.findIndex(({ refusal }) => refusal !== undefined),
      25,
    )
    assert.equal(all[25]?.refusal, 'This session repeated the same tool call 25 times. Try again in 10 minutes.')
  })

  test('never stops sessions that only look alike', () => {
    const all = run('fp-0a1b2c3d-417')
    assert.ok(all.every(({ refusal }) => refusal === undefined))
    assert.match(all[39]?.notes[0]?.why ?? '', /39 times in a row; only observed/)
  })
})

describe('OpenClaw', { skip: skipWithoutCorpus }, () => {
  type Capture = { readonly body: JsonObject }
  const capture = (file: string) => (JSON.parse(readCorpus('openclaw', file).toString('utf8')) as Capture).body

  test('its last tool calls are found behind its own context message, on each API type', () => {
    const afterTool: readonly (readonly [ClientWire, string, number])[] = [
      ['openai-chat', '05-completions-compat-affinity-after-tool.json', 2],
      ['openai-responses', '09-openai-responses-after-tool.json', 3],
      ['anthropic-messages', '11-anthropic-messages-after-tool.json', 1],
      ['gemini', '13-google-generative-ai-after-tool.json', 1],
    ]
    const found = afterTool.map(([wire, file, index]) => {
      const turn = turnOf(wire, capture(file)[codecOf(wire).ingress.shape.turns]!)
      assert.equal(turn?.index, index, file)
      return turn.calls
    })
    assert.ok(found.every((calls) => calls !== ''))
    const firstTurn = capture('01-openai-completions-first-turn.json')['messages']!
    assert.deepEqual(turnOf('openai-chat', firstTurn), { index: -1, calls: '' })
  })

  test('the runaway that was captured is over after 25 tool calls, in six seconds instead of two and a half minutes', () => {
    type Line = { readonly t: string; readonly nmsg?: number }
    const check = createLoopCheck()
    const [system, user, call, result, context] = capture('05-completions-compat-affinity-after-tool.json')['messages'] as JsonObject[]
    const lines = [...readJsonLines<Line>('openclaw', 'runaway-loop-745-requests.summary.jsonl')].slice(2)
    let refusedAt: { readonly messages: number; readonly afterMs: number } | undefined
    let passed = 0
    for (const { t, nmsg } of lines) {
      if (nmsg === undefined) continue
      const rounds = Array.from({ length: Math.floor((nmsg - 3) / 2) }, () => [call!, result!]).flat()
      const nowMs = Date.parse(t) - Date.parse(lines[0]!.t)
      const { refusal } = ask(check, 'openai-chat', [system!, user!, ...rounds, context!], nowMs, 'claw')
      if (refusal === undefined) passed++
      else refusedAt ??= { messages: nmsg, afterMs: nowMs }
    }
    assert.equal(refusedAt?.messages, 53)
    assert.ok(refusedAt.afterMs < 6000, String(refusedAt.afterMs))
    assert.equal(passed, 25)
  })
})
