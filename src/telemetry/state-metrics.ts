// What is read off when somebody asks: health of targets, what runs, the journal, the process.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import process from 'node:process'
import { gaugeLines, type Reading } from './metric-family.ts'

export type TargetState = {
  readonly provider: string
  readonly credential: string
  readonly model: string
  readonly scope: string | undefined
  readonly state: string
  readonly attempts: number
  readonly failures: number
}

export type CredentialReading = { readonly provider: string; readonly credential: string; readonly isRejected: boolean }

export type CacheReading = {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly evicted: number
  readonly waiting: number
}

export type GatewayState = {
  readonly running: number
  readonly isDraining: boolean
  /** Those that are not closed are told one by one. */
  readonly targets: readonly TargetState[]
  readonly credentials: readonly CredentialReading[]
  /** Of responses; undefined: it is off. */
  readonly cache: CacheReading | undefined
  readonly journal: {
    readonly records: number
    readonly failedWrites: number
    readonly waitingBytes: number
    readonly lostRecords: number
    readonly lostPayloads: number
    readonly lagBytes: number
  }
}

/** Model names may be a client's: the rest is in the sums by provider and state. */
const mostTroubled = 500
const delayResolutionMs = 20

export function* stateLines(state: GatewayState): Generator<string> {
  yield* gaugeLines('turnpike_requests_running', 'Requests that have begun and not ended.', [{ value: state.running }])
  yield* gaugeLines('turnpike_draining', '1 while it stops: new requests get 503.', [{ value: state.isDraining ? 1 : 0 }])
  yield* gaugeLines(
    'turnpike_targets',
    'Models behind credentials that have been asked lately, by the state of their breaker.',
    sums(state.targets),
  )
  yield* gaugeLines(
    'turnpike_target_trouble',
    '1 for each that is not asked in its place: open, half_open, cooling or rejected.',
    troubled(state.targets),
  )
  yield* gaugeLines(
    'turnpike_credential_rejected',
    '1 while a provider refuses the credential, or its account is used up.',
    state.credentials.map(({ provider, credential, isRejected }) => ({ labels: { provider, credential }, value: isRejected ? 1 : 0 })),
  )
  const { cache, journal } = state
  if (cache !== undefined) {
    yield* gaugeLines('turnpike_cache_entries', 'Answers in the response cache.', [{ value: cache.entries }])
    yield* gaugeLines('turnpike_cache_bytes', 'What they take in memory.', [{ value: cache.bytes }])
    yield* gaugeLines('turnpike_cache_max_bytes', 'What they may take.', [{ value: cache.maxBytes }])
    yield* gaugeLines('turnpike_cache_evicted_total', 'Answers that made room for others.', [{ value: cache.evicted }], 'counter')
    yield* gaugeLines('turnpike_cache_waiting', "Requests that wait for the answer to another one's.", [{ value: cache.waiting }])
  }
  yield* gaugeLines('turnpike_journal_records_total', 'Entries written to the journal.', [{ value: journal.records }], 'counter')
  yield* gaugeLines('turnpike_journal_failed_writes_total', 'Writes that the disk refused.', [{ value: journal.failedWrites }], 'counter')
  yield* gaugeLines('turnpike_journal_lost_total', 'What could not be kept.', [
    { labels: { kind: 'record' }, value: journal.lostRecords },
    { labels: { kind: 'body' }, value: journal.lostPayloads },
  ], 'counter') // prettier-ignore
  yield* gaugeLines('turnpike_journal_waiting_bytes', 'In memory, since the disk refuses them.', [{ value: journal.waitingBytes }])
  yield* gaugeLines('turnpike_journal_lag_bytes', 'Written to the journal and not yet in the store.', [{ value: journal.lagBytes }])
}

export class ProcessMetrics {
  readonly #version: string
  readonly #startedAtMs: number
  #loopDelay: ReturnType<typeof monitorEventLoopDelay> | undefined

  constructor(version: string, startedAtMs: number) {
    this.#version = version
    this.#startedAtMs = startedAtMs
  }

  *lines(): Generator<string> {
    const { heapUsed, external, rss } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const build = { version: this.#version, node: process.versions.node }
    yield* gaugeLines('turnpike_build_info', 'What runs.', [{ labels: build, value: 1 }])
    yield* gaugeLines('process_start_time_seconds', 'Since 1970.', [{ value: this.#startedAtMs / 1000 }])
    yield* gaugeLines('process_cpu_seconds_total', 'All threads.', [{ value: (user + system) / 1e6 }], 'counter')
    yield* gaugeLines('process_resident_memory_bytes', 'All threads.', [{ value: rss }])
    yield* gaugeLines('nodejs_heap_used_bytes', "The event loop's thread.", [{ value: heapUsed }])
    yield* gaugeLines('nodejs_external_memory_bytes', "Buffers of the event loop's thread.", [{ value: external }])
    const { utilization } = performance.eventLoopUtilization()
    yield* gaugeLines('nodejs_eventloop_utilization', 'Share of its time that the event loop was busy, since the start.', [
      { value: utilization },
    ])
    yield* this.#delayLines()
  }

  close(): void {
    this.#loopDelay?.disable()
    this.#loopDelay = undefined
  }

  /** Measured from the first question on, since the measuring wakes the process fifty times a second; then between two questions. */
  *#delayLines(): Generator<string> {
    const delay = this.#loopDelay
    if (delay === undefined) {
      this.#loopDelay = monitorEventLoopDelay({ resolution: delayResolutionMs })
      this.#loopDelay.enable()
      return
    }
    const seconds = (ns: number): number => (Number.isFinite(ns) ? Math.max(0, ns / 1e9 - delayResolutionMs / 1e3) : 0)
    yield* gaugeLines('nodejs_eventloop_delay_seconds', 'How late timers were since the last question.', [
      { labels: { stat: 'mean' }, value: seconds(delay.mean) },
      { labels: { stat: 'p99' }, value: seconds(delay.percentile(99)) },
      { labels: { stat: 'max' }, value: seconds(delay.max) },
    ])
    delay.reset()
  }
}

function sums(targets: readonly TargetState[]): Reading[] {
  const counts = Map.groupBy(targets, ({ provider, state }) => `${provider}\n${state}`)
  return [...counts.values()].map((group) => ({ labels: { provider: group[0]!.provider, state: group[0]!.state }, value: group.length }))
}

function troubled(targets: readonly TargetState[]): Reading[] {
  return targets
    .filter(({ state }) => state !== 'closed')
    .slice(0, mostTroubled)
    .map(({ provider, credential, model, scope, state }) => ({
      labels: { provider, credential, model, config: scope ?? '', state },
      value: 1,
    }))
}
