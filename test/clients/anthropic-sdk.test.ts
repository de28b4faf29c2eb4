// The official `@anthropic-ai/sdk`, unmodified, connected as docs/clients.md says. More of it is in test/e2e.
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { pageOf } from '#test/client-docs.ts'
import { noteTool, pairsOf, readNote, startClientScene } from '#test/client-scene.ts'
import { testKey } from '#test/turnpike.ts'

test('@anthropic-ai/sdk through Turnpike', { timeout: 60_000 }, async (context) => {
  const scene = await startClientScene(context)
  const page = pageOf('@anthropic-ai/sdk', { url: scene.turnpike.url, key: testKey, model: '' })
  const client = new Anthropic({ baseURL: page.option('new Anthropic(', 'baseURL'), apiKey: page.option('new Anthropic(', 'apiKey') })
  for (const pair of pairsOf('anthropic-messages')) {
    for (const stream of [false, true]) {
      await context.test(`${pair.provider} provider, ${stream ? 'streamed' : 'whole'}`, (context) =>
        scene.check(context, pair, {
          call: noteTool.call,
          // It asks the provider to keep the conversation, and goes on without when that cannot be.
          ...(pair.provider === pair.client ? {} : { refused: { count: 1, code: 'invalid_request' } }),
          async turn({ prompt, model, note }) {
            const { name, description, schema: inputSchema } = noteTool
            const tool = betaTool({ name, description, inputSchema, run: (args) => readNote(note, args) })
            const last = await client.beta.messages.toolRunner({
              model,
              max_tokens: 1000,
              messages: [{ role: 'user', content: prompt }],
              tools: [tool],
              stream,
            })
            return last.content.map((block) => (block.type === 'text' ? block.text : '')).join('')
          },
        }),
      )
    }
  }
})
