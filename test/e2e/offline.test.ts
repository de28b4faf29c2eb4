// A first run without any network: `unshare` takes it away, so nothing can have asked a name server or anyone else.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { besideProcess, skipWithoutNetworks, withoutNetwork } from '#test/namespaces.ts'
import { runCommand, scratchFolder, startCommand } from '#test/turnpike-process.ts'

const run = promisify(execFile)

test('with no key and no network: up, the printed curl as pasted, and the record of it', { skip: skipWithoutNetworks }, async (context) => {
  const home = scratchFolder(context)
  const up = startCommand(context, ['up', '--home', home, '--port', '0'], { through: withoutNetwork })
  await up.until('stdout', /^What happened: /m)
  const [command] = await up.until('stdout', /^curl [^]*?[^\\]$/m)
  const [inside = '', ...words] = besideProcess(up.child.pid!)

  assert.notEqual(readlinkSync(`/proc/${up.child.pid}/ns/net`), readlinkSync('/proc/self/ns/net'))
  const routes = await run(inside, [...words, 'ip', 'route', 'show', 'table', 'main'])
  assert.equal(routes.stdout, '', 'there is a way out')

  const pasted = await run(inside, [...words, 'bash', '-c', command])
  const answer = JSON.parse(pasted.stdout) as { choices: { message: { content: string } }[]; usage: { cost: number } }
  assert.equal(answer.choices[0]!.message.content, 'Hello!')
  assert.equal(answer.usage.cost, 0)

  const shown = await runCommand(context, ['requests', 'show', '--home', home], { through: [inside, ...words] })
  assert.equal(shown.stderr, '')
  assert.equal(shown.exitCode, 0)
  assert.match(shown.stdout, /^Served by sim\/echo on attempt 1/)

  up.child.kill('SIGTERM')
  const { exitCode, stdout, stderr } = await up.ended
  assert.equal(exitCode, 0)
  assert.doesNotMatch(stdout, /"level":"(?:warn|error|fatal)"/)
  assert.equal(stderr, 'SIGTERM: new requests are refused, running ones may finish. Once more to stop at once.\nStopped.\n')
})
