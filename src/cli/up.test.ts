// What `turnpike up` prints, and why it did not start; the gateway itself is elsewhere.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { greetingJson, greetingLines, type Started } from './greeting.ts'
import { readInstanceNote, removeInstanceNote, writeInstanceNote } from './instance.ts'
import { runCli, type CliRun } from './fakes.test.ts'
import type { StartGateway } from './up.ts'

const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-up-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const started: Started = {
  url: 'http://127.0.0.1:8640',
  home: '/home/me/.turnpike',
  version: '1.2.3',
  firstKey: 'tp-secret',
  providers: [
    { slug: 'openai', source: 'key: OPENAI_API_KEY', simulated: false },
    { slug: 'sim', source: 'the simulator', simulated: true },
  ],
  exampleModel: "sim/it's",
  typed: (words: string) => `turnpike ${words} --home here`,
}
const bare = (text: string): string => text

test('the greeting names the address, each provider with its source, the key, and how OpenClaw is connected', () => {
  const text = greetingLines(started, bare).join('\n')
  assert.match(text, /listening on http:\/\/127\.0\.0\.1:8640$/m)
  assert.match(text, /^ {2}openai {2}key: OPENAI_API_KEY$/m)
  assert.match(text, /^Gateway key: tp-secret$/m)
  assert.match(text, /^Connect OpenClaw: turnpike openclaw setup --home here$/m)
  assert.doesNotMatch(text, /providers add/)
  assert.match(text, /^What happened: +turnpike requests list --home here$/m)
  assert.match(text, /^Home: \/home\/me\/\.turnpike$/m)
})

test('the curl works as pasted into a shell: it reaches the address with the key and valid JSON', async (context) => {
  let seen: { authorization?: string | undefined; body?: string; path?: string | undefined } = {}
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      seen = { authorization: request.headers.authorization, body, path: request.url }
      response.end('{}')
    })
  })
  const port = await listen(server)
  context.after(() => server.close())
  const text = greetingLines({ ...started, url: `http://127.0.0.1:${port}` }, bare).join('\n')
  const command = /^curl [^]*?[^\\]$/m.exec(text)![0]
  await promisify(execFile)('sh', ['-c', command], { timeout: 10_000 })
  assert.equal(seen.path, '/v1/chat/completions')
  assert.equal(seen.authorization, 'Bearer tp-secret')
  assert.deepEqual(JSON.parse(seen.body!), { model: "sim/it's", messages: [{ role: 'user', content: 'Hello!' }] })
})

test('a later start shows no key, and says where it comes from', () => {
  const text = greetingLines({ ...started, firstKey: undefined }, bare).join('\n')
  assert.doesNotMatch(text, /tp-secret/)
  assert.match(text, /the one that the first start printed/)
  assert.match(text, /Bearer \$GATEWAY_KEY"/)
  assert.equal('gateway_key' in JSON.parse(greetingJson({ ...started, firstKey: undefined })), false)
})

test('with nothing but the simulator it says how to add a real one', () => {
  const text = greetingLines({ ...started, providers: started.providers.slice(1) }, bare).join('\n')
  assert.match(text, /^Add a real one: turnpike providers add --home here$/m)
})

test('without any provider it says how to get one', () => {
  const text = greetingLines({ ...started, providers: [], exampleModel: undefined }, bare).join('\n')
  assert.match(text, /^No provider is configured\. Add one: turnpike providers add --home here; or set a key such as OPENAI_API_KEY/m)
  assert.match(text, /\/v1\/models/)
})

test('--json tells a program all of it in one line', () => {
  const line = greetingJson(started)
  assert.equal(line.includes('\n'), false)
  assert.deepEqual(JSON.parse(line), {
    ready: true,
    url: started.url,
    home: started.home,
    version: '1.2.3',
    providers: started.providers.map(({ slug, source }) => ({ slug, source })),
    gateway_key: 'tp-secret',
    example_model: "sim/it's",
  })
})

test('a taken port says which, by whom, and how to choose another', async () => {
  const turnpike = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end('{"name":"turnpike","version":"0.9.0"}'),
  )
  const other = createServer((_request, response) => response.end('hello'))
  const silent = createServer(() => {})
  const cases: [Server, RegExp][] = [
    [turnpike, /is taken by another turnpike \(0\.9\.0\)/],
    [other, /is taken by another program/],
    [silent, /is taken by another program/],
  ]
  for (const [server, message] of cases) {
    const port = await listen(server)
    const start: StartGateway = async () => {
      const error = Object.assign(new Error('listen'), { code: 'EADDRINUSE' })
      throw new Error('The gateway could not listen.', { cause: error })
    }
    const { exitCode, remarks } = await up(['--port', String(port)], start)
    server.close()
    server.closeAllConnections()
    assert.equal(exitCode, 1)
    assert.match(remarks, message)
    assert.match(remarks, new RegExp(`^turnpike: Port ${port} of 127\\.0\\.0\\.1 .* turnpike up --home \\S+ --port ${port + 1}$`))
  }
})

test('what the system refuses is said in a sentence that names the remedy', async () => {
  const cases: [string, string[], RegExp][] = [
    ['EADDRNOTAVAIL', ['--host', '203.0.113.7'], /no address 203\.0\.113\.7 to listen on/],
    ['EACCES', ['--port', '80'], /may not listen on port 80/],
    ['EROFS', [], /may not write \S+home; make all of the home/],
    ['ENOSPC', [], /disk of the home .* is full/],
  ]
  for (const [code, args, message] of cases) {
    const start: StartGateway = async () => {
      throw Object.assign(new Error(code), { code })
    }
    const { exitCode, remarks } = await up(args, start)
    assert.equal(exitCode, 1)
    assert.match(remarks, message)
    assert.equal(remarks.includes('\n'), false)
  }
})

test('a wrong option ends before anything starts, in one sentence', async () => {
  const cases: [string[], RegExp][] = [
    [['--port', 'http'], /--port is "http", which is not a port/],
    [['--home', ''], /--home is empty/],
    [['--log-level', 'loud'], /--log-level is "loud"/],
    [['--config', path.join(scratch, 'nothing.yaml')], /--config names .*nothing\.yaml, which does not exist/],
  ]
  for (const [args, message] of cases) {
    const { exitCode, remarks } = await up(args, async () => assert.fail('it started'))
    // A file that is not there is no misuse.
    assert.equal(exitCode, args[0] === '--config' ? 1 : 2)
    assert.match(remarks, message)
  }
})

test('the note in the home is found by other commands, and removed only by the process that wrote it', async () => {
  const note = { url: 'http://127.0.0.1:1', pid: 123, version: '1' }
  assert.equal(await readInstanceNote(scratch), undefined)
  await writeInstanceNote(scratch, note)
  assert.deepEqual(await readInstanceNote(scratch), note)
  await removeInstanceNote(scratch, 124)
  assert.deepEqual(await readInstanceNote(scratch), note)
  await removeInstanceNote(scratch, 123)
  assert.equal(await readInstanceNote(scratch), undefined)
})

function up(args: string[], start: StartGateway): Promise<CliRun> {
  const connect = async () => assert.fail('up talks to no instance')
  return runCli(['up', '--home', path.join(scratch, 'home'), ...args], { nowMs: () => 0, connect, start })
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}
