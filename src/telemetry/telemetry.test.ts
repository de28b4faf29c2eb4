// No secret reaches a line or a record, and nothing else is lost from it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'
import { ownerOfKey } from './key-shapes.ts'
import { createRedactor, redactHeaders, redactText } from './redact.ts'

const random = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1'
const keys = [
  `sk-ant-api03-${random}`,
  `sk-proj-${random}`,
  `sk-or-v1-${random}`,
  `sk-${random}`,
  `gsk_${random}`,
  `xai-${random}`,
  `pplx-${random}`,
  `csk-${random}`,
  `tgp_v1_${random}`,
  `fw_${random}`,
  `hf_${random}`,
  `AIzaSy${random.slice(0, 33)}`,
  `tp-${random}`,
  `tpa-${random}`,
]

test('keys of known vendors are cut down to their prefix wherever they stand', () => {
  for (const key of keys) {
    const clean = redactText(`Incorrect API key provided: "${key}". See https://example.com/?x=${key}&y=1`)
    assert.ok(!clean.includes(key.slice(-12)), clean)
    assert.ok(clean.includes('Incorrect API key provided'))
    assert.ok(clean.endsWith('&y=1'))
  }
})

test('bearer tokens and key parameters go whatever they look like', () => {
  assert.equal(redactText('authorization: Bearer abc123def456, then'), 'authorization: Bearer [redacted], then')
  assert.equal(redactText('GET /v1beta/models?key=secret123&alt=sse'), 'GET /v1beta/models?key=[redacted]&alt=sse')
})

test('ordinary words, models and ids stay', () => {
  const text =
    'task-management-system-for-everyone task-force ask-me sk-learn gpt-4o-mini claude-sonnet-4-5 tp-link https://api.openai.com/v1?keys=1 max_tokens=100'
  assert.equal(redactText(text), text)
})

test('secrets without a look of their own are removed when they are known', () => {
  const redact = createRedactor(['q8Zr4Kp1Vn6Xw3', 'q8Zr4Kp1Vn6Xw3-longer', 'short'])
  assert.equal(redact('mistral said q8Zr4Kp1Vn6Xw3-longer and q8Zr4Kp1Vn6Xw3 in short'), 'mistral said [redacted] and [redacted] in short')
})

test('a key inside a routing config that came as a header goes, and the rest of the config stays', () => {
  const config = '{"targets":[{"provider":"openai","api_key":"no-known-look-1234","override_params":{"max_tokens":5}}]}'
  const clean = redactHeaders({ 'x-turnpike-config': config })['x-turnpike-config']
  assert.equal(clean, '{"targets":[{"provider":"openai","api_key":"[redacted]","override_params":{"max_tokens":5}}]}')
})

test('headers that carry a secret lose their value, others keep theirs', () => {
  const clean = redactHeaders({
    authorization: 'whatever it is',
    'X-Api-Key': 'abc',
    'x-goog-api-key': 'abc',
    'x-turnpike-api-key': 'abc',
    cookie: 'a=b',
    'x-auth-token': 'abc',
    'idempotency-key': 'i-1',
    'x-ratelimit-remaining-tokens': '100',
    'user-agent': `tool with sk-${random}`,
    accept: ['a', 'b'],
    missing: undefined,
  })
  assert.deepEqual(clean, {
    authorization: '[redacted]',
    'X-Api-Key': '[redacted]',
    'x-goog-api-key': '[redacted]',
    'x-turnpike-api-key': '[redacted]',
    cookie: '[redacted]',
    'x-auth-token': '[redacted]',
    'idempotency-key': 'i-1',
    'x-ratelimit-remaining-tokens': '100',
    'user-agent': 'tool with sk-[redacted]',
    accept: 'a, b',
  })
})

test('the owner of a key is known by its prefix, longest first', () => {
  assert.equal(ownerOfKey(keys[0]!), 'Anthropic')
  assert.equal(ownerOfKey(keys[2]!), 'OpenRouter')
  assert.equal(ownerOfKey(`tpa-${random}`), 'Turnpike (admin)')
  assert.equal(ownerOfKey('hello'), undefined)
})

test('a log line is JSON with a time and a word for its level, and never carries a key', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', write: (line) => lines.push(line), secrets: () => ['prefixless-secret'] })
  log.info({ provider: 'openai', header: `Bearer ${random}`, deep: { key: keys[1] } }, 'a sentence with prefixless-secret')
  log.error({ err: new Error(`upstream said ${keys[0]}`) }, 'failed')
  log.debug('not at this level')
  assert.equal(lines.length, 2)
  log.info('a quoted "?key=abcdef\\" value')
  assert.equal((JSON.parse(lines.pop()!) as Record<string, unknown>)['msg'], 'a quoted "?key=[redacted]\\" value')
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(first!['level'], 'info')
  assert.match(String(first!['time']), /^\d{4}-\d\d-\d\dT/)
  assert.equal(first!['msg'], 'a sentence with [redacted]')
  assert.equal((second!['err'] as Record<string, unknown>)['message'], 'upstream said sk-ant-[redacted]')
  assert.ok(!lines.join('').includes(random.slice(0, 20)))
})

test('on a terminal a line is readable, and as clean', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', form: 'pretty', write: (line) => lines.push(line) })
  log.warn({ key: keys[3] }, 'slow provider')
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /WARN.*slow provider/)
  assert.ok(!lines[0]!.includes(random))
})
