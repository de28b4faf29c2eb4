// From a home to its admin API: the running instance's, or the same API in this process while nobody holds the home.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { homeFiles, readSettings, type Settings } from '#config'
import { createAdminClient, httpTransport, NotRunning, type AdminClient, type AdminTransport } from './admin-client.ts'
import { CliFailure, explainHome } from './failure.ts'
import { probeNeighbour, readInstanceNote } from './instance.ts'

export type ConnectionOptions = {
  readonly home?: string
  /** Says on stderr who was asked. */
  readonly verbose?: true
  /** `running`: only an instance that runs; `create`: also a home that has never been started. Default: a running one, else the home as it lies. */
  readonly needs?: 'running' | 'create'
}

/** The admin API of a home that nobody holds, opened in this process; it holds the home until `close`. */
export type OpenedHome = {
  readonly send: AdminTransport['send']
  close(): Promise<void>
}

export type OpenHome = (settings: Settings) => Promise<OpenedHome>

export type ConnectionContext = {
  readonly command: string
  readonly remark: (text: string) => void
  readonly openHome: OpenHome
}

export async function connectToHome(context: ConnectionContext, { home, verbose, needs }: ConnectionOptions): Promise<AdminClient> {
  const { command, remark } = context
  const settings = readSettings({ overrides: { home }, asClient: true })
  const howToStart = `${command} up${homeOption(home)}`
  const say = (client: AdminClient): AdminClient => {
    if (verbose === true) remark(`Asking ${client.where}.`)
    return client
  }
  const adminToken = homeFiles.readAdminToken(settings)
  // A restored home has a store and no token yet.
  if (needs !== 'create' && adminToken === undefined && !existsSync(path.join(settings.home, 'control.db'))) {
    throw new CliFailure(`No turnpike has been started with the home ${settings.home} yet. Start it with: ${howToStart}`)
  }
  const note = await readInstanceNote(settings.home)
  const url = note?.url ?? usualUrl(settings)
  const over = (token: string): AdminClient => createAdminClient(httpTransport(url, token, howToStart))
  if (adminToken !== undefined) {
    const answers = note !== undefined && (await probeNeighbour(note.url))?.kind === 'turnpike'
    if (needs === 'running' || answers) return say(over(adminToken))
  }
  try {
    return say(await openInProcess(context, settings))
  } catch (error) {
    if (!isInUse(error)) throw error
    const token = adminToken ?? homeFiles.readAdminToken(settings)
    if (token !== undefined && (await probeNeighbour(url))?.kind === 'turnpike') return say(over(token))
    throw new NotRunning(
      `${(error as Error).message.replace(/\. .*$/s, '.')} It does not answer at ${url}: it is starting or stopping; try again.`,
    )
  }
}

async function openInProcess({ openHome }: ConnectionContext, settings: Settings): Promise<AdminClient> {
  const opened = await openHome(settings).catch((error: unknown) => {
    throw isInUse(error) ? error : explainHome(error, settings.home)
  })
  return createAdminClient({
    where: `the home ${settings.home} in this process, since no turnpike runs on it`,
    send: opened.send,
    close: opened.close,
  })
}

/** The home's lock is held by another process. */
function isInUse(error: unknown): boolean {
  return error instanceof Error && /^The home .* is in use by another Turnpike process/.test(error.message)
}

/** ` --home X` where a home was named. */
export function homeOption(home: string | undefined): string {
  return home === undefined ? '' : ` --home ${home}`
}

/** Where an instance is with these settings, when none has left a note. */
function usualUrl({ host, port }: Settings): string {
  return `http://${reachableHost(host)}:${port}`
}

/** An address that this machine can connect to, for one that was listened on; IPv6 in brackets. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
