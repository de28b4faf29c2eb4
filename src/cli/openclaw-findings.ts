// The common mistakes between OpenClaw and a gateway, each with its sentence and its fix. Pure.
import { apiNamed, nearestApi, servedApis, usualApi, type Api, type Entry, type ModelMention } from './openclaw-connection.ts'
import type { GatewayAnswer } from './openclaw-gateway.ts'

export type FindingCode =
  | 'missing_v1'
  | 'wrong_model'
  | 'key_not_visible'
  | 'wrong_api'
  | 'gateway_down'
  | 'not_connected'
  | 'config_invalid'

export type Finding = {
  readonly code: FindingCode
  /** A place of OpenClaw's configuration, or a file. */
  readonly where: string
  readonly message: string
  /** A command, or what to do. */
  readonly fix: string
}

export type AddressSight = {
  /** Who answers at the base URL; `none`: it is no URL. */
  readonly health: 'turnpike' | 'other' | 'down' | 'none'
  readonly why: string
  /** What the gateway says to a request below this base URL, when it has no such path. */
  readonly says: string | undefined
  readonly instanceUrl: string
  /** The command that starts the gateway. */
  readonly start: string
}

export type KeySight =
  | { readonly kind: 'none'; readonly value?: undefined }
  /** OpenClaw's service does not get it. `file`: of its `.env`, or a sentence why that cannot be read. */
  | {
      readonly kind: 'unresolved'
      readonly name: string | undefined
      readonly shellOnly: boolean
      readonly others: readonly string[]
      readonly file: string
      readonly value?: undefined
    }
  /** `value` undefined: it is set somewhere else than in `.env`. `openTo`: the mode of an `.env` that others can read. */
  | { readonly kind: 'variable'; readonly name: string; readonly value: string | undefined; readonly openTo: number | undefined }
  /** In the configuration itself. */
  | { readonly kind: 'written'; readonly value: string | undefined }

export type ModelSight = {
  /** What the gateway says of each name that it doesn't serve. */
  readonly refused: ReadonlyMap<string, string>
  /** Names of the gateway's models that lack the entry before them. */
  readonly bare: readonly ModelMention[]
  readonly mentions: readonly ModelMention[]
}

function apiOf({ apis }: Entry): Api {
  return apiNamed(apis[0] ?? '') ?? usualApi
}

/** Where OpenClaw's requests to this entry go. */
export function askedUrl(entry: Entry): string {
  return entry.baseUrl.replace(/\/+$/, '') + apiOf(entry).adds.replace('{model}', () => entry.modelIds[0] ?? 'MODEL')
}

export function endsRight(entry: Entry): boolean {
  return URL.canParse(entry.baseUrl) && apiOf(entry).ends.includes(new URL(entry.baseUrl).pathname.replace(/\/+$/, ''))
}

/** Wrong `api`, a base URL that ends wrongly, and a gateway that doesn't answer there. */
export function addressFindings(entry: Entry, sight: AddressSight): Finding[] {
  const findings: Finding[] = []
  const place = `models.providers.${entry.id}`
  const wrong = entry.apis.filter((api) => apiNamed(api) === undefined)
  for (const api of wrong) {
    findings.push({
      code: 'wrong_api',
      where: `${place}.api`,
      message: `It is ${api}, which this gateway does not speak; it speaks ${servedApis('and')}.`,
      fix: `openclaw config set ${place}.api ${nearestApi(api)}`,
    })
  }
  const silent = entry.apis.find((api) => apiNamed(api)?.startsNothing === true)
  if (entry.starts && silent !== undefined) {
    findings.push({
      code: 'wrong_api',
      where: `${place}.localService`,
      message: `OpenClaw starts nothing for ${silent}, and refuses every request of an entry that has both.`,
      fix: `openclaw config unset ${place}.localService`,
    })
  }
  const url = URL.canParse(entry.baseUrl) ? new URL(entry.baseUrl) : undefined
  if (url === undefined) {
    findings.push({
      code: 'missing_v1',
      where: `${place}.baseUrl`,
      message: `'${entry.baseUrl}' is not a URL.`,
      fix: `openclaw config set ${place}.baseUrl ${sight.instanceUrl}/v1`,
    })
    return findings
  }
  const api = apiOf(entry)
  if (!endsRight(entry)) {
    const says = sight.says === undefined ? '' : ` The gateway says: ${sight.says}`
    findings.push({
      code: 'missing_v1',
      where: `${place}.baseUrl`,
      message: `${entry.baseUrl} ends wrongly for ${api.api}: OpenClaw would ask ${askedUrl(entry)}.${says}`,
      fix: `openclaw config set ${place}.baseUrl ${url.origin}${api.ends[0]}`,
    })
  }
  if (sight.health === 'down' || sight.health === 'other') {
    const elsewhere = new URL(sight.instanceUrl).origin !== url.origin
    findings.push({
      code: 'gateway_down',
      where: `${place}.baseUrl`,
      message:
        sight.health === 'down'
          ? `No gateway answers at ${url.origin} (${sight.why}).`
          : `What answers at ${url.origin} is not a turnpike (${sight.why || 'another program'}).`,
      fix: elsewhere
        ? `${sight.start}, or if it runs at ${sight.instanceUrl}: openclaw config set ${place}.baseUrl ${sight.instanceUrl}${api.ends[0]}`
        : sight.start,
    })
  }
  return findings
}

/** The key that OpenClaw's service does not see, or that the gateway does not take. */
export function keyFinding(
  entry: Entry,
  sight: KeySight,
  accepted: GatewayAnswer | undefined,
  { setup, envFile }: { readonly setup: string; readonly envFile: string },
): Finding | undefined {
  const where = `models.providers.${entry.id}.apiKey`
  const finding = (message: string, fix = setup): Finding => ({ code: 'key_not_visible', where, message, fix })
  if (sight.kind === 'none') return finding('There is no key, and the gateway wants one.')
  if (sight.kind === 'unresolved') {
    if (sight.name === undefined) return finding('OpenClaw cannot resolve it.')
    const start = `OpenClaw's service does not see ${sight.name}: `
    if (sight.shellOnly)
      return finding(`${start}it is set in this shell, and a service does not get what a shell exports. It belongs into ${envFile}.`)
    if (sight.file === 'missing') return finding(`${start}there is no ${envFile}.`)
    if (sight.file !== 'read')
      return finding(`${start}${sight.file}`, `chown that file to the user of the service, and chmod 600 ${envFile}`)
    const [other] = sight.others
    if (other !== undefined)
      return finding(
        `${start}${envFile} has a gateway key under another name, ${other}.`,
        `write ${sight.name}= instead of ${other}= in ${envFile}, or ${setup}`,
      )
    return finding(`${start}${envFile} does not set it.`)
  }
  const source =
    sight.kind === 'variable' ? `${sight.name}${sight.value === undefined ? '' : ` of ${envFile}`}` : 'The key in the configuration'
  if (accepted?.kind === 'refused' && (accepted.status === 401 || accepted.status === 403))
    return finding(`${source} is not accepted. The gateway says: ${accepted.message}`)
  if (sight.kind === 'variable' && sight.openTo !== undefined)
    return finding(`${envFile} holds the key and others may read it (mode ${sight.openTo.toString(8)}).`, `chmod 600 ${envFile}`)
  return undefined
}

/** Names that the gateway doesn't serve, wherever they are written. */
export function modelFindings(
  entry: Entry,
  { refused, bare, mentions }: ModelSight,
  entries: readonly Entry[],
  command: string,
): Finding[] {
  const findings: Finding[] = []
  for (const [name, says] of refused) {
    const places = mentions.filter(({ ref }) => ref === `${entry.id}/${name}`).map(({ place }) => place)
    const row = entry.modelIds.indexOf(name)
    if (row >= 0) places.push(`models.providers.${entry.id}.models[${row}].id`)
    const [nearest] = [...(/Did you mean "([^"]+)"/.exec(says) ?? [])].slice(1)
    const [first = ''] = places
    findings.push({
      code: 'wrong_model',
      where: places.join(', '),
      message: `The gateway does not serve ${name}. It says: ${says}`,
      fix:
        nearest === undefined
          ? `choose one that this lists: ${command} models list`
          : first.startsWith('agents.')
            ? `openclaw config set ${first} ${entry.id}/${nearest}`
            : `write ${nearest} for ${name} there, or ${command} openclaw setup`,
    })
  }
  // Said once, by the first entry that points here.
  if (entries.find(({ baseUrl }) => baseUrl === entry.baseUrl)?.id === entry.id) {
    for (const { place, ref } of bare) {
      findings.push({
        code: 'wrong_model',
        where: place,
        message: `${ref} is the gateway's name; OpenClaw takes ${ref.split('/', 1)[0]} for a provider of its own.`,
        fix: `openclaw config set ${place} ${entry.id}/${ref}`,
      })
    }
  }
  return findings
}
