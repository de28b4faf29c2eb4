// The control-plane API: Fastify under /api/v1, on the same port as the data plane, which hands it its requests.
import type { IncomingMessage, ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { checkHost, createTokenCheck } from './access.ts'
import { answerFailure, notFound, type DefectLog } from './failure.ts'
import type { QueryPort } from './port.ts'
import { requestRoutes } from './requests.ts'

export type AdminOptions = {
  readonly query: QueryPort
  readonly adminToken: string
  /** Recognises this instance's gateway keys, for a 401 that says what was sent. */
  readonly isGatewayKey: (credential: string) => boolean
  /** Host names besides loopback ones and IP addresses by which this instance may be addressed, without port. */
  readonly allowedHosts: readonly string[]
  readonly version: string
  readonly log: DefectLog
}

export type Admin = {
  /** For paths that begin with /api/v1. Answers everything, errors included. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Requests that come later get 503; resolves when nothing of this API is left. */
  close(): Promise<void>
}

const prefix = '/api/v1'

export async function createAdmin(options: AdminOptions): Promise<Admin> {
  const app = Fastify({ logger: false, forceCloseConnections: false, routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 } })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answerFailure(options.log))

  const allowed = new Set(options.allowedHosts.map((name) => name.toLowerCase()))
  const checkToken = createTokenCheck(options.adminToken, options.isGatewayKey)
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'",
    })
    checkHost(request.headers.host, allowed)
    if (request.routeOptions.config.isPublic !== true) checkToken(request.headers.authorization)
  })

  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0]!.slice(0, 200)
    throw notFound(`There is no ${request.method} ${path}. The API is described by ${prefix}/openapi.json.`)
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Turnpike admin API', version: options.version },
      components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ adminToken: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await app.register(requestRoutes(options.query), { prefix })
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(`${prefix}/openapi.json`, { config: { isPublic: true }, schema: { hide: true } }, async () => app.swagger())
  await app.ready()

  return { handle: (request, response) => app.routing(request, response), close: () => app.close() }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without the admin token. */
    isPublic?: boolean
  }
}
