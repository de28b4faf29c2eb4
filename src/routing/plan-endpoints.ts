// Where a provider answers a request of one wire, or why it doesn't.
import type { ModelEntry, Provider } from '#config'
import type { ClientWire, Wire } from '#ir'
import { codecOf, embeddingCodecOf, endpointPath } from '#wires'
import type { Candidate, Operation, PlannedTarget, Skipped } from './plan.ts'

export type Reached = Pick<PlannedTarget, 'wire' | 'path' | 'streamPath' | 'lane' | 'embeds'>
type Unreached = Pick<Skipped, 'reason' | 'by'>

export function reach(candidate: Candidate, operation: Operation, asked: ClientWire): Reached | Unreached {
  return operation === 'embed' ? vectorEndpoint(candidate) : wordEndpoint(candidate, operation, asked)
}

function wordEndpoint({ provider, model }: Candidate, operation: Operation, asked: ClientWire): Reached | Unreached {
  if (!makesWords(model)) return { reason: 'the model makes embeddings', by: 'kind' }
  const wire = serves(provider, asked, model) ? asked : firstWire(provider, model)
  const template = wire === undefined ? undefined : provider.endpoints.get(wire)
  if (wire === undefined || template === undefined) return { reason: 'it has no endpoint for conversations' }
  const endpoint = operation === 'generate' ? template : countingEndpoint(asked, wire, template)
  if (endpoint === undefined || (operation === 'count-tokens' && provider.simulated)) return { reason: 'it does not count tokens' }
  return {
    wire,
    path: endpointPath(endpoint, model.id, false),
    streamPath: endpointPath(endpoint, model.id, true),
    lane: wire === asked ? 'pass' : 'translate',
  }
}

function vectorEndpoint({ provider, model }: Candidate): Reached | Unreached {
  if (!makesVectors(model)) return { reason: 'the model makes no embeddings', by: 'kind' }
  if (provider.embeddings === undefined) return { reason: 'it has no endpoint for embeddings' }
  const { form, path: template } = provider.embeddings
  const path = endpointPath(template, model.id, false)
  return { wire: embeddingCodecOf(form).wire, path, streamPath: path, lane: form === 'openai' ? 'pass' : 'translate', embeds: form }
}

/** What the catalog says of a model; one that it doesn't know may do anything. */
function makesVectors({ outputModalities }: ModelEntry): boolean {
  return outputModalities?.includes('embeddings') !== false
}

function makesWords({ outputModalities }: ModelEntry): boolean {
  return outputModalities?.some((kind) => kind !== 'embeddings') !== false
}

function serves(provider: Provider, wire: Wire, model: ModelEntry): boolean {
  if (model.wires !== undefined && !model.wires.includes(wire)) return false
  return provider.endpoints.has(wire) && (provider.wireModels?.get(wire)?.(model.id) ?? true)
}

function firstWire(provider: Provider, model: ModelEntry): Wire | undefined {
  for (const wire of provider.endpoints.keys()) if (serves(provider, wire, model)) return wire
  return undefined
}

/** Where a provider of the client's own wire counts tokens; undefined: nowhere. */
function countingEndpoint(asked: ClientWire, wire: Wire, endpoint: string): string | undefined {
  return wire === asked ? codecOf(asked).tokenCounting?.endpoint(endpoint) : undefined
}
