// `turnpike openclaw setup`: makes OpenClaw of this machine use this gateway; a second run changes nothing.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Command } from 'commander'
import { readSettings } from '#config'
import type { KeyCreated, KeyView, ModelView, ProviderView } from '#control'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { AdminClient, List } from './admin-client.ts'
import { homeOption, type CliContext, type ConnectionOptions } from './context.ts'
import { CliFailure, misused } from './failure.ts'
import { readInstanceNote } from './instance.ts'
import { findOpenClaw, type OpenClaw, type OpenClawOptions } from './openclaw-client.ts'
import { apiNamed, entriesOf, entryName, isWithin, keyVariable, servedApis, usualApi } from './openclaw-connection.ts'
import { readEnvFile, readVariables, withVariable, writeEnvFile } from './openclaw-env-file.ts'
import { askGateway } from './openclaw-gateway.ts'
import { offersOf, usualFallback, usualPrimary, type Offer } from './openclaw-models.ts'
import { chosenApi, currentOf, ownName, patchOf, type Current, type LocalService } from './openclaw-plan.ts'

export type SetupOptions = ConnectionOptions &
  OpenClawOptions & {
    readonly model?: string
    readonly fallback?: readonly string[]
    readonly api?: string
    readonly localService?: true
    readonly dryRun?: true
    readonly json?: true
  }

const examples = `
Examples:
  turnpike openclaw setup                                    a key, the provider entry, a model
  turnpike openclaw setup --dry-run                          what it would write, and nothing else
  turnpike openclaw setup --model gpt-5 --fallback claude-sonnet-4-5
  turnpike openclaw setup --api anthropic-messages           OpenClaw speaks as Claude's own clients do
  turnpike openclaw setup --local-service                    OpenClaw starts turnpike when it needs it

It makes a gateway key, puts it into OpenClaw's .env (mode 0600), and changes OpenClaw's configuration with \`openclaw config patch\`.
`

export function setupCommand(context: CliContext): Command {
  return new Command('setup')
    .description("connect this machine's OpenClaw with this gateway")
    .option('--model <name>', 'the model that OpenClaw uses')
    .option('--fallback <name>', 'the model that OpenClaw tries next (repeatable)', (name: string, names: string[] | undefined) => [
      ...(names ?? []),
      name,
    ])
    .option('--api <type>', `how OpenClaw speaks: ${servedApis('or')}`)
    .option('--local-service', 'let OpenClaw start turnpike when it does not run')
    .option('--dry-run', 'print the patch and the line of .env; change nothing')
    .option('--json', 'what was done, as JSON')
    .option('--openclaw-home <folder>', "OpenClaw's home (OPENCLAW_HOME; OPENCLAW_STATE_DIR and OPENCLAW_CONFIG_PATH are honoured)")
    .option('--openclaw-bin <file>', 'the openclaw command, when it is not on the PATH')
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .addHelpText('after', examples)
    .action(async (options: SetupOptions) => setup(context, options))
}

/** The key that OpenClaw is to use; `value` undefined: a dry run, which makes none. */
type Key = { readonly name: string; readonly id: string | undefined; readonly value: string | undefined; readonly made: boolean }

async function setup(context: CliContext, options: SetupOptions): Promise<void> {
  const { terminal, command } = context
  if (options.api !== undefined && apiNamed(options.api) === undefined)
    throw misused(`--api ${options.api} is none that this gateway speaks; choose ${servedApis('or')}.`)
  const openclaw = await findOpenClaw(context.env, options)
  const { trouble } = openclaw
  if (trouble.length > 0)
    throw new CliFailure(
      `OpenClaw refuses its own configuration ${openclaw.configFile}: ${trouble.join('; ')} Mend it first (openclaw doctor).`,
    )
  const admin = await context.connect({ ...options, needs: 'running' })
  const [current, entry, offers, origin] = await Promise.all([
    openclaw.get('agents.defaults').then(currentOf),
    openclaw.get('models').then((models) => entriesOf(models).find(({ id }) => id === entryName)),
    offersOfInstance(admin),
    originOf(options.home, admin),
  ])
  const api = chosenApi(options, entry)
  const chosen = await choose(context, options, current, offers)
  const envFile = path.join(openclaw.stateFolder, '.env')
  const env = readEnvFile(envFile)
  const key = await keyFor(admin, origin, readVariables(env?.text ?? '').get(keyVariable), options.dryRun === true)
  if (key.value !== undefined) await verifyNames(origin, key.value, chosen)

  const wanted = {
    ...chosen,
    api: api.api,
    baseUrl: origin + api.ends[0],
    offers,
    localService:
      options.localService === true
        ? localServiceOf(origin, readSettings({ overrides: { home: options.home }, asClient: true }).home)
        : undefined,
  }
  const patch = patchOf(wanted, current)
  const changesConfig = !(await isApplied(openclaw, patch))
  const nextEnv = withVariable(env?.text ?? '', keyVariable, key.value ?? '(the new key)')
  const changesEnv = nextEnv !== env?.text || (env.mode & 0o077) !== 0

  if (options.dryRun !== true) {
    // First: OpenClaw resolves the key when it takes the patch.
    if (changesEnv) writeEnvFile(envFile, nextEnv)
    if (changesConfig) await openclaw.patch(patch, { check: false, replace: [`models.providers.${entryName}.models`] })
  }
  const line = `${keyVariable}=${masked(key)}`
  if (options.json === true) {
    return terminal.line(
      JSON.stringify({
        dry_run: options.dryRun === true,
        changed: changesConfig || changesEnv,
        openclaw: { binary: openclaw.binary, version: openclaw.version },
        key: { id: key.id ?? null, name: key.name, made: key.made },
        env: { file: envFile, line, changed: changesEnv },
        config: { file: openclaw.configFile, patch, changed: changesConfig },
        base_url: wanted.baseUrl,
        api: wanted.api,
        primary: chosen.primary,
        fallbacks: chosen.fallbacks,
      }),
    )
  }
  if (options.dryRun === true) {
    terminal.line(changesEnv ? `${envFile} would get the line` : `${envFile} has the line already`)
    terminal.line(`  ${line}`)
    terminal.line(
      changesConfig ? `${openclaw.configFile} would get this patch (openclaw config patch)` : `${openclaw.configFile} says already`,
    )
    return terminal.line(JSON.stringify(patch, undefined, 2))
  }
  if (!changesConfig && !changesEnv) {
    terminal.line(
      `Nothing to change: OpenClaw ${openclaw.version} uses ${wanted.baseUrl} with the key '${key.name}', model ${chosen.primary}.`,
    )
  } else {
    const done = (what: string, changed: boolean): string => (changed ? what : `${what} (unchanged)`)
    terminal.line(`OpenClaw ${openclaw.version} now uses ${wanted.baseUrl}${wanted.api === usualApi.api ? '' : ` as ${wanted.api}`}.`)
    terminal.line(`  Key       ${key.name} (${key.made ? 'new' : 'kept'}), ${done(`in ${envFile}`, changesEnv)}`)
    terminal.line(`  Config    ${done(openclaw.configFile, changesConfig)}`)
    terminal.line(`  Model     ${chosen.primary}${was(current.primary, chosen.primary)}`)
    terminal.line(`  Fallback  ${chosen.fallbacks.length === 0 ? 'none' : chosen.fallbacks.join(', ')}`)
    terminal.line('')
    terminal.line(`Try it:   openclaw agent --local --agent main -m "hi"`)
    terminal.line(`See it:   ${command} requests list${homeOption(options.home)}`)
    terminal.line('If the OpenClaw service runs already, it reads the key at its next start: openclaw gateway restart')
  }
}

function was(before: string | undefined, now: string): string {
  return before === undefined || ownName(before) === now ? '' : ` (was ${before})`
}

async function offersOfInstance(admin: AdminClient): Promise<readonly Offer[]> {
  const [models, providers] = await Promise.all([all<ModelView>(admin, 'models'), all<ProviderView>(admin, 'providers')])
  return offersOf(models, providers)
}

async function all<T>(admin: AdminClient, list: string): Promise<T[]> {
  const rows: T[] = []
  let cursor: string | undefined
  do {
    const page: List<T> = await admin.get<List<T>>(list, { cursor })
    rows.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return rows
}

/** Where OpenClaw of this machine reaches the instance. */
async function originOf(home: string | undefined, admin: AdminClient): Promise<string> {
  const note = await readInstanceNote(readSettings({ overrides: { home }, asClient: true }).home)
  if (note === undefined) throw new CliFailure(`${admin.where} left no note of its address in its home; start it again.`)
  return new URL(note.url).origin
}

async function choose(
  { prompts, command }: CliContext,
  options: SetupOptions,
  current: Current,
  offers: readonly Offer[],
): Promise<{ readonly primary: string; readonly fallbacks: readonly string[] }> {
  // What an earlier run (or a person) chose stays, until another is asked for.
  const kept = options.model === undefined ? ownName(current.primary) : undefined
  const keptFallbacks = current.fallbacks.map(ownName).filter((name) => name !== undefined)
  const usual = usualPrimary(offers)
  const primary = options.model ?? kept ?? (await askModel(prompts, offers, usual)) ?? usual?.name
  if (primary === undefined) {
    throw new CliFailure(
      `This gateway serves no model yet, so OpenClaw would have nothing to ask. Add a provider first: ${command} providers add${homeOption(options.home)}`,
    )
  }
  if (options.fallback !== undefined) {
    const twice = options.fallback.find((name, place) => name === primary || options.fallback!.indexOf(name) !== place)
    if (twice !== undefined) throw misused(`--fallback ${twice} is there already; name another model.`)
    return { primary, fallbacks: options.fallback }
  }
  if (kept !== undefined || keptFallbacks.length > 0) return { primary, fallbacks: keptFallbacks.filter((name) => name !== primary) }
  const offer = offers.find(({ name }) => name === primary)
  const fallback = offer === undefined ? undefined : usualFallback(offers, offer)
  return { primary, fallbacks: fallback === undefined ? [] : [fallback.name] }
}

async function askModel(prompts: CliContext['prompts'], offers: readonly Offer[], usual: Offer | undefined): Promise<string | undefined> {
  if (prompts === undefined || offers.length < 2 || usual === undefined) return undefined
  const ordered = [usual, ...offers.filter((offer) => offer !== usual)]
  return prompts.choose(
    'Which model should OpenClaw use?',
    ordered.map(({ name, providers }) => ({ value: name, label: name, hint: providers.join(', ') })),
  )
}

/** The key that is there, if the gateway takes it and it is one for OpenClaw; else a new one, under a name that is free. */
async function keyFor(admin: AdminClient, origin: string, present: string | undefined, dryRun: boolean): Promise<Key> {
  const keys = await all<KeyView>(admin, 'keys')
  if (present !== undefined && present !== '') {
    const answer = await askGateway(origin, '/v1/models', present)
    if (answer.kind !== 'ok' && !(answer.kind === 'refused' && answer.status < 500))
      throw new CliFailure(`The gateway at ${origin} does not answer as it should: ${answer.message}`)
    const works = answer.kind === 'ok'
    const known = keys.find(
      ({ prefix, last4 }) => prefix !== null && last4 !== null && present.startsWith(prefix) && present.endsWith(last4),
    )
    if (works && known?.client === 'openclaw') return { name: known.name, id: known.id, value: present, made: false }
  }
  const taken = new Set(keys.map(({ name }) => name))
  let name = 'openclaw'
  for (let next = 2; taken.has(name); next++) name = `openclaw-${next}`
  if (dryRun) return { name, id: undefined, value: undefined, made: true }
  const { id, key } = await admin.send<KeyCreated>('POST', 'keys', { name, type: 'service', client: 'openclaw' })
  return { name, id, value: key, made: true }
}

/** Asked for exactly as OpenClaw will ask: a wrong name is found now, with the gateway's own words. */
async function verifyNames(
  origin: string,
  key: string,
  { primary, fallbacks }: { primary: string; fallbacks: readonly string[] },
): Promise<void> {
  for (const name of [primary, ...fallbacks]) {
    const answer = await askGateway(origin, `/v1/models/${encodeURIComponent(name)}`, key)
    if (answer.kind === 'refused') throw misused(answer.message)
    if (answer.kind !== 'ok') throw new CliFailure(`${origin} does not answer as a turnpike does: ${answer.message}`)
  }
}

/** This very command, so that OpenClaw starts the same installation with the same home. */
function localServiceOf(origin: string, home: string): LocalService {
  const { port } = new URL(origin)
  return {
    command: process.execPath,
    args: [realpathSync(process.argv[1] ?? ''), 'up', '--home', home, '--port', port],
    healthUrl: `${origin}/readyz`,
  }
}

/** Everything that the patch says is so already. The name of the key's variable is masked, and learnt another way. */
async function isApplied(openclaw: OpenClaw, patch: JsonObject): Promise<boolean> {
  for (const [room, wanted] of Object.entries(patch)) {
    const current = await openclaw.get(room)
    if (!isWithin(withoutKeyId(wanted), withoutKeyId(current ?? null))) return false
  }
  return (await namedVariable(openclaw, `models.providers.${entryName}.apiKey`)) === keyVariable
}

function withoutKeyId(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutKeyId)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === 'apiKey' && isObject(inner) ? { ...inner, id: '' } : withoutKeyId(inner)]),
  )
}

/** The variable that a place of the configuration reads its secret from; undefined when it is none. */
export async function namedVariable(openclaw: OpenClaw, place: string): Promise<string | undefined> {
  const bare = mkdtempSync(path.join(os.tmpdir(), 'turnpike-openclaw-'))
  try {
    return (await openclaw.unresolved({ bare })).get(place)
  } finally {
    rmSync(bare, { recursive: true, force: true })
  }
}

function masked({ value }: Key): string {
  return value === undefined ? '(the new key)' : `${value.slice(0, 6)}...${value.slice(-4)}`
}
