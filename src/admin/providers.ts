// Providers: /providers, /providers/{slug}, /providers/{slug}/test, and the vendors they can be of.
import { vendors, type Vendor } from '#catalog'
import type { Control, ProviderView } from '#control'
import type { ProbeReport } from '#upstream'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { healthOf, type HealthPort } from './health.ts'
import { pageQuery, probeReport, provider, providerBody, providerList, vendorList } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { addRemoval } from './removal.ts'
import { findFailures, readFailures, slugParams as params, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

export type ProviderPorts = {
  readonly control: Control
  /** Calls the provider once with each of its credentials. It is there: the caller has looked. */
  readonly testProvider: (slug: string) => Promise<ProbeReport>
  readonly health?: HealthPort
}

const tags = ['providers']
const pageParameters = Object.keys(pageQuery.shape)

export function providerRoutes({ control, testProvider, health }: ProviderPorts): FastifyPluginCallbackZod {
  const { providers } = control
  const withHealth = (view: ProviderView) => ({ ...view, health: healthOf(view, health?.()) })
  const put = createWrite(control, 'needs')
  return (app, _options, done) => {
    app.get(
      '/providers',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listProviders',
          summary: 'Every provider, by slug',
          tags,
          querystring: pageQuery,
          response: { 200: providerList, ...readFailures },
        },
      },
      (request) => {
        const { data, next_cursor } = pageOf(providers.list(), ({ slug }) => slug, request.query)
        return { data: data.map(withHealth), next_cursor }
      },
    )

    app.get(
      '/providers/:slug',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'getProvider',
          summary: 'One provider; of its secrets only the last four characters',
          tags,
          params,
          response: { 200: provider, ...findFailures },
        },
      },
      (request) => withHealth(providers.get(request.params.slug)),
    )

    app.put(
      '/providers/:slug',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'putProvider',
          summary: 'Makes a provider, or replaces it as a whole',
          description:
            'Applies to the next request. A credential without `value` and `env` keeps the secret that is stored under its name.',
          tags,
          params,
          headers: writeHeaders,
          body: providerBody,
          response: { 200: provider.describe('Replaced'), 201: provider.describe('Made'), ...writeFailures },
        },
      },
      (request, reply) =>
        put(request, reply, async (body, actor) => {
          const made = await providers.put(request.params.slug, body, actor)
          return { status: made.created ? 201 : 200, body: withHealth(made.provider) }
        }),
    )

    addRemoval(
      app,
      control,
      '/providers/:slug',
      {
        operationId: 'deleteProvider',
        summary: 'Removes a provider with its secrets; one that was found in the environment stays away',
        tags,
        params,
      },
      ({ slug }, actor) => providers.remove(slug, actor),
    )

    app.post(
      '/providers/:slug/test',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'testProvider',
          summary: 'Asks the provider for its models, once with each credential: latency, what was found, what is wrong',
          description:
            'Answers 200 whether the provider works or not; `ok` and `trouble` say which. Where every credential works, what was held against the provider (`health`) is forgotten: the next request asks it in its place.',
          tags,
          params,
          response: { 200: probeReport, ...findFailures, 413: writeFailures[413], 415: writeFailures[415] },
        },
      },
      (request) => {
        providers.get(request.params.slug)
        return testProvider(request.params.slug)
      },
    )

    app.get(
      '/vendors',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listVendors',
          summary: 'Vendors that are known by name: a provider of one needs nothing but a key',
          tags,
          querystring: pageQuery,
          response: { 200: vendorList, ...readFailures },
        },
      },
      (request) => pageOf([...vendors.values()].map(vendorOf), ({ id }) => id, request.query),
    )
    done()
  }
}

function vendorOf({ id, name, baseUrl, baseUrlForm, address, keyVariables, accounts, wires }: Vendor) {
  return {
    id,
    name,
    base_url: baseUrl ?? null,
    base_url_form: baseUrlForm ?? null,
    address_variables: address?.variables ?? [],
    key_variables: keyVariables,
    accounts: accounts ?? null,
    wires: Object.fromEntries(wires),
  }
}
