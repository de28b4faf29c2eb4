// `turnpike openclaw check`: is OpenClaw of this machine connected, and if not, what is wrong and how it is mended.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { readSettings } from '#config'
import type { JsonValue } from '#kernel'
import { homeOption, reachableHost, type CliContext, type ConnectionOptions } from './context.ts'
import { CliFailure } from './failure.ts'
import { readInstanceNote } from './instance.ts'
import { findOpenClaw, type OpenClaw, type OpenClawOptions } from './openclaw-client.ts'
import { entriesOf, entryName, mentionsOf, placeOfUrl, usualApi, type Entry, type ModelMention } from './openclaw-connection.ts'
import { readEnvFile, readVariables } from './openclaw-env-file.ts'
import {
  addressFindings,
  askedUrl,
  endsRight,
  keyFinding,
  modelFindings,
  type Finding,
  type KeySight,
  type ModelSight,
} from './openclaw-findings.ts'
import { askGateway } from './openclaw-gateway.ts'
import { namedVariable } from './openclaw-setup.ts'
import { headline } from './request-story.ts'
import { formatTime, plain } from './words.ts'

type CheckOptions = ConnectionOptions & OpenClawOptions & { readonly provider?: string; readonly json?: true }

const examples = `
Examples:
  turnpike openclaw check
  turnpike openclaw check --provider gw      an entry of models.providers that a person wrote
  turnpike openclaw check --json

Exit codes: 0 connected, 1 something is wrong, 2 misused.
`

export function checkCommand(context: CliContext): Command {
  return new Command('check')
    .description('find what keeps OpenClaw from this gateway, and how to mend it')
    .option('--provider <id>', 'the entry of models.providers in question (default: those that point to this gateway)')
    .option('--json', 'the findings as JSON')
    .option('--openclaw-home <folder>', "OpenClaw's home (OPENCLAW_HOME; OPENCLAW_STATE_DIR and OPENCLAW_CONFIG_PATH are honoured)")
    .option('--openclaw-bin <file>', 'the openclaw command, when it is not on the PATH')
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .addHelpText('after', examples)
    .action(async (options: CheckOptions) => check(context, options))
}

async function check(context: CliContext, options: CheckOptions): Promise<void> {
  const { terminal } = context
  const openclaw = await findOpenClaw(context.env, options)
  const { findings, good } = await inspect(context, options, openclaw)
  const last = findings.length > 0 ? undefined : await lastRequest(context, options)
  if (options.json === true) {
    const { version, binary, configFile } = openclaw
    terminal.line(
      JSON.stringify({ ok: findings.length === 0, openclaw: { version, binary, config: configFile }, findings, connected: good }),
    )
  } else {
    for (const line of good) terminal.line(`${terminal.paint('green', 'ok')}     ${plain(line)}`)
    for (const { where, message, fix } of findings) {
      terminal.line(`${terminal.paint('red', 'wrong')}  ${plain(`${where}: ${message}`)}`)
      terminal.line(`       Fix: ${plain(fix)}`)
    }
    if (last !== undefined) terminal.line(`       ${plain(last)}`)
  }
  if (findings.length > 0) throw new CliFailure(findings.length === 1 ? 'One thing is wrong.' : `${findings.length} things are wrong.`)
}

type Inspection = { readonly findings: readonly Finding[]; readonly good: readonly string[] }

async function inspect(context: CliContext, options: CheckOptions, openclaw: OpenClaw): Promise<Inspection> {
  const { command } = context
  const { trouble } = openclaw
  if (trouble.length > 0) {
    const message = `OpenClaw refuses its configuration: ${trouble.join('; ')}`
    return {
      findings: [{ code: 'config_invalid', where: openclaw.configFile, message, fix: 'openclaw doctor, or mend these places by hand' }],
      good: [],
    }
  }
  const [entries, agents, unresolved, instanceUrl] = await Promise.all([
    openclaw.get('models').then(entriesOf),
    openclaw.get('agents'),
    openclaw.unresolved(),
    instanceUrlOf(options.home),
  ])
  const ours = entriesInQuestion(entries, instanceUrl, options.provider)
  if (ours.length === 0) {
    const message =
      options.provider === undefined
        ? `No provider of OpenClaw points to this gateway (${instanceUrl}).`
        : `models.providers has no ${options.provider}; it has ${entries.map(({ id }) => id).join(', ') || 'none'}.`
    return {
      findings: [
        { code: 'not_connected', where: 'models.providers', message, fix: `${command} openclaw setup${homeOption(options.home)}` },
      ],
      good: [],
    }
  }
  const mentions = mentionsOf(agents === undefined ? undefined : agents)
  const all = await Promise.all(
    ours.map(async (entry) => inspectEntry(context, options, { openclaw, entry, entries, mentions, unresolved, instanceUrl })),
  )
  return { findings: all.flatMap(({ findings }) => findings), good: all.flatMap(({ good }) => good) }
}

type Scene = {
  readonly openclaw: OpenClaw
  readonly entry: Entry
  readonly entries: readonly Entry[]
  readonly mentions: readonly ModelMention[]
  readonly unresolved: ReadonlyMap<string, string | undefined>
  readonly instanceUrl: string
}

async function inspectEntry({ env, command }: CliContext, options: CheckOptions, scene: Scene): Promise<Inspection> {
  const { openclaw, entry, entries, mentions, unresolved, instanceUrl } = scene
  const setup = `${command} openclaw setup${homeOption(options.home)}`
  const findings: Finding[] = []
  const origin = URL.canParse(entry.baseUrl) ? new URL(entry.baseUrl).origin : undefined
  const health = origin === undefined ? undefined : await askGateway(origin, '/healthz', undefined)
  const isGateway = health?.kind === 'ok' && (health.body as { name?: unknown } | null)?.name === 'turnpike'
  // The gateway's own words for where a wrong base URL leads; a right one is not asked without a key, which would be recorded.
  const led = isGateway && !endsRight(entry) ? await askGateway(origin!, new URL(askedUrl(entry)).pathname, undefined) : undefined
  findings.push(
    ...addressFindings(entry, {
      health: health === undefined ? 'none' : isGateway ? 'turnpike' : health.kind === 'down' ? 'down' : 'other',
      why: health !== undefined && 'message' in health ? health.message : '',
      says: led?.kind === 'refused' && led.code === 'unknown_url' ? led.message : undefined,
      instanceUrl,
      start: `${command} up${homeOption(options.home)}`,
    }),
  )
  const sight = await sightOfKey(openclaw, entry, unresolved, env)
  const accepted = isGateway && sight.value !== undefined ? await askGateway(origin!, '/v1/models', sight.value) : undefined
  const key = keyFinding(entry, sight, accepted, { setup, envFile: path.join(openclaw.stateFolder, '.env') })
  if (key !== undefined) findings.push(key)
  if (accepted?.kind === 'ok' && origin !== undefined) {
    const models = await sightOfModels(origin, sight.value!, accepted.body, entry, entries, mentions)
    findings.push(...modelFindings(entry, models, entries, command))
  }
  const used = mentions.find(({ ref }) => ref.startsWith(`${entry.id}/`))
  const good =
    findings.length > 0
      ? []
      : [
          `OpenClaw ${openclaw.version} reaches ${entry.baseUrl} as ${entry.apis[0] ?? usualApi.api}${used === undefined ? '' : `; ${used.place} is ${used.ref}`}.`,
        ]
  return { findings, good }
}

/** Where the instance of this home is, or would be. */
async function instanceUrlOf(home: string | undefined): Promise<string> {
  const settings = readSettings({ overrides: { home }, asClient: true })
  return (await readInstanceNote(settings.home))?.url ?? `http://${reachableHost(settings.host)}:${settings.port}`
}

function entriesInQuestion(entries: readonly Entry[], instanceUrl: string, named: string | undefined): readonly Entry[] {
  if (named !== undefined) return entries.filter(({ id }) => id === named)
  const here = placeOfUrl(instanceUrl)
  return entries.filter(({ id, baseUrl }) => id === entryName || (here !== undefined && placeOfUrl(baseUrl) === here))
}

/** What OpenClaw's service gets to see of the entry's key. */
async function sightOfKey(
  openclaw: OpenClaw,
  entry: Entry,
  unresolved: ReadonlyMap<string, string | undefined>,
  shell: Readonly<Record<string, string | undefined>>,
): Promise<KeySight> {
  const file = path.join(openclaw.stateFolder, '.env')
  const place = `models.providers.${entry.id}.apiKey`
  if (entry.apiKey === undefined) return { kind: 'none' }
  const env = tryRead(file)
  const variables = env === undefined || typeof env === 'string' ? new Map<string, string>() : readVariables(env.text)
  const others = [...variables].filter(([, value]) => value.startsWith('tp-')).map(([name]) => name)
  if (unresolved.has(place)) {
    const name = unresolved.get(place)
    const shellOnly = name !== undefined && (shell[name] ?? '') !== ''
    return {
      kind: 'unresolved',
      name,
      shellOnly,
      others: others.filter((other) => other !== name),
      file: typeof env === 'string' ? env : env === undefined ? 'missing' : 'read',
    }
  }
  const name = variableOf(entry.apiKey) ?? (await namedVariable(openclaw, place))
  const openTo = env !== undefined && typeof env !== 'string' && (env.mode & 0o077) !== 0 ? env.mode : undefined
  if (name !== undefined) return { kind: 'variable', name, value: variables.get(name), openTo: variables.has(name) ? openTo : undefined }
  return { kind: 'written', value: plainKey(openclaw.configFile) }
}

/** `${NAME}` and `$NAME`, which stay visible where secrets are masked. */
function variableOf(apiKey: JsonValue): string | undefined {
  return typeof apiKey === 'string' ? /^\$\{?([A-Z_][A-Z0-9_]*)\}?$/.exec(apiKey)?.[1] : undefined
}

/** The file's text, nothing, or a sentence why it cannot be read. */
function tryRead(file: string): ReturnType<typeof readEnvFile> | string {
  try {
    return readEnvFile(file)
  } catch (error) {
    return error instanceof CliFailure ? error.message : String(error)
  }
}

/** A gateway key in the clear: recognised by its form, since OpenClaw doesn't tell it. undefined: none, or several. */
function plainKey(configFile: string): string | undefined {
  try {
    const keys = new Set(readFileSync(configFile, 'utf8').match(/\btp-[A-Za-z0-9_-]{43}\b/g))
    return keys.size === 1 ? [...keys][0] : undefined
  } catch {
    return undefined
  }
}

async function sightOfModels(
  origin: string,
  key: string,
  list: unknown,
  entry: Entry,
  entries: readonly Entry[],
  mentions: readonly ModelMention[],
): Promise<ModelSight> {
  const rows = (list as { data?: readonly { id?: unknown }[] }).data ?? []
  const known = new Set(rows.map(({ id }) => id).filter((id) => typeof id === 'string'))
  const prefix = `${entry.id}/`
  const asked = new Set([
    ...entry.modelIds,
    ...mentions.filter(({ ref }) => ref.startsWith(prefix)).map(({ ref }) => ref.slice(prefix.length)),
  ])
  const refused = new Map<string, string>()
  for (const name of asked) {
    if (known.has(name)) continue
    const answer = await askGateway(origin, `/v1/models/${encodeURIComponent(name)}`, key)
    if (answer.kind === 'refused') refused.set(name, answer.message)
  }
  const providers = new Set(entries.map(({ id }) => id))
  // The gateway's name without the entry's: OpenClaw takes its first part for a provider of its own.
  const bare = mentions.filter(({ ref }) => !providers.has(ref.split('/', 1)[0]!) && known.has(ref))
  return { refused, bare, mentions: mentions.filter(({ ref }) => ref.startsWith(prefix)) }
}

/** The newest request that any client sent, in one sentence; nothing when the instance of this home doesn't tell. */
async function lastRequest(context: CliContext, options: CheckOptions): Promise<string | undefined> {
  try {
    const admin = await context.connect({ ...options, needs: 'running' })
    const [row] = (await admin.listRequests({ limit: '1' })).data
    if (row === undefined) return 'No request has come yet.'
    const detail = await admin.getRequest(row.id)
    return detail === undefined
      ? undefined
      : `Last request, ${formatTime(row.at)}, ${row.kind}: ${headline(detail)} See: ${context.command} requests show ${row.id}`
  } catch {
    return undefined
  }
}
