// The home directory: made at the first start with an admin token and a master key in it, checked at every other.
import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { isObject } from '#kernel'
import { ConfigError, fileTrouble } from './config-error.ts'
import { parseAdminToken, parseMasterKey, type Settings } from './settings.ts'

export type Home = {
  readonly path: string
  readonly adminToken: string
  /** What this start made. */
  readonly created: { readonly home: boolean; readonly adminToken: boolean }
}

/** `where`: the setting or file, for messages. */
export type MasterKey = { readonly text: string; readonly where: string }

/** A gateway key as homes kept it before there was a control store. */
export type OldKey = { readonly id: string; readonly name: string; readonly hash: string; readonly streamUsage: 'always' | 'on_request' }

const tokenFile = 'admin-token'
const masterKeyFile = 'master-key'
const oldKeysFile = 'keys.json'

/**
 * Opens the home, creating what is missing: the directory (0700) and the admin token (0600, unless the settings bring one). Take the
 * home's lock first where two processes may start at once. Throws `ConfigError`.
 */
export function openHome(settings: Settings): Home {
  const home = settings.home
  const madeHome = makeHome(home)
  if (settings.adminToken !== undefined)
    return { path: home, adminToken: settings.adminToken, created: { home: madeHome, adminToken: false } }
  const file = path.join(home, tokenFile)
  const existing = readSecretFile(file)
  if (existing !== undefined)
    return {
      path: home,
      adminToken: parseAdminToken({ text: existing.trim(), where: file }),
      created: { home: madeHome, adminToken: false },
    }
  const adminToken = `tpa-${randomBytes(32).toString('base64url')}`
  writeSecretFile(file, `${adminToken}\n`)
  return { path: home, adminToken, created: { home: madeHome, adminToken: true } }
}

/** The master key: from the settings, else from the home; undefined when there is none yet. */
export function readMasterKey(settings: Settings): MasterKey | undefined {
  if (settings.masterKey !== undefined) return { text: settings.masterKey, where: 'TURNPIKE_MASTER_KEY' }
  const where = path.join(settings.home, masterKeyFile)
  const text = readSecretFile(where)
  return text === undefined ? undefined : { text: parseMasterKey({ text: text.trim(), where }), where }
}

/** Makes a master key of 256 random bits in the home (0600). */
export function makeMasterKey(settings: Settings): MasterKey {
  const where = path.join(settings.home, masterKeyFile)
  const text = randomBytes(32).toString('base64url')
  writeSecretFile(where, `${text}\n`)
  return { text, where }
}

/** Keys of a home that was made before there was a control store; undefined when it holds none. */
export function readOldKeys(home: string): readonly OldKey[] | undefined {
  const file = path.join(home, oldKeysFile)
  const text = readSecretFile(file)
  return text === undefined ? undefined : parseKeys(text, file)
}

/** Called when the control store has them. They stay beside, under a name that is not read again. */
export function retireOldKeys(home: string): void {
  const file = path.join(home, oldKeysFile)
  try {
    renameSync(file, `${file}.imported`)
  } catch (error) {
    throw new ConfigError(file, `${file} cannot be renamed: ${fileTrouble(error)}; make the home a writable directory.`, error)
  }
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

/** What a home has, or a new volume. */
const ownNames = new Set(['turnpike.yaml', tokenFile, masterKeyFile, oldKeysFile, 'instance.json', 'journal', 'bodies', 'lost+found'])
const ownName = (name: string): boolean => ownNames.has(name) || /^(?:(?:control|ledger|records)\.db(?:-.*)?|lock(?:\.pid)?)$/.test(name)

/** Whether it was made. Throws `ConfigError`. */
export function makeHome(home: string): boolean {
  let made: boolean
  try {
    made = makeDirectory(home)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' ? 'a file is in its place' : code === 'ENOENT' ? 'the system makes no directory there' : fileTrouble(error)
    throw new ConfigError(
      'TURNPIKE_HOME',
      `The home ${home} cannot be created: ${why}; make it a writable directory or set TURNPIKE_HOME to another.`,
      error,
    )
  }
  try {
    // Secrets lie in it: nobody else may even list it. Their files are private all the same, and a folder that has other things in it is not
    // closed to everybody else by a slip of the hand (`--home .`, `/tmp`).
    const { mode } = statSync(home)
    if ((mode & 0o077) !== 0) {
      if (readdirSync(home).every(ownName)) chmodSync(home, 0o700)
      else if ((mode & 0o002) !== 0) {
        throw new ConfigError(
          'TURNPIKE_HOME',
          `Everybody may write in the folder ${home}, which has other things in it; set TURNPIKE_HOME to a folder of its own.`,
        )
      }
    }
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(
      'TURNPIKE_HOME',
      `The home ${home} cannot be used: ${fileTrouble(error)}; make it this user's own writable directory or set TURNPIKE_HOME to another.`,
      error,
    )
  }
  return made
}

/** With what is missing above it. Node's own way never ends where a parent is there and yet nothing can be made in it (/proc, autofs). */
function makeDirectory(directory: string): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && statSync(directory).isDirectory()) return false
    const above = path.dirname(directory)
    if (code !== 'ENOENT' || existsSync(above)) throw error
    makeDirectory(above)
    mkdirSync(directory, { mode: 0o700 })
    return true
  }
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

function parseKeys(text: string, file: string): OldKey[] {
  const damaged = new ConfigError(
    file,
    `${file} is damaged: it must be JSON with a list of keys; restore it, or remove it (its keys then stop working).`,
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

/** The home, and what it keeps in files of their own. */
export const homeFiles = { makeHome, readAdminToken, readMasterKey, makeMasterKey, readOldKeys, retireOldKeys }
