// Routing configs of turnpike.yaml: the JSON of a config, written as YAML, beside the providers and keys that it is for.
import { ConfigError } from './config-error.ts'
import { dotted } from './declared-errors.ts'
import { parseRoutingConfig } from './routing-config-parser.ts'
import { withoutSecrets } from './routing-config-secrets.ts'
import type { RoutingConfig } from './routing-config.ts'
import type { YamlFile } from './yaml-file.ts'

export type DeclaredConfig = {
  readonly config: RoutingConfig
  /** As it is written, without secrets. */
  readonly document: object
}

type Written = Readonly<Record<string, unknown>>

/** By slug. Throws `ConfigError`, with the line, for the first one that is not right. */
export function declaredConfigs(configs: Written, written: Written, yaml: YamlFile): ReadonlyMap<string, DeclaredConfig> {
  return new Map(Object.entries(configs).map(([slug, value]) => [slug, declaredConfig(slug, value, written[slug], yaml)]))
}

function declaredConfig(slug: string, value: unknown, written: unknown, yaml: YamlFile): DeclaredConfig {
  try {
    return { config: parseRoutingConfig(value, { slug }), document: withoutSecrets(value) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw located(slug, shownFault(error, slug, written), yaml)
  }
}

/** A sentence may quote what is wrong, and that may be what a variable held: then the same of the text as it was written, with the variable's name. */
function shownFault(error: ConfigError, slug: string, written: unknown): ConfigError {
  try {
    parseRoutingConfig(written, { slug })
  } catch (other) {
    if (other instanceof ConfigError && other.subject === error.subject) return other
  }
  const { subject } = error
  return new ConfigError(subject, `${subject} is wrong once its variables are filled in; look at their values.`)
}

function located(slug: string, { subject, message }: ConfigError, yaml: YamlFile): ConfigError {
  const where = ['configs', slug, ...keysOf(subject)]
  // The parser calls every config `config`.
  const named = (text: string): string => `configs.${slug}${text.slice('config'.length)}`
  const sentence = message.startsWith(subject)
    ? `${named(subject)}${message.slice(subject.length)}`
    : `${dotted(['configs', slug])}: ${message}`
  return new ConfigError(named(subject), `${yaml.locate(where)}: ${sentence}`)
}

/** `config.targets[0].weight` -> targets, 0, weight; as far as its keys are plain words. */
function keysOf(path: string): (string | number)[] {
  const part = /\.([\w$-]+)|\[(\d+)\]/y
  part.lastIndex = 'config'.length
  const keys: (string | number)[] = []
  for (let match = part.exec(path); match !== null; match = part.exec(path)) keys.push(match[1] ?? Number(match[2]))
  return keys
}
