// Failures of the admin API, and how they are written: {"error": {code, message, field?}}.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, type RefusalKind } from '#control'
import { CursorError } from '#store'
import type { ErrorBody } from './contract.ts'

/** Bytes of a request body that are accepted. */
export const maxBodyBytes = 1 << 20

export class AdminFailure extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined

  constructor(status: number, code: string, message: string, field?: string) {
    super(message)
    this.name = 'AdminFailure'
    this.status = status
    this.code = code
    this.field = field
  }
}

export function wrongParameter(field: string, message: string): AdminFailure {
  return new AdminFailure(400, 'invalid_request', message, field)
}

export function notFound(message: string): AdminFailure {
  return new AdminFailure(404, 'not_found', message)
}

/** Where the defects of this API are reported; never the fault of a caller. */
export type DefectLog = { error(details: object, message: string): void }

/** The handler of everything that a route throws, validation included. */
export function answerFailure(log: DefectLog) {
  return (error: FastifyError | AdminFailure, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const failure = error instanceof AdminFailure ? error : fromFastify(error)
    if (failure.status >= 500 && !isSaid(error))
      log.error({ err: error, method: request.method, path: request.routeOptions.url }, 'admin API failed')
    if (failure.status === 401) void reply.header('www-authenticate', 'Bearer realm="turnpike admin"')
    return reply
      .status(failure.status)
      .type('application/json')
      .send(JSON.stringify(errorBodyOf(failure)))
  }
}

/** Refused on purpose, by a sentence that whoever asked can read. */
function isSaid(error: Error): boolean {
  return error instanceof AdminFailure || error instanceof Refusal
}

function errorBodyOf(failure: AdminFailure): ErrorBody {
  const { code, message, field } = failure
  return { error: field === undefined ? { code, message } : { code, message, field } }
}

const statuses = { invalid_request: 400, not_found: 404, read_only: 409, conflict: 409, unavailable: 503 } satisfies Record<
  RefusalKind,
  number
>

function fromFastify(error: FastifyError): AdminFailure {
  if (error instanceof CursorError) return wrongParameter('cursor', error.message)
  if (error instanceof Refusal) return new AdminFailure(statuses[error.kind], error.kind, error.message, error.field)
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AdminFailure(
        413,
        'request_too_large',
        `The body has more than ${maxBodyBytes >> 20} MiB, which nothing here needs. Send less.`,
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AdminFailure(
        415,
        'unsupported_media_type',
        'Bodies are JSON here: send one with the header `content-type: application/json`.',
      )
    default:
  }
  const [issue] = error.validation ?? []
  if (issue !== undefined) {
    const field = issue.instancePath.split('/')[1] ?? ''
    return wrongParameter(field, `'${field}' ${sentenceOf(issue.message ?? 'is not valid')}.`)
  }
  const status = error.statusCode ?? 500
  if (status === 503) return new AdminFailure(503, 'draining', 'The gateway is stopping; ask again after the next start.')
  if (status >= 400 && status < 500) return new AdminFailure(status, 'invalid_request', error.message)
  return new AdminFailure(500, 'internal_error', 'The admin API failed, through no fault of the request; the log of the gateway says why.')
}

/** zod's own messages read 'Invalid option: expected one of ...'; ours begin with a verb. */
function sentenceOf(message: string): string {
  return message.replace(/^Invalid option: expected one of /, 'must be one of ').replace(/^Invalid input: expected /, 'must be ')
}
