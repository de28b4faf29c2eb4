// GET /metrics, for Prometheus. It stands beside the API, not below it, and whoever may read it may have a token that opens nothing else.
import type { FastifyPluginCallback } from 'fastify'
import { metricsType } from '#telemetry'
import type { TokenCheck } from './access.ts'

/** The token is what protects it: a Prometheus in the same network may call this instance by any name. */
export function metricsRoute(text: () => string, check: TokenCheck): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/metrics', { config: { guardsItself: true }, schema: { hide: true } }, (request, reply) => {
      check(request.headers.authorization)
      void reply.type(metricsType).send(text())
    })
    done()
  }
}
