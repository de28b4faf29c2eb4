// Providers: put, removed, and shown without their secrets.
import { addressOf, providerDefaults, vendorOfKey, wiresOf, type Vendor } from '#catalog'
import { bodySchemas, didYouMean, hashKey, type Environment, type ProviderBody } from '#config'
import { nearestNames } from '#kernel'
import type { ControlChange, StoredCredential } from '#store'
import { ownerOfKey, redactHeaders } from '#telemetry'
import { isPrivateAddress } from '#upstream'
import { mayBePrivate, placeOfCredential, placeOfHeaders, type ConfiguredProvider, type ProviderDocument } from './assembly.ts'
import { checked, compact, lastFour, refuseTwice } from './bodies.ts'
import { limitViews } from './limit-views.ts'
import type { Plane, PlannedWrite } from './plane.ts'
import type { Control, ProviderView } from './port.ts'
import { Refusal } from './refusal.ts'

const simSlug = 'sim'

export function createProviders(plane: Plane): Control['providers'] {
  function find(slug: string): ConfiguredProvider {
    const found = plane.configured().providers.get(slug)
    if (found !== undefined) return found
    throw unknownProvider(plane, slug)
  }

  function refuseDeclared(slug: string): void {
    if (plane.declared.providers.has(slug))
      throw new Refusal(
        'read_only',
        `The provider ${slug} is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`,
      )
  }

  function plan(slug: string, body: ProviderBody, nowMs: number): PlannedWrite<{ provider: ProviderView; created: boolean }> {
    refuseDeclared(slug)
    if (slug === simSlug)
      throw new Refusal(
        'conflict',
        'The name sim belongs to the built-in simulator; the setting sim turns it on and off. Choose another name.',
        'slug',
      )
    const alias = [...plane.configured().snapshot.aliases.keys()].find((name) => name.startsWith(`${slug}/`))
    if (alias !== undefined)
      throw new Refusal(
        'conflict',
        `The alias ${alias} begins with ${slug}/, which would then name this provider; remove the alias, or choose another slug.`,
        'slug',
      )
    refuseTwice(body.models?.custom?.map(({ id }) => id) ?? [], (index) => `models.custom[${index}].id`)
    refusePrivate(slug, body)
    const { credentials: sent = [], headers, ...rest } = body
    const names = sent.map((one, index) => one.name ?? one.env ?? `credential-${index + 1}`)
    refuseTwice(names, (index) => `credentials[${index}].name`)
    const { vendor, origin = '' } = addressOf(slug, body, plane.env) ?? {}
    const before = plane.stored().providers.get(slug)
    const credentials = sent.map((one, index): StoredCredential => {
      const name = names[index]!
      const field = `credentials[${index}]`
      if (one.env !== undefined) return { name, env: one.env, sealed: null, last4: null, createdAtMs: nowMs }
      if (one.value !== undefined) {
        refuseForeignSecret(plane, one.value, field, body.base_url === undefined ? vendor : undefined)
        const sealed = plane.vault.seal(one.value, placeOfCredential(slug, origin, name))
        return { name, env: null, sealed, last4: lastFour(one.value), createdAtMs: nowMs }
      }
      const kept = before?.credentials.find((old) => old.name === name)
      if (kept === undefined)
        throw new Refusal(
          'invalid_request',
          `${field} has neither \`value\` nor \`env\`, and no credential named ${JSON.stringify(name)} is stored; send one of them.`,
          field,
        )
      const storedFor = (before?.document as ProviderDocument | undefined)?.origin
      if (storedFor !== origin)
        throw new Refusal(
          'invalid_request',
          `The credential ${JSON.stringify(name)} was given for ${storedFor}, and this provider is now at ${origin}: send its value (or env) again, so that no secret goes where it wasn't meant to.`,
          `${field}.value`,
        )
      if (kept.sealed !== null && plane.vault.open(kept.sealed, placeOfCredential(slug, origin, name)) === undefined)
        throw new Refusal(
          'invalid_request',
          `The stored value of the credential ${JSON.stringify(name)} cannot be read with this master key; send it again.`,
          `${field}.value`,
        )
      return kept
    })
    const document: ProviderDocument = {
      body: compact(rest),
      origin,
      ...(headers === undefined ? {} : { headers: plane.vault.seal(JSON.stringify(headers), placeOfHeaders(slug, origin)) }),
    }
    const created = !plane.configured().providers.has(slug)
    const changes: ControlChange[] = [{ put: 'provider', provider: { slug, document, credentials, updatedAtMs: nowMs } }]
    if (plane.stored().dismissed.has(slug)) changes.push({ remove: 'dismissed', slug })
    return {
      changes,
      action: 'provider.put',
      target: slug,
      detail: {
        created,
        ...rest,
        ...(headers === undefined ? {} : { headers: redactHeaders(headers) }),
        credentials: credentials.map(({ name, env }) => ({ name, source: env === null ? 'value' : 'env' })),
      },
      strict: slug,
      result: () => ({ provider: viewOf(find(slug), plane.env), created }),
    }
  }

  return {
    list: () => [...plane.configured().providers.values()].map((one) => viewOf(one, plane.env)),
    get: (slug) => viewOf(find(slug), plane.env),
    async put(slug, body, actor) {
      checked(bodySchemas.slug, slug, 'slug')
      const wanted = checked(bodySchemas.provider, body)
      return plane.write(actor, (nowMs) => plan(slug, wanted, nowMs))
    },
    async remove(slug, actor) {
      await plane.write(actor, () => {
        const { origin } = find(slug)
        refuseDeclared(slug)
        if (origin === 'built-in')
          throw new Refusal('conflict', `${slug} is built in; it is turned off with the setting sim (false).`, 'slug')
        const prices = [...plane.stored().prices.values()].filter(({ provider }) => provider === slug)
        return {
          changes: [
            ...(plane.stored().providers.has(slug) ? [{ remove: 'provider' as const, slug }] : []),
            // Else the key in the environment would bring it back.
            ...(plane.environmentSlugs.has(slug) ? [{ put: 'dismissed' as const, slug }] : []),
            ...prices.map(({ provider, model }) => ({ remove: 'price' as const, provider, model })),
          ],
          action: 'provider.delete',
          target: slug,
          detail: { origin, prices: prices.length },
          result: () => undefined,
        }
      })
    },
  }
}

export function unknownProvider(plane: Plane, slug: string): Refusal {
  const near = didYouMean(nearestNames(slug, plane.configured().providers.keys(), 1))
  return new Refusal('not_found', `There is no provider ${JSON.stringify(slug.slice(0, 100))}.${near}`)
}

/** A literal private address needs the permission; a name is looked at when it is resolved. */
function refusePrivate(slug: string, body: ProviderBody): void {
  const { baseUrl } = addressOf(slug, body, {}) ?? {}
  if (baseUrl === undefined || mayBePrivate(slug, body)) return
  const { hostname: host } = new URL(baseUrl)
  if (!isPrivateAddress(host)) return
  throw new Refusal(
    'invalid_request',
    `base_url is at ${host}, a private or loopback address; set allow_private_network to true if this provider really runs in your own network.`,
    'base_url',
  )
}

/** `vendor`: whose own address it would be sent to; undefined at any other address, where anybody's key may be right. */
function refuseForeignSecret(plane: Plane, secret: string, field: string, vendor: Vendor | undefined): void {
  const refuse = (what: string): Refusal => new Refusal('invalid_request', `${field}.value ${what}`, `${field}.value`)
  refuseOwnSecret(plane, secret, `${field}.value`)
  const look = ownerOfKey(secret)
  if (vendor === undefined) return
  const owner = vendorOfKey(secret)
  // One key may be for several addresses of one company.
  const isOthers = owner !== undefined && owner !== vendor && !owner.keyVariables.some((name) => vendor.keyVariables.includes(name))
  if (!isOthers && look !== 'Turnpike') return
  const whose = isOthers ? `a key of ${owner.name}` : 'a gateway key'
  throw refuse(
    `looks like ${whose}, and would be sent to ${vendor.name}. Check vendor and key; if it is right all the same, write base_url too.`,
  )
}

/** What opens this gateway opens no provider. */
export function refuseOwnSecret(plane: Plane, secret: string, field: string): void {
  const refuse = (what: string): Refusal => new Refusal('invalid_request', `${field} ${what}`, field)
  if (secret === plane.adminToken || ownerOfKey(secret) === 'Turnpike (admin)')
    throw refuse('is an admin token, which is for /api/v1 alone; send the key that the provider gave you.')
  if (plane.configured().snapshot.keys.has(hashKey(secret)))
    throw refuse('is a gateway key of this instance, which opens this gateway and no provider; send the key that the provider gave you.')
}

function viewOf({ slug, origin, wanted, provider, trouble, credentials, updatedAt }: ConfiguredProvider, env: Environment): ProviderView {
  const { vendor, baseUrl } = addressOf(slug, wanted, env) ?? {}
  const timeouts = provider?.timeouts ?? providerDefaults.timeouts
  return {
    slug,
    origin,
    vendor: provider?.vendor ?? vendor?.id ?? wanted.vendor ?? '',
    base_url: wanted.base_url ?? baseUrl ?? provider?.origin ?? '',
    wires: Object.fromEntries(wiresOf(slug, wanted)),
    credentials,
    headers: redactHeaders(wanted.headers ?? {}),
    models: {
      ...(wanted.models?.allow === undefined ? {} : { allow: wanted.models.allow }),
      ...(wanted.models?.deny === undefined ? {} : { deny: wanted.models.deny }),
      ...(wanted.models?.custom === undefined ? {} : { custom: wanted.models.custom.map(compact) }),
      known: provider?.models.size ?? 0,
    },
    priority: provider?.priority ?? wanted.priority ?? providerDefaults.priority,
    ...(wanted.price_multiplier === undefined ? {} : { price_multiplier: wanted.price_multiplier }),
    timeouts: {
      connect_ms: timeouts.connectMs,
      first_token_ms: timeouts.firstTokenMs ?? null,
      idle_ms: timeouts.idleMs,
      request_timeout: timeouts.totalMs,
    },
    dialect: compact(wanted.dialect ?? {}),
    ...limitViews(wanted),
    allow_private_network: provider?.allowPrivateNetwork ?? wanted.allow_private_network ?? false,
    updated_at: updatedAt,
    ...(trouble === undefined ? {} : { trouble }),
  }
}
