// What `doctor` says of an instance that does not answer: one that hangs is another matter than one that was killed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { readSettings } from '#config'
import { instanceChecks } from './doctor-machine.ts'
import { writeInstanceNote } from './instance.ts'

test('an instance that hangs is told from one that was killed, and ended before another is started', async (context) => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'turnpike-doctor-'))
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    silent.close()
    rmSync(home, { recursive: true, force: true })
  })
  const { port } = silent.address() as AddressInfo
  const settings = readSettings({ env: { TURNPIKE_HOME: home, TURNPIKE_PORT: String(port) } })
  const checks = (): ReturnType<typeof instanceChecks> => instanceChecks(settings, '1.2.3', (words) => `turnpike ${words}`)

  await writeInstanceNote(home, { url: `http://127.0.0.1:${port}`, pid: process.pid, version: '1.2.3' })
  const [hung, ...more] = await checks()
  assert.equal(hung?.state, 'fail')
  assert.match(hung.message, new RegExp(`^Process ${process.pid} .* nothing answers there: it hangs`))
  assert.match(hung.fix ?? '', new RegExp(`^kill -KILL ${process.pid}, .*; then turnpike up`))
  assert.deepEqual(more, [], 'its port is its own')

  // Above the largest number that Linux gives a process.
  await writeInstanceNote(home, { url: `http://127.0.0.1:${port}`, pid: 2 ** 22 + 1, version: '1.2.3' })
  const names = (await checks()).map(({ name, message }) => `${name}: ${message}`)
  assert.match(names[0]!, /ended without its goodbye/)
  assert.match(names[1]!, /is taken by another program/)
})
