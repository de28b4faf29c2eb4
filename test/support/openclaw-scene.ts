// A gateway process, scripted providers and a real OpenClaw, for the tests of test/openclaw.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import type { JsonObject } from '#kernel'
import type { RequestDetail } from '#store'
import { stringify } from 'yaml'
import { createOpenClaw, type TestOpenClaw } from './openclaw.ts'
import { followRecords } from './record-stream.ts'
import { runCommand, startGateway, type Ended, type Running } from './turnpike-process.ts'
import { createUpstream, type ScriptedUpstream } from './upstream.ts'

export type Scene = {
  readonly url: string
  readonly turnpikeHome: string
  readonly gateway: Running
  /** `alpha` and `beta` speak chat completions and serve `model-1`; `gamma` speaks Anthropic's messages and serves `model-2`. */
  readonly alpha: ScriptedUpstream
  readonly beta: ScriptedUpstream
  readonly gamma: ScriptedUpstream
  readonly openclaw: TestOpenClaw
  /** A command of turnpike in the environment in which OpenClaw is found. */
  turnpike(...args: readonly string[]): Promise<Ended>
  admin(where: string, init?: RequestInit): Promise<Response>
  /** Records that came since the last call, newest first, once there are `count`. */
  newRecords(count: number): Promise<RequestDetail[]>
}

/** USD for a million tokens: different enough to tell input, output and cache apart. */
const price = { input_per_million_usd: '2', output_per_million_usd: '10', cache_read_per_million_usd: '0.5' }
const model = (id: string): JsonObject => ({ id, context_window: 128_000, max_output_tokens: 8192, capabilities: ['tools'], price })

export async function startScene(context: TestContext): Promise<Scene> {
  const upstreams = await Promise.all([createUpstream(), createUpstream(), createUpstream()])
  const [alpha, beta, gamma] = upstreams
  context.after(async () => {
    for (const upstream of upstreams) await upstream.close()
  })
  const turnpikeHome = mkdtempSync(path.join(os.tmpdir(), 'turnpike-test-'))
  context.after(() => rmSync(turnpikeHome, { recursive: true, force: true, maxRetries: 5 }))
  const provider = (vendor: string, base: string, id: string, priority: number): JsonObject => ({
    vendor,
    base_url: base,
    priority,
    allow_private_network: true,
    credentials: [{ value: `sk-${vendor}-secret-of-a-test` }],
    models: { allow: [id], custom: [model(id)] },
  })
  const declared = {
    providers: {
      alpha: provider('openai', `${alpha.origin}/v1`, 'model-1', 1),
      beta: provider('openai', `${beta.origin}/v1`, 'model-1', 2),
      gamma: provider('anthropic', gamma.origin, 'model-2', 3),
    },
  }
  writeFileSync(path.join(turnpikeHome, 'turnpike.yaml'), stringify(declared))
  const gateway = await startGateway(context, turnpikeHome)
  const { url } = gateway.ready
  const openclaw = createOpenClaw(context)
  const token = readFileSync(path.join(turnpikeHome, 'admin-token'), 'utf8').trim()
  const admin = (where: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/api/v1/${where}`, { ...init, headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) } })
  const records = await followRecords(context, url, token)
  let taken = 0
  return {
    url,
    turnpikeHome,
    gateway,
    alpha,
    beta,
    gamma,
    openclaw,
    turnpike: (...args) => runCommand(context, [...args, '--home', turnpikeHome], { env: openclaw.env }),
    admin,
    async newRecords(count) {
      await records.until(taken + count)
      const fresh = records.rows.slice(taken)
      taken += fresh.length
      return Promise.all(fresh.toReversed().map(async ({ id }) => (await (await admin(`requests/${id}`)).json()) as RequestDetail))
    },
  }
}
