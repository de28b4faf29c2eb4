// The built-in simulated provider: answers in-process, without a socket, key or network; its models are the faults to rehearse.
import { asText, Crowd, Failure, isObject, type JsonObject } from '#kernel'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './port.ts'
import { exampleArguments } from './sim-arguments.ts'
import { simVectors } from './sim-embeddings.ts'
import { chatWire, messagesWire, type SimAnswer, type SimRequest, type SimWire } from './sim-wires.ts'

/** Runs `run` after `ms` milliseconds (0: in a later turn of the event loop); the result cancels it. */
export type SetTimer = (run: () => void, ms: number) => () => void

export type SimDeps = {
  /** Milliseconds since 1970. */
  readonly nowMs?: () => number
  readonly setTimer?: SetTimer
  /** Where in its cycle `flaky-NN` begins: a number from 0 to 99. */
  readonly flakySeed?: number
  /** Which of the models a request is answered by; the answer still says the one that was asked. Absent: that one. */
  readonly behaviour?: (request: UpstreamRequest) => string
}

/**
 * The models, for lists. Beside them `status-NNN` answers any status from 400 to 599, and `flaky-NN` fails NN of each 100 requests
 * (a fixed, spread-out cycle per simulator); `cut-before-content` and `error-before-content` fail as `cut` and `error-in-stream` do, while
 * another target can still answer.
 * - `echo`: the last user text, one word per event; a token is a word.
 * - `slow`: like echo, the first word after 3 s, then one piece each 200 ms, at most 50 pieces.
 * - `cut`: the connection dies in the middle of the answer.
 * - `stall`: head and preamble, then silence, before any content: another target can still answer.
 * - `error-in-stream`: an error event after some words; not streamed, an error body with status 200.
 * - `embed`: vectors, at /embeddings; `status-NNN`, `flaky-NN`, `cut` and `stall` are there, too.
 * - `tool`: calls the first tool offered; once it has a result, or when there is none, answers with text.
 */
export const simModels = [
  'echo',
  'slow',
  'tool',
  'cut',
  'stall',
  'error-in-stream',
  'flaky-30',
  'status-429',
  'status-500',
  'embed',
] as const

const firstTokenMs = 3_000
const dripMs = 200
const dripPieces = 50
const retryAfterSeconds = 2

type Step = { readonly afterMs: number } & (
  | { readonly kind: 'head'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'data'; readonly text: string }
  | { readonly kind: 'end' | 'cut' }
)

export function createSim(deps: SimDeps = {}): Upstream {
  const nowMs = deps.nowMs ?? Date.now
  const setTimer = deps.setTimer ?? runLater
  const flakyOffset = deps.flakySeed ?? 50
  const active = new Crowd<'activeAt', { activeAt: number; fail(failure: Failure): void }>('activeAt')
  let answers = 0
  let flakyRequests = 0
  let closed = false

  function script(request: UpstreamRequest): Step[] {
    const path = request.path.split('?', 1)[0]!
    if (path.endsWith('/embeddings')) return embed(parseBody(request.body))
    const counts = path.endsWith('/messages/count_tokens')
    const wire = path.endsWith('/chat/completions') ? chatWire : path.endsWith('/messages') || counts ? messagesWire : undefined
    if (wire === undefined) return refusal(chatWire, 404, `The simulator has no ${path}.`)
    const body = parseBody(request.body)
    if (body === undefined) return refusal(wire, 400, 'The body is not a JSON object.')
    const asked = wire.readRequest(body)
    if (counts) return json(200, { input_tokens: countWords(asked.allText) })
    return behave(wire, asked, deps.behaviour?.(request) ?? asked.model)
  }

  function behave(wire: SimWire, asked: SimRequest, model: string): Step[] {
    switch (model) {
      case 'echo':
      case 'tool':
      case 'slow':
        return answerSteps(wire, asked, compose(asked, model), model === 'slow')
      case 'cut':
      case 'cut-before-content':
        return brokenSteps(wire, asked, { kind: 'cut', afterMs: 0 }, model === 'cut')
      case 'error-in-stream':
      case 'error-before-content':
        return asked.stream
          ? brokenSteps(
              wire,
              asked,
              {
                kind: 'data',
                text: wire.errorFrame('The simulated provider failed in the middle of its answer.'),
                afterMs: 0,
              },
              model === 'error-in-stream',
            )
          : json(200, wire.errorBody(500, 'The simulated provider put an error into a 200.'))
      case 'stall':
        return [head(asked), ...dataSteps(asked.stream ? wire.frames(compose(asked, model), asked).preamble : [])]
    }
    return numbered(wire, model, () => answerSteps(wire, asked, compose(asked, model), false))
  }

  function embed(body: JsonObject | undefined): Step[] {
    if (body === undefined) return refusal(chatWire, 400, 'The body is not a JSON object.')
    const model = asText(body['model']) ?? ''
    const made = simVectors(model, body)
    if (made instanceof Failure) return refusal(chatWire, 400, made.message)
    const whole: Step[] = [head({ stream: false }), ...dataSteps([made]), { kind: 'end', afterMs: 0 }]
    switch (model) {
      case 'embed':
        return whole
      case 'cut':
        return [head({ stream: false }), ...dataSteps([made.slice(0, made.length >> 1)]), { kind: 'cut', afterMs: 0 }]
      case 'stall':
        return [head({ stream: false })]
      default:
        return numbered(chatWire, model, () => whole)
    }
  }

  /** The models whose names have a number in them; `well` is the answer of one that does not fail. */
  function numbered(wire: SimWire, model: string, well: () => Step[]): Step[] {
    const found = /^(status|flaky)-(\d{1,3})$/.exec(model)
    const number = Number(found?.[2])
    if (found?.[1] === 'status' && number >= 400 && number <= 599)
      return refusal(wire, number, `The simulated provider answers ${number}, as it was asked to.`)
    if (found?.[1] === 'flaky' && number <= 100) {
      // 37 is coprime with 100: each hundred requests visit each value once, and the failures come spread out.
      const fails = (flakyRequests++ * 37 + flakyOffset) % 100 < number
      return fails ? refusal(wire, 500, 'The simulated provider fails now and then.') : well()
    }
    return refusal(wire, 404, `The simulator has no model '${model}'; it has ${simModels.join(', ')}.`)
  }

  function compose(asked: SimRequest, model: string): SimAnswer {
    const id = `sim${String(++answers).padStart(8, '0')}`
    const base = { id, createdSeconds: Math.floor(nowMs() / 1000), model: asked.model }
    const input = countWords(asked.allText)
    if (model === 'tool' && asked.firstTool !== undefined && !asked.toolsAnswered) {
      const args = exampleArguments(asked.firstTool.schema)
      const usage = { input, output: 1 + words(JSON.stringify(args)).length }
      return { ...base, pieces: [], toolCall: { id: `call_${id}`, name: asked.firstTool.name, args }, capped: false, usage }
    }
    const said = words(asked.lastUserText.trim() === '' ? 'You said nothing.' : asked.lastUserText)
    const pieces = asked.maxTokens === undefined ? said : said.slice(0, asked.maxTokens)
    return { ...base, pieces, toolCall: undefined, capped: pieces.length < said.length, usage: { input, output: pieces.length } }
  }

  function send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const steps = closed ? [] : script(request)
    let next = 0
    let paused = false
    let due = false
    let done = false
    let cancel: (() => void) | undefined

    function finish(): void {
      done = true
      cancel?.()
      active.remove(call)
    }

    function schedule(): void {
      const step = steps[next]
      if (step === undefined) return
      cancel = setTimer(() => {
        due = true
        perform()
      }, step.afterMs)
    }

    function perform(): void {
      if (done || paused || !due) return
      due = false
      const step = steps[next++]!
      switch (step.kind) {
        case 'head':
          handler.head(step.status, step.headers)
          break
        case 'data':
          handler.data(Buffer.from(step.text))
          break
        case 'end':
          finish()
          handler.end()
          return
        case 'cut':
          call.fail(new Failure('cut', 'The simulated provider closed the connection before its answer was complete.'))
          return
      }
      // The handler may have aborted.
      if (!done) schedule()
    }

    const call = {
      activeAt: -1,
      abort: finish,
      pause() {
        paused = true
      },
      resume() {
        if (!paused) return
        paused = false
        perform()
      },
      // The body was read within `send`.
      bodySent: () => true,
      fail(failure: Failure) {
        if (done) return
        finish()
        handler.error(failure)
      },
    }
    active.add(call)
    if (closed) cancel = setTimer(() => call.fail(closedFailure()), 0)
    else schedule()
    return call
  }

  return {
    send,
    async close() {
      closed = true
      active.forEach((call) => call.fail(closedFailure()))
    },
  }
}

function answerSteps(wire: SimWire, asked: SimRequest, answer: SimAnswer, slow: boolean): Step[] {
  const groups = slow ? grouped(answer.pieces, dripPieces) : answer.pieces
  if (!asked.stream) {
    const afterMs = slow ? firstTokenMs + dripMs * Math.max(0, groups.length - 1) : 0
    return json(200, wire.whole(answer), {}, afterMs)
  }
  const { preamble, content, closing } = wire.frames({ ...answer, pieces: groups }, asked)
  const paced = content.map((text, index): Step => ({ kind: 'data', text, afterMs: slow ? (index === 0 ? firstTokenMs : dripMs) : 0 }))
  return [head(asked), ...dataSteps(preamble), ...paced, ...dataSteps(closing), { kind: 'end', afterMs: 0 }]
}

/** Half of an answer, or nothing of it, then `last`, then the end of the connection. */
function brokenSteps(wire: SimWire, asked: SimRequest, last: Step, hasContent: boolean): Step[] {
  const answer: SimAnswer = {
    id: 'sim-broken',
    createdSeconds: 0,
    model: asked.model,
    pieces: words(`${asked.lastUserText} and so on`),
    toolCall: undefined,
    capped: false,
    usage: { input: 0, output: 0 },
  }
  const ending: Step[] = last.kind === 'cut' ? [last] : [last, { kind: 'end', afterMs: 0 }]
  if (!asked.stream) {
    const whole = JSON.stringify(wire.whole(answer))
    return [head(asked), ...dataSteps(hasContent ? [whole.slice(0, whole.length >> 1)] : []), ...ending]
  }
  const { preamble, content } = wire.frames(answer, asked)
  return [head(asked), ...dataSteps([...preamble, ...(hasContent ? content.slice(0, Math.ceil(content.length / 2)) : [])]), ...ending]
}

function head(asked: Pick<SimRequest, 'stream'>): Step {
  return { kind: 'head', status: 200, headers: { 'content-type': asked.stream ? 'text/event-stream' : 'application/json' }, afterMs: 0 }
}

function dataSteps(texts: readonly string[]): Step[] {
  return texts.map((text) => ({ kind: 'data', text, afterMs: 0 }))
}

function json(status: number, body: JsonObject, headers: Readonly<Record<string, string>> = {}, afterMs = 0): Step[] {
  return [
    { kind: 'head', status, headers: { 'content-type': 'application/json', ...headers }, afterMs },
    { kind: 'data', text: JSON.stringify(body), afterMs: 0 },
    { kind: 'end', afterMs: 0 },
  ]
}

function refusal(wire: SimWire, status: number, message: string): Step[] {
  return json(status, wire.errorBody(status, message), status === 429 ? { 'retry-after': String(retryAfterSeconds) } : {})
}

function parseBody(bytes: Uint8Array | undefined): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'))
    return isObject(body) ? body : undefined
  } catch {
    return undefined
  }
}

/** Words with the white space after them (and what stands before the first): joined, they are the text again. */
function words(text: string): string[] {
  return text.match(/^\s+|\S+\s*/g) ?? []
}

function countWords(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + words(text).length, 0)
}

function grouped(pieces: readonly string[], atMost: number): string[] {
  const size = Math.max(1, Math.ceil(pieces.length / atMost))
  return Array.from({ length: Math.ceil(pieces.length / size) }, (_, index) => pieces.slice(index * size, (index + 1) * size).join(''))
}

function runLater(run: () => void, ms: number): () => void {
  if (ms === 0) {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  }
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

function closedFailure(): Failure {
  return new Failure('connect_failed', 'The simulator is closed: the gateway is stopping.')
}
