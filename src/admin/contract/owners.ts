// Users and teams: what POST and PATCH take, and what is answered.
import { z } from 'zod'
import { instant, pageOf, text } from './basics.ts'
import { budgets, budgetsBody, rateLimits, rateLimitsBody } from './limits.ts'

const changeable = {
  name: z.string().min(1).max(128),
  budgets: budgetsBody,
  rate_limits: rateLimitsBody,
  prepaid: z.boolean().describe('What it spends comes from its wallet, and stops when that is empty'),
}
const team = z.string().min(1).max(128).describe('Id of the team that it belongs to')

const body = {
  name: changeable.name,
  budgets: changeable.budgets.optional(),
  rate_limits: changeable.rate_limits.optional(),
  prepaid: changeable.prepaid.optional(),
}
const patch = {
  name: changeable.name.optional(),
  budgets: changeable.budgets.nullable().optional(),
  rate_limits: changeable.rate_limits.nullable().optional(),
  prepaid: changeable.prepaid.nullable().optional(),
}
const ofPatches = 'What is given changes; null takes it away'

export const userBody = z.strictObject({ ...body, team: team.optional() }).meta({ id: 'UserBody' })
export const teamBody = z.strictObject(body).meta({ id: 'TeamBody' })
export const userPatch = z
  .strictObject({ ...patch, team: team.nullable().optional() })
  .describe(ofPatches)
  .meta({ id: 'UserPatch' })
export const teamPatch = z.strictObject(patch).describe(ofPatches).meta({ id: 'TeamPatch' })

const shown = {
  id: text,
  name: text,
  budgets: budgets.optional(),
  rate_limits: rateLimits.optional(),
  prepaid: z.boolean(),
  created_at: instant,
  updated_at: instant,
}

export const shownUser = z.object({ ...shown, team: text.optional() }).meta({ id: 'User' })
export const shownTeam = z.object(shown).meta({ id: 'Team' })
export const userList = pageOf(shownUser, 'UserList')
export const teamList = pageOf(shownTeam, 'TeamList')

export type User = z.output<typeof shownUser>
