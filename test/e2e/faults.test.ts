// The fault matrix for one target: whatever a provider does wrong, the client is told, nothing looks complete, and one record says what happened.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import type { JsonObject } from '#kernel'
import { createSseParser, wires, type SseFrame } from '#wires'
import { createUpstream, type Answer, type ScriptedUpstream } from '#test/upstream.ts'
import { refusedPort, silentPort, type FailingPort } from '#test/ports.ts'
import { faults, sseAnswer, wireScripts, type WireScripts, type ScriptedWire } from '#test/scripts.ts'
import { startTest, type TestTurnpike } from '#test/turnpike.ts'

const wireNames: readonly ScriptedWire[] = ['openai-chat', 'anthropic-messages']
const short = { connect_ms: 300, first_token_ms: 600, idle_ms: 300, request_timeout: 5000 }

let upstream: ScriptedUpstream
let turnpike: TestTurnpike
let refused: FailingPort
let silent: FailingPort
let plain: Server

before(async () => {
  upstream = await createUpstream()
  refused = await refusedPort()
  silent = await silentPort()
  // Speaks plain HTTP at once, whatever is said to it: no partner for TLS.
  plain = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
  }).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const tls = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`
  const more = { timeouts: short }
  turnpike = await startTest({
    chat: { wire: 'openai-chat', origin: upstream.origin, more },
    claude: { wire: 'anthropic-messages', origin: upstream.origin, more },
    'refused-chat': { wire: 'openai-chat', origin: refused.origin, more },
    'refused-claude': { wire: 'anthropic-messages', origin: refused.origin, more },
    'silent-chat': { wire: 'openai-chat', origin: silent.origin, more },
    'silent-claude': { wire: 'anthropic-messages', origin: silent.origin, more },
    'nowhere-chat': { wire: 'openai-chat', origin: 'http://does-not-exist.invalid', more },
    'nowhere-claude': { wire: 'anthropic-messages', origin: 'http://does-not-exist.invalid', more },
    'tls-chat': { wire: 'openai-chat', origin: tls, more },
    'tls-claude': { wire: 'anthropic-messages', origin: tls, more },
  })
})

after(async () => {
  await turnpike.end()
  await upstream.close()
  await refused.close()
  await silent.close()
  plain.close()
})

const providerOf = { 'openai-chat': 'chat', 'anthropic-messages': 'claude' } as const

type Heard = {
  readonly status: number
  readonly id: string
  readonly body: string
  /** The transport said that the answer is whole: the length fits, or the last chunk came. */
  readonly whole: boolean
  readonly frames: readonly SseFrame[]
}

async function ask(client: ScriptedWire, model: string, stream: boolean): Promise<Heard> {
  const script = wireScripts[client]
  const response = await turnpike.post(script.path, { model, stream, max_tokens: 100, messages: [{ role: 'user', content: 'Say hello.' }] })
  let body = ''
  let whole = true
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body!) body += decoder.decode(chunk, { stream: true })
  } catch {
    whole = false
  }
  const frames: SseFrame[] = []
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    createSseParser().push(Buffer.from(body), ({ event, data }) => {
      if (data !== undefined) frames.push({ ...(event === undefined ? {} : { event }), data })
    })
  }
  return { status: response.status, id: response.headers.get('x-turnpike-request-id')!, body, whole, frames }
}

/** What the client's own decoder makes of a stream: its last event, and whether anything in it claims a finish. */
function verdict(client: ScriptedWire, heard: Heard): { readonly last: string; readonly claimsFinish: boolean } {
  const decoder = wires.get(client)!.egress.createStreamDecoder({})
  const events = [...heard.frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]
  return {
    last: events.at(-1)!.type,
    claimsFinish:
      events.some(({ type }) => type === 'finish') ||
      /data: \[DONE\]|"type":"message_stop"|"finish_reason":"|"stop_reason":"/.test(heard.body),
  }
}

function errorOf(client: ScriptedWire, heard: Heard): JsonObject {
  const body = JSON.parse(heard.body) as { type?: string; error: JsonObject }
  if (client === 'anthropic-messages') assert.equal(body.type, 'error')
  return body.error
}

type Fault = {
  readonly name: string
  readonly answer: (wire: WireScripts) => Answer
  readonly stream: boolean | 'both'
  /** What the record calls the attempt; one of. */
  readonly class: readonly string[]
  /** 408 for silence, else 503. */
  readonly status?: number
}

const beforeContent: readonly Fault[] = [
  { name: 'accepts and sends nothing', answer: faults.silent, stream: 'both', class: ['first_token_timeout'], status: 408 },
  {
    name: 'sends head and preamble, then silence',
    answer: faults.stallsBeforeContent,
    stream: true,
    class: ['first_token_timeout'],
    status: 408,
  },
  { name: 'hangs up without an answer', answer: faults.hangUp, stream: 'both', class: ['cut'] },
  { name: 'resets the connection', answer: faults.resets, stream: 'both', class: ['cut'] },
  { name: 'is cut before content', answer: faults.cutsBeforeContent, stream: true, class: ['cut'] },
  {
    name: 'sends an error event inside a 200',
    answer: faults.errorBeforeContent,
    stream: true,
    class: ['error_in_stream', 'overloaded', 'provider_error'],
  },
  {
    name: 'answers a JSON error body with status 200',
    answer: (wire) => wire.errorInside200(),
    stream: 'both',
    class: ['error_in_stream', 'provider_error'],
  },
  { name: 'ends the stream before any content', answer: faults.endsBeforeContent, stream: true, class: ['ended_early'] },
  { name: 'answers 200 with an empty body', answer: () => faults.empty(), stream: 'both', class: ['empty_response'] },
  { name: 'answers an HTML page with status 502', answer: () => faults.htmlPage(), stream: 'both', class: ['provider_error'] },
  { name: 'answers an HTML page with status 200', answer: () => faults.htmlPage(200), stream: 'both', class: ['bad_response'] },
  { name: 'sends half a JSON body', answer: faults.halfJson, stream: false, class: ['cut', 'bad_response'] },
  { name: 'sends half a JSON body and calls it whole', answer: halfJsonWhole, stream: false, class: ['bad_response'] },
  {
    name: 'answers in the wrong content type',
    answer: () => ({ headers: { 'content-type': 'text/plain' }, body: 'hello' }),
    stream: 'both',
    class: ['bad_response'],
  },
  { name: 'answers 500', answer: (wire) => wire.error(500), stream: 'both', class: ['provider_error'] },
  { name: 'answers 529', answer: (wire) => wire.error(529), stream: 'both', class: ['overloaded'] },
  { name: 'answers 429', answer: (wire) => wire.error(429), stream: 'both', class: ['rate_limited'] },
  { name: 'rejects the operator credential', answer: (wire) => wire.error(401), stream: 'both', class: ['credential_rejected'] },
  { name: 'forbids', answer: (wire) => wire.error(403), stream: 'both', class: ['credential_rejected'] },
  { name: 'wants to be paid', answer: (wire) => wire.error(402), stream: 'both', class: ['account_exhausted'] },
  { name: 'does not know the model', answer: (wire) => wire.error(404), stream: 'both', class: ['target_not_found'] },
]

const afterContent: readonly Fault[] = [
  { name: 'goes silent after content', answer: faults.stallsAfterContent, stream: true, class: ['idle_timeout'] },
  { name: 'is cut after content', answer: faults.cutsAfterContent, stream: true, class: ['cut'] },
  {
    name: 'sends an error event after content',
    answer: faults.errorAfterContent,
    stream: true,
    class: ['error_in_stream', 'overloaded', 'provider_error'],
  },
  { name: 'ends without its terminal event', answer: faults.endsEarly, stream: true, class: ['ended_early'] },
]

function halfJsonWhole(wire: WireScripts): Answer {
  const body = String(wire.json().body)
  return { headers: { 'content-type': 'application/json' }, body: body.slice(0, body.length >> 1) }
}

for (const client of wireNames) {
  for (const provider of wireNames) {
    const pair = `${client} client, ${provider} provider`

    for (const fault of beforeContent) {
      for (const stream of fault.stream === 'both' ? [false, true] : [fault.stream]) {
        test(`${pair}, ${stream ? 'stream' : 'whole'}: a provider that ${fault.name} becomes an HTTP error`, async () => {
          upstream.clear()
          upstream.enqueue(fault.answer(wireScripts[provider]))
          const heard = await ask(client, `${providerOf[provider]}/model-1`, stream)
          assert.equal(heard.status, fault.status ?? 503, heard.body)
          const error = errorOf(client, heard)
          assert.equal(error['code'], fault.status === 408 ? 'timeout' : 'all_targets_failed')
          assert.doesNotMatch(String(error['message']), /credit|balance|quota|billing/i)
          const record = await turnpike.record(heard.id)
          assert.equal(record['outcome'], 'upstream_error')
          const attempts = record['attempts'] as JsonObject[]
          assert.ok(fault.class.includes(attemptClass(record)), `${attemptClass(record)} is none of ${fault.class.join()}`)
          assert.ok(Array.isArray(attempts) || typeof attempts === 'number')
          assert.equal(record['cost_usd'] === null || record['cost_usd'] === '0', true, 'nothing was produced, so nothing is charged')
        })
      }
    }

    for (const fault of afterContent) {
      test(`${pair}: a stream whose provider ${fault.name} never looks complete`, async () => {
        upstream.clear()
        upstream.enqueue(fault.answer(wireScripts[provider]))
        const heard = await ask(client, `${providerOf[provider]}/model-1`, true)
        assert.equal(heard.status, 200)
        assert.equal(heard.whole, false, 'the connection closes without the mark of a complete answer')
        const { last, claimsFinish } = verdict(client, heard)
        assert.equal(last, 'error', 'the error is in-band, in the words of the client')
        assert.equal(claimsFinish, false, heard.body)
        assert.match(heard.body, /Hello/, 'what had come before is there')
        const record = await turnpike.record(heard.id)
        assert.equal(record['outcome'], 'interrupted')
        assert.ok(fault.class.includes(attemptClass(record)), `${attemptClass(record)} is none of ${fault.class.join()}`)
        assert.equal(record['cost_source'], 'estimated')
        assert.ok(Number(record['cost_usd']) > 0, 'what was produced is counted')
      })
    }

    for (const stream of [false, true]) {
      const mode = stream ? 'stream' : 'whole'
      for (const [slug, kind] of [
        ['refused', 'connect_failed'],
        ['silent', 'connect_timeout'],
        ['nowhere', 'dns_failed'],
        ['tls', 'tls_failed'],
      ] as const) {
        test(`${pair}, ${mode}: a connection that fails (${kind}) becomes a 503`, async () => {
          const heard = await ask(client, `${slug}-${providerOf[provider]}/model-1`, stream)
          assert.equal(heard.status, 503, heard.body)
          assert.equal(attemptClass(await turnpike.record(heard.id)), kind)
        })
      }

      test(`${pair}, ${mode}: a request that the provider blames is answered with its verdict`, async () => {
        for (const status of [400, 413, 422] as const) {
          upstream.clear()
          upstream.enqueue(wireScripts[provider].error(status, 'The field temperature is out of range.'))
          const heard = await ask(client, `${providerOf[provider]}/model-1`, stream)
          assert.equal(heard.status, status, heard.body)
          assert.match(String(errorOf(client, heard)['message']), /temperature is out of range/)
          assert.equal((await turnpike.record(heard.id))['outcome'], 'client_error')
        }
      })

      test(`${pair}, ${mode}: a prompt that is too long is a 400 that says so`, async () => {
        upstream.clear()
        upstream.enqueue(wireScripts[provider].contextTooLong())
        const heard = await ask(client, `${providerOf[provider]}/model-1`, stream)
        assert.equal(heard.status, 400)
        if (client === 'openai-chat') assert.equal(errorOf(client, heard)['code'], 'context_length_exceeded')
      })

      for (const encoding of ['gzip', 'br', 'deflate', 'zstd'] as const) {
        test(`${pair}, ${mode}: an answer compressed with ${encoding} arrives`, async () => {
          upstream.clear()
          upstream.enqueue({ ...(stream ? wireScripts[provider].sse() : wireScripts[provider].json()), encoding })
          const heard = await ask(client, `${providerOf[provider]}/model-1`, stream)
          assert.equal(heard.whole, true)
          assert.match(heard.body, stream ? /world/ : /Hello, world!/)
          assert.equal((await turnpike.record(heard.id))['outcome'], 'ok')
        })
      }
    }

    for (const [name, change] of [
      ['CRLF newlines', (text: string) => text.replaceAll('\n', '\r\n')],
      ['CR newlines', (text: string) => text.replaceAll('\n', '\r')],
      ['a byte order mark', (text: string) => `\uFEFF${text}`],
      ['comments', (text: string) => `: hi\n\n${text.replaceAll('\n\n', '\n\n: still here\n\n')}`],
    ] as const) {
      test(`${pair}: a stream with ${name} arrives whole, in packets of seven bytes too`, async () => {
        const plain = change(wireScripts[provider].frames({ text: ['Grüße, ', '世界', '!'] }).join(''))
        for (const size of [7, 1 << 20]) {
          upstream.clear()
          const bytes = Buffer.from(plain)
          const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
          upstream.enqueue(sseAnswer(pieces as unknown as string[]))
          const heard = await ask(client, `${providerOf[provider]}/model-1`, true)
          assert.equal(heard.whole, true, heard.body)
          const { last } = verdict(client, heard)
          assert.equal(last, 'finish')
          const decoder = wires.get(client)!.egress.createStreamDecoder({})
          const text = heard.frames
            .flatMap((frame) => decoder.push(frame))
            .map((event) => (event.type === 'part-delta' ? event.text : ''))
            .join('')
          assert.equal(text, 'Grüße, 世界!')
        }
      })
    }

    test(`${pair}: an event of 1 MB arrives`, async () => {
      const long = 'x'.repeat(1 << 20)
      upstream.clear()
      upstream.enqueue(wireScripts[provider].sse({ text: ['a', long] }))
      const heard = await ask(client, `${providerOf[provider]}/model-1`, true)
      assert.equal(heard.whole, true)
      assert.ok(heard.body.includes(long))
    })
  }
}

for (const client of wireNames) {
  for (const phase of ['before the head', 'before content', 'after content'] as const) {
    test(`${client}: a client that leaves ${phase} stops the provider within a second, and one record says cancelled`, async () => {
      upstream.clear()
      const script = wireScripts[client]
      upstream.enqueue(
        phase === 'before the head'
          ? faults.silent()
          : phase === 'before content'
            ? faults.stallsBeforeContent(script)
            : faults.stallsAfterContent(script),
      )
      const controller = new AbortController()
      const model = `${providerOf[client]}/model-1`
      const asked = turnpike.post(
        script.path,
        { model, stream: true, max_tokens: 100, messages: [{ role: 'user', content: `leave ${phase}` }] },
        { signal: controller.signal, headers: { 'x-turnpike-session-id': `leave-${phase}-${client}` } },
      )
      const received = await upstream.next()
      if (phase === 'after content') {
        const response = await asked
        await response.body!.getReader().read()
      }
      const left = performance.now()
      controller.abort()
      await asked.catch(() => {})
      await received.aborted
      assert.ok(performance.now() - left < 1000)
      const records = (await turnpike.records()).filter(({ session }) => session === `leave-${phase}-${client}`)
      assert.equal(records.length, 1)
      assert.equal(records[0]!['outcome'], 'cancelled')
    })
  }
}

test('a kept-alive connection that the provider closed is retried once, unseen', async () => {
  upstream.clear()
  upstream.enqueue(wireScripts['openai-chat'].json())
  assert.equal((await ask('openai-chat', 'chat/model-1', false)).status, 200)
  upstream.enqueue(faults.hangUp(), wireScripts['openai-chat'].json())
  const heard = await ask('openai-chat', 'chat/model-1', false)
  assert.equal(heard.status, 200, heard.body)
  assert.equal((await turnpike.record(heard.id))['attempts_count'] ?? 1, 1)
})

function attemptClass(record: JsonObject): string {
  const attempts = record['attempts']
  const list = Array.isArray(attempts) ? attempts : (record['attempt_list'] as JsonObject[])
  const last = list.at(-1) as JsonObject
  return String(last['error_class'] ?? (last['error'] as JsonObject | undefined)?.['class'])
}
