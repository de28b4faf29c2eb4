// Seals of answers, kept for clients that strip what they don't know: a model that thought before it called a tool wants its proof back
// with the tool's result. Found again by conversation, tool call and arguments; sent, as always, only to who sealed it.
import type { AssistantPart, AssistantTurn, ReasoningPart, Request, Response, Seal, StreamEvent, ToolCallPart } from '#ir'

/** What is known of one tool call. */
export type KeptSeal = {
  /** Compared as a value: clients write the same arguments with other spaces. */
  readonly args: string
  readonly seal: Seal | undefined
  /** Sealed reasoning that came right before the call. */
  readonly before: readonly ReasoningPart[]
  readonly bytes: number
  readonly atMs: number
}

export type SealLimits = { readonly maxBytes: number; readonly maxAgeMs: number }

/** An agent's turn goes on within minutes; a user may come back to it after a meal. */
const usual: SealLimits = { maxBytes: 16 << 20, maxAgeMs: 2 * 3_600_000 }
/** One call's share: what is larger is not kept. */
const maxCallBytes = 1 << 20

export interface SealedCalls {
  /** Reads along with one answer of a conversation. */
  follow(conversation: string): (event: StreamEvent) => void
  remember(conversation: string, response: Response): void
  /** The request with the seals that its tool calls had. The same object when nothing was missing, or nothing is known. */
  restore(conversation: string, request: Request): Request
  /** What is kept of one conversation, for another thread. */
  of(conversation: string): ReadonlyMap<string, KeptSeal>
}

export function createSealedCalls(clock: () => number, limits: SealLimits = usual, earlier?: ReadonlyMap<string, KeptSeal>): SealedCalls {
  /** Oldest first. */
  const kept = new Map<string, KeptSeal>(earlier)
  let bytes = 0

  function drop(name: string, entry: KeptSeal): void {
    kept.delete(name)
    bytes -= entry.bytes
  }

  function keep(conversation: string, call: ToolCallPart, before: readonly ReasoningPart[]): void {
    if (call.seal === undefined && before.length === 0) return
    const size = weight(call, before)
    if (size > maxCallBytes) return
    const name = nameOf(conversation, call.id)
    const known = kept.get(name)
    if (known !== undefined) drop(name, known)
    const nowMs = clock()
    kept.set(name, { args: comparable(call.args), seal: call.seal, before, bytes: size, atMs: nowMs })
    bytes += size
    for (const [oldest, entry] of kept) {
      if (bytes <= limits.maxBytes && nowMs - entry.atMs <= limits.maxAgeMs) break
      drop(oldest, entry)
    }
  }

  function remember(conversation: string, parts: readonly AssistantPart[]): void {
    let before: ReasoningPart[] = []
    for (const part of parts) {
      if (part.type === 'reasoning') {
        if (part.seal !== undefined) before.push(part)
      } else if (part.type === 'tool-call') {
        keep(conversation, part, before)
        before = []
      }
    }
  }

  function find(conversation: string, call: ToolCallPart): KeptSeal | undefined {
    const entry = kept.get(nameOf(conversation, call.id))
    if (entry === undefined || clock() - entry.atMs > limits.maxAgeMs || entry.args !== comparable(call.args)) return undefined
    return entry
  }

  function restoredTurn(conversation: string, turn: AssistantTurn): AssistantTurn {
    const calls = turn.parts.filter((part) => part.type === 'tool-call')
    const found = new Map(calls.map((call) => [call, find(conversation, call)]))
    if (![...found.values()].some((entry) => entry !== undefined)) return turn
    const hasSealed = turn.parts.some((part) => part.type === 'reasoning' && part.seal !== undefined)
    const parts: AssistantPart[] = []
    let changed = false
    for (const part of turn.parts) {
      // The same reasoning without its seal, which nobody accepts: the sealed one comes back in its place.
      if (part.type === 'reasoning' && part.seal === undefined && !hasSealed && [...found.values()].some((entry) => entry?.before.length)) {
        changed = true
        continue
      }
      const entry = part.type === 'tool-call' ? found.get(part) : undefined
      if (entry === undefined || part.type !== 'tool-call') {
        parts.push(part)
        continue
      }
      if (!hasSealed && entry.before.length > 0) {
        parts.push(...entry.before)
        changed = true
      }
      const seals = part.seal === undefined && entry.seal !== undefined
      changed ||= seals
      parts.push(seals ? { ...part, seal: entry.seal } : part)
    }
    return changed ? { ...turn, parts } : turn
  }

  return {
    follow(conversation) {
      const parts = new Map<number, { readonly part: AssistantPart; readonly pieces: string[] }>()
      let held = 0
      return (event) => {
        switch (event.type) {
          case 'part-start':
            if (event.part.type === 'reasoning') parts.set(event.index, { part: { ...event.part, text: '' }, pieces: [] })
            else if (event.part.type === 'tool-call') parts.set(event.index, { part: { ...event.part, args: '' }, pieces: [] })
            return
          case 'part-delta':
            held += event.text.length
            if (held <= maxCallBytes) parts.get(event.index)?.pieces.push(event.text)
            return
          case 'part-end': {
            const open = parts.get(event.index)
            if (open === undefined) return
            const text = open.pieces.join('')
            const { seal, ext } = event
            const end = { ...(seal === undefined ? {} : { seal }), ...(ext === undefined ? {} : { ext }) }
            const part = open.part.type === 'tool-call' ? { ...open.part, ...end, args: text } : { ...open.part, ...end, text }
            parts.set(event.index, { part, pieces: [] })
            return
          }
          case 'part':
            if (event.part.type === 'reasoning') parts.set(event.index, { part: event.part, pieces: [] })
            return
          case 'finish':
            if (held <= maxCallBytes)
              remember(
                conversation,
                [...parts].sort(([a], [b]) => a - b).map(([, { part }]) => part),
              )
            return
          case 'start':
          case 'usage':
          case 'error':
            return
          default:
            event satisfies never
        }
      }
    },
    remember: (conversation, response) => remember(conversation, response.parts),
    of(conversation) {
      const prefix = `${conversation}\n`
      const nowMs = clock()
      const found = new Map<string, KeptSeal>()
      // Tens of thousands may be kept.
      for (const [name, entry] of kept) if (name.startsWith(prefix) && nowMs - entry.atMs <= limits.maxAgeMs) found.set(name, entry)
      return found
    },
    restore(conversation, request) {
      if (kept.size === 0) return request
      let changed = false
      const turns = request.turns.map((turn) => {
        if (turn.role !== 'assistant') return turn
        const restored = restoredTurn(conversation, turn)
        changed ||= restored !== turn
        return restored
      })
      return changed ? { ...request, turns } : request
    },
  }
}

/** Clients rewrite ids: OpenClaw leaves out what is no letter or digit. */
function nameOf(conversation: string, id: string): string {
  return `${conversation}\n${id.replace(/[^A-Za-z0-9]/g, '')}`
}

function comparable(args: string): string {
  try {
    return JSON.stringify(JSON.parse(args === '' ? '{}' : args))
  } catch {
    return args
  }
}

function weight(call: ToolCallPart, before: readonly ReasoningPart[]): number {
  const sealed = (seal: Seal | undefined): number => (seal === undefined ? 0 : seal.data.length)
  return before.reduce(
    (sum, part) => sum + part.text.length + sealed(part.seal),
    call.args.length + sealed(call.seal) + call.id.length + 200,
  )
}
