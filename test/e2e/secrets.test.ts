// Plants secrets wherever there can be some, does everything that could spill one, and looks for them in all that was said and written.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { chat as openAiChat } from '#test/scripts.ts'
import { runCommand, scratchFolder, startGateway } from '#test/turnpike-process.ts'
import { createUpstream } from '#test/upstream.ts'

/** Not found by its look: letters and digits that no vendor's prefix announces. */
const plant = (): string => `q${randomBytes(18).toString('hex')}`

type Said = { readonly where: string; readonly text: string }
type Answer = { readonly status: number; readonly text: string }

test('no planted secret is in any answer, log line, command, record, file of the home or backup', async (context) => {
  const upstream = await createUpstream()
  context.after(() => upstream.close())
  const home = scratchFolder(context)
  const backups = scratchFolder(context)
  const planted = {
    value: plant(),
    second: plant(),
    replaced: plant(),
    header: plant(),
    env: plant(),
    fileEnv: plant(),
    vendorEnv: plant(),
    masterKey: plant() + plant(),
    byok: plant(),
    cookie: plant(),
    wrongKey: `tp-${plant()}`,
    wrongAdmin: plant(),
    queryKey: plant(),
    userinfo: plant(),
    wrongType: plant(),
    misspelt: plant(),
    halfJson: plant(),
    twice: plant(),
    config: plant(),
    earlierConfig: plant(),
    wrongConfig: plant(),
    inlineConfig: plant(),
    fileConfig: plant(),
    foreign: `sk-ant-api03-${randomBytes(40).toString('hex')}`,
    looksLikeKey: `sk-proj-${randomBytes(24).toString('hex')}`,
  }
  const secrets = new Map<string, string>(Object.entries(planted))
  writeFileSync(
    path.join(home, 'turnpike.yaml'),
    JSON.stringify({
      providers: {
        declared: {
          vendor: 'openai-compatible',
          base_url: `${upstream.origin}/v1`,
          credentials: [{ env: 'PLANTED_FILE_KEY' }],
          models: { custom: [{ id: 'm', price: 'free' }] },
        },
      },
      configs: { 'of-file': { targets: [{ provider: 'declared', api_key: '${PLANTED_CONFIG_KEY}' }] } },
    }),
  )
  const env = {
    TURNPIKE_MASTER_KEY: planted.masterKey,
    TURNPIKE_LOG_LEVEL: 'trace',
    MISTRAL_API_KEY: planted.vendorEnv,
    PLANTED_KEY: planted.env,
    PLANTED_FILE_KEY: planted.fileEnv,
    PLANTED_CONFIG_KEY: planted.fileConfig,
  }
  const gateway = await startGateway(context, home, [], { env })
  const { url } = gateway.ready
  const adminToken = readFileSync(path.join(home, 'admin-token'), 'utf8').trim()
  secrets.set('adminToken', adminToken)
  const firstKey = gateway.ready.gateway_key!
  secrets.set('firstKey', firstKey)

  const said: Said[] = []
  async function ask(method: string, where: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await new Promise<Answer>((resolve, reject) => {
      // Not fetch, which refuses some of these headers.
      const sent = httpRequest(
        url + where,
        {
          method,
          headers: {
            authorization: `Bearer ${adminToken}`,
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              text: `${JSON.stringify(response.rawHeaders)}\n${Buffer.concat(chunks).toString('utf8')}`,
            }),
          )
        },
      )
      sent.on('error', reject).end(text)
    })
    said.push({ where: `${method} ${where.split('?')[0]} ${answer.status}`, text: answer.text })
    return answer
  }
  /** The one answer that shows a key. */
  async function makeKey(where: string, body: object, headers: Record<string, string> = {}): Promise<{ id: string; key: string }> {
    const { text } = await ask('POST', where, body, headers)
    said.pop()
    const made = JSON.parse(text.slice(text.indexOf('\n'))) as { id: string; key: string }
    secrets.set(`key ${secrets.size}`, made.key)
    said.push({ where: `POST ${where} but for the key`, text: text.replace(made.key, '') })
    return made
  }
  const api = '/api/v1'
  const provider = { vendor: 'openai-compatible', base_url: `${upstream.origin}/v1`, allow_private_network: true }
  const models = { custom: [{ id: 'm', price: 'free' }] }

  // Writes that are taken.
  const full = {
    ...provider,
    models,
    headers: { 'x-secret-token': planted.header },
    credentials: [{ name: 'a', value: planted.replaced }, { name: 'b', value: planted.second }, { name: 'c', env: 'PLANTED_KEY' }],
  } // prettier-ignore
  assert.equal((await ask('PUT', `${api}/providers/own`, full, { 'idempotency-key': 'put own' })).status, 201)
  const changed = { ...full, credentials: [{ name: 'a', value: planted.value }, { name: 'b' }, { name: 'c', env: 'PLANTED_KEY' }] }
  assert.equal((await ask('PUT', `${api}/providers/own`, changed)).status, 200)
  assert.equal((await ask('PUT', `${api}/providers/gone`, { ...full, credentials: [{ value: planted.looksLikeKey }] })).status, 201)
  assert.equal((await ask('DELETE', `${api}/providers/gone`)).status, 204)
  const made = await makeKey(`${api}/keys`, { name: 'made' }, { 'idempotency-key': 'make' })
  const rotated = await makeKey(`${api}/keys/${made.id}/rotate`, {}, { 'idempotency-key': 'rotate' })
  const revoked = await makeKey(`${api}/keys`, { name: 'revoked' })
  assert.equal((await ask('DELETE', `${api}/keys/${revoked.id}`)).status, 204)

  const withKey = (key: string, more: object = {}) => ({
    targets: [{ provider: '@own', api_key: key, ...more }, { provider: '@declared' }],
  })
  for (const [key, status] of [[planted.earlierConfig, 201], [planted.config, 200]] as const)
    assert.equal((await ask('PUT', `${api}/configs/chat`, { config: withKey(key) }, { 'idempotency-key': `config ${status}` })).status, status) // prettier-ignore
  assert.equal((await ask('PUT', `${api}/configs/chat`, { config: withKey('[secret]', { retry: { attempts: 1 } }) })).status, 200)
  await ask('POST', `${api}/configs/chat/rollback`, { version: 1 })
  for (const config of [
    withKey(planted.wrongConfig, { wieght: 1 }),
    withKey('x', { weight: planted.wrongConfig }),
    { strategy: { mode: planted.wrongConfig }, targets: [{}] },
    { targets: planted.wrongConfig },
    { api_key: { secret: planted.wrongConfig } },
  ])
    assert.equal((await ask('PUT', `${api}/configs/refused`, { config })).status, 400, JSON.stringify(config))

  // Writes that are refused.
  const refused: unknown[] = [
    { ...provider, base_url: `https://user:${planted.userinfo}@example.com/v1` },
    { ...provider, base_url: `https://example.com/v1?key=${planted.userinfo}` },
    { ...provider, credentials: planted.wrongType },
    { ...provider, credentials: [planted.wrongType] },
    { ...provider, credentials: [{ value: { secret: planted.wrongType } }] },
    { ...provider, credentials: [{ value: `${planted.wrongType} ${planted.wrongType}` }] },
    { ...provider, credentials: [{ value: `${planted.wrongType}\n` }] },
    { ...provider, credentials: [{ valeu: planted.misspelt }] },
    { ...provider, credential: [{ value: planted.misspelt }] },
    { ...provider, credentials: [{ value: planted.misspelt, env: 'X' }] },
    { ...provider, credentials: [{ name: 'a', value: planted.misspelt }, { name: 'a', value: planted.misspelt }] },
    { ...provider, headers: { 'x-secret-token': `${planted.header}ü` } },
    { ...provider, headers: [planted.header] },
    { vendor: 'openai', credentials: [{ value: planted.foreign }] },
    { ...provider, credentials: [{ value: adminToken }] },
    { ...provider, credentials: [{ value: rotated.key }] },
    `{"credentials":[{"value":"${planted.halfJson}"`,
    `{"credentials":[{"value":"${planted.halfJson}" x}]}`,
    `{"credentials":[{"value":"${planted.twice}","value":"${planted.twice}"}]}`,
  ] // prettier-ignore
  for (const body of refused) assert.equal((await ask('PUT', `${api}/providers/refused`, body)).status, 400, JSON.stringify(body))
  await ask('PUT', `${api}/providers/refused`, `value=${planted.wrongType}`, { 'content-type': 'application/x-www-form-urlencoded' })
  await ask('PUT', `${api}/providers/own`, { ...full, credentials: [{ value: planted.misspelt }] }, { 'idempotency-key': 'put own' })
  await ask('POST', `${api}/keys`, { name: 'x', value: planted.misspelt })
  await ask('GET', `${api}/providers`, undefined, { authorization: `Bearer ${planted.wrongAdmin}` })
  await ask('GET', `${api}/providers`, undefined, { authorization: planted.wrongAdmin })
  await ask('GET', `${api}/providers`, undefined, { authorization: `Bearer ${made.key}` })
  await ask('GET', `${api}/providers?key=${planted.queryKey}`)

  // Requests, good and bad; a provider may repeat the key that it was sent.
  const echo = (status: number) => (request: { readonly headers: ReadonlyMap<string, string> }) => ({
    status,
    headers: { 'content-type': 'application/json', 'x-echo': request.headers.get('authorization') ?? '' },
    body: JSON.stringify({
      error: { message: `Incorrect API key provided: ${request.headers.get('authorization')}`, code: 'invalid_api_key' },
    }),
  })
  async function chat(headers: Record<string, string>, where = '/v1/chat/completions', model = 'own/m'): Promise<void> {
    await ask('POST', where, { model, messages: [{ role: 'user', content: 'hi' }] }, headers)
  }
  upstream.route('/v1/chat/completions', openAiChat.json())
  upstream.route('/v1/models', {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"object":"list","data":[{"id":"m"}]}',
  })
  const own = { authorization: `Bearer ${rotated.key}` }
  await chat(own)
  await chat(own, undefined, 'declared/m')
  await chat({
    ...own,
    cookie: `session=${planted.cookie}`,
    'proxy-authorization': `Basic ${planted.cookie}`,
    'x-auth-token': planted.cookie,
  })
  await chat({ 'x-turnpike-api-key': rotated.key, authorization: `Bearer ${planted.byok}` })
  await chat({ 'x-portkey-api-key': rotated.key, authorization: `Bearer ${planted.byok}` }, undefined, 'declared/m')
  await chat({ authorization: '', 'x-api-key': rotated.key })
  await chat({ authorization: '' }, `/v1/chat/completions?key=${rotated.key}`)
  await chat({ authorization: '' }, `/v1/chat/completions?key=${planted.queryKey}`)
  await chat({ authorization: `Bearer ${planted.wrongKey}` })
  await chat({ authorization: `Bearer ${revoked.key}` })
  await chat({ authorization: `Bearer ${adminToken}` })
  await chat({ authorization: `Bearer ${adminToken}`, 'x-turnpike-api-key': planted.wrongKey })
  await chat(own, `/v1/chat/completion?key=${planted.queryKey}`)
  const inline = JSON.stringify(withKey(planted.inlineConfig))
  for (const config of [
    'chat',
    'of-file',
    inline,
    `{"api_key":"${planted.inlineConfig}"`,
    JSON.stringify(withKey(planted.inlineConfig, { wieght: 1 })),
  ]) {
    await chat({ ...own, 'x-turnpike-config': config }, undefined, 'm')
    await chat({ ...own, 'x-portkey-config': config }, undefined, 'm')
  }
  const hi = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
  for (const asked of [
    { slug: 'chat' },
    { slug: 'of-file' },
    { config: withKey(planted.config) },
    { config: withKey(planted.wrongConfig, { wieght: 1 }) },
  ])
    await ask('POST', `${api}/configs/dry-run`, { ...asked, request: { body: hi, headers: { 'x-turnpike-config': inline } } })
  upstream.route('/v1/chat/completions', echo(401))
  upstream.route('/v1/models', echo(401))
  for (const config of ['chat', 'of-file', inline]) await chat({ ...own, 'x-turnpike-config': config }, undefined, 'm')
  for (const model of ['own/m', 'declared/m']) await chat(own, undefined, model)
  await chat({ 'x-turnpike-api-key': rotated.key, authorization: `Bearer ${planted.byok}` })
  await ask('POST', `${api}/providers/own/test`)
  await ask('POST', `${api}/providers/declared/test`)
  for (const status of [200, 400, 404, 422, 429, 500, 503]) {
    upstream.route('/v1/chat/completions', echo(status))
    await chat(own)
  }

  // Everything that can be read.
  const list = await ask('GET', `${api}/requests?limit=1000`)
  const ids = [...list.text.matchAll(/"id":"([0-9a-z]{20,})"/g)].map(([, id]) => id!)
  assert.ok(ids.length >= 15)
  for (const id of ids) {
    await ask('GET', `${api}/requests/${id}`)
    for (const part of ['request', 'response']) await ask('GET', `${api}/requests/${id}/payload?part=${part}`)
  }
  for (const where of ['providers', 'providers/own', 'providers/declared', 'providers/mistral', 'keys', `keys/${made.id}`, 'models?limit=1000', 'aliases', 'configs', 'configs/chat', 'configs/of-file', 'configs/chat/versions', 'settings', 'audit?limit=1000', 'requests/facets', 'requests/histogram', 'vendors', 'openapi.json'])
    assert.equal((await ask('GET', `${api}/${where}`)).status, 200, where) // prettier-ignore
  await ask('GET', '/v1/models', undefined, own)
  const commands = [
    ['providers', 'list'], ['providers', 'list', '--json'], ['providers', 'test', 'own'], ['keys', 'list'], ['keys', 'list', '--json'], ['models', 'list', '--json'],
    ['configs', 'list'], ['configs', 'list', '--json'], ['configs', 'show', 'chat'], ['configs', 'versions', 'chat'], ['configs', 'dry-run', 'chat', '--model', 'm'],
    ['requests', 'list'], ['requests', 'show', ids[0]!], ['requests', 'show', ids[0]!, '--json'], ['audit', 'list', '--json'], ['doctor'], ['doctor', '--json'],
  ] // prettier-ignore
  const ran = [...commands, ['backup', backups]].map(async (command) => {
    const { exitCode, stdout, stderr } = await runCommand(context, [...command, '--home', home], { env })
    said.push({ where: `turnpike ${command.slice(0, 2).join(' ')}`, text: `${stdout}\n${stderr}` })
    if (command[0] !== 'doctor' && command[1] !== 'test') assert.equal(exitCode, 0, `${command.join(' ')}: ${stdout}${stderr}`)
  })
  await Promise.all(ran)
  assert.ok(readdirSync(backups, { recursive: true }).some((name) => String(name).endsWith('control.db')))

  const filesOf = (folder: string): Said[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => ({ where: path.relative(folder, file), text: readFileSync(file).toString('latin1') }))
  const running = filesOf(home)
  gateway.child.kill('SIGTERM')
  const ended = await gateway.ended
  assert.equal(ended.exitCode, 0)
  said.push(
    {
      where: 'stdout but for the first key',
      text: ended.stdout.replaceAll(firstKey, (_, at: number) => (ended.stdout.indexOf(firstKey) === at ? '' : firstKey)),
    },
    { where: 'stderr', text: ended.stderr },
    ...running.map((file) => ({ ...file, where: `${file.where} while it ran` })),
    ...filesOf(home),
    ...filesOf(backups).map((file) => ({ ...file, where: `backup: ${file.where}` })),
  )

  const found = said.flatMap(({ where, text }) =>
    [...secrets].flatMap(([name, secret]) => {
      if (name === 'adminToken' && /^admin-token( while it ran)?$/.test(where)) return []
      const shapes = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), Buffer.from(secret).toString('hex')]
      return shapes.some((shape) => text.includes(shape)) ? [`${name} is in ${where}`] : []
    }),
  )
  assert.deepEqual([...new Set(found)], [])
  // The secrets did get to where they belong, so this looked in the right places.
  const sent = upstream.received.map(({ headers }) => [...headers.values()].join(' ')).join('\n')
  for (const name of ['value', 'fileEnv', 'header'] as const) assert.ok(sent.includes(planted[name]), `${name} was never used`)
  assert.ok(said.some(({ where }) => where === 'control.db'))
  assert.ok(ended.stderr.length > 0, 'there are no log lines to look at')
})
