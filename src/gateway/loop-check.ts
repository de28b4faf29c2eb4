// The loop guard at the door: what a guarded session's model did last, read from the end of the request.
import { hash } from 'node:crypto'
import type { GatewayKey } from '#config'
import { createPeek, type JsonObject, type JsonValue, type Peek } from '#kernel'
import type { ClientWire, Note } from '#ir'
import { createLoopGuard, isNamedSession, loopRuleOf, type LatestTurns, type LoopRule, type ModelTurn } from '#policy'
import type { Operation } from '#routing'
import { codecOf, type ToolTurns } from '#wires'

/** An arrival, and what inspecting it said. */
type Asked = { readonly key: GatewayKey; readonly operation: Operation; readonly wire: ClientWire; readonly readyMs: number }
type Seen = { readonly session: string; readonly body: { latestTurns(): LatestTurns } }

export interface LoopCheck {
  /** Before a request is planned. Adds what it saw to the notes; throws `Failure('loop_detected')`. */
  check(arrival: Asked, inspected: Seen, notes: Note[]): void
}

/** A larger turn is not looked at, and then nothing is known of what is in front of it. */
const maxTurnBytes = 128 << 10

export function createLoopCheck(): LoopCheck {
  const guard = createLoopGuard()
  return {
    check(arrival, inspected, notes) {
      const rule = loopRuleOf(arrival.key)
      if (rule === undefined || arrival.operation !== 'generate' || inspected.session === '') return
      const named = isNamedSession(inspected.session)
      const turn = modelTurn(inspected.body.latestTurns(), arrival.wire)
      const verdict = guard.check(named ? rule : observedOnly(rule), `${arrival.key.id} ${inspected.session}`, turn, arrival.readyMs)
      if (verdict === undefined) return
      notes.push({ code: 'observed', path: 'session', why: verdict.seen })
      if (verdict.failure !== undefined) throw verdict.failure
    },
  }
}

const observed = new WeakMap<LoopRule, LoopRule>()

/** Requests that only look alike may belong to many sessions: nobody is stopped for what another one did. */
function observedOnly(rule: LoopRule): LoopRule {
  let known = observed.get(rule)
  if (known === undefined) observed.set(rule, (known = { ...rule, mode: 'observe', requests: Infinity }))
  return known
}

/** The latest turn of the model; undefined: it is out of reach. */
export function modelTurn({ buffer, count, fromEnd }: LatestTurns, wire: ClientWire): ModelTurn | undefined {
  const { toolTurns } = codecOf(wire).ingress
  const peek = peekOf(toolTurns)
  const called: string[] = []
  let index = -1
  for (let distance = 0; distance < count; distance++) {
    const range = fromEnd(distance)
    const found = range === undefined || range.end - range.start > maxTurnBytes ? 'doubtful' : peek.peek(buffer, range.start, range.end)
    if (found === 'doubtful') {
      if (index < 0) return undefined
      break
    }
    const read = (names: readonly string[]): JsonObject => {
      const fields: JsonObject = {}
      for (const name of names) {
        const { start, end } = found.members[name]!
        if (start >= 0) fields[name] = JSON.parse(buffer.toString('utf8', start, end)) as JsonValue
      }
      return fields
    }
    const marks = read(toolTurns.marks)
    const isModels = toolTurns.isModels(marks)
    if (!isModels && index < 0) continue
    const calls = isModels ? toolTurns.callsIn({ ...marks, ...read(toolTurns.content) }) : []
    if (index < 0) index = count - 1 - distance
    called.unshift(...calls.map(({ name, input }) => JSON.stringify([name, input])))
    if (calls.length === 0 || toolTurns.oneCallEach === undefined) break
  }
  return count < 0 ? undefined : { index, calls: fingerprint(called) }
}

const peeks = new WeakMap<ToolTurns, Peek>()

function peekOf(turns: ToolTurns): Peek {
  let peek = peeks.get(turns)
  if (peek === undefined) peeks.set(turns, (peek = createPeek({ fields: [...turns.marks, ...turns.content] })))
  return peek
}

function fingerprint(calls: readonly string[]): string {
  return calls.length === 0 ? '' : hash('sha256', calls.join('\n'), 'base64url')
}
