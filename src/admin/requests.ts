// What happened: /requests, its histogram, facets and stream, /requests/{id}, /requests/{id}/payload.
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  errorBody,
  facetsQuery,
  histogramQuery,
  payloadQuery,
  requestDetail,
  requestFacets,
  requestFilters,
  requestHistogram,
  requestList,
  requestQuery,
  type RequestList,
} from './contract.ts'
import { notFound } from './failure.ts'
import { checkParameters, filtersOf } from './parameters.ts'
import type { QueryPort } from './port.ts'
import type { RequestStreams } from './request-stream.ts'
import { bucketsOf, fieldsOf } from './request-summary.ts'

/** A sent Buffer goes out as it is; this only describes it. */
const stored = z.instanceof(Uint8Array).describe('The stored bytes')
const params = z.object({ id: z.string().min(1).max(64) })
const failures = { 400: errorBody, 401: errorBody, 403: errorBody }
const listParameters = Object.keys(requestQuery.shape)
const filterParameters = Object.keys(requestFilters.shape)
const histogramParameters = Object.keys(histogramQuery.shape)
const facetsParameters = Object.keys(facetsQuery.shape)
const payloadParameters = Object.keys(payloadQuery.shape)

export function requestRoutes(query: QueryPort, streams: RequestStreams): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/requests',
      {
        preValidation: async (request) => checkParameters(request.query, listParameters, true),
        schema: {
          operationId: 'listRequests',
          summary: 'Requests, newest first',
          description: 'Every filter given must match. `metadata.<key>=<value>` filters by metadata of the client.',
          tags: ['requests'],
          querystring: requestQuery,
          response: { 200: requestList, ...failures },
        },
      },
      async (request, reply) => {
        const text = await query.listText(filtersOf(request.query, request.url), request.query.limit, request.query.cursor)
        // Rows were made into text in another thread; checking and writing a thousand of them here would hold up the data plane.
        return reply.type('application/json').send(text as unknown as RequestList)
      },
    )

    app.get(
      '/requests/histogram',
      {
        preValidation: async (request) => checkParameters(request.query, histogramParameters, true),
        schema: {
          operationId: 'getRequestHistogram',
          summary: 'Requests over time: how they ended, tokens, cost',
          description: 'The filters of the list; by default of the last 24 hours.',
          tags: ['requests'],
          querystring: histogramQuery,
          response: { 200: requestHistogram, ...failures },
        },
      },
      async (request) => {
        const filters = filtersOf(request.query, request.url)
        const { fromMs, toMs, intervalMs } = bucketsOf(filters, request.query, Date.now())
        const histogram = await query.histogram(filters, fromMs, toMs, intervalMs)
        return { ...histogram, data: [...histogram.data] }
      },
    )

    app.get(
      '/requests/facets',
      {
        preValidation: async (request) => checkParameters(request.query, facetsParameters, true),
        schema: {
          operationId: 'getRequestFacets',
          summary: 'Which values the requests have that the filters of the list select, and how many have each',
          tags: ['requests'],
          querystring: facetsQuery,
          response: { 200: requestFacets, ...failures },
        },
      },
      async (request) => {
        const { fields, limit } = request.query
        return query.facets(filtersOf(request.query, request.url), fieldsOf(fields), limit)
      },
    )

    app.get(
      '/requests/stream',
      {
        preValidation: async (request) => checkParameters(request.query, filterParameters, true),
        schema: {
          operationId: 'streamRequests',
          summary: 'Requests as they end, as server-sent events',
          description:
            'The filters of the list. Each event `request` has a row as its data and a position as its id; with that in the header Last-Event-ID the stream goes on from there, with nothing lost and nothing twice.',
          tags: ['requests'],
          querystring: requestFilters,
          response: {
            200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } },
            ...failures,
            503: errorBody,
          },
        },
      },
      async (request, reply) => {
        await streams.serve(request, reply, filtersOf(request.query, request.url))
      },
    )

    app.get(
      '/requests/:id',
      {
        preValidation: async (request) => checkParameters(request.query, [], false),
        schema: {
          operationId: 'getRequest',
          summary: 'One request: its row, every attempt, cost line and note',
          tags: ['requests'],
          params,
          response: { 200: requestDetail, ...failures, 404: errorBody },
        },
      },
      async (request) => {
        const detail = await query.get(request.params.id)
        if (detail === undefined) throw unknownRequest(request.params.id)
        return detail
      },
    )

    app.get(
      '/requests/:id/payload',
      {
        preValidation: async (request) => checkParameters(request.query, payloadParameters, false),
        schema: {
          operationId: 'getRequestPayload',
          summary: 'A body, byte for byte as it was stored',
          description: 'JSON, or server-sent events for a streamed answer; always as an attachment.',
          tags: ['requests'],
          params,
          querystring: payloadQuery,
          response: {
            200: {
              description: 'The body',
              content: {
                'application/json': { schema: stored },
                'text/event-stream': { schema: stored },
                'application/octet-stream': { schema: stored },
              },
            },
            ...failures,
            404: errorBody,
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const { part } = request.query
        if ((await query.get(id)) === undefined) throw unknownRequest(id)
        const payload = await query.payload(id, part)
        if ('missing' in payload) throw notFound(`The ${part} body of ${id} is not there. ${payload.missing}`)
        const [type, extension] = contentType(payload.bytes)
        void reply.header('content-type', type)
        void reply.header('content-disposition', `attachment; filename="${id.replace(/[^A-Za-z0-9_-]/g, '_')}-${part}.${extension}"`)
        return reply.send(Buffer.from(payload.bytes))
      },
    )
    done()
  }
}

function unknownRequest(id: string): Error {
  return notFound(`There is no request '${id}'. It may be older than the retention, or of another instance.`)
}

/** Model output is hostile: it is never served as anything a browser would run. */
function contentType(bytes: Uint8Array): readonly [type: string, extension: string] {
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart()
  if (/^[{[]/.test(start)) return ['application/json', 'json']
  if (/^(?:data|event|id|retry)?:/.test(start)) return ['text/event-stream; charset=utf-8', 'txt']
  return ['application/octet-stream', 'bin']
}
