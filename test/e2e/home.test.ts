// Homes and declarations that cannot be used, and a home that goes away under a running gateway.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { spawnSync } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import { runCommand, scratchFolder, startGateway } from '#test/turnpike-process.ts'

// Root may write anywhere: it becomes nobody for these.
const isRoot = process.getuid?.() === 0
const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
const look = `require('fs').accessSync(${JSON.stringify(import.meta.filename)})`
const cannot = isRoot && spawnSync('setpriv', [...asNobody, process.execPath, '--eval', look]).status !== 0
const skip = cannot ? 'root cannot become another user here, or that one may not read this clone' : false
const through = isRoot ? ['setpriv', ...asNobody] : []

async function refusal(context: TestContext, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(context, ['up', '--port', '0', ...args], { through })
  assert.equal(exitCode, 1, stdout + stderr)
  assert.equal(stdout, '')
  assert.match(stderr, /^turnpike: [^\n]+\n$/, 'one sentence')
  return stderr
}

test('a home that this user may not write in, or not even make, is named with what to do', { skip }, async (context) => {
  const folder = scratchFolder(context)
  chmodSync(folder, 0o755)
  const readOnly = path.join(folder, 'read-only')
  mkdirSync(readOnly)
  chmodSync(readOnly, 0o555)
  for (const home of [readOnly, path.join(readOnly, 'inside')]) {
    const sentence = await refusal(context, ['--home', home])
    assert.ok(sentence.includes(home), sentence)
    assert.match(sentence, /permi|writable|may not write/, sentence)
  }
})

test('a home that is a file is named', async (context) => {
  const file = path.join(scratchFolder(context), 'file')
  writeFileSync(file, '')
  chmodSync(path.dirname(file), 0o755)
  assert.match(await refusal(context, ['--home', file]), /file is in its place|not a directory/)
})

test('a declaration that cannot be read, or is not what it must be, is named', { skip }, async (context) => {
  const folder = scratchFolder(context)
  chmodSync(folder, 0o777)
  const home = path.join(folder, 'home')
  const secret = path.join(folder, 'secret.yaml')
  writeFileSync(secret, 'providers: {}\n')
  chmodSync(secret, 0)
  const cases: [file: string, content: string | undefined, says: RegExp][] = [
    [secret, undefined, /secret\.yaml.*(permi|may not|read)/],
    [path.join(folder, 'missing.yaml'), undefined, /missing\.yaml.*(no such|not there|does not exist|missing)/i],
    [folder, undefined, /directory|folder/],
    [path.join(folder, 'broken.yaml'), 'providers: {\n', /broken\.yaml/],
    [path.join(folder, 'list.yaml'), '- a\n- b\n', /list\.yaml/],
    [path.join(folder, 'variable.yaml'), 'keys: [{name: k, env: NOT_SET_ANYWHERE}]\n', /NOT_SET_ANYWHERE/],
  ]
  for (const [file, content, says] of cases) {
    if (content !== undefined) writeFileSync(file, content)
    assert.match(await refusal(context, ['--home', home, '--config', file]), says, file)
  }
})

test('a home that is removed under a running gateway: requests are answered, trouble is logged, and it stops in good order', async (context) => {
  const home = path.join(scratchFolder(context), 'home')
  const { ready, child, until, ended } = await startGateway(context, home)
  const ask = async (): Promise<number> => {
    const response = await fetch(`${ready.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ready.gateway_key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sim/echo', messages: [{ role: 'user', content: 'x' }] }),
    })
    await response.text()
    return response.status
  }
  assert.equal(await ask(), 200)
  rmSync(home, { recursive: true })
  for (let n = 0; n < 20; n++) assert.equal(await ask(), 200)
  await until('stderr', /"level":"error"[^\n]*has been removed/)
  child.kill('SIGTERM')
  assert.equal((await ended).exitCode, 0)
})
