// The package as a user gets it: packed, installed into an empty folder, started there, asked.
import assert from 'node:assert/strict'
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { after, test } from 'node:test'

const root = path.resolve(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(path.join(os.tmpdir(), 'turnpike-pack-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

// Nothing of the machine's own settings or provider keys.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^TURNPIKE_|_API_KEY$|^NODE_OPTIONS$|^NODE_TEST_CONTEXT$|^npm_/.test(name)),
)

function npm(args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  const options = { cwd, env: environment, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const
  return process.platform === 'win32' ? spawnSync('npm.cmd', args, { ...options, shell: true }) : spawnSync('npm', args, options)
}

const packed = npm(['pack', '--json', '--loglevel=error', '--pack-destination', scratch], root)
const tarball = readdirSync(scratch).find((name) => name.endsWith('.tgz'))
const elsewhere = path.join(scratch, 'elsewhere')
mkdirSync(elsewhere)
const isCi = process.env['CI'] === 'true'
// From npm's cache alone when it is all there: fast, and the same with the network off.
const installed =
  tarball === undefined ? undefined : [['--offline'], [`--fetch-retries=${isCi ? 2 : 0}`]].reduce(installUnlessDone, undefined)
const packageFolder = path.join(elsewhere, 'node_modules', 'turnpike')
const bin = path.join(packageFolder, 'dist', 'cli', 'turnpike.js')

function installUnlessDone(earlier: SpawnSyncReturns<string> | undefined, how: readonly string[]): SpawnSyncReturns<string> {
  if (earlier?.status === 0) return earlier
  return npm(
    ['install', '--prefix', elsewhere, ...how, '--no-audit', '--no-fund', '--loglevel=error', path.join(scratch, tarball!)],
    elsewhere,
  )
}

const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED/.test(installed?.stderr ?? '')
const skip =
  installed !== undefined && installed.status !== 0 && isOffline && !isCi
    ? `npm could not fetch the package's dependencies, and they are not in its cache; try again with the network on`
    : false

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(path.join(folder, file)).isFile())
    .map((file) => file.split(path.sep).join('/'))

function run(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [bin, ...args], { cwd: elsewhere, env: environment, encoding: 'utf8' })
}

test('npm pack builds and packs', () => {
  assert.equal(packed.status, 0, packed.stderr + packed.stdout)
  assert.ok(tarball !== undefined)
})

test('the package installs into an empty folder', { skip }, () => assert.equal(installed?.status, 0, installed?.stderr))

test('the package holds compiled code, its data and its papers, and neither sources nor tests', { skip }, () => {
  const files = filesIn(packageFolder).filter((file) => !file.startsWith('node_modules/'))
  assert.ok(files.includes('LICENSE'))
  assert.ok(files.includes('dist/package.json'))
  assert.deepEqual(
    files.filter(
      (file) => !/^dist\/.*\.(js|json|sql|html|css|svg|woff2|txt)$|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(file),
    ),
    [],
  )
  assert.deepEqual(
    files.filter((file) => /\.test\.|^dist\/test/.test(file)),
    [],
  )
})

test('the package carries every data file that lies beside the code', { skip }, () => {
  const data = filesIn(path.join(root, 'src')).filter((file) => /\.(json|sql)$/.test(file))
  for (const file of data)
    assert.deepEqual(readFileSync(path.join(packageFolder, 'dist', file)), readFileSync(path.join(root, 'src', file)))
})

test('installing the package runs no script of ours', { skip }, () => {
  const { scripts } = JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts[name], undefined)
})

test('the installed command says its version', { skip }, () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  const linked = path.join(elsewhere, 'node_modules', '.bin', 'turnpike')
  assert.ok(existsSync(linked) || existsSync(`${linked}.cmd`))
  const { status, stdout, stderr } = run('--version')
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), version)
  assert.equal(status, 0)
})

test('on a Node that is too old the command says in one sentence which one it needs', { skip }, () => {
  const pretend = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '22.22.0' })`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', pretend, bin, 'up'], {
    cwd: elsewhere,
    env: environment,
    encoding: 'utf8',
  })
  assert.match(stderr, /^turnpike needs Node 24\.16 or newer and this is Node 22\.22\.0[^\n]*\n$/)
  assert.equal(stdout, '')
  assert.equal(status, 1)
})

const oldNode = findOldNode()
test(
  'a real old Node can read the command far enough to say so',
  { skip: skip || (oldNode === undefined ? 'no Node older than 24 is on PATH' : false) },
  () => {
    const { status, stderr } = spawnSync(oldNode!, [bin, 'up'], { cwd: elsewhere, env: environment, encoding: 'utf8' })
    assert.match(stderr, /^turnpike needs Node 24\.16 or newer and this is Node \d+\.\d+\.\d+[^\n]*\n$/)
    assert.equal(status, 1)
  },
)

function findOldNode(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, 'node')
    if (folder === '' || !existsSync(candidate)) continue
    const said = spawnSync(candidate, ['--version'], { encoding: 'utf8' }).stdout ?? ''
    const major = Number(/^v(\d+)\./.exec(said)?.[1])
    if (major < 24) return candidate
  }
  return undefined
}

test(
  'the installed gateway starts without key and network, answers a request, records it, and stops when told',
  { skip, timeout: 60_000 },
  async (t) => {
    const home = path.join(scratch, 'home')
    const gateway = spawn(process.execPath, [bin, 'up', '--home', home, '--port', '0', '--json'], {
      cwd: elsewhere,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => gateway.kill('SIGKILL'))
    const ended = new Promise<number | null>((resolve) => gateway.once('exit', resolve))
    let remarks = ''
    gateway.stderr.setEncoding('utf8').on('data', (text: string) => (remarks += text))

    const first = await Promise.race([
      new Promise<string>((resolve) => readline.createInterface(gateway.stdout).once('line', resolve)),
      ended.then((code) => assert.fail(`it ended with ${code}: ${remarks}`)),
    ])
    const { url, gateway_key: key, example_model: model } = JSON.parse(first) as { url: string; gateway_key: string; example_model: string }
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello from the package!' }] }),
    })
    const body = (await answer.json()) as { choices: { message: { content: string } }[] }
    assert.equal(answer.status, 200, JSON.stringify(body))
    assert.match(body.choices[0]!.message.content, /Hello from the package!/)
    const requestId = answer.headers.get('x-turnpike-request-id')
    assert.ok(requestId)

    const shown = run('requests', 'show', requestId, '--home', home)
    assert.equal(shown.status, 0, shown.stderr)
    assert.match(shown.stdout, new RegExp(requestId))

    gateway.kill('SIGTERM')
    assert.equal(await ended, 0, remarks)
  },
)
