// Holds every answer of an API against the OpenAPI document that the same server serves: paths, parameters, bodies, statuses, content types.
import assert from 'node:assert/strict'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

export type Exchanged = {
  readonly method: string
  /** With its query, as it was sent. */
  readonly address: string
  readonly requestBody?: string | undefined
  readonly status: number
  readonly contentType: string | null
  readonly body: string
}

export interface OpenApiCheck {
  /** Throws when the document doesn't say that this may be asked and answered. */
  exchanged(exchange: Exchanged): void
  /** Operations that have not succeeded yet, by operationId. */
  unexercised(): string[]
  /** What is wrong with the document itself, a sentence each. */
  troubles(): string[]
}

export type CheckedAnswer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Of a JSON answer. A wrong guess about its shape fails the assertion on it. */
  readonly json: CheckedJson
}
export type CheckedJson = {
  readonly [field: string]: unknown
  readonly data: readonly Readonly<Record<string, unknown>>[]
  readonly next_cursor: string | null
  readonly error: { readonly code: string; readonly message: string; readonly field?: string }
}

export type CheckedAdmin = {
  readonly check: OpenApiCheck
  /** `where` is below /api/v1; text is sent as it is. */
  ask(method: string, where: string, body?: string | object, headers?: Readonly<Record<string, string>>): Promise<CheckedAnswer>
}

/** A client of the admin API at an origin whose every exchange is held against the document. */
export async function createCheckedAdmin(origin: string, token: string): Promise<CheckedAdmin> {
  const check = createOpenApiCheck((await (await fetch(`${origin}/api/v1/openapi.json`)).json()) as object)
  return {
    check,
    async ask(method, where, body, headers = {}) {
      const requestBody = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
      const sent = {
        authorization: `Bearer ${token}`,
        ...(requestBody === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      }
      const init = { method, headers: sent, ...(requestBody === undefined ? {} : { body: requestBody }) }
      const answer = await fetch(`${origin}/api/v1${where}`, init)
      const text = await answer.text()
      const contentType = answer.headers.get('content-type')
      check.exchanged({ method, address: `/api/v1${where}`, requestBody, status: answer.status, contentType, body: text })
      const json = (contentType?.startsWith('application/json') === true ? JSON.parse(text) : {}) as CheckedJson
      return { status: answer.status, headers: answer.headers, text, json }
    },
  }
}

type Content = Readonly<Record<string, object>>
type Parameter = { readonly name: string; readonly in: string; readonly required?: boolean }
type Operation = {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content; readonly required?: boolean }
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>
}
type Document = { readonly openapi: string; readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }
type Found = { readonly template: string; readonly method: string; readonly operation: Operation }

/** Free names in a query, which OpenAPI describes in words only. */
const freeParameters = /^metadata\../

export function createOpenApiCheck(served: object): OpenApiCheck {
  const document = served as Document
  const ajv = addFormats.default(new Ajv2020.default({ strict: false, allErrors: true }))
  ajv.addSchema(served, 'openapi')
  const operations = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]): Found => ({ template, method: method.toUpperCase(), operation })),
  )
  const succeeded = new Set<string>()

  const validate = (pointer: readonly string[], value: unknown, what: string): void => {
    const address = `openapi#/${pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
    const check = ajv.getSchema(address)
    assert.ok(check, `no schema at ${address}`)
    assert.ok(
      check(value),
      `${what} is not what the document says: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value)?.slice(0, 500)}`,
    )
  }

  const checkError = (exchange: Exchanged, what: string): void => {
    assert.ok([400, 401, 403, 404, 414].includes(exchange.status), `${what}: the document knows no such path, and it was answered`)
    validate(['components', 'schemas', 'Error'], JSON.parse(exchange.body), what)
  }

  return {
    exchanged(exchange) {
      const { method, address, status, body } = exchange
      const [path = '', query = ''] = address.split('?')
      const what = `${method} ${path} ${status}`
      const found = operations
        .filter((one) => one.method === method && fits(one.template, path))
        // Of two templates that fit, the one with fewer parameters was meant.
        .sort((a, b) => a.template.split('{').length - b.template.split('{').length)[0]
      if (found === undefined) {
        checkError(exchange, what)
        return
      }
      const { operation, template } = found
      const base = ['paths', template, method.toLowerCase()]
      const response = operation.responses[String(status)]
      assert.ok(response !== undefined, `${what}: the document knows no status ${status} for it: ${body.slice(0, 500)}`)
      if (response.content === undefined) assert.equal(body, '', `${what}: the document says that there is no body`)
      else {
        const type = (exchange.contentType ?? '').split(';')[0]!.trim()
        assert.ok(type in response.content, `${what}: the document knows no ${type} for it`)
        if (type === 'application/json' && !isRaw(response.content[type]!))
          validate([...base, 'responses', String(status), 'content', type, 'schema'], JSON.parse(body), what)
      }
      if (status >= 300) return
      succeeded.add(operation.operationId ?? template)
      const known = new Set((operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name))
      for (const name of new URLSearchParams(query).keys()) {
        assert.ok(known.has(name) || freeParameters.test(name), `${what}: it took the parameter '${name}', which the document doesn't know`)
      }
      if (exchange.requestBody === undefined) {
        assert.ok(operation.requestBody?.required !== true, `${what}: it succeeded without the body that the document requires`)
        return
      }
      assert.ok(operation.requestBody !== undefined, `${what}: it took a body, which the document doesn't know`)
      validate([...base, 'requestBody', 'content', 'application/json', 'schema'], JSON.parse(exchange.requestBody), `the body of ${what}`)
    },

    unexercised: () =>
      operations.map(({ operation, template }) => operation.operationId ?? template).filter((name) => !succeeded.has(name)),

    troubles() {
      const found: string[] = []
      const ids = operations.map(({ operation }) => operation.operationId)
      if (document.openapi !== '3.1.0') found.push(`it is of OpenAPI ${document.openapi}`)
      for (const { template, method, operation } of operations) {
        const what = `${method} ${template}`
        if (operation.operationId === undefined) found.push(`${what} has no operationId`)
        else if (ids.indexOf(operation.operationId) !== ids.lastIndexOf(operation.operationId)) found.push(`${what} shares its operationId`)
        if ((operation.summary ?? '') === '') found.push(`${what} has no summary`)
        const declared = (operation.parameters ?? []).filter((one) => one.in === 'path' && one.required === true).map(({ name }) => name)
        for (const [, name] of template.matchAll(/\{([^}]+)\}/g))
          if (!declared.includes(name!)) found.push(`${what} doesn't declare {${name}}`)
        for (const status of ['400', '401', '403'])
          if (!(status in operation.responses)) found.push(`${what} doesn't say what a ${status} is`)
        for (const [status, { description }] of Object.entries(operation.responses))
          if ((description ?? '') === '' || description === 'Default Response') found.push(`${what} doesn't say what ${status} means`)
        if (['PUT', 'PATCH'].includes(method) && operation.requestBody?.required !== true) found.push(`${what} has no required body`)
      }
      return found
    },
  }
}

function fits(template: string, path: string): boolean {
  const [wanted, given] = [template.split('/'), path.replace(/\/$/, '').split('/')]
  return (
    wanted.length === given.length && wanted.every((part, index) => part === given[index] || (part.startsWith('{') && given[index] !== ''))
  )
}

/** Bytes that are passed on as they are: whatever they hold is right. */
function isRaw(media: object): boolean {
  const { schema } = media as { schema?: object }
  return schema !== undefined && !('$ref' in schema) && !('type' in schema) && !('anyOf' in schema)
}
