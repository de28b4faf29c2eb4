// The control-plane API: Fastify under /api/v1, on the same port as the data plane, which hands it its requests.
import type { IncomingMessage, ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
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
  const allowed = new Set(options.allowedHosts.map((name) => name.toLowerCase()))
  const checkToken = createTokenCheck(options.adminToken, options.isGatewayKey)
  const answer = answerFailure(options.log)
  const guard = (request: FastifyRequest, reply: FastifyReply): void => {
    void reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'",
    })
    checkHost(request.headers.host, allowed)
    if (request.routeOptions.config?.isPublic !== true) checkToken(request.headers.authorization)
  }

  const app = Fastify({
    logger: false,
    forceCloseConnections: false,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    // Addresses that Fastify cannot route come here, past every hook.
    frameworkErrors(error, request, reply) {
      try {
        guard(request, reply)
        void answer(error, request, reply)
      } catch (failure) {
        void answer(failure as FastifyError, request, reply)
      }
    },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(answer)
  app.addHook('onRequest', async (request, reply) => guard(request, reply))

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
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  })
  await app.register(requestRoutes(options.query), { prefix })
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(`${prefix}/openapi.json`, { config: { isPublic: true }, schema: { hide: true } }, async () => app.swagger())
  await app.ready()

  return { handle: (request, response) => app.routing(request, response), close: () => app.close() }
}

/** The transform writes every schema twice, as it is read and as it is written; what no path leads to goes. */
function withoutUnused<Document extends object>(document: Document): Document {
  const { paths, components } = document as { paths?: object; components?: { schemas?: Record<string, object> } }
  const schemas = new Map(Object.entries(components?.schemas ?? {}))
  const used = new Set<string>()
  const visit = (value: object | undefined): void => {
    for (const [, name] of JSON.stringify(value ?? {}).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name!)) continue
      used.add(name!)
      visit(schemas.get(name!))
    }
  }
  visit(paths)
  return { ...document, components: { ...components, schemas: Object.fromEntries([...schemas].filter(([name]) => used.has(name))) } }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without the admin token. */
    isPublic?: boolean
  }
}
