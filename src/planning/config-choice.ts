// Which routing config a request follows: the one its header brings or names, else its key's. (A model's name may be one, too: planner.ts.)
import { ConfigError, parseRoutingConfigText, type GatewayKey, type RoutingConfig, type Snapshot } from '#config'
import { Failure, invalidRequest, nearestNames } from '#kernel'

/** Inline ones repeat: a client sends the same with each request. */
const maxRemembered = 256
const header = 'x-turnpike-config'

export type ConfigChooser = (snapshot: Snapshot, key: GatewayKey, asked: string | undefined) => RoutingConfig | undefined

/** `asked`: the header. The chooser throws a `Failure` that says which config is wrong, and whose fault that is. */
export function createConfigChooser(): ConfigChooser {
  const remembered = new Map<string, RoutingConfig>()

  function inline(text: string): RoutingConfig {
    const known = remembered.get(text)
    if (known !== undefined) return known
    const config = read(text)
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(text, config)
    return config
  }

  return (snapshot, key, asked) => {
    if (asked === undefined) return key.config === undefined ? undefined : usable(ofKey(snapshot, key, key.config))
    const text = asked.trim()
    if (key.refusesConfigs === true && text !== key.config)
      throw new Failure(
        'forbidden',
        `The key ${JSON.stringify(key.name)} may not choose its routing config. Leave the header ${header} out, or ask for a key that has allow_config_override.`,
        { param: header },
      )
    return usable(text.startsWith('{') ? inline(text) : stored(snapshot, text))
  }
}

/** Throws `Failure('invalid_request')` for a config that wants what does not exist yet. */
export function usable(config: RoutingConfig): RoutingConfig {
  const [path] = config.notYet
  if (path === undefined) return config
  const where = config.slug === undefined ? 'the config' : `the config ${JSON.stringify(config.slug)}`
  throw invalidRequest(
    path,
    `Guardrails are not available yet, and ${where} has some at ${path}. Remove them, or wait for a version that has them: a request is not answered unguarded.`,
  )
}

function read(text: string): RoutingConfig {
  try {
    return parseRoutingConfigText(text)
  } catch (error) {
    if (error instanceof ConfigError)
      throw invalidRequest(
        error.subject === 'config' ? header : error.subject,
        `The header ${header} is not a routing config. ${error.message}`,
      )
    throw error
  }
}

/** Throws `Failure('invalid_request')` that names the nearest slugs. */
export function stored(snapshot: Snapshot, slug: string): RoutingConfig {
  const config = snapshot.configs.get(slug)
  if (config !== undefined) return config
  refuseBroken(snapshot, slug)
  const near = nearestNames(slug.slice(0, 200), snapshot.configs.keys(), 3)
  const hint = near.length === 0 ? '' : ` Did you mean ${near.map((one) => JSON.stringify(one)).join(' or ')}?`
  throw invalidRequest(
    header,
    `There is no routing config ${JSON.stringify(slug.slice(0, 200))}.${hint} Send the slug of one, or a config as a JSON object.`,
  )
}

/** It is stored, and what is wrong with it is for whoever runs this gateway to mend. */
function refuseBroken({ brokenConfigs }: Snapshot, slug: string): void {
  const trouble = brokenConfigs?.get(slug)
  if (trouble === undefined) return
  throw invalidRequest(
    header,
    `The routing config ${JSON.stringify(slug)} is stored here and cannot be used, which is no fault of the request. ${trouble}`,
  )
}

/** Its requests are refused rather than sent where the config would not have let them. */
function ofKey(snapshot: Snapshot, { name }: GatewayKey, slug: string): RoutingConfig {
  const config = snapshot.configs.get(slug)
  if (config !== undefined) return config
  refuseBroken(snapshot, slug)
  throw invalidRequest(
    header,
    `The key ${JSON.stringify(name)} is set to follow the routing config ${JSON.stringify(slug)}, which does not exist any more. That is for whoever runs this gateway to mend: store the config again, or give the key another one.`,
  )
}
