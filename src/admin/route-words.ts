// What the descriptions of routes have in common: who fails how, how a write is described.
import { z } from 'zod'
import { errorBody } from './contract.ts'

const errors = {
  wrong: errorBody.describe('Something about the request is wrong; `field` names it'),
  token: errorBody.describe('No admin token, or a wrong one'),
  host: errorBody.describe('Addressed by a name that is not of this instance'),
  missing: errorBody.describe('There is no such thing'),
  conflict: errorBody.describe('Read-only here (`read_only`), or it contradicts something (`conflict`)'),
  large: errorBody.describe('The body is too large'),
  type: errorBody.describe('The body is not sent as JSON'),
  ours: errorBody.describe('A defect of this gateway'),
  stopping: errorBody.describe('Stopping, or its store cannot be written'),
}

const always = { 400: errors.wrong, 401: errors.token, 403: errors.host, 500: errors.ours, 503: errors.stopping }

export const readFailures = always
export const findFailures = { ...always, 404: errors.missing }
export const writeFailures = { ...findFailures, 409: errors.conflict, 413: errors.large, 415: errors.type }

/** A success without a body. */
export const nothing = z.null().describe('Done')

/** Every write takes it; read by `createWrite`, which says more exactly what is wrong with one. */
export const writeHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      '1 to 255 printable characters. A write that is repeated with the same one, within a day, is done once and answered as at first',
    ),
})

const label = (most: number) => z.string().min(1, 'must not be empty').max(most, `must have at most ${most} characters`)

export const slugParams = z.object({ slug: label(256).describe('Slug of the provider') })
export const configParams = z.object({ slug: label(256).describe('Slug of the routing config') })
export const keyParams = z.object({ id: label(256).describe('Id of the key') })
export const ownerParams = z.object({ id: label(256).describe('Its id') })
export const accountParams = z.object({ id: label(256).describe('Id of the account, or of its user or team') })
export const aliasParams = z.object({ name: label(512).describe('The alias, percent-encoded') })
export const modelParams = z.object({
  provider: label(256).describe('Slug of the provider'),
  model: label(512).describe("The provider's id of the model, percent-encoded"),
})
