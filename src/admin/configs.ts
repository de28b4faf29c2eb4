// Routing configs: /configs, /configs/{slug}, its versions and rollback.
import type { Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { configBody, configList, configVersionList, configVersionQuery, pageQuery, rollbackBody, routingConfig } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { addRemoval } from './removal.ts'
import { configParams as params, findFailures, readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const tags = ['configs']
const pageParameters = Object.keys(pageQuery.shape)
const versionParameters = Object.keys(configVersionQuery.shape)

export function configRoutes(control: Control): FastifyPluginCallbackZod {
  const { configs } = control
  const write = createWrite(control, 'needs')
  return (app, _options, done) => {
    app.get(
      '/configs',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listConfigs',
          summary: 'Every routing config in its latest version, by slug',
          tags,
          querystring: pageQuery,
          response: { 200: configList, ...readFailures },
        },
      },
      (request) => pageOf(configs.list(), ({ slug }) => slug, request.query),
    )

    app.get(
      '/configs/:slug',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'getConfig',
          summary: 'One routing config in its latest version, without its secrets',
          tags,
          params,
          response: { 200: routingConfig, ...findFailures },
        },
      },
      (request) => configs.get(request.params.slug),
    )

    app.put(
      '/configs/:slug',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'putConfig',
          summary: 'Makes a routing config, or a new version of it',
          description:
            'Applies to the next request. What this instance cannot honour as it is now, such as a provider that it does not have, is no error: `warnings` say it.',
          tags,
          params,
          headers: writeHeaders,
          body: configBody,
          response: { 200: routingConfig.describe('Replaced'), 201: routingConfig.describe('Made'), ...writeFailures },
        },
      },
      (request, reply) =>
        write(request, reply, async (body, actor) => {
          const made = await configs.put(request.params.slug, body, actor)
          return { status: made.created ? 201 : 200, body: made.config }
        }),
    )

    addRemoval(
      app,
      control,
      '/configs/:slug',
      {
        operationId: 'deleteConfig',
        summary: 'Removes a routing config with all its versions and secrets; refused while it is attached to a key',
        tags,
        params,
      },
      ({ slug }, actor) => configs.remove(slug, actor),
    )

    app.get(
      '/configs/:slug/versions',
      {
        preValidation: async (request) => checkParameters(request.query, versionParameters, false),
        schema: {
          operationId: 'listConfigVersions',
          summary: 'The versions of a routing config, newest first',
          tags,
          params,
          querystring: configVersionQuery,
          response: { 200: configVersionList, ...findFailures },
        },
      },
      (request) => configs.versions(request.params.slug, request.query.limit, request.query.cursor),
    )

    app.post(
      '/configs/:slug/rollback',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'rollbackConfig',
          summary: 'Lets an earlier version count again, as a new version; applies to the next request',
          tags,
          params,
          headers: writeHeaders,
          body: rollbackBody,
          response: { 200: routingConfig, ...writeFailures },
        },
      },
      (request, reply) =>
        write(request, reply, async (body, actor) => ({ status: 200, body: await configs.rollback(request.params.slug, body, actor) })),
    )
    done()
  }
}
