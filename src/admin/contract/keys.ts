// Gateway keys: what POST and PATCH take, what is answered, and the key itself, once.
import { z } from 'zod'
import { instant, list, pageOf, text } from './basics.ts'
import { budgets, budgetsBody, rateLimits, rateLimitsBody } from './limits.ts'
import { origins } from './providers.ts'

const changeable = {
  name: z.string().min(1).max(128),
  user: z.string().min(1).max(128).describe('Who uses it: the id of a user, whose limits then count too, or any label'),
  team: z.string().min(1).max(128).describe('Id of a team, whose limits then count too; without it, that of its user'),
  metadata: z.record(z.string(), z.string()).describe('On every record of its requests'),
  models: z.array(z.string().min(1)).describe('Patterns of model names that it may ask for (`*` for anything); without it, all'),
  expires_at: instant.describe('Refused from then on'),
  client: z.enum(['openclaw']).describe('Which client it is for'),
  stream_usage: z.enum(['always', 'on_request']).describe('Usage at the end of streams: always, or only when the client asks for it'),
  config: z.string().min(1).max(63).describe('Slug of the routing config of its requests that name none'),
  allow_config_override: z.boolean().describe('Whether its requests may name another config, or bring one; by default true'),
  loop_guard: z
    .strictObject({
      mode: z.enum(['off', 'observe', 'enforce']).describe('`observe`: only noted on the records'),
      repeats: z.number().int().min(2).optional().describe('The same tool calls so many times in a row; by default 25'),
      requests: z.number().int().min(1).optional().describe('More requests than this of one session in the window; by default 300'),
      window_seconds: z.number().int().min(1).optional().describe('By default 120'),
    })
    .describe('What stops a session that runs in circles; by default on for `openclaw`, off for others'),
  budgets: budgetsBody,
  rate_limits: rateLimitsBody,
}

export const keyBody = z
  .strictObject({
    name: changeable.name,
    type: z.enum(['user', 'service']).optional().describe('By default `user` when there is a `user`, else `service`'),
    user: changeable.user.optional(),
    team: changeable.team.optional(),
    metadata: changeable.metadata.optional(),
    models: changeable.models.optional(),
    expires_at: changeable.expires_at.optional(),
    client: changeable.client.optional(),
    stream_usage: changeable.stream_usage.optional(),
    config: changeable.config.optional(),
    allow_config_override: changeable.allow_config_override.optional(),
    loop_guard: changeable.loop_guard.optional(),
    budgets: changeable.budgets.optional(),
    rate_limits: changeable.rate_limits.optional(),
  })
  .meta({ id: 'KeyBody' })

export const keyPatch = z
  .strictObject({
    name: changeable.name.optional(),
    type: z.enum(['user', 'service']).optional(),
    user: changeable.user.nullable().optional(),
    team: changeable.team.nullable().optional(),
    metadata: changeable.metadata.nullable().optional(),
    models: changeable.models.nullable().optional(),
    expires_at: changeable.expires_at.nullable().optional(),
    client: changeable.client.nullable().optional(),
    stream_usage: changeable.stream_usage.optional(),
    config: changeable.config.nullable().optional(),
    allow_config_override: changeable.allow_config_override.nullable().optional(),
    loop_guard: changeable.loop_guard.nullable().optional(),
    budgets: changeable.budgets.nullable().optional(),
    rate_limits: changeable.rate_limits.nullable().optional(),
  })
  .describe('What is given changes; null takes it away')
  .meta({ id: 'KeyPatch' })

export const rotateBody = z
  .strictObject({
    overlap_seconds: z.number().int().min(0).optional().describe('How long the old key is still accepted; by default a day, 0: not at all'),
  })
  .meta({ id: 'RotateBody' })

const keyFields = {
  id: text,
  name: text,
  origin: z.enum(origins),
  type: z.enum(['user', 'service']),
  user: text.optional(),
  team: text.optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  models: list(text).optional().describe('Absent: all'),
  client: z.enum(['openclaw']).optional(),
  stream_usage: z.enum(['always', 'on_request']),
  config: text.optional(),
  allow_config_override: z.boolean(),
  loop_guard: changeable.loop_guard.optional(),
  budgets: budgets.optional(),
  rate_limits: rateLimits.optional(),
  state: z.enum(['active', 'expired', 'revoked']),
  prefix: text.nullable().describe('How the key begins; null for one that is declared as a hash'),
  last4: text.nullable(),
  created_at: instant.nullable(),
  expires_at: instant.nullable(),
  revoked_at: instant.nullable(),
  previous: list(z.object({ prefix: text, last4: text, accepted_until: instant })).describe('Earlier keys that are still accepted'),
}

export const key = z.object(keyFields).meta({ id: 'Key' })
export const keyCreated = z
  .object({ ...keyFields, key: text.describe('The key itself: here, once, and nowhere else') })
  .meta({ id: 'KeyCreated' })
export const keyList = pageOf(key, 'KeyList')

export type KeyBody = z.input<typeof keyBody>
export type KeyPatch = z.input<typeof keyPatch>
export type Key = z.output<typeof key>
export type KeyCreated = z.output<typeof keyCreated>
