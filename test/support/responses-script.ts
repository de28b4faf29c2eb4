// Answers of OpenAI's Responses API, whole and streamed, in the shapes that its documentation has.
import type { JsonObject } from '#kernel'
import type { Answer } from './answer.ts'
import { sseAnswer, type Saying } from './scripts.ts'

function itemsOf(saying: Saying): JsonObject[] {
  const calls = saying.toolCalls ?? []
  const text = saying.text ?? (calls.length > 0 ? [] : ['Hello', ', ', 'world!'])
  const message: JsonObject = {
    id: 'msg_scripted1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: text.join(''), annotations: [], logprobs: [] }],
  }
  return [
    ...(text.length > 0 ? [message] : []),
    ...calls.map(({ id, name, args }, index) => ({
      id: `fc_scripted${index + 1}`,
      type: 'function_call',
      status: 'completed',
      call_id: id,
      name,
      arguments: JSON.stringify(args),
    })),
  ]
}

function responseOf(saying: Saying, output: JsonObject[], status: 'in_progress' | 'completed'): JsonObject {
  const { input, output: answered, cacheRead = 0 } = saying.usage ?? { input: 12, output: 5 }
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead },
    output_tokens: answered,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + answered,
  }
  return {
    id: saying.id ?? 'resp_scripted1',
    object: 'response',
    created_at: 1_780_000_000,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model: saying.model ?? 'gpt-5-mini-2025-08-07',
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: status === 'completed' ? usage : null,
    user: null,
    metadata: {},
  }
}

export function responsesFrames(saying: Saying = {}): string[] {
  const items = itemsOf(saying)
  const events: JsonObject[] = [
    { type: 'response.created', response: responseOf(saying, [], 'in_progress') },
    { type: 'response.in_progress', response: responseOf(saying, [], 'in_progress') },
  ]
  for (const [index, item] of items.entries()) {
    const at = { item_id: item['id']!, output_index: index }
    const added = (content: JsonObject) => ({ ...item, status: 'in_progress', ...content })
    if (item['type'] === 'message') {
      const [part] = item['content'] as [JsonObject]
      const pieces = saying.text ?? ['Hello', ', ', 'world!']
      events.push(
        { type: 'response.output_item.added', output_index: index, item: added({ content: [] }) },
        { type: 'response.content_part.added', ...at, content_index: 0, part: { ...part, text: '' } },
        ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, content_index: 0, delta, logprobs: [] })),
        { type: 'response.output_text.done', ...at, content_index: 0, text: part['text']!, logprobs: [] },
        { type: 'response.content_part.done', ...at, content_index: 0, part },
      )
    } else {
      const args = String(item['arguments'])
      events.push(
        { type: 'response.output_item.added', output_index: index, item: added({ arguments: '' }) },
        { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(0, args.length >> 1) },
        { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(args.length >> 1) },
        { type: 'response.function_call_arguments.done', ...at, name: item['name']!, arguments: args },
      )
    }
    events.push({ type: 'response.output_item.done', output_index: index, item })
  }
  events.push({ type: 'response.completed', response: responseOf(saying, items, 'completed') })
  return events.map((event, index) => `event: ${String(event['type'])}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`)
}

export function responsesScript(saying: Saying, stream: boolean): Answer {
  if (stream) return sseAnswer(responsesFrames(saying))
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(responseOf(saying, itemsOf(saying), 'completed')) }
}
