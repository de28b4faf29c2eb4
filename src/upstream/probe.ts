// Tries a provider out: one cheap call with each credential, and what is wrong in one sentence that says the fix.
import type { Credential, Provider } from '#config'
import type { Wire } from '#ir'
import { Failure, isObject, type JsonObject } from '#kernel'
import { codecOf, embeddingCodecOf, embeddings, endpointPath, providerCodecOf } from '#wires'
import { createNetwork } from './network.ts'
import type { Upstream } from './port.ts'
import { callProvider } from './probe-call.ts'
import {
  accountTrouble,
  clockTrouble,
  elsewhereTrouble,
  failureTrouble,
  htmlTrouble,
  keyTrouble,
  missingKeyTrouble,
  modelAccessTrouble,
  nothingThereTrouble,
  oddAnswerTrouble,
  providerTrouble,
  rateTrouble,
  redirectTrouble,
} from './probe-troubles.ts'
import type { WholeAnswer } from './whole-call.ts'

/** As the admin API answers it. */
export type ProbeReport = {
  /** Every credential works. */
  readonly ok: boolean
  readonly ms: number
  readonly credentials: readonly ProbedCredential[]
  /** Different ids in the lists; null: the provider has no list. */
  readonly models_found: number | null
  /** The first thousand. */
  readonly model_ids: readonly string[]
  /** What is wrong with the provider, whichever credential; or with the first one that doesn't work. */
  readonly trouble: string | null
}

export type ProbedCredential = {
  readonly name: string
  readonly ok: boolean
  /** HTTP status; null: there was no answer. */
  readonly status: number | null
  readonly ms: number
  readonly models: number | null
  readonly trouble: string | null
}

const maxIds = 1000

export type ProbeOptions = {
  /** Of each call; there are about three after each other at most. */
  readonly timeoutMs: number
  /** Instead of sockets of its own. */
  readonly network?: Upstream
}

/** Never rejects for what a provider does. */
export async function probeProvider(provider: Provider, options: ProbeOptions): Promise<ProbeReport> {
  const startedMs = performance.now()
  if (provider.simulated) {
    const ids = [...provider.models.keys()]
    return { ok: true, ms: 0, credentials: [], models_found: ids.length, model_ids: ids.slice(0, maxIds), trouble: null }
  }
  const network = options.network ?? createNetwork()
  try {
    const probe = new Probe(network, provider, options.timeoutMs)
    const credentials = provider.auth === 'none' ? [undefined] : provider.credentials
    // What is wrong with the address is found out once.
    const [first, ...others] = credentials
    const tried = credentials.length === 0 ? [] : [await probe.try(first)]
    const same = probe.addressTrouble === undefined ? undefined : tried[0]
    tried.push(...(same === undefined ? await Promise.all(others.map((credential) => probe.try(credential))) : others.map(() => same)))
    return reportOf(credentials, tried, probe, Math.round(performance.now() - startedMs))
  } finally {
    if (options.network === undefined) await network.close()
  }
}

type Tried = {
  readonly status: number | null
  readonly ms: number
  readonly ids: readonly string[] | undefined
  readonly ok: boolean
  readonly trouble: string | null
}

function reportOf(credentials: readonly (Credential | undefined)[], tried: readonly Tried[], probe: Probe, ms: number): ProbeReport {
  const lists = tried.flatMap(({ ids }) => (ids === undefined ? [] : [ids]))
  const ids = [...new Set(lists.flat())]
  const missing = credentials.length === 0 ? missingKeyTrouble() : undefined
  return {
    ok: tried.length > 0 && tried.every(({ ok }) => ok),
    ms,
    credentials: tried.flatMap(({ ids: found, ...one }, n) => {
      const name = credentials[n]?.name
      return name === undefined
        ? []
        : [{ name, ok: one.ok, status: one.status, ms: one.ms, models: found?.length ?? null, trouble: one.trouble }]
    }),
    models_found: lists.length === 0 ? null : ids.length,
    model_ids: ids.slice(0, maxIds),
    trouble: missing ?? probe.addressTrouble ?? probe.clock ?? tried.find(({ ok }) => !ok)?.trouble ?? tried[0]?.trouble ?? null,
  }
}

type Listing = { readonly wire: Wire; readonly base: string; readonly suffix: string; readonly query: string }

/** Where each wire's endpoint and its list of models lie below the base; those of Bedrock are at another host. */
const layouts: Readonly<Record<Wire, { readonly endpoint: string; readonly models?: string }>> = {
  'openai-chat': { endpoint: '/chat/completions', models: '/models' },
  'openai-responses': { endpoint: '/responses', models: '/models' },
  'anthropic-messages': { endpoint: '/v1/messages', models: '/v1/models' },
  gemini: { endpoint: '/models/{model}:{generateContent|streamGenerateContent?alt=sse}', models: '/models' },
  'bedrock-converse': { endpoint: '/model/{model}/{converse|converse-stream}' },
  'cohere-chat': { endpoint: '/v2/chat', models: '/v1/models' },
  'ollama-chat': { endpoint: '/api/chat', models: '/api/tags' },
}

class Probe {
  /** What is wrong whichever the credential. */
  addressTrouble: string | undefined
  clock: string | undefined
  readonly #network: Upstream
  readonly #provider: Provider
  readonly #timeoutMs: number
  readonly #listing: Listing | undefined

  constructor(network: Upstream, provider: Provider, timeoutMs: number) {
    this.#network = network
    this.#provider = provider
    this.#timeoutMs = timeoutMs
    this.#listing = listingOf(provider)
  }

  async try(credential: Credential | undefined): Promise<Tried> {
    const startedMs = performance.now()
    const found = await this.#list(credential)
    return { ...found, ms: Math.round(performance.now() - startedMs) }
  }

  async #list(credential: Credential | undefined): Promise<Omit<Tried, 'ms'>> {
    const listing = this.#listing
    if (listing === undefined) return this.#touch(credential)
    const answer = await this.#get(credential, listing.base)
    if (answer instanceof Failure) return this.#unreachable(answer)
    this.clock ??= clockTrouble(answer.headers['date'], Date.now())
    const { status } = answer
    const ids = status < 300 ? modelIds(answer.json) : undefined
    if (ids !== undefined)
      return (await this.#provesNothing(credential, listing)) ? { ...(await this.#touch(credential)), ids } : works(status, ids)
    if (status >= 300 && status < 400) return this.#wrongAddress(status, redirectTrouble(status, answer.headers['location']))
    if (isHtml(answer) || status === 404) {
      const right = await this.#elsewhere(credential, listing)
      if (right !== undefined) return this.#wrongAddress(status, elsewhereTrouble(this.#at(listing.base), right, isHtml(answer)))
      if (isHtml(answer) && status < 300) return this.#wrongAddress(status, htmlTrouble(this.#at(listing.base)))
    }
    // A vendor without a list.
    if (status < 300 || status === 404 || status === 405 || status === 501) return this.#touch(credential)
    return judged(listing.wire, answer) ?? fails(status, oddAnswerTrouble(this.#at(listing.base), status))
  }

  /** Some vendors show their list to anybody: then it says nothing about the key. */
  async #provesNothing(credential: Credential | undefined, { base }: Listing): Promise<boolean> {
    // A server of one's own may take any key, and a chat would make it load a model.
    if (credential === undefined || this.#provider.allowPrivateNetwork) return false
    const answer = await this.#get(undefined, base)
    return !(answer instanceof Failure) && answer.status < 300 && modelIds(answer.json) !== undefined
  }

  /** The smallest real call to the cheapest model that is known. Whether the model is right doesn't matter here. */
  async #touch(credential: Credential | undefined): Promise<Omit<Tried, 'ms'>> {
    const provider = this.#provider
    const call = smallestCall(provider)
    if (call === undefined) return fails(null, 'The provider has no wires: name one in wires.')
    const { wire, path, body } = call
    const answer = await callProvider(this.#network, { provider, credential, wire, path, body }, this.#timeoutMs)
    if (answer instanceof Failure) return this.#unreachable(answer)
    this.clock ??= clockTrouble(answer.headers['date'], Date.now())
    const { status } = answer
    const base = this.#at(call.base)
    if (status >= 500) return fails(status, providerTrouble(status))
    if (isHtml(answer)) return this.#wrongAddress(status, status === 404 ? nothingThereTrouble(base, status) : htmlTrouble(base))
    if (status >= 300 && status < 400) return this.#wrongAddress(status, redirectTrouble(status, answer.headers['location']))
    // An unknown path knows no models; an unknown model is named in the answer.
    if ((status === 404 || status === 405) && !/model/i.test(answer.text))
      return this.#wrongAddress(status, nothingThereTrouble(base, status))
    if (answer.json === undefined) return judged(wire, answer) ?? this.#wrongAddress(status, oddAnswerTrouble(base, status))
    return judged(wire, answer) ?? works(status, undefined)
  }

  /** Where else the API may be: the mistakes that people make with base URLs. */
  async #elsewhere(credential: Credential | undefined, listing: Listing): Promise<string | undefined> {
    const bases = otherBases(listing)
    const answers = await Promise.all(bases.map((base) => this.#get(credential, base)))
    const at = answers.findIndex((answer) => !(answer instanceof Failure) && isApi(answer))
    const base = bases[at]
    return base === undefined ? undefined : this.#at(base)
  }

  #get(credential: Credential | undefined, base: string): Promise<WholeAnswer | Failure> {
    const { wire, suffix, query } = this.#listing!
    const path = `${base}${suffix}${query}`
    return callProvider(this.#network, { provider: this.#provider, credential, wire, path }, this.#timeoutMs)
  }

  #at(base: string): string {
    return `${this.#provider.origin}${base}`
  }

  #unreachable(failure: Failure): Omit<Tried, 'ms'> {
    // Its token, before the provider was asked at all.
    if (failure.kind === 'credential_rejected') return fails(null, failure.message)
    return this.#wrongAddress(null, failureTrouble(failure, this.#provider, this.#timeoutMs))
  }

  #wrongAddress(status: number | null, trouble: string): Omit<Tried, 'ms'> {
    this.addressTrouble = trouble
    return fails(status, trouble)
  }
}

const works = (status: number, ids: readonly string[] | undefined): Omit<Tried, 'ms'> => ({ status, ids, ok: true, trouble: null })
const fails = (status: number | null, trouble: string): Omit<Tried, 'ms'> => ({ status, ids: undefined, ok: false, trouble })

/** What an error answer says about credential and account; undefined: nothing against them. */
function judged(wire: Wire, { status, headers, text }: WholeAnswer): Omit<Tried, 'ms'> | undefined {
  if (status < 400) return undefined
  // The account may call, and has not been given this model.
  if (status === 403 && /access to the model/i.test(text)) return { ...works(status, undefined), trouble: modelAccessTrouble() }
  const { kind } = providerCodecOf(wire).egress.decodeError(status, headers, text)
  if (kind === 'credential_rejected') return fails(status, keyTrouble(status))
  if (kind === 'account_exhausted') return fails(status, accountTrouble(status))
  if (kind === 'rate_limited') return { ...works(status, undefined), trouble: rateTrouble() }
  if (status >= 500) return fails(status, providerTrouble(status))
  return undefined
}

function listingOf({ endpoints, wireModels }: Provider): Listing | undefined {
  // A vendor of both wires has its list with OpenAI's.
  const first: readonly Wire[] = wireModels?.has('openai-chat') === true ? [] : ['openai-chat']
  for (const wire of [...first, ...endpoints.keys()]) {
    const { endpoint, models } = layouts[wire]
    const [path, query] = splitQuery(endpoints.get(wire) ?? '')
    if (!path.endsWith(endpoint)) continue
    return models === undefined ? undefined : { wire, base: baseOf(wire, path), suffix: models, query }
  }
  return undefined
}

/** Path and query; the `?` of a template's alternatives is not that of a query. */
function splitQuery(template: string): readonly [path: string, query: string] {
  const at = template.indexOf('?', template.lastIndexOf('}') + 1)
  return at < 0 ? [template, ''] : [template.slice(0, at), template.slice(at)]
}

function baseOf(wire: Wire, path: string): string {
  const { endpoint } = layouts[wire]
  return path.endsWith(endpoint) ? path.slice(0, -endpoint.length) : path
}

/** The first wire on which it serves the model. */
function endpointFor({ endpoints, wireModels, models }: Provider, model: string): readonly [Wire, string] | undefined {
  const only = models.get(model)?.wires
  return [...endpoints].find(([wire]) => wireModels?.get(wire)?.(model) !== false && only?.includes(wire) !== false)
}

function otherBases({ base, wire, suffix }: Listing): string[] {
  const candidates = [
    // The whole address of the endpoint, or of the list, was given.
    base.replace(/\/(chat\/completions|completions|responses|models|messages)$/, ''),
    base.replace(/(\/v\d+)\1+$/, '$1'),
    ...(wire === 'openai-chat' || wire === 'openai-responses'
      ? [`${base}/v1`, base.replace(/\/v\d+$/, ''), '/v1', '/api/v1', '/openai/v1']
      : wire === 'anthropic-messages'
        ? ['', '/anthropic', '/api']
        : ['']),
  ]
  return [...new Set(candidates)].filter((other) => other !== base && !`${other}${suffix}`.includes('/v1/v1/')).slice(0, 6)
}

/** A list, or a refusal of the key in JSON. */
function isApi(answer: WholeAnswer): boolean {
  if (answer.status < 300) return modelIds(answer.json) !== undefined
  return (answer.status === 401 || answer.status === 403) && isObject(answer.json)
}

function isHtml({ headers, text }: WholeAnswer): boolean {
  return /^text\/html\b/i.test(headers['content-type'] ?? '') || /^\s*<(?:!doctype|html)\b/i.test(text)
}

/** `{data: [{id}]}`, `{models: [{id} | {name}]}`, or the list itself. */
function modelIds(json: unknown): string[] | undefined {
  const list = isObject(json) ? (json['data'] ?? json['models']) : json
  if (!Array.isArray(list)) return undefined
  return list.flatMap((entry: unknown) => {
    const id = isObject(entry) ? (entry['id'] ?? entry['name']) : entry
    return typeof id === 'string' && id !== '' ? [id] : []
  })
}

type SmallestCall = { readonly wire: Wire; readonly path: string; readonly base: string; readonly body: JsonObject }

/** One token; or, of a vendor that only embeds, one vector. */
function smallestCall(provider: Provider): SmallestCall | undefined {
  const model = cheapestModel(provider, 'text') ?? 'test'
  const [wire, template] = endpointFor(provider, model) ?? []
  if (wire === undefined || template === undefined) return smallestEmbedding(provider)
  const body = smallestRequest(wire, model, provider)
  return { wire, path: endpointPath(template, model, false), base: baseOf(wire, template), body }
}

function smallestEmbedding(provider: Provider): SmallestCall | undefined {
  if (provider.embeddings === undefined) return undefined
  const { form, path, dialect } = provider.embeddings
  const model = cheapestModel(provider, 'embeddings') ?? 'test'
  const { wire, encodeRequest } = embeddingCodecOf(form)
  const asked = { model, input: 'Hi.' }
  const body = encodeRequest?.(embeddings.decodeRequest(asked), { model, dialect }).calls[0]?.body ?? asked
  return { wire, path: endpointPath(path, model, false), base: path.replace(/\/embeddings$/, ''), body }
}

function smallestRequest(wire: Wire, model: string, { dialect }: Provider): JsonObject {
  const { request } = codecOf('openai-chat').ingress.decodeRequest({
    model,
    messages: [{ role: 'user', content: 'Say hi.' }],
    max_completion_tokens: 1,
  })
  return providerCodecOf(wire).egress.encodeRequest(request, { model, dialect, defaultMaxOutputTokens: 1 }).body
}

/** Of those that answer so; one without a price only when none has one. */
function cheapestModel({ models, allow }: Provider, kind: 'text' | 'embeddings'): string | undefined {
  let best: { readonly id: string; readonly cost: bigint } | undefined
  for (const { id, price, outputModalities } of models.values()) {
    if (outputModalities !== undefined && !outputModalities.includes(kind)) continue
    const cost = price === undefined ? unpriced : price.input + price.output + price.request
    if (best === undefined || cost < best.cost) best = { id, cost }
  }
  return best?.id ?? allow?.find((pattern) => !pattern.includes('*'))
}

const unpriced = 1n << 100n
