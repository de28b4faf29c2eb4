// Gemini CLI, unmodified and headless, connected as docs/clients.md says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from '#test/client-docs.ts'
import { pairsOf, startClientScene } from '#test/client-scene.ts'
import { clientFile, createClientHome, installClient } from '#test/npm-client.ts'
import { testKey } from '#test/turnpike.ts'

const skip = await installClient('gemini-cli')

test('Gemini CLI through Turnpike', { skip, timeout: 300_000 }, async (context) => {
  const scene = await startClientScene(context)
  const client = await createClientHome(context)
  for (const pair of pairsOf('gemini')) {
    await context.test(`${pair.provider} provider`, (context) =>
      scene.check(context, pair, {
        call:
          ({ file }) =>
          (tools) =>
            tools.has('read_file') ? { name: 'read_file', args: { file_path: file } } : undefined,
        async turn({ prompt, model, note }) {
          const page = pageOf('Gemini CLI', { url: scene.turnpike.url, key: testKey, model })
          client.write(`work/${note.file}`, note.text)
          client.write('.gemini/settings.json', page.block('json'))
          const { exitCode, stdout, stderr } = await client.run({
            file: clientFile('gemini-cli', '@google', 'gemini-cli', 'bundle', 'gemini.js'),
            args: ['--model', model, '--skip-trust', '-p', prompt],
            env: page.env(),
          })
          assert.equal(exitCode, 0, stdout + stderr)
          return stdout
        },
      }),
    )
  }
})
