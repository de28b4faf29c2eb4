// Users and teams: /users, /users/{id}, /teams, /teams/{id}.
import type { Accounts, Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { pageQuery, shownTeam, shownUser, teamBody, teamList, teamPatch, userBody, userList, userPatch } from './contract.ts'
import { pageOf } from './lists.ts'
import { checkParameters } from './parameters.ts'
import { addRemoval } from './removal.ts'
import { findFailures, ownerParams as params, readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

const pageParameters = Object.keys(pageQuery.shape)

const words = {
  users: { one: 'User', body: userBody, patch: userPatch, shown: shownUser, list: userList, attached: 'keys' },
  teams: { one: 'Team', body: teamBody, patch: teamPatch, shown: shownTeam, list: teamList, attached: 'keys or users' },
} as const

/** `accounts`: absent where nothing is booked. */
export function ownerRoutes(control: Control, kind: 'users' | 'teams', accounts: Accounts | undefined): FastifyPluginCallbackZod {
  const owners = control[kind]
  const { one, body: sent, patch: changes, shown, list, attached } = words[kind]
  const tags = [kind]
  const name = one.toLowerCase()
  const write = createWrite(control, 'needs')
  return (app, _options, done) => {
    app.get(
      `/${kind}`,
      {
        preValidation: async (request) => checkParameters(request.query, pageParameters, false),
        schema: {
          operationId: `list${one}s`,
          summary: `Every ${name}, by id`,
          tags,
          querystring: pageQuery,
          response: { 200: list, ...readFailures },
        },
      },
      (request) => pageOf(owners.list(), ({ id }) => id, request.query),
    )

    app.post(
      `/${kind}`,
      {
        preValidation: noParameters,
        schema: {
          operationId: `create${one}`,
          summary: `Makes a ${name}, whom keys may belong to`,
          tags,
          headers: writeHeaders,
          body: sent,
          response: { 201: shown.describe('Made'), ...writeFailures },
        },
      },
      (request, reply) => write(request, reply, async (body, actor) => ({ status: 201, body: await owners.create(body, actor) })),
    )

    app.get(
      `/${kind}/:id`,
      {
        preValidation: noParameters,
        schema: { operationId: `get${one}`, summary: `One ${name}`, tags, params, response: { 200: shown, ...findFailures } },
      },
      (request) => owners.get(request.params.id),
    )

    app.patch(
      `/${kind}/:id`,
      {
        preValidation: noParameters,
        schema: {
          operationId: `update${one}`,
          summary: 'Changes what is given; null takes a field away',
          tags,
          params,
          headers: writeHeaders,
          body: changes,
          response: { 200: shown, ...writeFailures },
        },
      },
      (request, reply) =>
        write(request, reply, async (body, actor) => ({ status: 200, body: await owners.update(request.params.id, body, actor) })),
    )

    addRemoval(
      app,
      control,
      `/${kind}/:id`,
      {
        operationId: `delete${one}`,
        summary: `Removes a ${name} that no ${attached} belong to, and that has an empty wallet`,
        tags,
        params,
      },
      async ({ id }, actor) => {
        owners.refuseAttached(id)
        await accounts?.refuseUnsettled(id)
        await owners.remove(id, actor)
      },
    )
    done()
  }
}
