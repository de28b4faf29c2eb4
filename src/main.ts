// Composition root: builds every room, in order, and stops them in reverse. The only file that knows all of them.
import { statSync } from 'node:fs'
import { createAdmin, type Admin, type AdminOptions } from '#admin'
import { createResponseCache } from '#cache'
import { createGlob, secretTexts } from '#catalog'
import {
  ConfigError,
  environment,
  homeFiles,
  nothingDeclared,
  openHome,
  readDeclared,
  type Declared,
  type Home,
  type RoutingNode,
  type RunningSettings,
  type Settings,
  type Snapshot,
} from '#config'
import { createAccounts, createControl, Refusal, type Control, type OpenControl } from '#control'
import { createDrill, type DrillDeps } from '#drill'
import { createGateway } from '#gateway'
import { createAccount, createIngress, routeName } from '#ingress'
import { createRecorder, createThreadedTokenCounter, listenedJournal, recordFiles, type Recorder, type RecoverySummary } from '#journal'
import { accountOf, createLimits, readLimits, walletOf, type Limits } from '#ledger'
import { createBufferPool, createDeadlines, Failure } from '#kernel'
import { createDryRun, createPlanner } from '#planning'
import { createKeyring, type Keyring } from '#policy'
import { createHealth, judgeChanged, providerCounts, targetStates } from '#routing'
import { createLedger, lockHome, type Ledger } from '#store'
import { createHeaderRecorder, createLog, createMetrics, redactHeaders, type Log } from '#telemetry'
import { createTranslator } from '#translation'
import { createNetwork, createSim, probeProvider, type ProbeReport } from '#upstream'

export type Turnpike = {
  /** `http://127.0.0.1:8640`, with the real port. */
  readonly url: string
  readonly port: number
  /** Made at the first start of this home, kept nowhere in plain text. */
  readonly firstKey: string | undefined
  /** The current one. */
  readonly snapshot: Snapshot
  readonly control: Control
  /** What was found in the journal of an earlier process. */
  readonly recovery: RecoverySummary
  /** Takes settings and the file that they name, read anew, from the next request on. What is wrong is logged, and changes nothing. */
  reload(read: () => Settings): Promise<void>
  /** Refuses new requests, lets running ones finish until the deadline, writes everything, releases the home. */
  close(deadlineMs: number): Promise<void>
}

/** The control plane of a home whose gateway is not running. */
export type ControlSession = {
  readonly control: Control
  /** The admin API, in this process and without its token. */
  readonly inject: Admin['inject']
  close(): Promise<void>
}

/** Of each call that a test of a provider makes. */
const probeTimeoutMs = 10_000

type Start = { readonly settings: Settings; readonly version: string }
type Undo = (() => unknown)[]

/** Starts a gateway; it serves when this resolves. Rejects with one sentence for the operator, and leaves nothing running. */
export async function startTurnpike(options: Start): Promise<Turnpike> {
  return orUndo((undo) => start(options, undo))
}

/**
 * Opens a home without serving: for commands that change what a gateway will find when it starts. Rejects with one sentence for the operator:
 * the home is in use, or cannot be read.
 */
export async function openControl(options: Start): Promise<ControlSession> {
  return orUndo((undo) => open(options, undo))
}

async function orUndo<T>(build: (undo: Undo) => Promise<T>): Promise<T> {
  const undo: Undo = []
  try {
    return await build(undo)
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

type Ground = { readonly home: Home; readonly log: Log; readonly opened: OpenControl; release(): void }

/** What both have: the home, locked, and its control plane. */
async function openGround(settings: Settings, log: (home: Home) => Log, isServing: boolean, undo: Undo): Promise<Ground> {
  const lock = lockOf(settings.home)
  undo.push(() => lock.release())
  const home = openHome(settings)
  const env = environment()
  const declared = declaredBy(settings)
  const made = log(home)
  const opened = await createControl({
    settings,
    declared,
    env,
    adminToken: home.adminToken,
    makesFirstKey: isServing,
    toleratesMisfits: !isServing,
    log: made,
  })
  undo.push(() => opened.control.close())
  return { home, log: made, opened, release: () => lock.release() }
}

async function start({ settings, version }: Start, undo: Undo): Promise<Turnpike> {
  let secrets: readonly string[] = []
  const { home, log, opened, release } = await openGround(
    settings,
    ({ adminToken }) => {
      secrets = [adminToken]
      return createLog({ level: settings.logLevel, secrets: () => secrets })
    },
    true,
    undo,
  )
  const { control, firstKey, indexOf } = opened
  let keyring: Keyring | undefined
  const adminToken = home.adminToken
  control.onSnapshot((snapshot) => {
    secrets = [...secretsOf(snapshot, adminToken)]
    keyring = undefined
  })
  const currentKeyring = (): Keyring => (keyring ??= createKeyring({ keys: control.snapshot().keys, adminToken }))

  let running = opened.running()
  log.level = running.logLevel
  const recorder = await recorderOf(settings.home, running, log)
  undo.push(() => recorder.close())
  opened.onRunning((changed) => {
    running = changed
    log.level = changed.logLevel
    recorder.configure(changed)
  })

  const deadlines = createDeadlines()
  const buffers = createBufferPool()
  const cache = settings.cacheMaxBytes === 0 ? undefined : createResponseCache(settings.cacheMaxBytes)
  const network = createNetwork()
  const simulator = createSim()
  const tokens = createThreadedTokenCounter()
  const translator = createTranslator()
  const health = createHealth()
  control.onSnapshot(judgeChanged(health))
  let isDraining = false
  const metrics = createMetrics({
    version,
    startedAtMs: Date.now(),
    endpoint: routeName,
    knowsModel: (provider, model) => control.snapshot().providers.get(provider)?.models.has(model) === true,
    state: () => ({
      ...targetStates(health, control.snapshot(), performance.now()),
      running: gateway.running,
      isDraining,
      cache: cache?.stats(),
      journal: recorder.stats().journal,
    }),
  })
  const ledger = ledgerOf(settings.home, () => recorder.flush())
  undo.push(() => ledger.close())
  const limits = await limitsOf(control, ledger, log)
  const shared: DrillDeps = {
    snapshot: () => control.snapshot(),
    resolve: (snapshot, model, key) => indexOf(snapshot).resolve(model, key),
    deadlines,
    buffers,
    translator,
    countTokens: (text) => tokens.count(text),
    log,
  }
  const gateway = createGateway({
    ...shared,
    journal: listenedJournal(recorder.journal, (record) => metrics.count(record)),
    health,
    network,
    simulator,
    cache,
    storesPayloads: () => running.logging === 'full',
    headersText: createHeaderRecorder(),
    limits,
  })
  undo.push(() => deadlines.close())
  undo.push(() => network.close())
  undo.push(() => simulator.close())
  undo.push(() => tokens.close())
  undo.push(() => translator.close())

  const admin = await createAdmin({
    ...adminOptions({ settings, version }, control, home, log),
    accounts: createAccounts({ ledger, control, note: opened.note, held: () => heldBy(limits) }),
    query: recorder.query,
    isGatewayKey: isOurs,
    dryRun: (input) => gateway.dryRun(input),
    drill: createDrill(shared),
    testProvider: async (slug) => {
      const report = await testProvider(control, slug)
      // Whoever tests it has mended it, and does not want to wait for the next probe.
      if (report.ok) health.reset(slug)
      return report
    },
    health: () => health.rows(performance.now()),
    metrics: { text: () => metrics.text(), token: settings.metricsToken },
  })
  undo.push(() => admin.close())

  const ingress = createIngress({
    gateway,
    authenticate: (headers, query) => currentKeyring().authenticate(headers, keyOfQuery(query)),
    models: () => indexOf(control.snapshot()),
    account: createAccount({
      limits,
      ledger,
      request: (id) => recorder.query.get(id),
      timeZone: () => control.snapshot().timeZone,
    }),
    admin,
    providers: () => providerCounts(health, control.snapshot(), performance.now()),
    buffers,
    deadlines,
    log,
  })
  const port = await ingress.listen(settings.host, settings.port)
  control.alerts.resume()
  if (recorder.recovery.orphans > 0 || recorder.recovery.tornBytes > 0)
    log.warn(recorder.recovery, 'the last process was killed; its journal has been read')

  /** Expired and revoked ones too. */
  function isOurs(credential: string): boolean {
    const found = currentKeyring().authenticate({ authorization: `Bearer ${credential}` })
    return !(found instanceof Failure) || found.kind !== 'invalid_api_key'
  }

  return {
    url: settings.publicUrl ?? `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`,
    port,
    firstKey,
    get snapshot() {
      return control.snapshot()
    },
    control,
    recovery: recorder.recovery,
    reload: (read) => reloadFile(opened, log, read),
    async close(deadlineMs) {
      isDraining = true
      ingress.drain()
      await gateway.drain(deadlineMs)
      await admin.endStreams()
      await ingress.close()
      await admin.close()
      await tokens.close()
      await translator.close()
      await simulator.close()
      await network.close()
      deadlines.close()
      await ledger.close()
      metrics.close()
      await recorder.close()
      await control.close()
      release()
    },
  }
}

async function open({ settings, version }: Start, undo: Undo): Promise<ControlSession> {
  // Lines of a log have no place in the output of a command.
  const quiet = ({ adminToken }: Home): Log => createLog({ level: 'silent', secrets: () => [adminToken] })
  const { home, log, opened, release } = await openGround(settings, quiet, false, undo)
  const { control, indexOf } = opened
  let recorder: Promise<Recorder> | undefined
  // Most commands ask nothing of the records; it may take a while to read what a killed process left.
  const opening = (): Promise<Recorder> =>
    (recorder ??= recorderOf(settings.home, opened.running(), log).catch(({ message }: Error) => {
      throw new Refusal('unavailable', message)
    }))
  const query = async (): Promise<Recorder['query']> => (await opening()).query
  const ledger = ledgerOf(settings.home, async () => (await opening()).flush())
  const resolve: DrillDeps['resolve'] = (snapshot, model, key) => indexOf(snapshot).resolve(model, key)
  const buffers = createBufferPool()
  const deadlines = createDeadlines()
  const translator = createTranslator()
  const tokens = createThreadedTokenCounter()
  const admin = await createAdmin({
    ...adminOptions({ settings, version }, control, home, log),
    // No gateway runs, so nothing is held.
    accounts: createAccounts({ ledger, control, note: opened.note, held: () => new Map() }),
    query: {
      listText: async (...asked) => (await query()).listText(...asked),
      newer: async (...asked) => (await query()).newer(...asked),
      histogram: async (...asked) => (await query()).histogram(...asked),
      facets: async (...asked) => (await query()).facets(...asked),
      get: async (id) => (await query()).get(id),
      payload: async (...asked) => (await query()).payload(...asked),
      flush: async () => (await query()).flush(),
    },
    dryRun: createDryRun(
      createPlanner({
        snapshot: () => control.snapshot(),
        resolve,
        health: createHealth(),
        nowMs: () => performance.now(),
        random: Math.random,
      }),
      buffers,
    ),
    drill: createDrill({
      snapshot: () => control.snapshot(),
      resolve,
      deadlines,
      buffers,
      translator,
      countTokens: (text) => tokens.count(text),
      log,
    }),
    isGatewayKey: () => false,
  })
  return {
    control,
    inject: (path, init) => admin.inject(path, init),
    async close() {
      await admin.close()
      await tokens.close()
      await translator.close()
      deadlines.close()
      await ledger.close()
      await (await recorder?.catch(() => undefined))?.close()
      await control.close()
      release()
    },
  }
}

/** What was spent is in the ledger; the journal of the last process has been read into it. */
function ledgerOf(home: string, settle: () => Promise<void>): Ledger {
  const { ledger, database: records } = recordFiles(home)
  return createLedger({ ledger, records, settle })
}

/** Rejects when what was spent cannot be read: limits that don't know it would let everything through. */
async function limitsOf(control: Control, ledger: Ledger, log: Log): Promise<Limits> {
  const limits = createLimits({ createGlob })
  limits.onAlert = (alert) => control.alerts.tell(alert)
  const canonicalOf = (provider: string, model: string): string | undefined =>
    control.snapshot().providers.get(provider)?.models.get(model)?.canonical
  const read = (serving: boolean): Promise<void> => readLimits({ limits, ledger, createGlob, canonicalOf, nowMs: Date.now, serving })
  limits.configure(control.snapshot())
  await read(false)
  let reading = Promise.resolve()
  control.onSnapshot((snapshot) => {
    limits.configure(snapshot)
    reading = reading.then(() => read(true)).catch((error: unknown) => log.error({ err: error }, 'what was spent before could not be read'))
  })
  ledger.onBalance(({ account, deltaNanoUsd }) => limits.changeBalance(walletOf(account), deltaNanoUsd))
  return limits
}

function heldBy(limits: Limits): ReadonlyMap<string, bigint> {
  return new Map(limits.list(Date.now()).flatMap((view) => (view.kind === 'wallet' ? [[accountOf(view.id), view.held]] : [])))
}

function recorderOf(home: string, running: RunningSettings, log: Log): Promise<Recorder> {
  const { logging, retentionDays, logMaxBytes } = running
  return createRecorder({
    home,
    logging,
    retentionDays,
    logMaxBytes,
    onError: (error) => log.error({ err: error }, 'the recorder has trouble'),
  })
}

function adminOptions(
  { settings, version }: Start,
  control: Control,
  { adminToken }: Home,
  log: Log,
): Omit<AdminOptions, 'query' | 'isGatewayKey' | 'dryRun' | 'drill'> {
  return {
    control,
    testProvider: (slug) => testProvider(control, slug),
    adminToken,
    allowedHosts: [settings.host, ...(settings.publicUrl === undefined ? [] : [new URL(settings.publicUrl).hostname])],
    version,
    log,
  }
}

async function reloadFile({ reload }: OpenControl, log: Log, read: () => Settings): Promise<void> {
  try {
    const settings = read()
    const { configPath } = settings
    // What a full disk, or an editor that is not done, leaves of a file.
    if (configPath !== undefined && statSync(configPath).size === 0)
      throw new ConfigError(configPath, `${configPath} is empty; write it again, or {} into it to declare nothing.`)
    const waiting = await reload({ settings, declared: declaredBy(settings) })
    if (configPath === undefined) log.info('there is no turnpike.yaml; what is stored counts')
    else log.info({ file: configPath }, 'turnpike.yaml was read again and counts from the next request on')
    if (waiting.length > 0) log.warn({ settings: waiting }, `what the file says of ${waiting.join(', ')} counts from the next start on`)
  } catch (error) {
    if (!(error instanceof ConfigError)) log.error({ err: error }, 'turnpike.yaml could not be read again; what counted before stays')
    else log.error({}, `turnpike.yaml was not taken, and what counted before stays: ${error.message}`)
  }
}

function declaredBy({ configPath }: Settings): Declared {
  return configPath === undefined ? nothingDeclared : readDeclared(configPath, environment())
}

async function testProvider(control: Control, slug: string): Promise<ProbeReport> {
  const provider = control.snapshot().providers.get(slug)
  if (provider === undefined) throw new Refusal('conflict', control.providers.get(slug).trouble ?? `The provider ${slug} cannot be used.`)
  return probeProvider(provider, { timeoutMs: probeTimeoutMs })
}

/** Takes the home before anything in it is read or made, so that two first starts cannot both make its keys. */
function lockOf(home: string): { release(): void } {
  try {
    homeFiles.makeHome(home)
  } catch {
    // `openHome` says better what is wrong with it.
    return { release() {} }
  }
  return lockHome(home)
}

function* secretsOf({ providers, configs }: Snapshot, adminToken: string): Generator<string> {
  yield adminToken
  for (const { root } of configs.values()) yield* keysOfConfig(root)
  for (const { credentials, headers } of providers.values()) {
    for (const credential of credentials) yield* secretTexts(credential)
    const redacted = redactHeaders(headers)
    for (const [name, value] of Object.entries(headers)) if (redacted[name] !== value) yield value
  }
}

function* keysOfConfig(node: RoutingNode): Generator<string> {
  if (node.kind === 'group') for (const target of node.targets) yield* keysOfConfig(target)
  else if (node.apiKey !== undefined) yield node.apiKey
}

function keyOfQuery(query: string): string | undefined {
  return query.includes('key=') ? (new URLSearchParams(query).get('key') ?? undefined) : undefined
}
