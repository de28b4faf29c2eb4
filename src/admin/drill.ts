// A drill, /configs/drill: what a client would have seen while the targets of its request failed in turn.
import { bodySchemas, checkBody } from '#config'
import type { Control } from '#control'
import type { Drill, DrillInput } from '#drill'
import { Failure, type JsonObject } from '#kernel'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { drill, drillBody } from './contract.ts'
import { AdminFailure } from './failure.ts'
import { writeFailures } from './route-words.ts'
import { defaultEndpoint, findKey, readConfig, withLowerCaseNames } from './sample-request.ts'
import { noParameters } from './write.ts'

export type DrillPorts = {
  readonly control: Control
  /** Rejects with a `Failure` for a request that would be refused. */
  readonly drill: (input: DrillInput) => Promise<Drill>
}

export function drillRoutes({ control, drill: run }: DrillPorts): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.post(
      '/configs/drill',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'drillConfig',
          summary: 'What a client would see while the targets fail in turn, with the simulator in their place. Nothing leaves the machine',
          tags: ['configs'],
          body: drillBody,
          response: { 200: drill, ...writeFailures },
        },
      },
      async (request) => {
        const checked = checkBody(bodySchemas.drill, request.body ?? {})
        if (!checked.ok) throw new AdminFailure(400, 'invalid_request', checked.sentence, checked.field)
        const { config: value, slug, request: asked = {}, faults } = checked.data
        const config = readConfig(control, value, slug)
        const { endpoint = defaultEndpoint, headers = {}, body, key } = asked
        try {
          return await run({
            endpoint,
            headers: withLowerCaseNames(headers),
            key: findKey(control, key),
            ...(config === undefined ? {} : { config }),
            ...(body === undefined ? {} : { body: body as JsonObject }),
            ...(faults === undefined ? {} : { faults }),
          })
        } catch (error) {
          if (!(error instanceof Failure) || error.kind === 'internal_error') throw error
          throw new AdminFailure(400, 'invalid_request', `This request would be refused: ${error.message}`)
        }
      },
    )
    done()
  }
}
