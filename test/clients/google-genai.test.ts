// The official `@google/genai`, unmodified, connected as docs/clients.md says, calling functions by itself.
import { test } from 'node:test'
import type { JsonObject } from '#kernel'
import { pageOf } from '#test/client-docs.ts'
import { noteTool, pairsOf, readNote, startClientScene } from '#test/client-scene.ts'
import { importFrom, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

/** As much of the package as is used here. */
type Answer = { readonly text?: string; readonly candidates?: { content?: { parts?: { text?: string }[] } }[] }
type Client = {
  models: {
    generateContent(ask: Ask): Promise<Answer>
    generateContentStream(ask: Ask): Promise<AsyncIterable<Answer>>
  }
}
type Ask = { model: string; contents: string; config: { tools: CallableTool[] } }
type CallableTool = {
  tool(): Promise<JsonObject>
  callTool(calls: { id?: string; name: string; args: { file: string } }[]): Promise<unknown[]>
}
type Module = { GoogleGenAI: new (options: { apiKey: string; httpOptions: { baseUrl: string } }) => Client }

const skip = await installClient('google-genai')

test('@google/genai through Turnpike', { skip, timeout: 60_000 }, async (context) => {
  const scene = await startClientScene(context)
  const { GoogleGenAI } = await importFrom<Module>('google-genai', '@google/genai')
  const page = pageOf('@google/genai', { url: scene.turnpike.url, key: testKey, model: '' })
  const apiKey = page.option('new GoogleGenAI(', 'apiKey')
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: page.option('new GoogleGenAI(', 'baseUrl') } })
  for (const pair of pairsOf('gemini')) {
    for (const stream of [false, true]) {
      await context.test(`${pair.provider} provider, ${stream ? 'streamed' : 'whole'}`, (context) =>
        scene.check(context, pair, {
          call: noteTool.call,
          async turn({ prompt, model, note }) {
            const { name, description, schema } = noteTool
            const tool: CallableTool = {
              tool: async () => ({ functionDeclarations: [{ name, description, parametersJsonSchema: schema as unknown as JsonObject }] }),
              callTool: async (calls) =>
                calls.map(({ id, name, args }) => ({
                  functionResponse: { ...(id === undefined ? {} : { id }), name, response: { output: readNote(note, args) } },
                })),
            }
            const ask: Ask = { model, contents: prompt, config: { tools: [tool] } }
            if (!stream) return (await client.models.generateContent(ask)).text ?? ''
            let text = ''
            // Not `text`, which warns of the calls beside it.
            for await (const { candidates } of await client.models.generateContentStream(ask))
              for (const part of candidates?.[0]?.content?.parts ?? []) text += part.text ?? ''
            return text
          },
        }),
      )
    }
  }
})
