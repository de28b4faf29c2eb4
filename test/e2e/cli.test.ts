// The command line against a real gateway in a process of its own, answered by the simulator.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { runCommand, scratchFolder, startCommand, startGateway, type Ready } from '#test/turnpike-process.ts'

const entry = path.resolve(import.meta.dirname, '..', '..', 'src', 'cli', 'turnpike.ts')

function ask({ url, gateway_key }: Ready, model: string, content: string, more: object = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content }], ...more }),
  })
}

test('from nothing: up prints a curl that is answered when pasted, and show tells what happened', async (context) => {
  const home = scratchFolder(context)
  const up = startCommand(context, ['up', '--home', home, '--port', '0'])
  await up.until('stdout', /What happened: +npm run -s turnpike -- requests list --home/)
  const [command] = await up.until('stdout', /^curl [^]*?[^\\]$/m)
  const pasted = await promisify(execFile)('sh', ['-c', command])
  assert.equal((JSON.parse(pasted.stdout) as { choices: { message: { content: string } }[] }).choices[0]!.message.content, 'Hello!')

  const shown = await runCommand(context, ['requests', 'show', '--home', home])
  assert.equal(shown.stderr, '')
  assert.equal(shown.exitCode, 0)
  assert.match(shown.stdout, /^Served by sim\/echo on attempt 1\. \$0, \d/)
  assert.match(shown.stdout, /^asked +sim\/echo/m)
})

test('what was asked is listed, shown and its bodies returned byte for byte', async (context) => {
  const home = scratchFolder(context)
  const { ready } = await startGateway(context, home)
  assert.equal(ready.example_model, 'sim/echo')
  assert.equal((await ask(ready, 'sim/echo', 'one two three')).status, 200)
  const failed = await ask(ready, 'sim/status-500', 'x')
  const failedId = failed.headers.get('x-turnpike-request-id')!
  await failed.text()

  const listed = await runCommand(context, ['requests', 'list', '--home', home, '--json'])
  assert.equal(listed.exitCode, 0, listed.stderr)
  const { data } = JSON.parse(listed.stdout) as { data: { id: string; outcome: string; model: { asked: string } }[] }
  assert.deepEqual(data.map(({ outcome, model }) => [outcome, model.asked]), [['upstream_error', 'sim/status-500'], ['ok', 'sim/echo']]) // prettier-ignore
  assert.equal(data[0]!.id, failedId)

  const table = await runCommand(context, ['requests', 'list', '--home', home, '--outcome', 'ok', '--since', '1h', '--model', 'sim/echo'])
  assert.equal(table.stdout.trimEnd().split('\n').length, 2, table.stdout)
  assert.equal(table.stdout.includes('\u001b'), false, 'no colours in a pipe')

  const story = await runCommand(context, ['requests', 'show', failedId.slice(0, 20), '--home', home])
  assert.match(story.stdout, /^Failed after 1 attempt \(all_targets_failed, status 503/, story.stderr)

  const okId = data[1]!.id
  const body = await runCommand(context, ['requests', 'show', okId, '--home', home, '--payload', 'request'])
  assert.equal(body.stdout, JSON.stringify({ model: 'sim/echo', messages: [{ role: 'user', content: 'one two three' }] }))
  const answer = await runCommand(context, ['requests', 'show', okId, '--home', home, '--payload', 'response'])
  assert.match(answer.stdout, /one two three/)
})

test('tail prints requests as they end, and goes on when the gateway is restarted on another port', async (context) => {
  const home = scratchFolder(context)
  const first = await startGateway(context, home)
  await (await ask(first.ready, 'sim/echo', 'before')).text()
  const tail = startCommand(context, ['requests', 'tail', '--home', home, '--json', '-n', '5'])
  await tail.until('stdout', /"asked":"sim\/echo"/)
  await (await ask(first.ready, 'sim/status-418', 'while')).text()
  await tail.until('stdout', /"asked":"sim\/status-418"/)

  first.child.kill('SIGTERM')
  assert.equal((await first.ended).exitCode, 0)
  await tail.until('stderr', /has stopped; waiting/)
  const second = await startGateway(context, home)
  assert.equal(second.ready.gateway_key, undefined, 'a later start shows no key')
  await (await ask({ ...second.ready, gateway_key: first.ready.gateway_key! }, 'sim/status-451', 'after')).text()
  await tail.until('stdout', /"asked":"sim\/status-451"/)
  await tail.until('stderr', /turnpike is back/)

  tail.child.kill('SIGINT')
  const { stdout } = await tail.ended
  for (const model of ['sim/echo', 'sim/status-418', 'sim/status-451'])
    assert.equal(stdout.split(`"asked":"${model}"`).length, 2, `${model} once`)
})

test('the first signal lets a running stream finish and refuses what is new; then it exits with 0', async (context) => {
  const home = scratchFolder(context)
  const gateway = await startGateway(context, home)
  const { ready, child, ended } = gateway
  const running = await ask(ready, 'sim/slow', 'a b c d e', { stream: true })
  child.kill('SIGTERM')
  await gateway.until('stderr', /SIGTERM: new requests are refused, running ones may finish/)
  const refused = await ask(ready, 'sim/echo', 'x').then(
    (answer) => answer.status,
    () => 'refused',
  )
  assert.ok(refused === 503 || refused === 'refused', String(refused))
  assert.match(await running.text(), /data: \[DONE\]/)
  assert.equal((await ended).exitCode, 0)
  assert.equal(existsSync(path.join(home, 'instance.json')), false)
})

test('a second signal stops at once, and the next start has the record of what was cut', async (context) => {
  const home = scratchFolder(context)
  const first = await startGateway(context, home)
  const stalled = ask(first.ready, 'sim/slow', 'a b c d e f g h i j k l m n o p q r s t u v w x y z', { stream: true }).then((answer) =>
    answer.text(),
  )
  const failed = assert.rejects(stalled)
  const id = await new Promise<string>((resolve, reject) => {
    ask(first.ready, 'sim/slow', 'one two three four five six seven eight nine ten', { stream: true }).then(async (answer) => {
      resolve(answer.headers.get('x-turnpike-request-id')!)
      await answer.text().catch(() => {})
    }, reject)
  })
  first.child.kill('SIGINT')
  await first.until('stderr', /SIGINT: new requests are refused/)
  first.child.kill('SIGTERM')
  const { exitCode, stderr } = await first.ended
  assert.equal(exitCode, 143)
  assert.match(stderr, /Stopped at once by a second signal \(SIGTERM\)/)
  await failed

  await startGateway(context, home)
  const shown = await runCommand(context, ['requests', 'show', id, '--home', home])
  assert.match(shown.stdout, /^Interrupted while sim\/slow answered/, shown.stderr)
})

test('a second process on the same home is refused in one sentence', async (context) => {
  const home = scratchFolder(context)
  const { child } = await startGateway(context, home)
  const second = await runCommand(context, ['up', '--home', home, '--port', '0'])
  assert.equal(second.exitCode, 1)
  assert.match(
    second.stderr,
    new RegExp(`^turnpike: The home .* is in use by another Turnpike process \\(pid ${child.pid}\\)\\.[^\\n]*\\n$`),
  )
})

test('a taken port is named, with who holds it and how to choose another', async (context) => {
  const { ready } = await startGateway(context, scratchFolder(context))
  const { port } = new URL(ready.url)
  const second = await runCommand(context, ['up', '--home', scratchFolder(context), '--port', port])
  assert.equal(second.exitCode, 1)
  assert.match(
    second.stderr,
    new RegExp(
      `^turnpike: Port ${port} of 127\\.0\\.0\\.1 is taken by another turnpike\\b.* turnpike -- up --home \\S+ --port ${Number(port) + 1}\\n$`,
    ),
  )

  const other = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(other, 'listening')
  context.after(() => other.close())
  const taken = (other.address() as AddressInfo).port
  const third = await runCommand(context, ['up', '--home', scratchFolder(context)], { env: { TURNPIKE_PORT: String(taken) } })
  assert.match(third.stderr, new RegExp(`^turnpike: Port ${taken} of 127\\.0\\.0\\.1 is taken by another program\\.`))
})

test('wrong settings and unusable homes stop the start with one sentence that names them', async (context) => {
  const folder = scratchFolder(context)
  writeFileSync(path.join(folder, 'file'), '')
  writeFileSync(path.join(folder, 'bad.yaml'), 'provders: {}\n')
  const home = path.join(folder, 'home')
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['--home', home], { TURNPIKE_PRT: '1' }, /TURNPIKE_PRT is not a setting.*TURNPIKE_PORT/],
    [['--home', home, '--port', 'http'], {}, /--port is "http"/],
    [['--home', home], { TURNPIKE_ADMIN_TOKEN: 'short' }, /TURNPIKE_ADMIN_TOKEN has 5 characters/],
    [['--home', home, '--config', path.join(folder, 'bad.yaml')], {}, /bad\.yaml.*provders.*providers/],
    [['--home', path.join(folder, 'file', 'home')], {}, /home .*file, not a directory/],
    [['--home', home, '--host', '203.0.113.7', '--port', '0'], {}, /no address 203\.0\.113\.7/],
  ]
  for (const [args, env, message] of cases) {
    const { exitCode, stdout, stderr } = await runCommand(context, ['up', ...args], { env })
    assert.equal(exitCode, stderr.startsWith('turnpike: --') ? 2 : 1, stderr)
    assert.match(stderr, message)
    assert.equal(stderr.trimEnd().includes('\n'), false, stderr)
    assert.equal(stdout, '')
  }
})

test('the gateway key that a client has in OPENAI_API_KEY makes no provider, and that is said', async (context) => {
  const env = { OPENAI_API_KEY: `tp-${'x'.repeat(43)}` }
  const { ready, until } = await startGateway(context, scratchFolder(context), [], { env })
  assert.deepEqual(
    ready.providers.map(({ slug }) => slug),
    ['sim'],
  )
  await until('stderr', /^OPENAI_API_KEY holds a key of Turnpike, which is for its clients: no provider is made of it\.$/m)
})

test('what ends `npm start` reaches the gateway, which stops in good order and leaves nothing behind', async (context) => {
  const root = path.resolve(import.meta.dirname, '..', '..')
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  // As npm runs it, and passes signals on: to the shell.
  const shell = spawn('sh', ['-c', scripts.start], {
    cwd: root,
    env: { PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`, TURNPIKE_HOME: scratchFolder(context), TURNPIKE_PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
    // A group of its own, so that nothing of it outlives the test.
    detached: true,
  })
  const ended = once(shell, 'exit')
  context.after(() => {
    try {
      process.kill(-shell.pid!, 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  })
  for await (const text of shell.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false }))
    if (String(text).includes('What happened')) break
  shell.kill('SIGTERM')
  shell.stdout.resume()
  assert.deepEqual(await ended, [0, null])
})

test('without a running gateway the commands that wait for it say so and how to start one', async (context) => {
  const home = scratchFolder(context)
  const never = await runCommand(context, ['requests', 'list', '--home', home])
  assert.equal(never.exitCode, 1)
  assert.equal(
    never.stderr,
    `turnpike: No turnpike has been started with the home ${home} yet. Start it with: npm run -s turnpike -- up --home ${home}\n`,
  )

  const gateway = await startGateway(context, home)
  gateway.child.kill('SIGKILL')
  await gateway.ended
  const killed = await runCommand(context, ['requests', 'tail', '--home', home])
  assert.equal(killed.exitCode, 1)
  assert.match(killed.stderr, /^turnpike: No turnpike answers at http:.*ECONNREFUSED.*Start it with: npm run -s turnpike -- up --home/)
})

test('the home and its secrets are for their owner alone, and the key is shown once', async (context) => {
  const home = path.join(scratchFolder(context), 'home')
  const { ready, child, ended } = await startGateway(context, home)
  assert.equal(statSync(home).mode & 0o777, 0o700)
  for (const file of ['admin-token', 'instance.json']) assert.equal(statSync(path.join(home, file)).mode & 0o777, 0o600, file)
  assert.equal(readFileSync(path.join(home, 'instance.json'), 'utf8').includes(ready.gateway_key!), false)
  child.kill('SIGTERM')
  await ended
})

test('an old Node is refused in one sentence, before anything that it could not parse', async (context) => {
  const script = path.join(scratchFolder(context), 'turnpike.mjs')
  writeFileSync(script, stripTypeScriptTypes(readFileSync(entry, 'utf8')))
  const pretend = "data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})"
  const failure = await promisify(execFile)(process.execPath, ['--import', pretend, script, 'up']).then(
    () => assert.fail('it started'),
    (error: { code: number; stderr: string }) => error,
  )
  assert.equal(failure.code, 1)
  assert.equal(
    failure.stderr,
    'turnpike needs Node 24.16 or newer and this is Node 20.20.2; install a newer one from https://nodejs.org.\n',
  )
})

test('a reader that leaves early is no failure', async () => {
  const piped = await promisify(execFile)('sh', ['-c', '"$0" "$1" --help | head -n 1; echo "${PIPESTATUS:-0}"', process.execPath, entry])
  assert.match(piped.stdout, /^Usage: turnpike/)
  assert.equal(piped.stderr, '')
})
