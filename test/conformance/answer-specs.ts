// What clients may rely on in an answer: OpenAI's, OpenResponses' and Google's published schemas, and one written from Anthropic's documentation.
import type { ClientWire } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { discoveryCheck, documentedCheck, eventCheck, eventSchemas, openapiCheck, type Check } from './published-specs.ts'
import { readRelaxations } from './relaxations.ts'

/** Of a whole answer, and of each event of a stream. */
export type AnswerChecks = { readonly whole: Check; readonly event: Check }

export function answerChecks(wire: ClientWire, relaxations = readRelaxations()): AnswerChecks {
  switch (wire) {
    case 'openai-chat':
      return {
        whole: openapiCheck('openai', 'CreateChatCompletionResponse', relaxations),
        event: openapiCheck('openai', 'CreateChatCompletionStreamResponse', relaxations),
      }
    case 'openai-responses': {
      const whole = [
        openapiCheck('openai', 'Response', relaxations),
        ofOpenresponses(openapiCheck('openresponses', 'ResponseResource', relaxations)),
      ]
      const events = [
        eventCheck('openai', eventSchemas('openai'), relaxations),
        ofOpenresponses(eventCheck('openresponses', eventSchemas('openresponses'), relaxations)),
      ]
      return { whole: (body) => whole.flatMap((check) => check(body)), event: (body) => events.flatMap((check) => check(body)) }
    }
    case 'anthropic-messages':
      return { whole: documentedCheck('anthropic-answer', 'message'), event: documentedCheck('anthropic-answer', 'event') }
    case 'gemini': {
      const check = discoveryCheck('GenerateContentResponse', relaxations)
      return { whole: check, event: check }
    }
    default:
      return wire satisfies never
  }
}

const openTypes = new Set(['message', 'function_call', 'function_call_output', 'reasoning', 'compaction'])

/** Items and tools that OpenResponses has no name for are left out, and events that are about one. */
const ofOpenresponses =
  (check: Check): Check =>
  (body) => {
    const { item, response } = body
    if (isObject(item) && !openTypes.has(String(item['type']))) return []
    return check(isObject(response) ? { ...body, response: withoutExtensions(response) } : withoutExtensions(body))
  }

function withoutExtensions(response: JsonObject): JsonObject {
  const { output, tools } = response
  const known = (list: readonly JsonValue[], types: ReadonlySet<string>) =>
    list.filter((each) => isObject(each) && types.has(String(each['type'])))
  return {
    ...response,
    ...(Array.isArray(output) ? { output: known(output, openTypes) } : {}),
    ...(Array.isArray(tools) ? { tools: known(tools, new Set(['function'])) } : {}),
  }
}
