// What is counted of every request, from its record: the one place that all of them pass.
import { Counter, Histogram, type Buckets, type Count, type Metric } from './metric-family.ts'

/** The parts of a record that count. Labels are only what is bounded: never a key, a session or a message. */
export type CountedRequest = {
  readonly wire: string
  readonly endpoint: string
  readonly outcome: string
  readonly status: number
  /** '' for none. */
  readonly errorCode: string
  readonly stream: boolean
  readonly cache: string
  readonly provider: string
  /** The provider's id of the model. */
  readonly modelTarget: string
  readonly attempts: readonly { readonly provider: string; readonly errorClass: string; readonly firstTokenMs: number | undefined }[]
  readonly usage:
    | {
        readonly input: number | undefined
        readonly output: number | undefined
        readonly cacheRead: number | undefined
        readonly reasoning: number | undefined
      }
    | undefined
  readonly costNanoUsd: bigint | undefined
  /** The gateway's own time; 0: no provider was asked. */
  readonly overheadUs: number
  readonly firstTokenMs: number | undefined
  readonly totalMs: number
}

export type Names = {
  /** The route of a path: bounded, whatever is asked for. */
  readonly endpoint: (path: string) => string
  /** Whether it is a model that the catalog or the operator knows; any other name is the client's. */
  readonly knowsModel: (provider: string, model: string) => boolean
}

const secondsOfRequests = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600]
const secondsOfFirstTokens = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 30, 60]
const secondsOfOverhead = [0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1]
/** Local servers answer to names that no catalog has; who would fill the metrics with them is counted as `other`. */
const mostForeignModels = 200

type Labels = Pick<CountedRequest, 'wire' | 'endpoint' | 'outcome' | 'status' | 'stream' | 'cache' | 'provider' | 'modelTarget'>

/** Where requests of the same labels are counted: most are like the one before. What is undefined has not been counted yet. */
type Series = {
  readonly labels: Labels
  readonly requests: Count
  readonly cache: Count
  model: string | undefined
  answered: Count | undefined
  input: Count | undefined
  cached: Count | undefined
  output: Count | undefined
  reasoning: Count | undefined
  cost: Count | undefined
  duration: Buckets | undefined
  overhead: Buckets | undefined
}

function isOf(series: Series | undefined, request: Labels): series is Series {
  if (series === undefined) return false
  const { labels } = series
  return (
    labels.wire === request.wire &&
    labels.endpoint === request.endpoint &&
    labels.outcome === request.outcome &&
    labels.status === request.status &&
    labels.stream === request.stream &&
    labels.cache === request.cache &&
    labels.provider === request.provider &&
    labels.modelTarget === request.modelTarget
  )
}

function isSome(count: number | undefined): count is number {
  return count !== undefined && count > 0
}

export class RequestMetrics {
  readonly #names: Names
  readonly #foreign = new Set<string>()
  #latest: Series | undefined
  readonly #requests = new Counter('turnpike_requests_total', 'Requests that have ended.', ['wire', 'endpoint', 'outcome', 'code'])
  readonly #errors = new Counter('turnpike_request_errors_total', 'Requests that were answered with an error, by its code.', ['code'])
  readonly #attempts = new Counter('turnpike_attempts_total', 'Tries at providers: answered, or the class of the failure.', [
    'provider',
    'result',
  ])
  readonly #rescued = new Counter('turnpike_rescued_requests_total', 'Requests that were answered after another try had failed.')
  readonly #cache = new Counter('turnpike_cache_lookups_total', 'What the response cache did, by request.', ['state'])
  readonly #tokens = new Counter('turnpike_tokens_total', 'Tokens: input (cached ones included), cached, output (reasoning included), reasoning.', ['provider', 'model', 'kind'], 5000) // prettier-ignore
  readonly #cost = new Counter('turnpike_cost_usd_total', 'Cost of answers that have a price.', ['provider', 'model'], 2000)
  readonly #duration = new Histogram('turnpike_request_duration_seconds', 'From the whole body to the last byte of the answer.', secondsOfRequests, ['wire', 'stream']) // prettier-ignore
  readonly #firstToken = new Histogram('turnpike_first_token_seconds', 'From the whole body to the first byte of a streamed answer.', secondsOfFirstTokens, ['wire']) // prettier-ignore
  readonly #providerFirstToken = new Histogram('turnpike_provider_first_token_seconds', 'From the start of a try to its first content; of a whole answer, to its end.', secondsOfFirstTokens, ['provider']) // prettier-ignore
  readonly #overhead = new Histogram('turnpike_overhead_seconds', "The gateway's own time before a provider is asked.", secondsOfOverhead)

  constructor(names: Names) {
    this.#names = names
  }

  count(request: CountedRequest): void {
    const { provider, attempts, usage, costNanoUsd } = request
    const series = isOf(this.#latest, request) ? this.#latest : (this.#latest = this.#seriesOf(request))
    series.requests.value++
    series.cache.value++
    if (request.errorCode !== '') this.#errors.add([request.errorCode])
    for (const attempt of attempts) {
      if (attempt.errorClass === '' && attempt.provider === provider)
        (series.answered ??= this.#attempts.of([provider, 'answered'])).value++
      else this.#attempts.add([attempt.provider, attempt.errorClass === '' ? 'answered' : attempt.errorClass])
      if (attempt.firstTokenMs !== undefined) this.#providerFirstToken.observe([attempt.provider], attempt.firstTokenMs / 1000)
    }
    if (attempts.length > 1 && request.outcome === 'ok') this.#rescued.add([])
    if (usage !== undefined) {
      const model = (series.model ??= this.#modelName(provider, request.modelTarget))
      if (isSome(usage.input)) (series.input ??= this.#tokens.of([provider, model, 'input'])).value += usage.input
      if (isSome(usage.cacheRead)) (series.cached ??= this.#tokens.of([provider, model, 'cached'])).value += usage.cacheRead
      if (isSome(usage.output)) (series.output ??= this.#tokens.of([provider, model, 'output'])).value += usage.output
      if (isSome(usage.reasoning)) (series.reasoning ??= this.#tokens.of([provider, model, 'reasoning'])).value += usage.reasoning
      if (costNanoUsd !== undefined) (series.cost ??= this.#cost.of([provider, model])).value += Number(costNanoUsd) / 1e9
    }
    if (attempts.length === 0) return
    const { wire, stream } = request
    const duration = (series.duration ??= this.#duration.of([wire, stream ? 'true' : 'false']))
    duration.observe(request.totalMs / 1000)
    if (stream && request.firstTokenMs !== undefined) this.#firstToken.observe([wire], request.firstTokenMs / 1000)
    if (request.overheadUs > 0) (series.overhead ??= this.#overhead.of([])).observe(request.overheadUs / 1e6)
  }

  *metrics(): Generator<Metric> {
    yield this.#requests
    yield this.#errors
    yield this.#attempts
    yield this.#rescued
    yield this.#cache
    yield this.#tokens
    yield this.#cost
    yield this.#duration
    yield this.#firstToken
    yield this.#providerFirstToken
    yield this.#overhead
  }

  #seriesOf(request: CountedRequest): Series {
    const { wire, endpoint, outcome, status, stream, cache, provider, modelTarget } = request
    return {
      labels: { wire, endpoint, outcome, status, stream, cache, provider, modelTarget },
      requests: this.#requests.of([wire, this.#names.endpoint(endpoint), outcome, classOf(status)]),
      cache: this.#cache.of([cache]),
      model: undefined,
      answered: undefined,
      input: undefined,
      cached: undefined,
      output: undefined,
      reasoning: undefined,
      cost: undefined,
      duration: undefined,
      overhead: undefined,
    }
  }

  #modelName(provider: string, model: string): string {
    if (this.#names.knowsModel(provider, model)) return model
    const name = `${provider}/${model}`
    if (this.#foreign.has(name)) return model
    if (this.#foreign.size >= mostForeignModels) return 'other'
    this.#foreign.add(name)
    return model
  }
}

const classes = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx']

function classOf(status: number): string {
  return classes[Math.floor(status / 100)] ?? 'other'
}
