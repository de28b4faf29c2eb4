// The official `openai` package, unmodified, connected as docs/clients.md says: chat completions and responses. More of it is in test/e2e.
import { test } from 'node:test'
import OpenAI from 'openai'
import { pageOf } from '#test/client-docs.ts'
import { noteTool, pairsOf, readNote, startClientScene, type Task } from '#test/client-scene.ts'
import { testKey } from '#test/turnpike.ts'

test('openai through Turnpike', { timeout: 60_000 }, async (context) => {
  const scene = await startClientScene(context)
  const page = pageOf('openai', { url: scene.turnpike.url, key: testKey, model: '' })
  const client = new OpenAI({ baseURL: page.option('new OpenAI(', 'baseURL'), apiKey: page.option('new OpenAI(', 'apiKey') })
  const { name, description, schema } = noteTool

  async function chat({ prompt, model, note }: Task, stream: boolean): Promise<string> {
    const run = (args: string) => readNote(note, JSON.parse(args) as { file: string })
    const tool = { name, description, parameters: { ...schema, required: [...schema.required] }, function: run }
    const ask = { model, messages: [{ role: 'user' as const, content: prompt }], tools: [{ type: 'function' as const, function: tool }] }
    const { completions } = client.chat
    return (await (stream ? completions.runTools({ ...ask, stream: true }) : completions.runTools(ask)).finalContent()) ?? ''
  }

  async function responses({ prompt, model, note }: Task, stream: boolean): Promise<string> {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: prompt }]
    for (;;) {
      const tool = { type: 'function' as const, name, description, parameters: schema, strict: false }
      // What a stateless conversation asks for, and gives back.
      const ask = { model, input, tools: [tool], store: false, include: ['reasoning.encrypted_content' as const] }
      const answer = stream ? await client.responses.stream(ask).finalResponse() : await client.responses.create(ask)
      const calls = answer.output.flatMap((item) => (item.type === 'function_call' ? [item] : []))
      if (calls.length === 0) return answer.output_text
      input.push(...(answer.output as OpenAI.Responses.ResponseInputItem[]))
      for (const { call_id, arguments: args } of calls)
        input.push({ type: 'function_call_output', call_id, output: readNote(note, JSON.parse(args) as { file: string }) })
    }
  }

  for (const [wire, ask] of [
    ['openai-chat', chat],
    ['openai-responses', responses],
  ] as const) {
    // prettier-ignore
    for (const pair of pairsOf(wire)) {
      for (const stream of [false, true]) {
        await context.test(`${wire}, ${pair.provider} provider, ${stream ? 'streamed' : 'whole'}`, (context) =>
          scene.check(context, pair, { call: noteTool.call, turn: (task) => ask(task, stream) }),
        )
      }
    }
  }
})
