// What connects OpenClaw with a gateway: the entry under models.providers, and how the wires' names and addresses go together.
import { nearestNames, isObject, type JsonObject, type JsonValue } from '#kernel'
import type { ClientWire } from '#ir'

/** The entry that `setup` writes, and the variable of its key. */
export const entryName = 'turnpike'
export const keyVariable = 'TURNPIKE_API_KEY'

/** OpenClaw's name of each wire that is served here, what it puts behind the base URL, and how that URL may end, the usual way first. */
export const openClawApis = {
  'openai-chat': { api: 'openai-completions', adds: '/chat/completions', ends: ['/v1'] },
  'openai-responses': { api: 'openai-responses', adds: '/responses', ends: ['/v1'] },
  'anthropic-messages': { api: 'anthropic-messages', adds: '/v1/messages', ends: ['', '/v1'] },
  gemini: { api: 'google-generative-ai', adds: '/models/{model}:streamGenerateContent', ends: ['/v1beta', '/v1'], startsNothing: true },
} as const satisfies Record<ClientWire, Api>

export type Api = {
  readonly api: string
  readonly adds: string
  readonly ends: readonly [string, ...string[]]
  /** With a `localService` OpenClaw refuses every request of it: "Managed transport stream is unavailable for api ..." (2026.9.6). */
  readonly startsNothing?: true
}
const apis: readonly Api[] = Object.values(openClawApis)

/** What suits every model, and what OpenClaw takes where none is written. */
export const usualApi: Api = openClawApis['openai-chat']

/** `a, b and c`. */
export function servedApis(joint: 'and' | 'or'): string {
  const names = apis.map(({ api }) => api)
  return `${names.slice(0, -1).join(', ')} ${joint} ${names.at(-1)!}`
}

export function apiNamed(api: string): Api | undefined {
  return apis.find((row) => row.api === api)
}

/** Nearest first; the one that suits every model when nothing is near. */
export function nearestApi(api: string): string {
  return (
    nearestNames(
      api,
      apis.map((row) => row.api),
      1,
    )[0] ?? usualApi.api
  )
}

/** An entry of `models.providers` as `openclaw config get` gives it. */
export type Entry = {
  readonly id: string
  readonly baseUrl: string
  /** The entry's and its models'; empty: none is written, and OpenClaw takes `openai-completions`. */
  readonly apis: readonly string[]
  readonly apiKey: JsonValue | undefined
  /** OpenClaw is to start what answers there. */
  readonly starts: boolean
  readonly modelIds: readonly string[]
}

export function entriesOf(models: JsonValue | undefined): readonly Entry[] {
  const providers = isObject(models) ? models['providers'] : undefined
  if (!isObject(providers)) return []
  return Object.entries(providers).flatMap(([id, value]) => (isObject(value) ? [entryOf(id, value)] : []))
}

function entryOf(id: string, value: JsonObject): Entry {
  const rows = Array.isArray(value['models']) ? value['models'].filter(isObject) : []
  const named = [value['api'], ...rows.map((row) => row['api'])].filter((api) => typeof api === 'string')
  return {
    id,
    baseUrl: typeof value['baseUrl'] === 'string' ? value['baseUrl'] : '',
    apis: [...new Set(named)],
    apiKey: value['apiKey'],
    starts: isObject(value['localService']),
    modelIds: rows.map((row) => row['id']).filter((name) => typeof name === 'string'),
  }
}

/** `http://localhost:8640/v1` and `http://127.0.0.1:8640` are one place. */
export function placeOfUrl(url: string): string | undefined {
  try {
    const { protocol, hostname, port } = new URL(url)
    const host = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) ? 'this machine' : hostname
    return `${host} ${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`
  } catch {
    return undefined
  }
}

/** Where in the configuration a model is named, and how: `turnpike/gpt-5`, or an alias. */
export type ModelMention = { readonly place: string; readonly ref: string }

const modelFields = ['model', 'utilityModel', 'imageModel', 'pdfModel'] as const
const nestedFields = ['heartbeat', 'compaction', 'subagents'] as const

/** Every model that an agent is told to use. */
export function mentionsOf(agents: JsonValue | undefined): readonly ModelMention[] {
  if (!isObject(agents)) return []
  const entries = isObject(agents['entries']) ? Object.entries(agents['entries']) : []
  const settings: [string, JsonValue | undefined][] = [
    ['agents.defaults', agents['defaults']],
    ...entries.map(([id, entry]): [string, JsonValue] => [`agents.entries.${id}`, entry]),
  ]
  return settings.flatMap(([place, value]) => (isObject(value) ? mentionsIn(place, value) : []))
}

function mentionsIn(place: string, settings: JsonObject): ModelMention[] {
  const own = modelFields.flatMap((field) => refsOf(`${place}.${field}`, settings[field]))
  const nested = nestedFields.flatMap((field) => {
    const value = settings[field]
    return isObject(value) ? refsOf(`${place}.${field}.model`, value['model']) : []
  })
  return [...own, ...nested]
}

/** A model is written as a name, or as `{primary, fallbacks}`. */
function refsOf(place: string, value: JsonValue | undefined): ModelMention[] {
  if (typeof value === 'string') return value === '' ? [] : [{ place, ref: value }]
  if (!isObject(value)) return []
  const fallbacks = Array.isArray(value['fallbacks']) ? value['fallbacks'] : []
  return [
    ...refsOf(`${place}.primary`, typeof value['primary'] === 'string' ? value['primary'] : undefined),
    ...fallbacks.flatMap((ref, index) => (typeof ref === 'string' ? [{ place: `${place}.fallbacks[${index}]`, ref }] : [])),
  ]
}

/** True when everything that the patch says is already so. */
export function isWithin(patch: JsonValue, current: JsonValue | undefined): boolean {
  if (Array.isArray(patch))
    return Array.isArray(current) && current.length === patch.length && patch.every((value, place) => isWithin(value, current[place]))
  if (!isObject(patch)) return patch === current
  return isObject(current) && Object.entries(patch).every(([name, value]) => isWithin(value, current[name]))
}
