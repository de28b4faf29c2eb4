// The instance itself: /settings, /alerts/test, /audit.
import type { Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { alertTest, auditList, auditQuery, pageQuery, settingList, settingsPatch } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const tags = ['instance']
const pageParameters = Object.keys(pageQuery.shape)
const auditParameters = Object.keys(auditQuery.shape)

export function instanceRoutes(control: Control): FastifyPluginCallbackZod {
  const patch = createWrite(control, 'needs')
  const send = createWrite(control, 'none')
  return (app, _options, done) => {
    app.get(
      '/settings',
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: 'listSettings',
          querystring: pageQuery,
          summary: 'Every setting, and what decides it',
          tags,
          response: { 200: settingList, ...readFailures },
        },
      },
      (request) => pageOf(control.settings.list(), ({ name }) => name, request.query),
    )

    app.patch(
      '/settings',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'updateSettings',
          summary: 'Changes settings that can be changed while it runs; null goes back to the default',
          tags,
          headers: writeHeaders,
          body: settingsPatch,
          response: { 200: settingList, ...writeFailures },
        },
      },
      (request, reply) =>
        patch(request, reply, async (body, actor) => {
          return { status: 200, body: pageOf(await control.settings.update(body, actor), ({ name }) => name, {}) }
        }),
    )

    app.post(
      '/alerts/test',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'testAlerts',
          summary: 'Sends one event of type `test` to the webhook of alerts, and says what became of it',
          tags,
          headers: writeHeaders,
          response: { 200: alertTest, ...writeFailures },
        },
      },
      (request, reply) => send(request, reply, async () => ({ status: 200, body: await control.alerts.test() })),
    )

    app.get(
      '/audit',
      {
        preValidation: async (request) => checkParameters(request.query, auditParameters, false),
        schema: {
          operationId: 'listAudit',
          summary: 'Every write, newest first: who, when, what; never a secret',
          tags,
          querystring: auditQuery,
          response: { 200: auditList, ...readFailures },
        },
      },
      (request) => control.audit(request.query.limit, request.query.cursor),
    )
    done()
  }
}
