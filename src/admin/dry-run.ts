// A dry run, /configs/dry-run: which config, which request, and with which key it would come.
import { bodySchemas, checkBody } from '#config'
import type { Control } from '#control'
import { Failure, type JsonObject } from '#kernel'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import type { DryRun, DryRunInput } from '#planning'
import { parseObject } from './body.ts'
import { dryRun, dryRunBody } from './contract.ts'
import { AdminFailure, notFound } from './failure.ts'
import type { QueryPort } from './port.ts'
import { writeFailures } from './route-words.ts'
import { anyKey, defaultEndpoint, findKey, readConfig, withLowerCaseNames } from './sample-request.ts'
import { noParameters } from './write.ts'

export type DryRunPorts = {
  readonly control: Control
  readonly query: Pick<QueryPort, 'get' | 'payload'>
  /** The gateway's own planner. Throws a `Failure` for a request that would be refused. */
  readonly dryRun: (input: DryRunInput) => DryRun
}

type Asked = Pick<DryRunInput, 'endpoint' | 'body' | 'headers' | 'key'>

/** It is parsed beside the requests that are served. */
const maxPlannedBytes = 4 << 20

export function dryRunRoutes(ports: DryRunPorts): FastifyPluginCallbackZod {
  const run = createDryRunner(ports)
  return (app, _options, done) => {
    app.post(
      '/configs/dry-run',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'dryRunConfig',
          summary: 'What would happen to a request: its targets in order, why, what fails over where, prices. Nothing is sent',
          tags: ['configs'],
          body: dryRunBody,
          response: { 200: dryRun, ...writeFailures },
        },
      },
      (request) => run(request.body),
    )
    done()
  }
}

function createDryRunner({ control, query, dryRun: plan }: DryRunPorts): (body: unknown) => Promise<DryRun> {
  async function recorded(id: string): Promise<Asked> {
    const detail = await query.get(id)
    if (detail === undefined) throw notFound(`There is no request '${id}'. It may be older than the retention, or of another instance.`)
    const payload = await query.payload(id, 'request')
    if ('missing' in payload)
      throw new AdminFailure(
        409,
        'conflict',
        `The body of the request ${id} is not stored, so it cannot be planned again: ${payload.missing} Send it as \`request\`.`,
        'request_id',
      )
    if (payload.bytes.length > maxPlannedBytes)
      throw new AdminFailure(
        409,
        'conflict',
        `The body of the request ${id} has ${payload.bytes.length} bytes, and a dry run reads at most ${maxPlannedBytes}. Send a shorter one as \`request\`.`,
        'request_id',
      )
    const key = [...control.snapshot().keys.values()].find((one) => one.id === detail.key.id) ?? anyKey
    return { endpoint: detail.endpoint, headers: detail.headers, body: parseObject(Buffer.from(payload.bytes)), key }
  }

  return async (sent) => {
    const checked = checkBody(bodySchemas.dryRun, sent ?? {})
    if (!checked.ok) throw new AdminFailure(400, 'invalid_request', checked.sentence, checked.field)
    const { config: value, slug, request, request_id: id } = checked.data
    const config = readConfig(control, value, slug)
    const asked: Asked =
      request === undefined
        ? await recorded(id!)
        : {
            endpoint: request.endpoint ?? defaultEndpoint,
            headers: withLowerCaseNames(request.headers ?? {}),
            body: request.body as JsonObject,
            key: findKey(control, request.key),
          }
    try {
      return plan({ ...asked, ...(config === undefined ? {} : { config }) })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw new AdminFailure(400, 'invalid_request', `This request would be refused: ${error.message}`)
    }
  }
}
