// Words that schemas of declared state share.
import { z } from 'zod'

export function text(max: number) {
  return z.string().max(max, `has more than ${max} characters`)
}

export function list<Item extends z.ZodType>(item: Item, max: number) {
  return z.array(item).max(max, `has more than ${max} entries`)
}

/** Of names of models, `*` for anything. */
export const patterns = list(text(256).min(1, 'is empty'), 1000)

export const metadata = z
  .record(text(64).min(1, 'is empty'), text(128))
  .refine((all) => Object.keys(all).length <= 50, 'has more than 50 entries')
