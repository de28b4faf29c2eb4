// Why an answer ended: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html
import { asText, isObject, type JsonValue } from '#kernel'
import type { Finish, FinishReason } from '#ir'
import { present } from '#wires/present'

const reasons = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['guardrail_intervened', 'filtered'],
  ['content_filtered', 'filtered'],
  // Newer Claude models refuse in the middle of an answer; Converse passes the word on.
  ['refusal', 'refused'],
  ['pause_turn', 'paused'],
  // What the model wrote is no message or no tool call of its grammar. It isn't complete, and no neutral word says why.
  ['malformed_model_output', 'other'],
  ['malformed_tool_use', 'other'],
])

/** `additional`: the answer's `additionalModelResponseFields`: `{stop_sequence}`, or `{delta: {stop_sequence}}` of a stream. */
export function decodeFinish(stopReason: JsonValue | undefined, additional: JsonValue | undefined): Finish {
  const raw = asText(stopReason)
  const fields = isObject(additional) ? additional : {}
  const sequence = asText(fields['stop_sequence']) ?? (isObject(fields['delta']) ? asText(fields['delta']['stop_sequence']) : undefined)
  return present<Finish>({
    reason: (raw === undefined ? undefined : reasons.get(raw)) ?? 'other',
    raw,
    stopSequence: sequence,
  })
}
