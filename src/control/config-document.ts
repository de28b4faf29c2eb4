// A routing config as it is stored: without its secrets to be shown, sealed as a whole where it has some, and read back for requests.
import { ConfigError, parseRoutingConfig, type RoutingConfig } from '#config'
import type { JsonObject } from '#kernel'
import type { StoredConfig } from '#store'
import { timeText } from './bodies.ts'
import type { Actor, Origin } from './port.ts'
import type { Vault } from './vault.ts'

export type ConfiguredConfig = {
  readonly slug: string
  readonly origin: Extract<Origin, 'file' | 'stored'>
  /** null: of the file, which has no versions. */
  readonly version: number | null
  /** As it was written, without secrets. */
  readonly document: object
  /** undefined: it cannot be used; `trouble` says why. */
  readonly config: RoutingConfig | undefined
  readonly trouble: string | undefined
  readonly comment: string | null
  readonly updatedAt: string | null
  readonly updatedBy: Actor['kind'] | null
}

export function placeOfConfig(slug: string, version: number): readonly string[] {
  return ['config', slug, String(version)]
}

/** What was written, with its secrets; or the sentence why it cannot be read. */
export function openConfig(vault: Vault, { slug, version, document, sealed }: StoredConfig): { readonly value: JsonObject } | string {
  if (sealed === null) return { value: document as JsonObject }
  const text = vault.open(sealed, placeOfConfig(slug, version))
  if (text !== undefined) return { value: JSON.parse(text) as JsonObject }
  if (vault.fits(sealed)) return 'What is stored of it is damaged. Send it again.'
  return vault.hasKey
    ? 'The keys in it were stored with another master key. Start Turnpike with that key, or send the config again.'
    : 'The master key that the keys in it were stored with is missing. Start Turnpike with that key, or remove the config and make it again.'
}

/** A stored config as requests meet it. What was right once may be wrong to another version of Turnpike: that is its trouble, and no failure. */
export function configuredConfig(vault: Vault, stored: StoredConfig): ConfiguredConfig {
  const { slug, version, document, comment, actor, createdAtMs } = stored
  const about = {
    slug,
    origin: 'stored',
    version,
    document,
    comment,
    updatedAt: timeText(createdAtMs),
    updatedBy: actor as Actor['kind'],
  } as const
  const opened = openConfig(vault, stored)
  if (typeof opened === 'string') return { ...about, config: undefined, trouble: opened }
  try {
    return { ...about, config: parseRoutingConfig(opened.value, { slug, version }), trouble: undefined }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const trouble = `This version of Turnpike cannot read it: ${error.message} Send it again, corrected, or go back to an earlier version.`
    return { ...about, config: undefined, trouble }
  }
}
