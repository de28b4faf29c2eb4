// opencode, unmodified and headless, connected as docs/clients.md says, with each API that it can use.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { ClientWire } from '#ir'
import { pageOf } from '#test/client-docs.ts'
import { pairsOf, startClientScene } from '#test/client-scene.ts'
import { clientFile, createClientHome, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

const skip = await installClient('opencode', (folder) =>
  // Its install script: puts the program for this processor into place.
  promisify(execFile)(process.execPath, [path.join(folder, 'node_modules', 'opencode-ai', 'postinstall.mjs')]),
)

const wireOf: ReadonlyMap<string, ClientWire> = new Map([
  ['@ai-sdk/openai-compatible', 'openai-chat'],
  ['@ai-sdk/anthropic', 'anthropic-messages'],
  ['@ai-sdk/openai', 'openai-responses'],
  ['@ai-sdk/google', 'gemini'],
])

test('opencode through Turnpike', { skip, timeout: 540_000 }, async (context) => {
  const scene = await startClientScene(context)
  const client = await createClientHome(context)
  const pageWith = (model: string) => pageOf('opencode', { url: scene.turnpike.url, key: testKey, model })
  for (const [npm = '', , baseURL] of pageWith('').rows()) {
    // Each turn takes seconds: one translation will do.
    for (const pair of pairsOf(wireOf.get(npm)!).slice(0, 2)) {
      await context.test(`${npm}, ${pair.provider} provider`, (context) =>
        scene.check(context, pair, {
          call:
            ({ file }) =>
            (tools) =>
              tools.has('read') ? { name: 'read', args: { filePath: path.join(client.work, file) } } : undefined,
          async turn({ prompt, model, note }) {
            const page = pageWith(model)
            client.write(`work/${note.file}`, note.text)
            const config = JSON.parse(page.block('json')) as { provider: { turnpike: { npm: string; options: { baseURL?: string } } } }
            config.provider.turnpike.npm = npm
            config.provider.turnpike.options.baseURL = baseURL!
            client.write('work/opencode.json', JSON.stringify(config))
            const { exitCode, stdout, stderr } = await client.run({
              file: clientFile('opencode', 'opencode-ai', 'bin', 'opencode.exe'),
              args: ['run', prompt],
              env: page.env(),
            })
            assert.equal(exitCode, 0, stdout + stderr)
            return stdout
          },
        }),
      )
    }
  }
})
