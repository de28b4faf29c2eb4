// What is counted of every request, from its record: the one place that all of them pass.
import { Counter, Histogram, type Metric } from './metric-family.ts'

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

export class RequestMetrics {
  readonly #names: Names
  readonly #foreign = new Set<string>()
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
    const { wire, outcome, provider, attempts, usage, costNanoUsd } = request
    this.#requests.add([wire, this.#names.endpoint(request.endpoint), outcome, classOf(request.status)])
    if (request.errorCode !== '') this.#errors.add([request.errorCode])
    for (const attempt of attempts) {
      this.#attempts.add([attempt.provider, attempt.errorClass === '' ? 'answered' : attempt.errorClass])
      if (attempt.firstTokenMs !== undefined) this.#providerFirstToken.observe([attempt.provider], attempt.firstTokenMs / 1000)
    }
    if (attempts.length > 1 && outcome === 'ok') this.#rescued.add([])
    this.#cache.add([request.cache])
    if (usage !== undefined) {
      const model = this.#modelName(provider, request.modelTarget)
      this.#addTokens(provider, model, 'input', usage.input)
      this.#addTokens(provider, model, 'cached', usage.cacheRead)
      this.#addTokens(provider, model, 'output', usage.output)
      this.#addTokens(provider, model, 'reasoning', usage.reasoning)
      if (costNanoUsd !== undefined) this.#cost.add([provider, model], Number(costNanoUsd) / 1e9)
    }
    if (attempts.length === 0) return
    this.#duration.observe([wire, request.stream ? 'true' : 'false'], request.totalMs / 1000)
    if (request.stream && request.firstTokenMs !== undefined) this.#firstToken.observe([wire], request.firstTokenMs / 1000)
    if (request.overheadUs > 0) this.#overhead.observe([], request.overheadUs / 1e6)
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

  #addTokens(provider: string, model: string, kind: string, count: number | undefined): void {
    if (count !== undefined && count > 0) this.#tokens.add([provider, model, kind], count)
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
