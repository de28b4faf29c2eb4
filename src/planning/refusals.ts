// What a client is told whose request nobody can be asked.
import type { Resolution } from '#catalog'
import type { Arrival } from '#inspection'
import { Failure, invalidRequest } from '#kernel'
import type { Operation, Plan } from '#routing'

/** Everybody was skipped. */
export function nobodyToAsk({ skipped, config }: Plan, model: string, { operation, key }: Pick<Arrival, 'operation' | 'key'>): Failure {
  const every = (by: Plan['skipped'][number]['by']): boolean => skipped.length > 0 && skipped.every((one) => one.by === by)
  if (every('kind')) return invalidRequest('model', `${quoted(model)} ${otherOperation(operation)}`)
  if (every('key')) return notAllowed(model, key.name)
  const unmatched = skipped.find(({ by }) => by === 'conditions')
  const why = skipped.slice(0, mostReasons).map(reasonOf).join('; ')
  const more = skipped.length > mostReasons ? `; and ${skipped.length - mostReasons} more` : ''
  if (config === undefined)
    return new Failure('model_not_found', `No provider can be asked for ${quoted(model)} (${why}${more}). Give it a credential.`, {
      param: 'model',
    })
  const named = config.slug === undefined ? 'The routing config' : `The routing config ${quoted(config.slug)}`
  if (unmatched !== undefined)
    return invalidRequest(
      'x-turnpike-config',
      `${named} has no target for this request: ${why}${more}. Give it a default, or send what one of its conditions asks for.`,
    )
  return new Failure('model_not_found', `${named} has no target that can be asked for ${quoted(model)} (${why}${more}).`, {
    param: 'model',
  })
}

const mostReasons = 5

function reasonOf({ provider, route, reason }: Plan['skipped'][number]): string {
  const where = [route ?? '', provider].filter((part) => part !== '').join(', ')
  return where === '' ? reason : `${where}: ${reason}`
}

/** What to say of a model that is asked for what no such model does. */
function otherOperation(operation: Operation): string {
  return operation === 'embed'
    ? 'makes no embeddings. GET /v1/models lists the models that do: their output_modalities are ["embeddings"].'
    : 'makes embeddings and does not converse. Ask it at /v1/embeddings.'
}

export function unknownModel(model: string, keyName: string, { kind, nearest, alias, byKey }: Extract<Resolution, { ok: false }>): Failure {
  if (kind === 'model_not_allowed') {
    if (byKey === true) return notAllowed(model, keyName)
    return new Failure(kind, `The model ${quoted(model)} is not allowed here: its provider's allow-list or deny-list excludes it.`, {
      param: 'model',
    })
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

function notAllowed(model: string, keyName: string): Failure {
  return new Failure(
    'model_not_allowed',
    `The key ${quoted(keyName)} may not use the model ${quoted(model)}. GET /v1/models lists what it may use.`,
    { param: 'model' },
  )
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
