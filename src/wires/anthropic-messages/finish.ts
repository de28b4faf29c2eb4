// Why an answer ended: Anthropic's stop reasons and the neutral ones.
import { asText, type JsonObject, type JsonValue } from '#kernel'
import type { Finish, FinishReason } from '#ir'
import { wire } from './fields.ts'

const reasons = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  // The window is full: for a client it is the same as a cap, the answer was cut short.
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['pause_turn', 'paused'],
  ['refusal', 'refused'],
  // A pause after context was summarised (compact-2026-01-12); the client sends the answer back to go on.
  ['compaction', 'paused'],
])

const stopReasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  filtered: 'refusal',
  refused: 'refusal',
  paused: 'pause_turn',
  other: 'end_turn',
} as const satisfies Record<FinishReason, string>

export function decodeFinish(stopReason: JsonValue | undefined, stopSequence: JsonValue | undefined, details?: JsonValue): Finish {
  const raw = asText(stopReason)
  const sequence = asText(stopSequence)
  return {
    reason: (raw === undefined ? undefined : reasons.get(raw)) ?? 'other',
    ...(raw === undefined ? {} : { raw }),
    ...(sequence === undefined ? {} : { stopSequence: sequence }),
    ...(details === undefined || details === null ? {} : { ext: { [wire]: { stop_details: details } } }),
  }
}

export function knowsFinish({ raw }: Finish): boolean {
  return raw === undefined || reasons.has(raw)
}

/** What the answer held, as far as it decides the stop reason. */
export type Held = { readonly toolCalls: boolean; readonly refusal: boolean }

/** `stop_reason`, `stop_sequence` and `stop_details` of an answer. */
export function encodeFinish(finish: Finish, held: Held): JsonObject {
  const details = finish.ext?.[wire]?.['stop_details']
  return {
    stop_reason: stopReasonOf(finish, held),
    stop_sequence: finish.stopSequence ?? null,
    ...(details === undefined ? {} : { stop_details: details }),
  }
}

function stopReasonOf(finish: Finish, held: Held): string {
  if (finish.raw !== undefined && reasons.has(finish.raw)) return finish.raw
  if (finish.reason === 'stop') {
    if (finish.stopSequence !== undefined) return 'stop_sequence'
    // OpenAI says "stop" for a call that tool_choice forced; clients of this wire run tools only on "tool_use".
    if (held.toolCalls) return 'tool_use'
    if (held.refusal) return 'refusal'
  }
  return stopReasons[finish.reason]
}
