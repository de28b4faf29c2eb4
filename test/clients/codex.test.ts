// Codex, unmodified and headless, connected as docs/clients.md says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from '#test/client-docs.ts'
import { pairsOf, startClientScene } from '#test/client-scene.ts'
import { clientFile, createClientHome, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

const skip = await installClient('codex')

test('Codex through Turnpike', { skip, timeout: 300_000 }, async (context) => {
  const scene = await startClientScene(context)
  const client = await createClientHome(context)
  for (const pair of pairsOf('openai-responses')) {
    await context.test(`${pair.provider} provider`, (context) =>
      scene.check(context, pair, {
        call:
          ({ file }) =>
          (tools) =>
            tools.has('exec_command') ? { name: 'exec_command', args: { cmd: `cat ${file}` } } : undefined,
        async turn({ prompt, model, note }) {
          const page = pageOf('Codex', { url: scene.turnpike.url, key: testKey, model })
          client.write(`work/${note.file}`, note.text)
          client.write('.codex/config.toml', page.block('toml'))
          const { exitCode, stdout, stderr } = await client.run({
            file: clientFile('codex', '@openai', 'codex', 'bin', 'codex.js'),
            // Its sandbox needs rights that a container may not give.
            args: ['exec', '--skip-git-repo-check', '--sandbox', 'danger-full-access', prompt],
            env: page.env(),
          })
          assert.equal(exitCode, 0, stdout + stderr)
          return stdout
        },
      }),
    )
  }
})
