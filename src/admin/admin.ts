// The control-plane API: Fastify under /api/v1, on the same port as the data plane, which hands it its requests.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Accounts, Control } from '#control'
import type { Drill, DrillInput } from '#drill'
import type { DryRun, DryRunInput } from '#planning'
import type { ProbeReport } from '#upstream'
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
import { accountRoutes } from './accounts.ts'
import { readJsonBodies } from './body.ts'
import { drillRoutes } from './drill.ts'
import { dryRunRoutes } from './dry-run.ts'
import { answerFailure, maxBodyBytes, notFound, type DefectLog } from './failure.ts'
import { configRoutes } from './configs.ts'
import type { HealthPort } from './health.ts'
import { instanceRoutes } from './instance.ts'
import { keyRoutes } from './keys.ts'
import { metricsRoute } from './metrics.ts'
import { aliasRoutes, modelRoutes } from './models.ts'
import { ownerRoutes } from './owners.ts'
import type { QueryPort } from './port.ts'
import { providerRoutes } from './providers.ts'
import { createRequestStreams } from './request-stream.ts'
import { requestRoutes } from './requests.ts'
import { isInProcess } from './write.ts'

export type AdminOptions = {
  readonly query: QueryPort
  readonly control: Control
  /** undefined: this process has no ledger. */
  readonly accounts?: Accounts
  /** One cheap call to a provider that exists, with each of its credentials. */
  readonly testProvider: (slug: string) => Promise<ProbeReport>
  /** What would happen to a request. Throws a `Failure` for one that would be refused. */
  readonly dryRun: (input: DryRunInput) => DryRun
  readonly drill: (input: DrillInput) => Promise<Drill>
  readonly adminToken: string
  /** undefined: no gateway runs in this process. */
  readonly health?: HealthPort
  readonly metrics?: { readonly text: () => string; readonly token: string | undefined }
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
  /** The same for a request from this process, without a socket and without the token; `path` begins with /api/v1. */
  inject(path: string, init?: InjectedRequest): Promise<Response>
  /** Gives open streams what has come until now, and ends them. */
  endStreams(): Promise<void>
  /** Requests that come later get 503; resolves when nothing of this API is left. */
  close(): Promise<void>
}

/** The part of fetch's `RequestInit` that this API has a use for. */
export type InjectedRequest = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

const prefix = '/api/v1'
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

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
    if (isInProcess(request) || request.routeOptions.config?.guardsItself === true) return
    checkHost(request.headers.host, allowed)
    if (request.routeOptions.config?.isPublic !== true) checkToken(request.headers.authorization)
  }

  const app = Fastify({
    logger: false,
    forceCloseConnections: false,
    bodyLimit: maxBodyBytes,
    // In characters as they are in the address: a percent-encoded one counts three.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2048 },
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
  // Bodies are checked in control, which says better what is wrong; their schemas here describe them.
  app.setValidatorCompiler((route) =>
    route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as Parameters<typeof validatorCompiler>[0]),
  )
  app.setSerializerCompiler(serializerCompiler)
  readJsonBodies(app)
  app.setErrorHandler(answer)
  app.addHook('onRequest', async (request, reply) => guard(request, reply))

  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0]!.slice(0, 200)
    const hint = /^\/api\/v1\/(?:models|aliases)\/.+\/./.test(path) ? ' A slash in the name of a model is written %2F in the address.' : ''
    throw notFound(`There is no ${request.method} ${path}.${hint} The API is described by ${prefix}/openapi.json.`)
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Turnpike admin API', version: options.version },
      components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } } },
      security: [{ adminToken: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => withWords(withoutUnused(jsonSchemaTransformObject(document))),
  })
  const streams = createRequestStreams(options.query)
  await app.register(requestRoutes(options.query, streams), { prefix })
  await app.register(providerRoutes(options), { prefix })
  await app.register(keyRoutes(options.control), { prefix })
  await app.register(ownerRoutes(options.control, 'users', options.accounts), { prefix })
  await app.register(ownerRoutes(options.control, 'teams', options.accounts), { prefix })
  await app.register(configRoutes(options.control), { prefix })
  await app.register(dryRunRoutes(options), { prefix })
  await app.register(drillRoutes(options), { prefix })
  await app.register(modelRoutes(options.control), { prefix })
  await app.register(aliasRoutes(options.control), { prefix })
  await app.register(instanceRoutes(options.control), { prefix })
  if (options.accounts !== undefined) await app.register(accountRoutes(options.control, options.accounts), { prefix })
  if (options.metrics !== undefined)
    await app.register(
      metricsRoute(options.metrics.text, createTokenCheck(options.adminToken, options.isGatewayKey, options.metrics.token)),
    )
  app
    .withTypeProvider<ZodTypeProvider>()
    .get(`${prefix}/openapi.json`, { config: { isPublic: true }, schema: { hide: true } }, async () => app.swagger())
  await app.ready()

  return {
    handle: (request, response) => app.routing(request, response),
    async inject(path, { method = 'GET', headers = {}, body } = {}) {
      const known = methods.find((one) => one === method.toUpperCase())
      if (known === undefined) throw new TypeError(`There is no method ${method}.`)
      const injected = await app.inject({
        method: known,
        url: path,
        headers,
        payloadAsStream: true,
        ...(body === undefined ? {} : { payload: Buffer.from(body) }),
      })
      return responseOf(injected.statusCode, injected.headers, injected.stream())
    },
    endStreams: () => streams.end(),
    close: () => app.close(),
  }
}

function responseOf(status: number, headers: object, stream: Readable): Response {
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers))
    for (const one of [value].flat()) if (one !== undefined) fields.append(name, String(one))
  if (status !== 204 && status !== 304) return new Response(Readable.toWeb(stream) as ReadableStream, { status, headers: fields })
  stream.resume()
  return new Response(null, { status, headers: fields })
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

type Described = {
  responses: Record<string, { description: string }>
  requestBody?: { required: boolean }
  'x-optional-body'?: true
}

/** Puts right what the generator always says: that a body is required, and 'Default Response' for a status without words of its own. */
function withWords<Document extends object>(document: Document): Document {
  const { paths } = document as { paths?: Record<string, Record<string, Described>> }
  for (const operation of Object.values(paths ?? {}).flatMap((operations) => Object.values(operations))) {
    if (operation['x-optional-body'] === true && operation.requestBody !== undefined) operation.requestBody.required = false
    delete operation['x-optional-body']
    for (const [status, response] of Object.entries(operation.responses)) {
      if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
    }
  }
  return document
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers without the admin token. */
    isPublic?: boolean
    /** Looks at credentials on its own. */
    guardsItself?: boolean
  }
  interface FastifySchema {
    /** May be sent without its body. */
    'x-optional-body'?: true
  }
}
