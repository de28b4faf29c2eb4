// Encryption of what the control store keeps secret: AES-256-GCM under a key derived from the master key, each text bound to its place.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Refusal } from './refusal.ts'

export interface Vault {
  /** False: the master key is missing. */
  readonly hasKey: boolean
  /** Encrypts a text for one place; only the same place opens it again. */
  seal(text: string, place: readonly string[]): string
  /** undefined: sealed with another key, moved from another place, or damaged. */
  open(sealed: string, place: readonly string[]): string | undefined
  /** Whether this master key made it. */
  fits(sealed: string): boolean
}

const form = 'v1'
const ivBytes = 12
const tagBytes = 16

/** `masterKey`: any text; it should carry 256 random bits. */
export function createVault(masterKey: string): Vault {
  const derive = (purpose: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', masterKey, 'turnpike control store', purpose, bytes))
  const key = derive('secrets', 32)
  /** Beside every sealed text, so that a key that doesn't fit is told from damage. */
  const keyId = derive('key id', 6).toString('base64url')

  return {
    hasKey: true,
    seal(text, place) {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad(place))
      const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${form}.${keyId}.${sealed.toString('base64url')}`
    },
    open(sealed, place) {
      const [version, id, body, ...rest] = sealed.split('.')
      if (version !== form || id !== keyId || body === undefined || rest.length > 0) return undefined
      const bytes = Buffer.from(body, 'base64url')
      if (bytes.length < ivBytes + tagBytes) return undefined
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
        .setAAD(aad(place))
        .setAuthTag(bytes.subarray(bytes.length - tagBytes))
      try {
        const text = decipher.update(bytes.subarray(ivBytes, bytes.length - tagBytes), undefined, 'utf8')
        return text + decipher.final('utf8')
      } catch {
        return undefined
      }
    },
    fits: (sealed) => sealed.startsWith(`${form}.${keyId}.`),
  }
}

/** Of a home whose master key is missing: nothing can be opened, and what would have to be sealed is refused with `why`. */
export function createKeylessVault(why: string): Vault {
  return {
    hasKey: false,
    seal() {
      throw new Refusal('conflict', why)
    },
    open: () => undefined,
    fits: () => false,
  }
}

/** No two places have the same bytes. */
function aad(place: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(place))
}
