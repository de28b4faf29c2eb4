// What `doctor` learns from what is configured and from recent requests: keys, aliases, routing configs, prices.
import type { AliasView, ConfigView, KeyView, ModelView, ProviderView } from '#control'
import type { RequestRow } from '#store'
import { allPages, type AdminClient } from './admin-client.ts'
import type { Typed } from './context.ts'
import type { Check } from './doctor-check.ts'
import { askedWithoutPrice, recentRequests } from './unpriced-models.ts'
import { formatCount, formatTime } from './words.ts'

const dayMs = 86_400_000

export async function useChecks(client: AdminClient, nowMs: number, typed: Typed): Promise<Check[]> {
  const keys = await allPages<KeyView>(client, 'keys')
  return [
    ...keyChecks(keys, await recentRequests(client, { outcome: 'denied', from: iso(nowMs - dayMs) }), nowMs, typed),
    ...(await aliasChecks(client, typed)),
    ...configChecks(await allPages<ConfigView>(client, 'configs'), typed),
    ...(await priceChecks(client, iso(nowMs - 7 * dayMs), typed)),
  ]
}

function keyChecks(keys: readonly KeyView[], denied: readonly RequestRow[], nowMs: number, typed: Typed): Check[] {
  const checks: Check[] = []
  if (!keys.some(({ state }) => state === 'active')) {
    checks.push({
      state: 'fail',
      name: 'keys',
      message: 'No gateway key is usable: no client can come in.',
      fix: typed('keys create --name laptop'),
    })
  }
  for (const { id, name, expires_at: at, state } of keys) {
    const leftMs = at === null ? Number.POSITIVE_INFINITY : Date.parse(at) - nowMs
    if (state === 'active' && leftMs < 7 * dayMs) {
      checks.push({
        state: 'warn',
        name: `key ${name}`,
        message: `It expires at ${formatTime(at!)}.`,
        fix: typed(`keys update ${id} --expires 90d`),
      })
    }
  }
  for (const [code, what] of [
    ['key_expired', 'expired'],
    ['key_revoked', 'was revoked'],
  ] as const) {
    // prettier-ignore
    const rows = denied.filter(({ error }) => error?.code === code)
    for (const [name, count] of countBy(rows, ({ key }) => key?.name ?? 'unknown')) {
      checks.push({
        state: 'warn',
        name: `key ${name}`,
        message: `It ${what}, and ${formatCount(count)} request${count === 1 ? '' : 's'} came with it in the last day.`,
        fix:
          code === 'key_expired'
            ? `Give the client a new key, or: ${typed(`keys update ${name} --expires 90d`)}`
            : 'Give the client that still uses it a new key.',
      })
    }
  }
  return checks.length > 0
    ? checks
    : [{ state: 'ok', name: 'keys', message: `${formatCount(keys.filter(({ state }) => state === 'active').length)} usable.` }]
}

async function aliasChecks(client: AdminClient, typed: Typed): Promise<Check[]> {
  const aliases = await allPages<AliasView>(client, 'aliases')
  if (aliases.length === 0) return []
  const slugs = new Set((await allPages<ProviderView>(client, 'providers')).map(({ slug }) => slug))
  const models = (await allPages<ModelView>(client, 'models')).filter(({ allowed }) => allowed)
  const names = new Set(
    models.flatMap(({ provider, id, canonical }) => [id, `${provider}/${id}`, ...(canonical === null ? [] : [canonical])]),
  )
  const dangling = aliases.filter(({ model }) => !names.has(model.replace(/^@/, '')))
  if (dangling.length === 0) return [{ state: 'ok', name: 'aliases', message: 'Each stands for a model that is served.' }]
  return dangling.map(({ name, model }): Check => {
    const fix = `${typed(`aliases set ${name} <model>`)}    (see: ${typed('models list')})`
    // An id that the catalog doesn't know is forwarded all the same.
    return slugs.has(model.replace(/^@/, '').split('/')[0]!)
      ? {
          state: 'warn',
          name: `alias ${name}`,
          message: `It stands for ${model}, which its provider is not known to serve; it is forwarded all the same, unpriced.`,
          fix,
        }
      : { state: 'fail', name: `alias ${name}`, message: `It stands for ${model}, which no provider here serves.`, fix }
  })
}

function configChecks(configs: readonly ConfigView[], typed: Typed): Check[] {
  if (configs.length === 0) return []
  const checks = configs.flatMap(({ slug, keys, trouble, warnings }): Check[] => {
    const name = `config ${slug}`
    const users =
      keys.length === 0 ? '' : ` It is attached to ${keys.length === 1 ? 'the key' : 'the keys'} ${keys.map((key) => key.name).join(', ')}.`
    if (trouble !== undefined)
      return [{ state: 'fail', name, message: `It cannot be used. ${trouble}${users}`, fix: typed(`configs versions ${slug}`) }]
    const [first, ...more] = warnings
    if (first === undefined) return []
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`
    return [{ state: 'warn', name, message: `${first}${others}`, fix: typed(`configs show ${slug}`) }]
  })
  return checks.length > 0 ? checks : [{ state: 'ok', name: 'configs', message: 'Each has targets that can be asked.' }]
}

async function priceChecks(client: AdminClient, from: string, typed: Typed): Promise<Check[]> {
  const asked = await askedWithoutPrice(client, from)
  return asked.map(({ name, requests }): Check => ({
    state: 'warn',
    name: `price of ${name}`,
    message: `It has none: ${formatCount(requests)} request${requests === 1 ? '' : 's'} of the last week ${requests === 1 ? 'has' : 'have'} no cost.`,
    fix: `${typed(`models price set ${name} --input <usd> --output <usd>`)}    (or --free)`,
  }))
}

function countBy<T>(rows: readonly T[], nameOf: (row: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) counts.set(nameOf(row), (counts.get(nameOf(row)) ?? 0) + 1)
  return counts
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
