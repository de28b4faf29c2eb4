// Prometheus metrics, counted here rather than by a library: a record is counted in about a microsecond, and nothing is kept that a client could make grow.
import { RequestMetrics, type CountedRequest, type Names } from './request-metrics.ts'
import { ProcessMetrics, stateLines, type GatewayState } from './state-metrics.ts'

export type MetricsOptions = Names & {
  readonly version: string
  readonly startedAtMs: number
  /** As it is now. */
  readonly state: () => GatewayState
}

export interface Metrics {
  /** A request has ended. */
  count(request: CountedRequest): void
  /** All of them, in Prometheus' text format. */
  text(): string
  close(): void
}

/** The content type of `text`. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

export function createMetrics(options: MetricsOptions): Metrics {
  const requests = new RequestMetrics(options)
  const ofProcess = new ProcessMetrics(options.version, options.startedAtMs)
  return {
    count: (request) => requests.count(request),
    text() {
      const lines: string[] = []
      for (const metric of requests.metrics()) lines.push(...metric.lines())
      lines.push(...stateLines(options.state()), ...ofProcess.lines())
      return `${lines.join('\n')}\n`
    },
    close: () => ofProcess.close(),
  }
}
