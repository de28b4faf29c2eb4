// The sentences of `openclaw check`, mistake by mistake.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from './openclaw-connection.ts'
import { addressFindings, keyFinding, modelFindings, type AddressSight, type KeySight } from './openclaw-findings.ts'

const right: Entry = {
  id: 'gw',
  baseUrl: 'http://127.0.0.1:8640/v1',
  apis: ['openai-completions'],
  apiKey: '${KEY}',
  starts: false,
  modelIds: ['m'],
}
const reached: AddressSight = { health: 'turnpike', why: '', says: undefined, instanceUrl: 'http://127.0.0.1:8640', start: 'turnpike up' }
const address = (entry: Partial<Entry>, sight: Partial<AddressSight> = {}) =>
  addressFindings({ ...right, ...entry }, { ...reached, ...sight }).map(({ code, fix }) => [code, fix])

test('base URLs that OpenClaw can use are right, with each api', () => {
  assert.deepEqual(address({}), [])
  assert.deepEqual(address({ baseUrl: 'http://127.0.0.1:8640/v1/' }), [])
  assert.deepEqual(address({ apis: [] }), [])
  for (const end of ['', '/', '/v1'])
    assert.deepEqual(address({ apis: ['anthropic-messages'], baseUrl: `http://127.0.0.1:8640${end}` }), [])
  assert.deepEqual(address({ apis: ['openai-responses'] }), [])
  for (const end of ['/v1beta', '/v1beta/', '/v1'])
    assert.deepEqual(address({ apis: ['google-generative-ai'], baseUrl: `http://127.0.0.1:8640${end}` }), [])
})

test('a base URL without /v1, or with too much behind it, is mended', () => {
  const fix = 'openclaw config set models.providers.gw.baseUrl http://127.0.0.1:8640/v1'
  for (const end of ['', '/', '/v1/v1', '/v1/chat/completions', '/api'])
    assert.deepEqual(address({ baseUrl: `http://127.0.0.1:8640${end}` }), [['missing_v1', fix]], end)
  assert.deepEqual(address({ baseUrl: '127.0.0.1' }, { health: 'none' }), [['missing_v1', fix]])
})

test('each api is told where it would ask, and which end it wants', () => {
  const said = (api: string, baseUrl: string) => {
    const [finding] = addressFindings({ ...right, apis: [api], baseUrl }, reached)
    return [finding?.message, finding?.fix]
  }
  const set = 'openclaw config set models.providers.gw.baseUrl'
  assert.deepEqual(said('openai-responses', 'http://127.0.0.1:8640'), [
    'http://127.0.0.1:8640 ends wrongly for openai-responses: OpenClaw would ask http://127.0.0.1:8640/responses.',
    `${set} http://127.0.0.1:8640/v1`,
  ])
  assert.deepEqual(said('google-generative-ai', 'http://127.0.0.1:8640/'), [
    'http://127.0.0.1:8640/ ends wrongly for google-generative-ai: OpenClaw would ask http://127.0.0.1:8640/models/m:streamGenerateContent.',
    `${set} http://127.0.0.1:8640/v1beta`,
  ])
  assert.deepEqual(said('anthropic-messages', 'http://127.0.0.1:8640/v1beta'), [
    'http://127.0.0.1:8640/v1beta ends wrongly for anthropic-messages: OpenClaw would ask http://127.0.0.1:8640/v1beta/v1/messages.',
    `${set} http://127.0.0.1:8640`,
  ])
})

test('an entry that OpenClaw is to start something for, and cannot, is found', () => {
  const google = { apis: ['google-generative-ai'], baseUrl: 'http://127.0.0.1:8640/v1beta' }
  assert.deepEqual(address({ ...google, starts: true }), [['wrong_api', 'openclaw config unset models.providers.gw.localService']])
  assert.deepEqual(address({ ...google, starts: false }), [])
  assert.deepEqual(address({ starts: true }), [])
})

test('an api that is not spoken here is named with the one that is meant', () => {
  for (const [api, meant] of [
    ['openai-chatgpt-responses', 'openai-responses'],
    ['azure-openai-responses', 'openai-responses'],
    ['google-generativeai', 'google-generative-ai'],
  ] as const)
    assert.deepEqual(address({ apis: [api] }), [['wrong_api', `openclaw config set models.providers.gw.api ${meant}`]])
  assert.deepEqual(address({ apis: ['anthropic-message'] }), [
    ['wrong_api', 'openclaw config set models.providers.gw.api anthropic-messages'],
  ])
  assert.deepEqual(address({ apis: ['ollama'] }), [['wrong_api', 'openclaw config set models.providers.gw.api openai-completions']])
})

test('a gateway that does not answer is started, or looked for where it is', () => {
  assert.deepEqual(address({}, { health: 'down', why: 'ECONNREFUSED' }), [['gateway_down', 'turnpike up']])
  assert.deepEqual(address({}, { health: 'other', instanceUrl: 'http://127.0.0.1:9000' }), [
    [
      'gateway_down',
      'turnpike up, or if it runs at http://127.0.0.1:9000: openclaw config set models.providers.gw.baseUrl http://127.0.0.1:9000/v1',
    ],
  ])
})

test('a key that the service does not see is explained by where it is instead', () => {
  const words = { setup: 'turnpike openclaw setup', envFile: '/state/.env' }
  const said = (sight: KeySight) => keyFinding(right, sight, undefined, words)?.message
  const unresolved = { kind: 'unresolved', name: 'KEY', shellOnly: false, others: [], file: 'read' } as const
  assert.equal(said(unresolved), "OpenClaw's service does not see KEY: /state/.env does not set it.")
  assert.equal(said({ ...unresolved, file: 'missing' }), "OpenClaw's service does not see KEY: there is no /state/.env.")
  assert.match(said({ ...unresolved, shellOnly: true })!, /it is set in this shell, and a service does not get what a shell exports/)
  assert.match(said({ ...unresolved, others: ['TURNPIKE_KEY'] })!, /has a gateway key under another name, TURNPIKE_KEY\.$/)
  assert.match(said({ ...unresolved, file: '/state/.env cannot be read (EACCES); ...' })!, /cannot be read \(EACCES\)/)
  assert.match(said({ ...unresolved, name: undefined })!, /cannot resolve it/)
  assert.match(said({ kind: 'none' })!, /There is no key/)
  assert.match(said({ kind: 'variable', name: 'KEY', value: 'tp-1', openTo: 0o644 })!, /others may read it \(mode 644\)/)
  assert.equal(said({ kind: 'variable', name: 'KEY', value: 'tp-1', openTo: undefined }), undefined)
})

test('a key that the gateway refuses is told in its words; a gateway in trouble is not blamed on the key', () => {
  const words = { setup: 'turnpike openclaw setup', envFile: '/state/.env' }
  const sight: KeySight = { kind: 'variable', name: 'KEY', value: 'tp-1', openTo: undefined }
  const refused = keyFinding(right, sight, { kind: 'refused', status: 401, code: 'key_revoked', message: 'It was revoked.' }, words)
  assert.equal(refused?.message, 'KEY of /state/.env is not accepted. The gateway says: It was revoked.')
  assert.equal(keyFinding(right, sight, { kind: 'refused', status: 503, code: 'draining', message: 'Stopping.' }, words), undefined)
  assert.equal(refused?.message.includes('tp-1'), false)
})

test('a name that is not served is mended where it is written', () => {
  const mentions = [{ place: 'agents.defaults.model.primary', ref: 'gw/mm' }]
  const says = 'No provider of this gateway lists the model "mm". Did you mean "m"?'
  const found = modelFindings(right, { refused: new Map([['mm', says]]), bare: [], mentions }, [right], 'turnpike')
  assert.deepEqual(found, [
    {
      code: 'wrong_model',
      where: 'agents.defaults.model.primary',
      message: `The gateway does not serve mm. It says: ${says}`,
      fix: 'openclaw config set agents.defaults.model.primary gw/m',
    },
  ])
  const bare = [{ place: 'agents.defaults.model', ref: 'sim/echo' }]
  assert.deepEqual(
    modelFindings(right, { refused: new Map(), bare, mentions: [] }, [right], 'turnpike').map(({ fix }) => fix),
    ['openclaw config set agents.defaults.model gw/sim/echo'],
  )
})
