// Models that cost nobody knows what: those that were asked and have no cost on record, and those that are configured without a price.
import type { ModelView, ProviderView } from '#control'
import type { RequestRow } from '#store'
import { allPages, NotThere, type AdminClient, type Query } from './admin-client.ts'

/** At most so many models are looked up. */
const mostAsked = 20

export type AskedModel = {
  /** `provider/model`, where the model is the id that the provider was asked for. */
  readonly name: string
  readonly requests: number
}

/** The newest thousand; none where there are no records to be asked for. */
export async function recentRequests(client: AdminClient, query: Query): Promise<readonly RequestRow[]> {
  try {
    return (await client.listRequests({ ...query, limit: '1000' })).data
  } catch (error) {
    if (error instanceof NotThere) return []
    throw error
  }
}

/** Of the newest thousand requests since then that were answered and have no cost, newest first. */
export async function askedWithoutPrice(client: AdminClient, from: string): Promise<AskedModel[]> {
  const rows = await recentRequests(client, { cost_source: 'unpriced', from })
  const served = rows.filter(({ provider, outcome }) => provider !== null && outcome === 'ok')
  const nameOf = ({ provider, model }: RequestRow): string => `${provider}/${model.asked}`
  const counts = new Map<string, number>()
  for (const row of served) counts.set(nameOf(row), (counts.get(nameOf(row)) ?? 0) + 1)
  const newest = served.filter((row, at) => served.findIndex((one) => nameOf(one) === nameOf(row)) === at)
  const found = await Promise.all(
    newest.slice(0, mostAsked).map(async (row): Promise<AskedModel> => {
      const { id, provider, model } = row
      // A price belongs to the id that the provider was asked for, which an alias or a canonical name hides.
      const name = `${provider}/${(await client.getRequest(id))?.attempt_list.at(-1)?.model ?? model.served ?? model.asked}`
      return { name, requests: counts.get(nameOf(row))! }
    }),
  )
  // Two names of one model are one model.
  const sums = new Map<string, number>()
  for (const { name, requests } of found) sums.set(name, (sums.get(name) ?? 0) + requests)
  return [...sums].map(([name, requests]) => ({ name, requests }))
}

/** What providers are said to serve, by an allow-list or as a custom model, and has no price; `all`: also what the catalog lists without one. */
export async function configuredWithoutPrice(client: AdminClient, all: boolean): Promise<string[]> {
  const named = new Set(
    (await allPages<ProviderView>(client, 'providers')).flatMap(({ slug, models: { allow = [], custom = [] } }) =>
      [...allow, ...custom.flatMap((one) => ('id' in one && typeof one.id === 'string' ? [one.id] : []))].map((id) => `${slug}/${id}`),
    ),
  )
  return (await allPages<ModelView>(client, 'models'))
    .filter(({ allowed, price }) => allowed && price === null)
    .map(({ provider, id }) => `${provider}/${id}`)
    .filter((name) => all || named.has(name))
}

/** Those of them that have a price by now: requests keep that they had none. */
export async function pricedNow(client: AdminClient, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set()
  const wanted = new Set(names)
  const models = await allPages<ModelView>(client, 'models')
  return new Set(models.filter(({ price }) => price !== null).map(({ provider, id }) => `${provider}/${id}`).filter((name) => wanted.has(name))) // prettier-ignore
}
