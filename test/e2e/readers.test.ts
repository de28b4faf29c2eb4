// A gateway goes on when nobody reads any more what it prints; a command says that its answer could not be written.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { runCommand, scratchFolder, startGateway } from '#test/turnpike-process.ts'

const reload = /turnpike\.yaml/

test('the readers of the greeting and of the log leave: requests are answered as before, and it stops in good order', async (context) => {
  const gateway = await startGateway(context, scratchFolder(context))
  const { child, ready } = gateway
  child.kill('SIGHUP')
  await gateway.until('stderr', reload)
  child.stdout!.destroy()
  child.stderr!.destroy()
  // Each writes a line to the log.
  for (let line = 0; line < 3; line++) {
    child.kill('SIGHUP')
    assert.equal((await fetch(`${ready.url}/healthz`)).status, 200)
  }
  const answer = await fetch(`${ready.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ready.gateway_key}` },
    body: JSON.stringify({ model: 'sim/echo', messages: [{ role: 'user', content: 'still there?' }] }),
  })
  assert.equal(answer.status, 200)
  child.kill('SIGTERM')
  assert.equal((await gateway.ended).exitCode, 0)
})

test('a log on a full disk stops nothing', { skip: !existsSync('/dev/full') }, async (context) => {
  const through = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh']
  const { child, ended, ready } = await startGateway(context, scratchFolder(context), [], { through })
  for (let line = 0; line < 3; line++) {
    child.kill('SIGHUP')
    assert.equal((await fetch(`${ready.url}/readyz`)).status, 200)
  }
  child.kill('SIGTERM')
  assert.equal((await ended).exitCode, 0)
})

test('an answer that cannot be written is a failure with a sentence', { skip: !existsSync('/dev/full') }, async (context) => {
  const through = ['sh', '-c', 'exec "$@" >/dev/full', 'sh']
  const { exitCode, stderr } = await runCommand(context, ['providers', 'vendors'], { through })
  assert.equal(stderr, 'turnpike: The output cannot be written: the disk is full.\n')
  assert.equal(exitCode, 1)
})
