// From a request to the targets that may answer it. Plans depend on few things of a request, so they are made once per snapshot.
import { createProviderBuilder, vendorOfKey, vendors } from '#catalog'
import type { Provider, Snapshot } from '#config'
import { Failure, invalidRequest } from '#kernel'
import { isPlaceholderKey } from '#policy'
import { otherKind, planTargets, type Candidate, type Operation, type Plan } from '#routing'
import type { Inspected } from './inspect.ts'
import type { Arrival, GatewayDeps, Resolution } from './port.ts'

type Asked = { readonly arrival: Arrival; readonly inspected: Inspected }

const maxCachedPlans = 2000

/** A function that plans. It throws a `Failure` when no target can be asked. */
export function createPlanner(deps: Pick<GatewayDeps, 'snapshot' | 'resolve'>): (asked: Asked) => Plan {
  let plans = new Map<string, Plan>()
  let plansOf: Snapshot | undefined
  const builder = createProviderBuilder({})
  /** Vendors that clients asked with their own key and that are not configured here. */
  const visited = new Map<string, Provider>()

  function planOf(asked: Asked): Plan {
    const snapshot = deps.snapshot()
    if (snapshot !== plansOf || plans.size >= maxCachedPlans) {
      plans = new Map()
      plansOf = snapshot
    }
    if (asked.inspected.ownKey !== undefined) {
      const candidates = candidatesForOwnKey(snapshot, asked, asked.inspected.ownKey)
      if (candidates !== undefined) return plan(asked, candidates, asked.inspected.ownKey)
    }
    const { wire, operation, key } = asked.arrival
    const { model } = asked.inspected
    // A key with a list of models has plans of its own.
    const name = key.models === undefined ? `${operation} ${wire} ${model}` : `${operation} ${wire}\n${key.id}\n${model}`
    const known = plans.get(name)
    if (known !== undefined) return known
    const made = plan(asked, candidatesOf(snapshot, asked), undefined)
    plans.set(name, made)
    return made
  }

  function candidatesOf(snapshot: Snapshot, { arrival, inspected }: Asked): readonly Candidate[] {
    const resolved = deps.resolve(snapshot, inspected.model, arrival.key)
    if (!resolved.ok) throw unknownModel(inspected.model, arrival.key.name, resolved)
    return resolved.candidates
  }

  /** Whom the client's own key may be shown to: the provider it names, or those of the vendor whose key it is. Undefined: it is none. */
  function candidatesForOwnKey(snapshot: Snapshot, asked: Asked, ownKey: string): readonly Candidate[] | undefined {
    const { model } = asked.inspected
    const slash = model.indexOf('/')
    const named = slash < 1 ? undefined : model.slice(model.startsWith('@') ? 1 : 0, slash)
    if (named !== undefined && snapshot.providers.has(named)) return candidatesOf(snapshot, asked)
    if (named !== undefined && asked.arrival.key.models === undefined) {
      const provider = providerOfVendor(named)
      if (provider !== undefined) {
        const id = model.slice(slash + 1)
        return [{ provider, model: provider.models.get(id) ?? { id } }]
      }
    }
    const vendor = vendorOfKey(ownKey)
    if (vendor !== undefined) {
      const theirs = candidatesOf(snapshot, asked).filter(({ provider }) => provider.vendor === vendor.id)
      if (theirs.length > 0) return theirs
      throw invalidRequest(
        'model',
        `The key in the request looks like one of ${vendor.name}, and no provider of that vendor serves ${quoted(model)} here. Name the provider: "@${vendor.id}/..." or x-turnpike-provider.`,
      )
    }
    if (isPlaceholderKey(ownKey)) return undefined
    throw invalidRequest(
      'x-turnpike-provider',
      'The request carries a key of its own beside the gateway key, and nothing says whose. Name the provider in x-turnpike-provider or as "@provider/model", or send the gateway key alone.',
    )
  }

  function providerOfVendor(name: string): Provider | undefined {
    const known = visited.get(name)
    const vendor = vendors.get(name)
    if (known !== undefined || vendor?.baseUrl === undefined || vendor.local === true) return known
    // The credential is the client's, another one for each request.
    const provider = builder.fromEnvironment(name, { name: ownCredentialName, secret: '' })
    visited.set(name, provider)
    return provider
  }

  return planOf
}

/** In records, for a key that was the client's. */
const ownCredentialName = 'client'

function plan({ arrival, inspected }: Asked, candidates: readonly Candidate[], ownKey: string | undefined): Plan {
  const { wire, operation } = arrival
  const credential = ownKey === undefined ? undefined : { name: ownCredentialName, secret: ownKey }
  const made = planTargets({ operation, wire, candidates, ...(credential === undefined ? {} : { credential }) })
  if (made.steps.length === 0 && operation !== 'count-tokens') {
    const other = otherOperation(made, operation)
    if (other !== undefined) throw invalidRequest('model', `${quoted(inspected.model)} ${other}`)
    const why = made.skipped.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ')
    throw new Failure('model_not_found', `No provider can be asked for ${quoted(inspected.model)} (${why}). Give it a credential.`, {
      param: 'model',
    })
  }
  return made
}

/** What to say of a model that is asked for what no such model does. */
function otherOperation({ skipped }: Plan, operation: Operation): string | undefined {
  if (skipped.length === 0 || !skipped.every(({ reason }) => reason === otherKind[operation])) return undefined
  return operation === 'embed'
    ? 'makes no embeddings. GET /v1/models lists the models that do: their output_modalities are ["embeddings"].'
    : 'makes embeddings and does not converse. Ask it at /v1/embeddings.'
}

function unknownModel(model: string, keyName: string, { kind, nearest, alias, byKey }: Extract<Resolution, { ok: false }>): Failure {
  if (kind === 'model_not_allowed') {
    const sentence =
      byKey === true
        ? `The key ${quoted(keyName)} may not use the model ${quoted(model)}. GET /v1/models lists what it may use.`
        : `The model ${quoted(model)} is not allowed here: its provider's allow-list or deny-list excludes it.`
    return new Failure(kind, sentence, { param: 'model' })
  }
  if (alias !== undefined)
    return new Failure(
      kind,
      `${quoted(model)} is an alias of ${quoted(alias)}, which no provider of this gateway serves. Change the alias, or add a provider that does.`,
      { param: 'model' },
    )
  const hint = nearest.length === 0 ? '' : ` Did you mean ${nearest.map(quoted).join(' or ')}?`
  return new Failure(
    kind,
    `No provider of this gateway serves the model ${quoted(model)}.${hint} GET /v1/models lists what can be asked for.`,
    { param: 'model' },
  )
}

function quoted(model: string): string {
  return JSON.stringify(model.slice(0, 200))
}
