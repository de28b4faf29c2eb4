// Finish reasons <-> IR.
import { asText, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Finish, FinishReason } from '#ir'
import { asExt, restOf } from './fields.ts'

/** OpenAI's four, and what compatible servers pass through from their own models. */
const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['tool_use', 'tool-calls'],
  ['content_filter', 'filtered'],
  ['safety', 'filtered'],
  ['SAFETY', 'filtered'],
])

const written: Readonly<Record<FinishReason, 'stop' | 'length' | 'tool_calls' | 'content_filter'>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  filtered: 'content_filter',
  refused: 'content_filter',
  paused: 'stop',
  other: 'stop',
}

/** What a choice says of its end; undefined while it says nothing. `finish_details` is GPT-4 Vision's preview. */
export function rawFinish(choice: JsonObject): string | undefined {
  const details = choice['finish_details']
  return asText(choice['finish_reason']) ?? (isObject(details) ? asText(details['type']) : undefined)
}

/** Only OpenAI's four words: clients know no others. */
export function encodeFinish(finish: Finish): string {
  return written[finish.reason]
}

const known: ReadonlySet<string> = new Set(Object.values(written))

export function knowsFinish({ raw }: Finish): boolean {
  return raw === undefined || known.has(raw)
}

const choiceFields = new Set(['index', 'delta', 'message', 'text', 'finish_reason', 'error', 'usage'])

/**
 * A forced tool call ends with "stop" at OpenAI: calls decide. Without a word of the provider's, an answer that is known to be whole
 * ended with "stop". The rest of the choice (`logprobs`, `native_finish_reason`, filter results) is kept.
 */
export function decodeFinish(raw: string | undefined, choice: JsonObject, hasCalls: boolean): Finish {
  const said = raw === undefined ? 'stop' : (reasons.get(raw) ?? 'other')
  const reason = hasCalls && said === 'stop' ? 'tool-calls' : said
  const stopSequence = matchedStop(choice['stop_reason']) ?? matchedStop(choice['matched_stop'])
  return {
    reason,
    ...(raw === undefined ? {} : { raw }),
    ...(stopSequence === undefined ? {} : { stopSequence }),
    ...asExt(restOf(choice, choiceFields)),
  }
}

/** vLLM's `stop_reason` and SGLang's `matched_stop`: the stop string, or the id of a stop token. */
function matchedStop(value: JsonValue | undefined): string | undefined {
  return asText(value)
}
