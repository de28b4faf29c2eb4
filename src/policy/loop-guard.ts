// Stops a session that runs in circles: the same tool calls again and again, or more requests than anybody needs.
import type { GatewayKey, LoopGuardRule } from '#config'
import { Failure } from '#kernel'

/** The latest turn of the model in a request's conversation. */
export type ModelTurn = {
  /** Its place in the conversation, which grows; -1: the model has not spoken yet. */
  readonly index: number
  /** The same for two turns that call the same tools with the same arguments; '' when it calls none. */
  readonly calls: string
}

export type LoopRule = Required<LoopGuardRule>

export type LoopVerdict = {
  /** For the record: what was seen, and what follows from it. */
  readonly seen: string
  /** The request is refused. */
  readonly failure: Failure | undefined
}

export interface LoopGuard {
  /**
   * Called once for each request of a guarded session. `turn` undefined: what the model said last is not known (it is too far from the end,
   * or a turn is too large to look at). Returns nothing for a session that is not suspect.
   */
  check(rule: LoopRule, session: string, turn: ModelTurn | undefined, nowMs: number): LoopVerdict | undefined
  /** Sessions that are remembered. */
  readonly size: number
}

export const loopDefaults: LoopRule = { mode: 'enforce', repeats: 25, requests: 300, windowMs: 120_000 }

const rules = new WeakMap<GatewayKey, LoopRule>()

/** The rule of a key that has one. */
export function loopRuleOf(key: GatewayKey): LoopRule | undefined {
  if (key.loopGuard === undefined && key.client !== 'openclaw') return undefined
  let rule = rules.get(key)
  if (rule === undefined) rules.set(key, (rule = { ...loopDefaults, ...key.loopGuard }))
  return rule.mode === 'off' ? undefined : rule
}

const stopMs = 10 * 60_000
/** Clients wait themselves for less than a minute, and then go on as before. */
const leastRetryMs = 61_000
/** A session that has not been heard of for one to two of these is forgotten. */
const idleMs = 15 * 60_000
/** Names of sessions are anybody's: of more than this, the least recently used half is forgotten. */
const maxSessions = 20_000
/** The window moves in steps of a twelfth: at its edge it is a little shorter, never longer. */
const steps = 12

type Session = {
  calls: string
  index: number
  repeats: number
  stopped: 'repeats' | 'requests' | undefined
  stoppedUntilMs: number
  windowMs: number
  /** The step in which the latest request came, and requests by step. */
  step: number
  readonly counts: number[]
}

export function createLoopGuard(): LoopGuard {
  // Two generations: forgetting one by one would cost a timer or a walk.
  let recent = new Map<string, Session>()
  let older = new Map<string, Session>()
  let turnedMs = -Infinity

  function sessionOf(name: string, nowMs: number): Session {
    if (nowMs - turnedMs >= idleMs || recent.size >= maxSessions / 2) {
      older = nowMs - turnedMs >= 2 * idleMs ? new Map() : recent
      recent = new Map()
      turnedMs = nowMs
    }
    let session = recent.get(name)
    if (session !== undefined) return session
    session = older.get(name)
    if (session === undefined) session = newSession()
    else older.delete(name)
    recent.set(name, session)
    return session
  }

  return {
    check(rule, name, turn, nowMs) {
      const session = sessionOf(name, nowMs)
      if (rule.mode !== 'enforce') session.stopped = undefined
      if (session.stopped !== undefined) {
        if (nowMs >= session.stoppedUntilMs) startAgain(session)
        else if (session.stopped === 'requests' || turn === undefined || turn.calls === session.calls) return refusal(session, rule, nowMs)
        else if (follow(session, turn)) session.stopped = undefined
        // Beside the loop: a summary of the conversation, for example. It may pass, and the loop is still stopped.
        else return undefined
      } else if (turn !== undefined) follow(session, turn)
      const requests = count(session, rule.windowMs, nowMs)
      const looped = session.repeats >= rule.repeats
      if (rule.mode === 'enforce' && (looped || requests > rule.requests)) {
        session.stopped = looped ? 'repeats' : 'requests'
        session.stoppedUntilMs = nowMs + stopMs
        return refusal(session, rule, nowMs)
      }
      const enforced = rule.mode === 'enforce' ? 'a session is stopped at' : 'only observed; the threshold is'
      if (session.repeats * 2 >= rule.repeats && session.repeats > 1)
        return { seen: `the same tool call ${session.repeats} times in a row; ${enforced} ${rule.repeats}`, failure: undefined }
      if (requests * 2 > rule.requests)
        return { seen: `${requests} requests within ${inWords(rule.windowMs)}; ${enforced} ${rule.requests + 1}`, failure: undefined }
      return undefined
    },
    get size() {
      return recent.size + older.size
    },
  }
}

function newSession(): Session {
  return {
    calls: '',
    index: -1,
    repeats: 0,
    stopped: undefined,
    stoppedUntilMs: 0,
    windowMs: 0,
    step: 0,
    counts: Array.from({ length: steps }, () => 0),
  }
}

/** The stop is over: what led to it no longer counts. */
function startAgain(session: Session): void {
  session.stopped = undefined
  session.repeats = 0
  session.counts.fill(0)
}

/** Counts what the model did last, once. False: it is nothing new, or not of this conversation. */
function follow(session: Session, { index, calls }: ModelTurn): boolean {
  if (calls === '') {
    // A shorter conversation is another one under the same name: a title, a summary.
    if (index <= session.index) return false
    session.repeats = 0
  } else if (index > session.index && calls === session.calls) session.repeats++
  // The same request once more, or with something of the user's behind it.
  else if (index === session.index && calls === session.calls) return false
  // Something else, or a history that was cut.
  else session.repeats = 1
  session.index = index
  session.calls = calls
  return true
}

/** Requests in the window, this one among them. */
function count(session: Session, windowMs: number, nowMs: number): number {
  const { counts } = session
  const step = Math.floor((nowMs * steps) / windowMs)
  if (session.windowMs !== windowMs || step - session.step >= steps) counts.fill(0)
  else for (let passed = session.step + 1; passed <= step; passed++) counts[passed % steps] = 0
  session.windowMs = windowMs
  session.step = step
  counts[step % steps]!++
  return counts.reduce((sum, requests) => sum + requests, 0)
}

function refusal({ stopped, stoppedUntilMs, repeats }: Session, { requests, windowMs }: LoopRule, nowMs: number): LoopVerdict {
  const retryAfterMs = Math.max(leastRetryMs, stoppedUntilMs - nowMs)
  const did =
    stopped === 'repeats' ? `repeated the same tool call ${repeats} times` : `made more than ${requests} requests in ${inWords(windowMs)}`
  return {
    seen: `the session ${did}`,
    failure: new Failure('loop_detected', `This session ${did}. Try again in ${Math.ceil(retryAfterMs / 60_000)} minutes.`, {
      retryAfterMs,
    }),
  }
}

function inWords(ms: number): string {
  const [amount, unit] = ms % 60_000 === 0 ? [ms / 60_000, 'minute'] : [Math.ceil(ms / 1000), 'second']
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}
