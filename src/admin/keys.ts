// Gateway keys: /keys, /keys/{id}, /keys/{id}/rotate.
import type { Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { key, keyBody, keyCreated, keyList, keyPatch, pageQuery, rotateBody } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { addRemoval } from './removal.ts'
import { findFailures, keyParams as params, readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const tags = ['keys']
const pageParameters = Object.keys(pageQuery.shape)

export function keyRoutes(control: Control): FastifyPluginCallbackZod {
  const { keys } = control
  const write = createWrite(control, 'needs')
  const rotate = createWrite(control, 'may')
  return (app, _options, done) => {
    app.get(
      '/keys',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listKeys',
          summary: 'Every gateway key, revoked ones included, by id',
          tags,
          querystring: pageQuery,
          response: { 200: keyList, ...readFailures },
        },
      },
      (request) => pageOf(keys.list(), ({ id }) => id, request.query),
    )

    app.post(
      '/keys',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'createKey',
          summary: 'Makes a gateway key, which this answer alone shows',
          tags,
          headers: writeHeaders,
          body: keyBody,
          response: { 201: keyCreated.describe('Made'), ...writeFailures },
        },
      },
      (request, reply) => write(request, reply, async (body, actor) => ({ status: 201, body: await keys.create(body, actor) })),
    )

    app.get(
      '/keys/:id',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'getKey',
          summary: 'One gateway key, without the key itself',
          tags,
          params,
          response: { 200: key, ...findFailures },
        },
      },
      (request) => keys.get(request.params.id),
    )

    app.patch(
      '/keys/:id',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'updateKey',
          summary: 'Changes what is given; null takes a field away',
          tags,
          params,
          headers: writeHeaders,
          body: keyPatch,
          response: { 200: key, ...writeFailures },
        },
      },
      (request, reply) =>
        write(request, reply, async (body, actor) => ({ status: 200, body: await keys.update(request.params.id, body, actor) })),
    )

    addRemoval(
      app,
      control,
      '/keys/:id',
      { operationId: 'revokeKey', summary: 'Revokes a gateway key: refused from the next request on, listed as revoked', tags, params },
      ({ id }, actor) => keys.revoke(id, actor),
    )

    app.post(
      '/keys/:id/rotate',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'rotateKey',
          summary: 'Makes a new key in the place of this one, which stays accepted for a while; this answer alone shows it',
          tags,
          params,
          headers: writeHeaders,
          body: rotateBody,
          'x-optional-body': true,
          response: { 200: keyCreated, ...writeFailures },
        },
      },
      (request, reply) =>
        rotate(request, reply, async (body, actor) => ({ status: 200, body: await keys.rotate(request.params.id, body, actor) })),
    )
    done()
  }
}
