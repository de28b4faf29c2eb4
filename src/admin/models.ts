// Models and what they cost, and aliases: /models, /models/{provider}/{model}/price, /aliases, /aliases/{name}.
import type { Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { alias, aliasBody, aliasList, modelList, modelQuery, pageQuery, price, priceWrite } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { addRemoval } from './removal.ts'
import { aliasParams, findFailures, modelParams, readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const pageParameters = Object.keys(pageQuery.shape)
const modelParameters = Object.keys(modelQuery.shape)

export function modelRoutes(control: Control): FastifyPluginCallbackZod {
  const { models } = control
  const put = createWrite(control, 'needs')
  const tags = ['models']
  return (app, _options, done) => {
    app.get(
      '/models',
      {
        preValidation: async (request) => checkParameters(request.query, modelParameters, false),
        schema: {
          operationId: 'listModels',
          summary: 'Models of the providers of this instance, by provider and id',
          tags,
          querystring: modelQuery,
          response: { 200: modelList, ...findFailures },
        },
      },
      (request) => {
        const { provider, q, ...page } = request.query
        const found = models.list({ ...(provider === undefined ? {} : { provider }), ...(q === undefined ? {} : { q }) })
        return pageOf(found, (model) => `${model.provider} ${model.id}`, page)
      },
    )

    app.put(
      '/models/:provider/:model/price',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'putPrice',
          summary: 'Sets what a model of a provider costs, over the catalog and the provider; applies to the next request',
          tags,
          params: modelParams,
          headers: writeHeaders,
          body: priceWrite,
          response: { 200: price, ...writeFailures },
        },
      },
      (request, reply) =>
        put(request, reply, async (body, actor) => ({
          status: 200,
          body: await models.putPrice(request.params.provider, request.params.model, body, actor),
        })),
    )

    addRemoval(
      app,
      control,
      '/models/:provider/:model/price',
      {
        operationId: 'deletePrice',
        summary: "Forgets a price that was set: the provider's or the catalog's counts again",
        tags,
        params: modelParams,
      },
      ({ provider, model }, actor) => models.removePrice(provider, model, actor),
    )
    done()
  }
}

export function aliasRoutes(control: Control): FastifyPluginCallbackZod {
  const { aliases } = control
  const put = createWrite(control, 'needs')
  const tags = ['aliases']
  const params = aliasParams
  return (app, _options, done) => {
    app.get(
      '/aliases',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listAliases',
          summary: 'Every alias, by name',
          tags,
          querystring: pageQuery,
          response: { 200: aliasList, ...readFailures },
        },
      },
      (request) => pageOf(aliases.list(), ({ name }) => name, request.query),
    )

    app.get(
      '/aliases/:name',
      {
        preValidation: noParameters,
        schema: { operationId: 'getAlias', summary: 'What an alias stands for', tags, params, response: { 200: alias, ...findFailures } },
      },
      (request) => aliases.get(request.params.name),
    )

    app.put(
      '/aliases/:name',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'putAlias',
          summary: 'Makes an alias of a model name, or points it elsewhere; applies to the next request',
          tags,
          params,
          headers: writeHeaders,
          body: aliasBody,
          response: { 200: alias.describe('Replaced'), 201: alias.describe('Made'), ...writeFailures },
        },
      },
      (request, reply) =>
        put(request, reply, async (body, actor) => {
          const made = await aliases.put(request.params.name, body, actor)
          return { status: made.created ? 201 : 200, body: made.alias }
        }),
    )

    addRemoval(
      app,
      control,
      '/aliases/:name',
      { operationId: 'deleteAlias', summary: 'Removes an alias', tags, params },
      ({ name }, actor) => aliases.remove(name, actor),
    )
    done()
  }
}
