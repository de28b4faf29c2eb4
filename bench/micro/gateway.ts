// The gateway's own JavaScript per small request, without sockets: a provider and a client that cost nothing. `node bench/micro/gateway.ts`
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildProviders, buildSnapshot, createModelIndex } from '#catalog'
import { hashKey, nothingDeclared, type Declared } from '#config'
import { createGateway } from '#gateway'
import type { Client } from '#inspection'
import { createRecorder } from '#journal'
import { createBufferPool, createDeadlines, headroomBytes, newRequestId } from '#kernel'
import { createKeyring } from '#policy'
import { createHealth } from '#routing'
import { createHeaderRecorder } from '#telemetry'
import { createTranslator } from '#translation'
import type { Upstream } from '#upstream'
import { mockAnswer } from '../nginx.ts'

const requests = Number(process.argv[2] ?? 200_000)
const batch = 16
const home = mkdtempSync(path.join(tmpdir(), 'turnpike-micro-'))
const withRecorder = !process.argv.includes('--no-recorder')

const answer = Buffer.from(mockAnswer)
const upstream: Upstream = {
  send(_request, handler) {
    setImmediate(() => {
      handler.head(200, { 'content-type': 'application/json', 'content-length': String(answer.length) })
      handler.data(answer)
      handler.end()
    })
    return { abort() {}, pause() {}, resume() {}, bodySent: () => true }
  },
  async close() {},
}

const declared: Declared = { ...nothingDeclared, sim: false }
const key = { id: 'k', name: 'k', hash: hashKey('tp-bench-0123456789abcdef'), streamUsage: 'always' } as const
const snapshot = buildSnapshot({
  version: 1,
  declared,
  storedKeys: [key],
  providers: buildProviders({ declared, env: { OPENAI_API_KEY: 'sk-x-0123456789' } }),
})
const index = createModelIndex(snapshot)
const keyring = createKeyring({ keys: snapshot.keys })
const recorder = withRecorder
  ? await createRecorder({ home, logging: 'full', retentionDays: 30, logMaxBytes: 2e9, onError: console.error })
  : undefined
const deadlines = createDeadlines()
const buffers = createBufferPool()
const gateway = createGateway({
  snapshot: () => snapshot,
  resolve: (_snapshot, model, by) => index.resolve(model, by),
  journal: recorder?.journal ?? {
    reserve: (_r, written) => setImmediate(written, undefined),
    progress() {},
    finish: (_r, written) => setImmediate(written, undefined),
    payload() {},
    async close() {},
  },
  health: createHealth(),
  network: upstream,
  simulator: upstream,
  deadlines,
  buffers,
  headersText: createHeaderRecorder(),
  translator: createTranslator(),
  countTokens: async () => 0,
  storesPayloads: () => true,
  log: { warn: console.error, error: console.error },
})

const body = Buffer.from(
  '{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"Say in one sentence why a toll road remembers."}],"max_tokens":100,"n":1,"stream":false}',
)
const headers = {
  host: 'x',
  authorization: 'Bearer tp-bench-0123456789abcdef',
  'content-type': 'application/json',
  'content-length': String(body.length),
}
let done = 0
let sentBytes = 0

function one(): void {
  const found = keyring.authenticate(headers)
  if (!('id' in found)) throw found
  const buffer = buffers.take(headroomBytes + body.length + 256)
  body.copy(buffer, headroomBytes)
  const atMs = Date.now()
  const client: Client = {
    head() {},
    write: () => true,
    end(bytes) {
      sentBytes += bytes?.length ?? 0
      done++
    },
    cut() {},
    flushed: () => true,
    listener: undefined,
  }
  gateway.handle({
    id: newRequestId(atMs),
    atMs,
    readyMs: performance.now(),
    operation: 'generate',
    wire: 'openai-chat',
    endpoint: '/v1/chat/completions',
    headers,
    key: found,
    buffer,
    bodyStart: headroomBytes,
    bodyEnd: headroomBytes + body.length,
    client,
  })
}

async function run(count: number): Promise<void> {
  const target = done + count
  while (done < target) {
    for (let i = 0; i < batch; i++) one()
    while (gateway.running > 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

await run(requests / 4)
const before = process.threadCpuUsage()
await run(requests)
const after = process.threadCpuUsage(before)
console.log(
  `${((after.user + after.system) / requests).toFixed(2)} µs of the event loop per request (${requests} requests, ${sentBytes} bytes answered)`,
)
await recorder?.close()
deadlines.close()
rmSync(home, { recursive: true, force: true })
