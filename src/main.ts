// Composition root: builds every room, in order, and stops them in reverse. The only file that knows all of them.
import { mkdirSync } from 'node:fs'
import { createAdmin } from '#admin'
import { buildProviders, buildSnapshot, createModelIndex, type ModelIndex } from '#catalog'
import { environment, nothingDeclared, openHome, readDeclared, type Settings, type Snapshot } from '#config'
import { createGateway } from '#gateway'
import { createIngress } from '#ingress'
import { createRecorder, createThreadedTokenCounter, type RecoverySummary } from '#journal'
import { createBufferPool, createDeadlines, Failure } from '#kernel'
import { createKeyring } from '#policy'
import { lockHome } from '#store'
import { createHeaderRecorder, createLog } from '#telemetry'
import { createNetwork, createSim } from '#upstream'

export type Turnpike = {
  /** `http://127.0.0.1:8640`, with the real port. */
  readonly url: string
  readonly port: number
  /** Made at the first start of this home, kept nowhere in plain text. */
  readonly firstKey: string | undefined
  readonly snapshot: Snapshot
  /** What was found in the journal of an earlier process. */
  readonly recovery: RecoverySummary
  /** Refuses new requests, lets running ones finish until the deadline, writes everything, releases the home. */
  close(deadlineMs: number): Promise<void>
}

/** Starts a gateway; it serves when this resolves. Rejects with one sentence for the operator, and leaves nothing running. */
export async function startTurnpike({ settings, version }: { readonly settings: Settings; readonly version: string }): Promise<Turnpike> {
  const undo: (() => unknown)[] = []
  try {
    return await start(settings, version, undo)
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

async function start(settings: Settings, version: string, undo: (() => unknown)[]): Promise<Turnpike> {
  const lock = lockOf(settings.home)
  undo.push(() => lock.release())
  const home = openHome(settings)
  const env = environment()
  const declared = settings.configPath === undefined ? nothingDeclared : readDeclared(settings.configPath, env)
  const providers = buildProviders({ declared, env })
  const snapshot = buildSnapshot({ version: 1, declared, homeKeys: home.keys, providers })
  const log = createLog({ level: settings.logLevel, secrets: () => secretsOf(snapshot, home.adminToken) })

  const recorder = await createRecorder({
    home: settings.home,
    logging: settings.logging,
    retentionDays: settings.retentionDays,
    logMaxBytes: settings.logMaxBytes,
    onError: (error) => log.error({ err: error }, 'the recorder has trouble'),
  })
  undo.push(() => recorder.close())

  const deadlines = createDeadlines()
  const buffers = createBufferPool()
  const network = createNetwork()
  const simulator = createSim()
  const tokens = createThreadedTokenCounter()
  const index = createModelIndex(snapshot)
  const gateway = createGateway({
    snapshot: () => snapshot,
    resolve: (_snapshot, model) => index.resolve(model),
    journal: recorder.journal,
    network,
    simulator,
    deadlines,
    buffers,
    storesPayloads: settings.logging === 'full',
    headersText: createHeaderRecorder(),
    countTokens: (text) => tokens.count(text),
    log,
  })
  undo.push(() => deadlines.close())
  undo.push(() => network.close())
  undo.push(() => simulator.close())
  undo.push(() => tokens.close())

  const keyring = createKeyring({ keys: snapshot.keys, adminToken: home.adminToken })
  const admin = await createAdmin({
    query: recorder.query,
    adminToken: home.adminToken,
    isGatewayKey: (credential) => !(keyring.authenticate({ authorization: `Bearer ${credential}` }) instanceof Failure),
    allowedHosts: [settings.host, ...(settings.publicUrl === undefined ? [] : [new URL(settings.publicUrl).hostname])],
    version,
    log,
  })
  undo.push(() => admin.close())

  const ingress = createIngress({
    gateway,
    authenticate: (headers, query) => keyring.authenticate(headers, keyOfQuery(query)),
    models: modelLists(index),
    admin,
    buffers,
    deadlines,
    log,
  })
  const port = await ingress.listen(settings.host, settings.port)
  if (recorder.recovery.orphans > 0 || recorder.recovery.tornBytes > 0)
    log.warn(recorder.recovery, 'the last process was killed; its journal has been read')

  return {
    url: settings.publicUrl ?? `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    port,
    firstKey: home.created.gatewayKey,
    snapshot,
    recovery: recorder.recovery,
    async close(deadlineMs) {
      ingress.drain()
      await gateway.drain(deadlineMs)
      await ingress.close()
      await admin.close()
      await tokens.close()
      await simulator.close()
      await network.close()
      deadlines.close()
      await recorder.close()
      lock.release()
    },
  }
}

/** Takes the home before anything in it is read or made, so that two first starts cannot both make its keys. */
function lockOf(home: string): { release(): void } {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
  } catch {
    // `openHome` says better what is wrong with it.
    return { release() {} }
  }
  return lockHome(home)
}

function* secretsOf({ providers }: Snapshot, adminToken: string): Generator<string> {
  yield adminToken
  for (const { credentials } of providers.values()) for (const { secret } of credentials) if (secret !== '') yield secret
}

function keyOfQuery(query: string): string | undefined {
  return query.includes('key=') ? (new URLSearchParams(query).get('key') ?? undefined) : undefined
}

function modelLists(index: ModelIndex): Parameters<typeof createIngress>[0]['models'] {
  return {
    list: (key) => JSON.stringify({ object: 'list', data: index.list(key) }),
    one(key, id) {
      const model = index.get(key, id)
      if (model !== undefined) return JSON.stringify(model)
      const resolved = index.resolve(id)
      const near = resolved.ok ? [] : resolved.nearest
      const hint = near.length === 0 ? '' : ` Did you mean ${near.map((name) => JSON.stringify(name)).join(' or ')}?`
      return new Failure('model_not_found', `No provider of this gateway lists the model ${JSON.stringify(id.slice(0, 200))}.${hint}`, {
        param: 'model',
      })
    },
  }
}
