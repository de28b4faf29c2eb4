// A whole Turnpike for a test: a home of its own, any free port, providers that are scripted upstreams.
import type { ScriptedWire } from './scripts.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readSettings, type SettingOverrides } from '#config'
import { startTurnpike, type Turnpike } from '#main'
import type { JsonObject } from '#kernel'
import { stringify } from 'yaml'

export const testKey = 'tp-test-0123456789abcdef'
export const adminToken = 'test-admin-token-0123456789abcdef'

export type TestProvider = {
  readonly wire: ScriptedWire
  readonly origin: string
  /** Models it serves; default one called `model-1` with a price. */
  readonly models?: readonly JsonObject[]
  readonly more?: JsonObject
}

export const pricedModel: JsonObject = {
  id: 'model-1',
  max_output_tokens: 1000,
  price: { input_per_million_usd: '2', output_per_million_usd: '10', cache_read_per_million_usd: '0.5' },
}

export type TestTurnpike = Turnpike & {
  readonly homePath: string
  /** POST with the test key; `init.headers` win. */
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>
  /** A record's row with its details, once it is there. */
  record(id: string): Promise<JsonObject>
  records(): Promise<JsonObject[]>
  payload(id: string, part: 'request' | 'response'): Promise<Buffer>
  /** Stops it and removes its home. */
  end(): Promise<void>
}

export async function startTest(
  providers: Readonly<Record<string, TestProvider>>,
  options: { readonly overrides?: SettingOverrides; readonly declared?: JsonObject } = {},
): Promise<TestTurnpike> {
  const home = mkdtempSync(path.join(tmpdir(), 'turnpike-test-'))
  const config = path.join(home, 'turnpike.yaml')
  const declared: JsonObject = {
    providers: Object.fromEntries(Object.entries(providers).map(([slug, provider]) => [slug, declaredProvider(provider)])),
    keys: [{ name: 'test', value: testKey }],
    ...options.declared,
  }
  writeFileSync(config, stringify(declared))
  const settings = readSettings({ overrides: { home, config, port: '0', logLevel: 'silent', adminToken, ...options.overrides }, env: {} })
  const turnpike = await startTurnpike({ settings, version: 'test' })
  const { url } = turnpike
  const admin = async (where: string): Promise<Response> => {
    const response = await fetch(`${url}/api/v1${where}`, { headers: { authorization: `Bearer ${adminToken}` } })
    if (!response.ok) throw new Error(`${where}: ${response.status} ${await response.text()}`)
    return response
  }
  return {
    ...turnpike,
    homePath: home,
    post: (where, body, init = {}) =>
      fetch(url + where, {
        method: 'POST',
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        ...init,
        headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json', ...init.headers },
      }),
    record: async (id) => (await (await admin(`/requests/${id}`)).json()) as JsonObject,
    records: async () => ((await (await admin('/requests?limit=1000')).json()) as { data: JsonObject[] }).data,
    payload: async (id, part) => Buffer.from(await (await admin(`/requests/${id}/payload?part=${part}`)).arrayBuffer()),
    async end() {
      await turnpike.close(1000)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function declaredProvider({ wire, origin, models = [pricedModel], more }: TestProvider): JsonObject {
  return {
    vendor: wire === 'openai-chat' ? 'openai' : 'anthropic',
    base_url: wire === 'openai-chat' ? `${origin}/v1` : origin,
    credentials: [{ value: 'sk-provider-secret-1' }],
    models: { custom: models as JsonObject[] },
    ...more,
  }
}
