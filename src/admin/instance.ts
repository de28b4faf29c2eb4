// The instance itself: /settings, /audit, /backup.
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Control } from '#control'
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { auditList, auditQuery, settingList, settingsPatch } from './contract.ts'
import { checkParameters } from './parameters.ts'
import { readFailures, writeFailures, writeHeaders } from './route-words.ts'
import { createWrite, noParameters } from './write.ts'

export type InstancePorts = {
  readonly control: Control
  /** Where a backup is made before it is sent: on the disk of the store, for nobody else to read. */
  readonly scratchFolder: string
}

const tags = ['instance']
const auditParameters = Object.keys(auditQuery.shape)
const backupType = 'application/vnd.sqlite3'

export function instanceRoutes({ control, scratchFolder }: InstancePorts): FastifyPluginCallbackZod {
  const patch = createWrite(control, 'needs')
  return (app, _options, done) => {
    app.get(
      '/settings',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'listSettings',
          summary: 'Every setting, and what decides it',
          tags,
          response: { 200: settingList, ...readFailures },
        },
      },
      () => ({ data: control.settings.list(), next_cursor: null }),
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
          const data = await control.settings.update(body, actor)
          return { status: 200, body: { data, next_cursor: null } }
        }),
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

    app.post(
      '/backup',
      {
        preValidation: noParameters,
        schema: {
          operationId: 'makeBackup',
          summary: 'A copy of everything configured, as one SQLite file, made while it runs',
          description: 'Secrets in it are encrypted with the master key, which is not in it: keep that one too.',
          tags,
          response: {
            200: { description: 'The file', content: { [backupType]: { schema: z.unknown() } } },
            ...readFailures,
            413: writeFailures[413],
            415: writeFailures[415],
          },
        },
      },
      async (_request, reply) => {
        const folder = await mkdtemp(path.join(scratchFolder, 'backup-'))
        const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
        try {
          const file = path.join(folder, 'control.db')
          await control.backup(file)
          const { size } = await stat(file)
          void reply.headers({
            'content-type': backupType,
            'content-length': size,
            'content-disposition': `attachment; filename="turnpike-control-${new Date().toISOString().slice(0, 10)}.db"`,
          })
          return reply.send(createReadStream(file).once('close', () => void remove()))
        } catch (error) {
          await remove()
          throw error
        }
      },
    )
    done()
  }
}
