// A first user's story, typed command by command against real processes: a home, a provider, a key, requests, a backup, another machine.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { wireScripts } from '#test/scripts.ts'
import { runCommand, scratchFolder, startGateway, type Ended, type Ready } from '#test/turnpike-process.ts'
import { createUpstream, type Received, type ScriptedUpstream } from '#test/upstream.ts'

const providerKey = 'sk-planted-provider-key-0123456789'
const json = { 'content-type': 'application/json' }

/** An OpenAI-like server that knows one key. */
async function createServer(context: TestContext): Promise<ScriptedUpstream> {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  const isKnown = ({ headers }: Received) => headers.get('authorization') === `Bearer ${providerKey}`
  const refused = { status: 401, headers: json, body: JSON.stringify({ error: { message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' } }) } // prettier-ignore
  upstream.route('/v1/models', (request) =>
    isKnown(request) ? { headers: json, body: JSON.stringify({ object: 'list', data: [{ id: 'm-1', object: 'model' }, { id: 'm-2', object: 'model' }] }) } : refused,
  ) // prettier-ignore
  upstream.route('/v1/chat/completions', (request) =>
    isKnown(request)
      ? wireScripts['openai-chat'].json({ model: (JSON.parse(request.body.toString()) as { model: string }).model })
      : refused,
  )
  return upstream
}

/** The command with `text` on its stdin. */
function piped(context: TestContext, text: string, args: readonly string[]): Promise<Ended> {
  return runCommand(context, args, { env: { PIPED: text }, through: ['sh', '-c', 'printf %s "$PIPED" | exec "$@"', 'sh'] })
}

async function done(running: Promise<Ended>): Promise<string> {
  const { exitCode, stdout, stderr } = await running
  assert.equal(exitCode, 0, `${stdout}\n${stderr}`)
  return stdout
}

function ask(url: string, key: string, model: string): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...json },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] }),
  })
}

test('from an empty folder to an answer, a revoked key, a backup, and the same providers in another home', async (context) => {
  const upstream = await createServer(context)
  const folder = scratchFolder(context)
  const home = path.join(folder, 'home')
  const at = ['--home', home]

  // On a home that nobody holds: in this process, without a socket.
  const begun = JSON.parse(await done(runCommand(context, ['init', '--yes', '--json', ...at]))) as { gateway_key: string; running: boolean }
  assert.equal(begun.running, false)
  assert.match(begun.gateway_key, /^tp-/)
  const again = await runCommand(context, ['init', '--yes', '--json', '--verbose', ...at])
  assert.match(again.stderr, /in this process, since no turnpike runs on it/)
  assert.equal((JSON.parse(again.stdout) as { gateway_key: string | null }).gateway_key, null, 'a second time changes nothing')

  const { ready, child, ended } = await startGateway(context, home)
  assert.equal(ready.gateway_key, undefined, 'init made the first key')
  const add = ['providers', 'add', '--slug', 'basement', '--base-url', `${upstream.origin}/v1`, '--model', 'm-1', '--key-stdin', '--allow-private-network', ...at] // prettier-ignore
  const wrong = await piped(context, 'sk-not-the-one-that-it-knows', add)
  assert.equal(wrong.exitCode, 1, wrong.stderr)
  assert.match(wrong.stdout, /basement does not work: .*(key|401)/i)
  assert.match(wrong.stderr, /was added and does not work yet/)
  const taken = await piped(context, providerKey, add)
  assert.match(taken.stderr, /There is a provider basement already.*--replace/)
  const added = await done(piped(context, `${providerKey}\n`, [...add, '--replace']))
  assert.match(added, /basement works: .*2 models found/)

  const key = (await done(runCommand(context, ['keys', 'create', '--name', 'laptop', '--models', 'basement/*', ...at]))).trim()
  assert.match(key, /^tp-\S+$/)
  const alias = await runCommand(context, ['aliases', 'set', 'fast', 'basement/m-1', '--verbose', ...at])
  assert.match(alias.stderr, /Asking the instance at http:/)
  await done(runCommand(context, ['models', 'price', 'set', 'basement/m-1', '--input', '1', '--output', '2', ...at]))
  const answer = await ask(ready.url, key, 'basement/m-1')
  assert.equal(answer.status, 200, await answer.clone().text())
  assert.match(await answer.text(), /Hello, world!/)
  const listed = await done(runCommand(context, ['requests', 'list', ...at]))
  assert.match(listed, /basement\/m-1 +ok +200 .*\$0\.0000220.* laptop$/m)

  const config = path.join(folder, 'chat.json')
  writeFileSync(
    config,
    JSON.stringify({ targets: [{ provider: '@nobody' }, { provider: '@basement', override_params: { model: 'm-1' } }] }),
  )
  const set = await runCommand(context, ['configs', 'set', 'chat', config, '--comment', 'first', ...at])
  assert.deepEqual([set.exitCode, set.stdout], [0, 'chat is at version 1 from the next request on.\n'])
  assert.match(set.stderr, /^warning: config\.targets\[0\]\.provider is "nobody"/)
  await done(runCommand(context, ['keys', 'update', 'laptop', '--config', 'chat', '--no-config-override', '--all-models', ...at]))
  const followed = await ask(ready.url, key, 'whatever')
  assert.deepEqual([followed.status, followed.headers.get('x-turnpike-route')], [200, 'config.targets[1]'])
  const dryRun = await done(runCommand(context, ['configs', 'dry-run', '--model', 'whatever', '--key', 'laptop', ...at]))
  assert.match(dryRun, /with the config chat, version 1:\n.*\n1 +config\.targets\[1\] +basement\/m-1 /)
  await done(piped(context, '{"targets":[{"provider":"@nobody"}]}', ['configs', 'set', 'chat', '-', ...at]))
  assert.notEqual((await ask(ready.url, key, 'whatever')).status, 200)
  await done(runCommand(context, ['configs', 'rollback', 'chat', '1', ...at]))
  assert.equal((await ask(ready.url, key, 'whatever')).status, 200)
  const attached = await runCommand(context, ['configs', 'remove', 'chat', ...at])
  assert.equal(attached.exitCode, 1)
  assert.match(attached.stderr, /attached to the key "laptop"/)

  await done(runCommand(context, ['keys', 'revoke', 'laptop', ...at]))
  const refused = await ask(ready.url, key, 'basement/m-1')
  assert.equal(refused.status, 401)
  assert.match(await refused.text(), /key_revoked/)

  const before = await everythingOf(ready)
  const made = JSON.parse(await done(runCommand(context, ['backup', path.join(folder, 'backups'), '--json', ...at]))) as { path: string }
  child.kill('SIGTERM')
  assert.equal((await ended).exitCode, 0)

  const other = ['--home', path.join(folder, 'other')]
  const held = await runCommand(context, ['restore', made.path, ...at])
  assert.equal(held.exitCode, 1)
  assert.match(held.stderr, /has data already.*--force|has data already.*force it/)
  const restored = await runCommand(context, ['restore', made.path, ...other])
  assert.equal(restored.exitCode, 0, restored.stderr)
  assert.match(restored.stderr, /put the master key .*other\/master-key/)
  cpSync(path.join(home, 'master-key'), path.join(folder, 'other', 'master-key'))
  assert.match(await done(runCommand(context, ['providers', 'test', 'basement', ...other])), /basement works/)
  const second = await startGateway(context, path.join(folder, 'other'))
  assert.deepEqual(await everythingOf(second.ready), before)

  for (const file of filesOf(folder)) {
    const bytes = readFileSync(file, 'latin1')
    for (const secret of [providerKey, key, begun.gateway_key])
      assert.equal(bytes.includes(secret), false, `${file} holds a secret in the clear`)
  }
})

/** What the admin API has of an instance. */
async function everythingOf({ url, home }: Ready): Promise<unknown[]> {
  const authorization = `Bearer ${readFileSync(path.join(home, 'admin-token'), 'utf8').trim()}`
  return Promise.all(
    ['providers', 'keys', 'aliases', 'configs', 'configs/chat/versions', 'models?provider=basement', 'requests'].map(async (what) => {
      const answer = await fetch(`${url}/api/v1/${what}`, { headers: { authorization } })
      assert.equal(answer.status, 200, what)
      // How the providers are doing is another matter in another process.
      return JSON.parse(await answer.text(), (name, value: unknown) => (name === 'health' ? undefined : value)) as unknown
    }),
  )
}

test('a request that a killed process had recorded is listed while nothing runs', async (context) => {
  const home = scratchFolder(context)
  const { ready, child, ended } = await startGateway(context, home)
  await (await ask(ready.url, ready.gateway_key!, 'sim/echo')).text()
  child.kill('SIGKILL')
  await ended
  assert.match(await done(runCommand(context, ['requests', 'show', '--home', home])), /^Served by sim\/echo on attempt 1\./)
  const doctor = await runCommand(context, ['doctor', '--home', home, '--json'])
  const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; state: string; message: string }[] }
  assert.match(checks.find(({ name }) => name === 'instance')!.message, /ended without its goodbye/)
})

test('doctor says nothing of a healthy instance, and names each thing that is wrong with its fix', async (context) => {
  const upstream = await createServer(context)
  const home = scratchFolder(context)
  const at = ['--home', home]
  const { ready } = await startGateway(context, home)
  const authorization = `Bearer ${readFileSync(path.join(home, 'admin-token'), 'utf8').trim()}`
  const write = async (method: string, what: string, body: object): Promise<void> => {
    const answer = await fetch(`${ready.url}/api/v1/${what}`, { method, headers: { authorization, ...json }, body: JSON.stringify(body) })
    assert.ok(answer.ok, `${what}: ${await answer.text()}`)
  }
  const put = (slug: string, baseUrl: string, value: string) =>
    write('PUT', `providers/${slug}`, { base_url: baseUrl, credentials: [{ value }], allow_private_network: true })
  await put('good', `${upstream.origin}/v1`, providerKey)
  const healthy = await runCommand(context, ['doctor', ...at])
  assert.equal(healthy.exitCode, 0, healthy.stdout + healthy.stderr)
  assert.match(healthy.stdout, /^ok +provider good: good works: .*2 models found/m)
  assert.equal(healthy.stdout.includes('\u001b'), false, 'no colours in a pipe')

  await put('bad-key', `${upstream.origin}/v1`, 'sk-not-the-one-that-it-knows')
  await put('no-v1', upstream.origin, providerKey)
  await put('endpoint', `${upstream.origin}/v1/chat/completions`, providerKey)
  await write('PUT', 'providers/unseen', { vendor: 'openai', credentials: [{ env: 'NOT_SET_ANYWHERE' }] })
  await write('PUT', 'aliases/fast', { model: 'good/nobody-knows-this' })
  await write('PUT', 'configs/chat', { config: { targets: [{ provider: '@nobody' }, { provider: '@good' }] } })
  await write('POST', 'keys', { name: 'brief', expires_at: new Date(Date.now() + 86_400_000).toISOString() })
  assert.equal((await ask(ready.url, ready.gateway_key!, 'good/unpriced')).status, 200)
  const { exitCode, stdout } = await runCommand(context, ['doctor', '--json', ...at])
  assert.equal(exitCode, 1)
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; state: string; message: string; fix?: string }[] }
  assert.equal(ok, false)
  const expected: [name: string, state: string, message: RegExp, fix: RegExp][] = [
    ['provider bad-key', 'fail', /key/i, /providers add openai-compatible --slug bad-key --replace/],
    ['provider no-v1', 'fail', /has no \/v1/, new RegExp(`${upstream.origin}/v1$`)],
    ['provider endpoint', 'fail', /ends in an endpoint's path/, new RegExp(`Without /chat/completions: ${upstream.origin}/v1$`)],
    ['provider unseen', 'fail', /NOT_SET_ANYWHERE/, /providers add/],
    ['alias fast', 'warn', /not known to serve/, /aliases set fast/],
    ['config chat', 'warn', /targets\[0\]\.provider is "nobody"/, /configs show chat/],
    ['key brief', 'warn', /expires at/, /keys update key_\S+ --expires/],
    ['price of good/unpriced', 'warn', /1 request of the last week has no cost/, /models price set good\/unpriced/],
  ]
  for (const [name, state, message, fix] of expected) {
    const found = checks.filter(
      (check) => check.name === name && check.state === state && message.test(check.message) && fix.test(check.fix ?? ''),
    )
    assert.equal(found.length, 1, `${name}: ${JSON.stringify(checks.filter((check) => check.name === name))}`)
  }
  assert.ok(checks.some(({ name, state }) => name === 'provider good' && state === 'ok'))
})

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => existsSync(file) && statSync(file).isFile())
}
