// What `openclaw setup` would change in OpenClaw's configuration: the patch, from what is there and what the instance offers. Pure.
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import { misused } from './failure.ts'
import { apiNamed, entryName, keyVariable, usualApi, type Api, type Entry } from './openclaw-connection.ts'
import { openClawModel, usualFirst, type Offer } from './openclaw-models.ts'

export type LocalService = { readonly command: string; readonly args: readonly string[]; readonly healthUrl: string }

export type Wanted = {
  readonly api: string
  /** With the end that this api wants. */
  readonly baseUrl: string
  readonly offers: readonly Offer[]
  readonly primary: string
  readonly fallbacks: readonly string[]
  readonly localService: LocalService | undefined
}

/** `agents.defaults` as it is, as far as it matters here. */
export type Current = {
  readonly primary: string | undefined
  readonly fallbacks: readonly string[]
  readonly aliases: ReadonlyMap<string, string>
  readonly allow: readonly string[] | undefined
  /** Entries of `agents.defaults.models`; without a policy they may restrict what can be chosen. */
  readonly entries: readonly string[]
}

const prefix = `${entryName}/`
/** OpenClaw's picker shows them all; more can be asked for by name. */
const listed = 40

export function currentOf(defaults: JsonValue | undefined): Current {
  const settings = isObject(defaults) ? defaults : {}
  const model = settings['model']
  const entries = isObject(settings['models']) ? Object.entries(settings['models']) : []
  const policy = isObject(settings['modelPolicy']) ? settings['modelPolicy']['allow'] : undefined
  return {
    primary: typeof model === 'string' ? model : isObject(model) && typeof model['primary'] === 'string' ? model['primary'] : undefined,
    fallbacks: strings(isObject(model) ? model['fallbacks'] : undefined),
    aliases: new Map(
      entries.flatMap(([ref, entry]) => (isObject(entry) && typeof entry['alias'] === 'string' ? [[entry['alias'], ref] as const] : [])),
    ),
    allow: Array.isArray(policy) ? strings(policy) : undefined,
    entries: entries.map(([ref]) => ref),
  }
}

function strings(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** The name behind `turnpike/`, for a reference of ours. */
export function ownName(ref: string | undefined): string | undefined {
  return ref?.startsWith(prefix) === true ? ref.slice(prefix.length) : undefined
}

/** What was asked for, or what the entry has from an earlier run. Throws where OpenClaw could do nothing with it. */
export function chosenApi(asked: { readonly api?: string; readonly localService?: true }, entry: Entry | undefined): Api {
  const api = apiNamed(asked.api ?? entry?.apis[0] ?? '') ?? usualApi
  if (api.startsNothing !== true) return api
  if (asked.localService === true)
    throw misused(
      `OpenClaw starts nothing for ${api.api}: leave --local-service out, or choose another type, such as --api ${usualApi.api}.`,
    )
  if (entry?.starts === true) {
    const place = `models.providers.${entryName}.localService`
    throw misused(`OpenClaw starts nothing for ${api.api}, and ${place} is set. Remove it first: openclaw config unset ${place}`)
  }
  return api
}

export function patchOf(wanted: Wanted, current: Current): JsonObject {
  const { api, baseUrl, primary, fallbacks, localService } = wanted
  const chosen = [primary, ...fallbacks]
  const policy = policyOf(current)
  return {
    models: {
      providers: {
        [entryName]: {
          baseUrl,
          api,
          apiKey: { source: 'env', provider: 'default', id: keyVariable },
          models: rowsOf(wanted),
          ...(localService === undefined
            ? {}
            : { localService: { ...localService, args: [...localService.args], readyTimeoutMs: 60_000 } }),
        },
      },
    },
    agents: {
      defaults: {
        model: {
          primary: prefix + primary,
          // What was there from elsewhere stays, behind.
          fallbacks: [...fallbacks.map((name) => prefix + name), ...current.fallbacks.filter((ref) => ownName(ref) === undefined)],
        },
        models: Object.fromEntries(chosen.map((name) => [prefix + name, aliasOf(name, current)])),
        ...(policy === undefined ? {} : { modelPolicy: { allow: policy } }),
      },
    },
    tools: { loopDetection: { enabled: true } },
  }
}

/** What was chosen first, then the best of the rest. */
function rowsOf({ offers, primary, fallbacks }: Wanted): JsonObject[] {
  const chosen = [primary, ...fallbacks]
  const first = chosen.map((name) => offers.find((offer) => offer.name === name))
  const known = first.filter((offer) => offer !== undefined)
  const unknown = chosen.filter((_, place) => first[place] === undefined)
  const rest = usualFirst(offers)
    .filter(({ name }) => !chosen.includes(name))
    .slice(0, Math.max(0, listed - chosen.length))
  return [
    ...known.map(openClawModel),
    // An alias of the gateway: it has no row of its own, and its limits are those of the model behind it.
    ...unknown.map((name) => ({ id: name, name })),
    ...rest.map(openClawModel),
  ]
}

/** The last part of the name, unless it means another model already; an alias that is there stays. */
function aliasOf(name: string, { aliases }: Current): JsonObject {
  if ([...aliases.values()].includes(prefix + name)) return {}
  const short = name.slice(name.lastIndexOf('/') + 1)
  return aliases.has(short) ? {} : { alias: short }
}

/**
 * An allow-list that is there gets our models added. Where there is none and no entry either, an empty one is written: in a configuration
 * from before OpenClaw 2026.8 the entries that are added here would otherwise become a restriction.
 */
function policyOf({ allow, entries }: Current): string[] | undefined {
  const everything = `${prefix}*`
  if (allow === undefined) return entries.length === 0 ? [] : undefined
  return allow.length === 0 || allow.includes(everything) ? undefined : [...allow, everything]
}
