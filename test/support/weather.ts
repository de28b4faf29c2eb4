// A provider that asks for the weather in two cities at once, and answers once it has both results: a tool round trip, whatever the wires.
import type { JsonObject } from '#kernel'
import { wireScripts, type Saying, type ScriptedToolCall, type ScriptedWire } from './scripts.ts'
import type { Received, ScriptedUpstream } from './upstream.ts'

export const weatherSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const

export const weatherCalls: readonly ScriptedToolCall[] = [
  { id: 'call_paris1', name: 'weather', args: { city: 'Paris' } },
  { id: 'call_rome22', name: 'weather', args: { city: 'Rome' } },
]

export function weatherIn(city: string): string {
  return `${city}: ${city === 'Paris' ? 21 : 24} degrees`
}

/** What the second request must bring. */
export const weatherResults = weatherCalls.map(({ id, args }) => [id, weatherIn(args['city'] as string)])

export function askForWeather(upstream: ScriptedUpstream, provider: ScriptedWire, stream: boolean): void {
  const script = wireScripts[provider]
  upstream.route(script.path, (request) => {
    const saying: Saying = resultsIn(request).length > 0 ? { text: ['Warm ', 'in both.'] } : { toolCalls: weatherCalls }
    return stream ? script.sse(saying) : script.json(saying)
  })
}

/** Tool results in a request, by call id. */
export function resultsIn(request: Received): (readonly [id: unknown, content: string])[] {
  const { messages } = request.json<{ messages: JsonObject[] }>()
  return messages.flatMap((message) => {
    if (message['role'] === 'tool') return [[message['tool_call_id'], textOf(message['content'])] as const]
    const blocks = Array.isArray(message['content']) ? (message['content'] as JsonObject[]) : []
    return blocks.flatMap((block) => (block['type'] === 'tool_result' ? [[block['tool_use_id'], textOf(block['content'])] as const] : []))
  })
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : (content as { text: string }[]).map(({ text }) => text).join('')
}
