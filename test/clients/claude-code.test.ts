// Claude Code, unmodified and headless, connected as docs/clients.md says.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { pageOf } from '#test/client-docs.ts'
import { pairsOf, startClientScene } from '#test/client-scene.ts'
import { clientFile, createClientHome, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

const skip = await installClient('claude-code')

test('Claude Code through Turnpike', { skip, timeout: 300_000 }, async (context) => {
  const scene = await startClientScene(context)
  const client = await createClientHome(context)
  for (const pair of pairsOf('anthropic-messages')) {
    await context.test(`${pair.provider} provider`, (context) =>
      scene.check(context, pair, {
        call:
          ({ file }) =>
          (tools) =>
            tools.has('Read') ? { name: 'Read', args: { file_path: path.join(client.work, file) } } : undefined,
        async turn({ prompt, model, note }) {
          client.write(`work/${note.file}`, note.text)
          const { exitCode, stdout, stderr } = await client.run({
            // What its install script would put in place of this.
            file: clientFile('claude-code', '@anthropic-ai', 'claude-code', 'cli-wrapper.cjs'),
            args: ['-p', prompt, '--allowedTools', 'Read'],
            env: pageOf('Claude Code', { url: scene.turnpike.url, key: testKey, model }).env(),
          })
          assert.equal(exitCode, 0, stdout + stderr)
          return stdout
        },
      }),
    )
  }
})
