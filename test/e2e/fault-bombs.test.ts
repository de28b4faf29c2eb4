// Answers without an end: compressed ones that become gigabytes, errors that never stop, one event that goes on for ever. Each is given up early.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { RequestDetail } from '#store'
import { clientRequest, clientScripts, hear, providerOf } from '#test/client-scripts.ts'
import { pricedModel, startTest, type TestTurnpike } from '#test/turnpike.ts'
import { createUpstream, write, type Answer, type ScriptedUpstream } from '#test/upstream.ts'

let upstream: ScriptedUpstream
let turnpike: TestTurnpike

/** 8 MB are 8 KB, and members of gzip may follow one another. */
const member = gzipSync(Buffer.alloc(8 << 20, 'x'))
const members = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, () => member))
const gigabyte = members(128)
const endless = Array.from({ length: 4000 }, () => write(Buffer.alloc(64 << 10, 'x')))

const bombs: readonly { readonly name: string; readonly kind: string; readonly stream: boolean; readonly answer: Answer }[] = [
  {
    name: 'a compressed body of a gigabyte',
    kind: 'bad_response',
    stream: false,
    answer: { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: gigabyte },
  },
  {
    name: 'a compressed event of a gigabyte',
    kind: 'bad_response',
    stream: true,
    answer: {
      headers: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
      body: Buffer.concat([gzipSync('data: {"x":"'), gigabyte]),
    },
  },
  {
    name: 'a compressed error of a gigabyte',
    kind: 'provider_error',
    stream: false,
    answer: { status: 500, headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' }, body: gigabyte },
  },
  {
    name: 'an error without an end',
    kind: 'provider_error',
    stream: true,
    answer: { status: 500, headers: { 'content-type': 'text/plain' }, body: endless },
  },
  {
    name: 'an event without an end',
    kind: 'bad_response',
    stream: true,
    answer: { headers: { 'content-type': 'text/event-stream' }, body: endless },
  },
]

before(async () => {
  upstream = await createUpstream()
  for (const [i, { answer }] of bombs.entries()) upstream.route(({ url }) => url.startsWith(`/bomb-${i}/`), answer)
  upstream.route(
    ({ url }) => url.startsWith('/sound/'),
    (request) => clientScripts['openai-chat'][request.json()['stream'] === true ? 'sse' : 'json'](),
  )
  const providers = Object.fromEntries(
    [...bombs.map((_, i) => `bomb-${i}`), 'sound'].map((slug) => [
      slug,
      {
        ...providerOf('openai-chat', `${upstream.origin}/${slug}`),
        models: {
          allow: slug === 'sound' ? ['model-*'] : [`model-${slug}`],
          custom: (slug === 'sound' ? bombs.map((_, i) => `model-bomb-${i}`) : [`model-${slug}`]).map((id) => ({ ...pricedModel, id })),
        },
        priority: slug === 'sound' ? 2 : 1,
      },
    ]),
  )
  turnpike = await startTest({}, { declared: { providers } })
})
after(async () => {
  await turnpike.end()
  await upstream.close()
})

for (const [i, { name, kind, stream, answer }] of bombs.entries()) {
  test(`${name} is given up, and the next provider answers`, async () => {
    const before = process.memoryUsage().rss
    const { path, body } = clientRequest('openai-chat', `model-bomb-${i}`, stream, 'Say hello.')
    const heard = await hear(await turnpike.post(path, body))
    assert.equal(heard.status, 200, heard.body)
    const record = (await turnpike.record(heard.id)) as unknown as RequestDetail
    assert.deepEqual(
      record.attempt_list.map(({ provider, error }) => [provider, error?.class]),
      [
        [`bomb-${i}`, kind],
        ['sound', undefined],
      ],
    )
    const { closed } = upstream.received.find(({ url }) => url.startsWith(`/bomb-${i}/`))!
    // What is small on the wire may have been sent whole.
    const end = await closed
    assert.ok(end === 'aborted' || (end === 'answered' && answer.body !== endless), end)
    assert.ok(process.memoryUsage().rss - before < 400 << 20, 'it was not kept')
  })
}
