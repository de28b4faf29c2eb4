// The home directory: made at the first start with an admin token and a gateway key in it, checked at every other.
import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { isObject } from '#kernel'
import { ConfigError, fileTrouble } from './config-error.ts'
import { parseAdminToken, type Settings } from './settings.ts'
import type { GatewayKey } from './snapshot.ts'

export type Home = {
  readonly path: string
  readonly adminToken: string
  /** The keys that the home holds, without their plain text. */
  readonly keys: readonly GatewayKey[]
  /** What this start made; `gatewayKey` is its plain text, kept nowhere and shown once. */
  readonly created: { readonly home: boolean; readonly adminToken: boolean; readonly gatewayKey: string | undefined }
}

const tokenFile = 'admin-token'
const keysFile = 'keys.json'

/**
 * Opens the home, creating what is missing: the directory (0700), the admin token (0600, unless the settings bring one) and the first
 * gateway key (0600, only its SHA-256). Take the home's lock first where two processes may start at once. Throws `ConfigError`.
 */
export function openHome(settings: Settings): Home {
  const home = settings.home
  const madeHome = makeDirectory(home)
  const existing = readSecretFile(path.join(home, tokenFile))
  let adminToken: string
  let madeToken = false
  if (settings.adminToken !== undefined) {
    adminToken = settings.adminToken
  } else if (existing === undefined) {
    adminToken = `tpa-${randomBytes(32).toString('base64url')}`
    writeSecretFile(path.join(home, tokenFile), `${adminToken}\n`)
    madeToken = true
  } else {
    adminToken = parseAdminToken({ text: existing.trim(), where: path.join(home, tokenFile) })
  }
  const stored = readSecretFile(path.join(home, keysFile))
  if (stored !== undefined) {
    return {
      path: home,
      adminToken,
      keys: parseKeys(stored, path.join(home, keysFile)),
      created: { home: madeHome, adminToken: madeToken, gatewayKey: undefined },
    }
  }
  const gatewayKey = newGatewayKey()
  const first: GatewayKey = {
    id: `key_${randomBytes(9).toString('base64url')}`,
    name: 'first',
    hash: hashKey(gatewayKey),
    streamUsage: 'always',
  }
  writeSecretFile(
    path.join(home, keysFile),
    `${JSON.stringify({ keys: [{ id: first.id, name: first.name, hash: first.hash, stream_usage: first.streamUsage }] }, undefined, 2)}\n`,
  )
  return { path: home, adminToken, keys: [first], created: { home: madeHome, adminToken: madeToken, gatewayKey } }
}

/** The admin token as the CLI needs it: from the settings, else from the home; undefined when there is none yet. */
export function readAdminToken(settings: Settings): string | undefined {
  if (settings.adminToken !== undefined) return settings.adminToken
  const file = path.join(settings.home, tokenFile)
  const text = readSecretFile(file)
  return text === undefined ? undefined : parseAdminToken({ text: text.trim(), where: file })
}

/** `tp-` and 256 random bits. */
export function newGatewayKey(): string {
  return `tp-${randomBytes(32).toString('base64url')}`
}

/** Lower-case hex SHA-256: how a key is kept and looked up. A key is random, so it needs no slow hash. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex')
}

function makeDirectory(home: string): boolean {
  let made: boolean
  try {
    made = mkdirSync(home, { recursive: true, mode: 0o700 }) !== undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === 'EEXIST' ? 'a file is in its place' : fileTrouble(error)
    throw new ConfigError(
      'TURNPIKE_HOME',
      `The home ${home} cannot be created: ${why}; make it a writable directory or set TURNPIKE_HOME to another.`,
      error,
    )
  }
  try {
    // Secrets lie in it: nobody else may even list it.
    if ((statSync(home).mode & 0o077) !== 0) chmodSync(home, 0o700)
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new ConfigError(
      'TURNPIKE_HOME',
      `The home ${home} cannot be used: ${fileTrouble(error)}; make it this user's own writable directory or set TURNPIKE_HOME to another.`,
      error,
    )
  }
  return made
}

function readSecretFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError(
      file,
      `${file} cannot be read: ${fileTrouble(error)}; give it back to this user, or remove it to have a new one made.`,
      error,
    )
  }
}

/** Whole or not at all: a start that dies half-way leaves no empty key file behind. */
function writeSecretFile(file: string, text: string): void {
  const partial = `${file}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const descriptor = openSync(partial, 'wx', 0o600)
    try {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(partial, file)
  } catch (error) {
    throw new ConfigError(
      file,
      `${file} cannot be written: ${fileTrouble(error)}; make the home a writable directory with free space.`,
      error,
    )
  }
}

function parseKeys(text: string, file: string): GatewayKey[] {
  const damaged = new ConfigError(
    file,
    `${file} is damaged: it must be JSON with a list of keys; restore it, or remove it to have a new first key made.`,
  )
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged
  }
  const list = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(list)) throw damaged
  return list.map((entry) => {
    if (!isObject(entry)) throw damaged
    const { id, name, hash, stream_usage: streamUsage } = entry
    if (typeof id !== 'string' || typeof name !== 'string' || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw damaged
    return { id, name, hash, streamUsage: streamUsage === 'on_request' ? 'on_request' : 'always' }
  })
}
