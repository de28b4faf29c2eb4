// One process per home, whoever dies how.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { lockHome } from './home-lock.ts'

function temporary(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'turnpike-lock-'))
  t.after(() => rmSync(home, { recursive: true }))
  return home
}

test('a second process on the same home is refused by name and pid, until the first one dies, however it dies', async (t) => {
  const home = temporary(t)
  const program = `import { lockHome } from ${JSON.stringify(new URL('./home-lock.ts', import.meta.url).href)}
    lockHome(${JSON.stringify(home)}); console.log('locked'); setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  assert.throws(
    () => lockHome(home),
    (error: Error) => error.message.includes(home) && error.message.includes(`pid ${child.pid}`),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = lockHome(home)
  assert.ok(existsSync(join(home, 'lock.pid')))
  lock.release()
  assert.ok(!existsSync(join(home, 'lock.pid')))
})

test('one process cannot hold a home twice, and may take it again after releasing it', (t) => {
  const home = temporary(t)
  const lock = lockHome(home)
  assert.throws(() => lockHome(home), /in use by another Turnpike process/)
  lock.release()
  lock.release()
  lockHome(home).release()
})

test('a home that is not there is an error that names it', () => {
  assert.throws(() => lockHome('/nonexistent/home'), /The home \/nonexistent\/home cannot be locked/)
})
