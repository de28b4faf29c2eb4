// What conditions may ask about a request, and what it needs of a model. Most requests are asked nothing: everything is read when it is asked for.
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayKey, Snapshot } from '#config'
import { bytesPerToken, type Inspected, type InspectedArrival } from '#inspection'
import { usdNumber, type ClientWire } from '#ir'
import { isObject, type JsonObject, type JsonValue } from '#kernel'
import type { Limits } from '#ledger'
import { sessionHeader } from '#policy'
import { visibleHeaders, type Facts, type Health, type Needs } from '#routing'

export class RequestFacts implements Facts {
  readonly #arrival: InspectedArrival
  readonly #inspected: Inspected
  readonly #health: Health
  readonly #nowMs: number
  readonly #limits: Pick<Limits, 'remaining'> | undefined
  readonly #providers: Snapshot['providers']
  readonly #members = new Map<string, JsonValue | undefined>()
  #metadata: JsonObject | undefined
  #needs: Needs | undefined

  /** `nowMs`: of the clock of `Health`. */
  constructor(
    arrival: InspectedArrival,
    inspected: Inspected,
    health: Health,
    nowMs: number,
    limits: Pick<Limits, 'remaining'> | undefined,
    { providers }: Pick<Snapshot, 'providers'>,
  ) {
    this.#arrival = arrival
    this.#inspected = inspected
    this.#health = health
    this.#nowMs = nowMs
    this.#limits = limits
    this.#providers = providers
  }

  get tenant(): string {
    return this.#arrival.key.id
  }

  get session(): string {
    return this.#inspected.session
  }

  get namesSession(): boolean {
    return sessionHeader(this.#arrival.headers) !== undefined
  }

  get needs(): Needs {
    return (this.#needs ??= new BodyNeeds(this.#arrival.wire, this.#inspected))
  }

  value(path: string): JsonValue | undefined {
    const dot = path.indexOf('.')
    const rest = path.slice(dot + 1)
    switch (path.slice(0, Math.max(dot, 0))) {
      case 'metadata':
        return ownValue((this.#metadata ??= this.#readMetadata()), rest)
      case 'params':
        return this.#param(rest)
      case 'url':
        return rest === 'pathname' ? this.#arrival.endpoint : undefined
      case 'headers':
        return header(this.#arrival.headers, rest.toLowerCase())
      case 'request':
        return this.#ofRequest(rest)
      case 'key':
        return ofKey(this.#arrival.key, rest)
      case 'provider':
        return this.#ofProvider(rest)
      case 'budget':
        return rest === 'remaining_usd' ? this.#remainingUsd() : undefined
      default:
        return undefined
    }
  }

  /** The request's own, above what is written about its key. */
  #readMetadata(): JsonObject {
    const { metadata } = this.#inspected
    const own = metadata === '' ? {} : (JSON.parse(metadata) as JsonObject)
    return { ...this.#arrival.key.metadata, ...own }
  }

  /** Of what stops this key: missing where nothing does. */
  #remainingUsd(): number | undefined {
    const nanoUsd = this.#limits?.remaining(this.#arrival.key, Date.now()).nanoUsd
    return nanoUsd === undefined ? undefined : usdNumber(nanoUsd)
  }

  #param(path: string): JsonValue | undefined {
    const [field = '', ...steps] = stepsOf(path)
    if (field === 'model') return steps.length === 0 ? this.#inspected.model : undefined
    if (field === 'stream') return steps.length === 0 ? this.#inspected.stream : undefined
    if (!this.#members.has(field)) this.#members.set(field, this.#inspected.body.member(field))
    return inside(this.#members.get(field), steps)
  }

  #ofRequest(name: string): JsonValue | undefined {
    if (name === 'kind') return this.#inspected.kind
    if (name !== 'input_tokens') return undefined
    return Math.ceil((this.#arrival.bodyEnd - this.#arrival.bodyStart) / bytesPerToken)
  }

  /** Slugs may have dots. */
  #ofProvider(path: string): JsonValue | undefined {
    const dot = path.lastIndexOf('.')
    const slug = path.slice(0, Math.max(dot, 0))
    // Health knows no names: it takes one that it has never heard for well.
    if (!this.#providers.has(slug)) return undefined
    const { available, latencyMs } = this.#health.provider(slug, this.#nowMs)
    if (path.slice(dot + 1) === 'available') return available
    return path.slice(dot + 1) === 'latency_p50' ? latencyMs : undefined
  }
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  if (!visibleHeaders.has(name)) return undefined
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function ofKey(key: GatewayKey, path: string): JsonValue | undefined {
  switch (path) {
    case 'id':
      return key.id
    case 'name':
      return key.name
    case 'client':
      return key.client
    default:
      return path.startsWith('metadata.') ? ownValue(key.metadata ?? {}, path.slice('metadata.'.length)) : undefined
  }
}

/** `tools[0].function.name`, `tools.0.function.name`. */
function stepsOf(path: string): readonly string[] {
  return path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
}

function inside(value: JsonValue | undefined, steps: readonly string[]): JsonValue | undefined {
  let found = value
  for (const step of steps) {
    if (Array.isArray(found)) found = /^\d+$/.test(step) ? found[Number(step)] : undefined
    else found = isObject(found) ? ownValue(found, step) : undefined
  }
  return found
}

/** Names come from configs: not those that every object has. */
function ownValue(object: Readonly<Record<string, JsonValue>>, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

// What a model must be able to do.

/** No text has more bytes for each token than this, near enough. */
const mostBytesPerToken = 6

/** A body of so few bytes surely fits; whether another does, its needs tell. */
export function surelyFits(bodyBytes: number, window: number): boolean {
  return bodyBytes <= window * mostBytesPerToken
}

/** Where a quote opens and closes within six bytes or so, it is no text inside another: there, quotes are escaped. */
const imageMarks: Record<ClientWire, RegExp> = {
  'openai-chat': /"type"\s*:\s*"image_url"/,
  'openai-responses': /"type"\s*:\s*"input_image"/,
  'anthropic-messages': /"type"\s*:\s*"image"/,
  gemini: /"mime_?type"\s*:\s*"image\//i,
}

/** Base64 in a body says nothing about its tokens. */
const dataMarks = ['base64', '"inlineData"', '"inline_data"', '"input_audio"', '"file_data"'].map((mark) => Buffer.from(mark))

class BodyNeeds implements Needs {
  readonly #wire: ClientWire
  readonly #inspected: Inspected
  #tools: boolean | undefined
  #images: boolean | undefined
  #holdsData: boolean | undefined

  constructor(wire: ClientWire, inspected: Inspected) {
    this.#wire = wire
    this.#inspected = inspected
  }

  get tools(): boolean {
    return (this.#tools ??= ['tools', 'functions'].some((name) => hasFunctions(this.#inspected.body.member(name))))
  }

  get images(): boolean {
    return (this.#images ??= imageMarks[this.#wire].test(this.#conversation().toString('latin1')))
  }

  tokensBeyond(window: number): number | undefined {
    const bytes = this.#conversation()
    if (surelyFits(bytes.length, window)) return undefined
    this.#holdsData ??= this.images || dataMarks.some((mark) => bytes.includes(mark))
    return this.#holdsData ? undefined : Math.floor(bytes.length / mostBytesPerToken)
  }

  #conversation(): Buffer {
    const { body, messagesStart, messagesEnd } = this.#inspected.body.conversation
    return messagesStart < 0 ? nothing : body.subarray(messagesStart, messagesEnd)
  }
}

const nothing = Buffer.alloc(0)

/** Tools that the client runs; what a provider runs itself, it has. */
function hasFunctions(tools: JsonValue | undefined): boolean {
  if (!Array.isArray(tools)) return false
  return tools.some((tool) => {
    if (!isObject(tool)) return false
    const { type } = tool
    if (tool['functionDeclarations'] !== undefined || tool['function_declarations'] !== undefined) return true
    return type === 'function' || type === 'custom' || (type === undefined && tool['name'] !== undefined)
  })
}
