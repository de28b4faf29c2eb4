// Words that every part of the contract uses: amounts, instants, pages, errors.
import { z } from 'zod'

export const usd = z
  .string()
  .regex(/^\d+(\.\d+)?$/)
  .describe('USD, a decimal string')
export const instant = z.string().meta({ format: 'date-time' })
export const count = z.number().int().nonnegative()
export const ms = z.number().nonnegative()
export const text = z.string()

/** An object whose fields are not of this contract. */
export const anyObject = z.custom<object>((value) => typeof value === 'object' && value !== null).meta({ type: 'object' })

/** What is answered is never changed by who reads it. */
export const list = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()

/** A page of a list. `next_cursor` null: this is the end. */
export const pageOf = <Item extends z.ZodType>(item: Item, id: string) =>
  z.object({ data: list(item), next_cursor: z.string().nullable().describe('null: nothing more') }).meta({ id })

export const errorBody = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string().describe('What happened, and what to do'),
      field: z.string().optional().describe('The parameter or field at fault: `limit`, `credentials[0].value`'),
    }),
  })
  .meta({ id: 'Error' })

/** Page by cursor; without a limit a short list is answered whole. */
export const pageQuery = z.object({
  limit: z.coerce
    .number('must be a number from 1 to 1000')
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(1000, 'must be at most 1000')
    .optional()
    .describe('How many at most; without it, all of them'),
  cursor: z.string().max(2048, 'must have at most 2048 characters').optional().describe('next_cursor of the previous page'),
})

export type ErrorBody = z.infer<typeof errorBody>
