// The Vercel AI SDK, unmodified, with its providers for OpenAI, Anthropic and Google, connected as docs/clients.md says.
import { test } from 'node:test'
import type { ClientWire } from '#ir'
import { pageOf } from '#test/client-docs.ts'
import { noteTool, pairsOf, readNote, startClientScene, type Task } from '#test/client-scene.ts'
import { importFrom, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

/** As much of the package as is used here. */
type Ai = {
  generateText(options: AskOptions): Promise<{ text: string }>
  streamText(options: AskOptions): { textStream: AsyncIterable<string> }
  jsonSchema(schema: object): unknown
  tool(definition: { description: string; inputSchema: unknown; execute(args: { file: string }): string }): unknown
  isStepCount(count: number): unknown
}
type AskOptions = {
  model: unknown
  prompt: string
  tools: Record<string, unknown>
  stopWhen: unknown
  maxOutputTokens: number
  onError?: (event: { error: unknown }) => void
}
type Create = (options: { baseURL: string; apiKey: string }) => ((model: string) => unknown) & { chat(model: string): unknown }

const skip = await installClient('ai-sdk')

const modules = [
  { client: 'openai-chat', module: '@ai-sdk/openai', create: 'createOpenAI', chat: true },
  { client: 'openai-responses', module: '@ai-sdk/openai', create: 'createOpenAI', chat: false },
  { client: 'anthropic-messages', module: '@ai-sdk/anthropic', create: 'createAnthropic', chat: false },
  { client: 'gemini', module: '@ai-sdk/google', create: 'createGoogleGenerativeAI', chat: false },
] as const satisfies readonly { client: ClientWire; module: string; create: string; chat: boolean }[]

test('the AI SDK through Turnpike', { skip, timeout: 120_000 }, async (context) => {
  const scene = await startClientScene(context)
  const ai = await importFrom<Ai>('ai-sdk', 'ai')
  for (const { client, module, create, chat } of modules) {
    const { [create]: createProvider } = await importFrom<Record<typeof create, Create>>('ai-sdk', module)
    for (const pair of pairsOf(client)) {
      for (const stream of [false, true]) {
        await context.test(`${module}, ${client}, ${pair.provider} provider, ${stream ? 'streamed' : 'whole'}`, (context) =>
          scene.check(context, pair, {
            call: noteTool.call,
            async turn({ prompt, model, note }: Task) {
              const page = pageOf('Vercel AI SDK', { url: scene.turnpike.url, key: testKey, model })
              const [baseURL, apiKey] = [page.option(`${create}(`, 'baseURL'), page.option(`${create}(`, 'apiKey')]
              const provider = createProvider({ baseURL, apiKey })
              const failures: unknown[] = []
              const ask: AskOptions = {
                model: chat ? provider.chat(model) : provider(model),
                prompt,
                tools: {
                  [noteTool.name]: ai.tool({
                    description: noteTool.description,
                    inputSchema: ai.jsonSchema(noteTool.schema),
                    execute: (args) => readNote(note, args),
                  }),
                },
                stopWhen: ai.isStepCount(3),
                maxOutputTokens: 1000,
              }
              if (!stream) return (await ai.generateText(ask)).text
              let text = ''
              for await (const piece of ai.streamText({ ...ask, onError: ({ error }) => void failures.push(error) }).textStream)
                text += piece
              if (failures.length > 0) throw new AggregateError(failures)
              return text
            },
          }),
        )
      }
    }
  }
})
