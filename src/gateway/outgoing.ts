// What goes to a target: the client's bytes with a few fields changed, or the request in another wire. Large bodies are written elsewhere.
import { bytesPerToken, edited, largeBodyBytes, type Arrival, type Inspected } from '#inspection'
import type { Dialect, EmbeddingInput, EmbeddingRequest, Note, Request, VectorEncoding } from '#ir'
import { Failure, isObject, type JsonObject } from '#kernel'
import { withoutPart, type ParamDefault, type ParamEdit, type PlannedTarget, type TargetParams } from '#routing'
import {
  cleanedOf,
  decodeFor,
  encodeFor,
  promptOf,
  writeCalls,
  type Cleaned,
  type ToolNames,
  type Translation,
  type WrittenCalls,
} from '#translation'
import { embeddings, type RequestEdit, type WireCodec } from '#wires'
import type { ExchangeDeps } from './port.ts'

export type Written = {
  readonly body: Buffer
  readonly notes: readonly Note[]
  /** Tools that the provider knows by another name than the client. */
  readonly toolNames?: ToolNames | undefined
}

export class Outgoing {
  readonly #deps: ExchangeDeps
  readonly #arrival: Arrival
  readonly #inspected: Inspected
  readonly #codec: WireCodec
  #document: JsonObject | undefined
  /** Of a large request that another thread has read: all but its conversation, which is all that the answer needs. */
  #rest: JsonObject | undefined
  /** As the client sent it, with these params; the next target's are mostly the same. */
  #decoded: { readonly params: PlannedTarget['params']; readonly request: Request; notes: readonly Note[] } | undefined
  #embeddingRequest: EmbeddingRequest | undefined
  #clamp: OutputClamp | undefined
  #prepared: { readonly target: PlannedTarget; readonly written: Written } | undefined

  constructor(deps: ExchangeDeps, arrival: Arrival, inspected: Inspected, codec: WireCodec) {
    this.#deps = deps
    this.#arrival = arrival
    this.#inspected = inspected
    this.#codec = codec
  }

  /** Whose seals are kept: of one gateway key, and one session of it. */
  get conversation(): string {
    return `${this.#arrival.key.id} ${this.#inspected.session}`
  }

  /** Splices at once, while what was found in the body is fresh. */
  prepare(target: PlannedTarget): void {
    if (target.lane !== 'pass' || this.#hasOwnWords) return
    try {
      const written = this.#spliced(target)
      if (!(written instanceof Promise)) this.#prepared = { target, written }
    } catch (error) {
      // What this target cannot carry, the next one may: its attempt says it again.
      if (!(error instanceof Failure)) throw error
    }
  }

  /** A limit allows no more output than this, whoever is asked. */
  clampTo(clamp: OutputClamp): void {
    this.#clamp = clamp
  }

  /** The body for a target; where another thread writes it, a promise of it. Throws, or rejects with, the `Failure` of a codec. */
  bodyFor(target: PlannedTarget): Written | Promise<Written> {
    const prepared = this.#prepared
    this.#prepared = undefined
    if (prepared?.target === target) return prepared.written
    return this.#write(target)
  }

  #write(target: PlannedTarget): Written | Promise<Written> {
    if (target.lane === 'pass') return this.#spliced(target)
    return this.#isLarge ? this.#translatedElsewhere(target) : this.#translated(target)
  }

  /** The same for vectors: as many calls as the provider needs. */
  callsFor(target: PlannedTarget): WrittenCalls | Promise<WrittenCalls> {
    if (target.lane === 'pass') {
      const { body, notes } = this.bodyFor(target) as Written
      return { calls: [{ body, count: undefined }], notes }
    }
    const wanted = { form: target.embeds!, target: { model: target.model.id, dialect: target.provider.embeddings!.dialect } }
    const edits = this.#paramEdits(target)
    if (this.#isLarge) return this.#deps.translator.writeCalls(wanted, this.#pristine(edits))
    return writeCalls(wanted, edits.length === 0 ? this.#readEmbeddings() : embeddings.decodeRequest(edited(this.#readDocument(), edits)))
  }

  // As bytes.

  #spliced(target: PlannedTarget): Written | Promise<Written> {
    const { model, provider, embeds } = target
    const dialect = embeds === undefined ? provider.dialect : provider.embeddings!.dialect
    const params = this.#paramEdits(target)
    const fields = params.length === 0 ? this.#fieldsFor(dialect) : edited(this.#fieldsFor(dialect), params)
    const { edits: own, notes } =
      embeds === undefined
        ? this.#codec.passThrough.edits(fields, model.id, dialect, this.#arrival.headers)
        : embeddings.edits(fields, model.id, dialect)
    const edits = params.length === 0 ? own : [...params.filter(({ field }) => !own.some((edit) => edit.field === field)), ...own]
    const said = withNotes(notes, target)
    if (embeds === undefined && this.#hasOwnWords) return this.#withoutOwn(edits, said)
    return { body: this.#inspected.body.splice(edits), notes: said }
  }

  /** What this gateway wrote of another vendor's answer, and a provider would refuse; or somebody only speaks of it. */
  get #hasOwnWords(): boolean {
    const { own } = this.#codec.passThrough
    return own !== undefined && this.#inspected.body.splice([]).includes(own.mark)
  }

  /** Read and written anew, large bodies elsewhere. */
  #withoutOwn(edits: readonly RequestEdit[], notes: readonly Note[]): Written | Promise<Written> {
    const finish = (cleaned: Cleaned | undefined): Written =>
      cleaned === undefined
        ? { body: this.#inspected.body.splice(edits), notes }
        : { body: cleaned.body, notes: [...notes, ...cleaned.notes] }
    if (this.#isLarge) return this.#deps.translator.clean(this.#codec.wire, edits, this.#pristine(noEdits)).then(finish)
    return finish(cleanedOf(this.#codec, edits, this.#readDocument()))
  }

  /** The small fields; and, by name alone, those that this provider refuses. */
  #fieldsFor({ strip }: Dialect): JsonObject {
    const { fields, body } = this.#inspected
    if (strip === undefined || strip.length === 0) return fields
    return { ...Object.fromEntries(body.present(strip).map((name) => [name, true])), ...fields }
  }

  // In another wire.

  #translated(target: PlannedTarget): Written {
    const translation = this.#translationFor(target)
    const { params } = target
    const isKnown = this.#decoded !== undefined && this.#decoded.params === params
    if (!isKnown) this.#decoded = { params, ...decodeFor(translation, this.#documentFor(target), this.#deps.seals) }
    const { request, notes } = this.#decoded!
    const encoded = encodeFor(translation, request)
    return { body: encoded.body, notes: withNotes([...notes, ...encoded.notes], target), toolNames: encoded.toolNames }
  }

  /** Another thread parses and writes it: no other stream waits meanwhile. */
  async #translatedElsewhere(target: PlannedTarget): Promise<Written> {
    const { seals, translator } = this.#deps
    const bytes = this.#pristine(this.#paramEdits(target))
    const { rest, ...written } = await translator.translate(this.#translationFor(target), bytes, seals.of(this.conversation))
    this.#rest = rest
    return { ...written, notes: withNotes(written.notes, target) }
  }

  #translationFor({ wire, provider, model }: PlannedTarget): Translation {
    const sealDomain = provider.wireSealDomains?.get(wire) ?? provider.sealDomain
    return {
      from: this.#arrival.wire,
      path: this.#arrival.path,
      to: wire,
      target: {
        model: model.id,
        dialect: provider.dialect,
        ...(sealDomain === undefined ? {} : { sealDomain }),
        defaultMaxOutputTokens: model.maxOutputTokens ?? 4096,
      },
      conversation: this.conversation,
    }
  }

  #documentFor(target: PlannedTarget): JsonObject {
    const edits = this.#paramEdits(target)
    return edits.length === 0 ? this.#readDocument() : edited(this.#readDocument(), edits)
  }

  /** The body as it is to be parsed; in shared memory where it is there, unless something of it has been written anew. */
  #pristine(edits: readonly RequestEdit[]): Buffer {
    const { buffer, shared } = this.#arrival
    const bytes = this.#inspected.body.splice(edits)
    return edits.length === 0 && shared !== undefined && bytes.buffer === buffer.buffer ? shared : bytes
  }

  // What a config says of the request's fields.

  #paramEdits({ params = noParams }: PlannedTarget): readonly RequestEdit[] {
    const clamp = this.#clamp
    if (params === noParams && clamp === undefined) return noEdits
    const { body } = this.#inspected
    const edits = new Map<string, RequestEdit>()
    const valueOf = (field: string): JsonObject => {
      const value = edits.has(field) ? edits.get(field)!.value : body.member(field)
      return isObject(value) ? value : {}
    }
    const isThere = ({ field, within, synonyms = [] }: ParamDefault): boolean => {
      const names = [field, ...synonyms]
      if (within === undefined) return body.present(names).length > 0
      return names.some((name) => Object.hasOwn(valueOf(within), name))
    }
    const apply = ({ field, value, within }: ParamEdit): void => {
      if (within === undefined) edits.set(field, { field, value })
      else edits.set(within, { field: within, value: edited(valueOf(within), [{ field, value }]) })
    }
    for (const one of params.defaults) if (!isThere(one)) apply(one)
    for (const one of params.edits) if (one.value !== undefined || isThere(one)) apply(one)
    for (const { field, steps } of params.removals ?? []) {
      const value = edits.has(field) ? edits.get(field)!.value : body.member(field)
      const rest = value === undefined ? undefined : withoutPart(value, steps)
      if (rest !== value) edits.set(field, { field, value: rest })
    }
    if (clamp !== undefined) {
      const { names, within, value } = clamp
      const said = names.filter(
        (field) => (within === undefined ? (edits.get(field)?.value ?? body.member(field)) : valueOf(within)[field]) !== undefined,
      )
      for (const field of said.length === 0 ? [names[0]!] : said) {
        const asked = within === undefined ? (edits.get(field)?.value ?? body.member(field)) : valueOf(within)[field]
        const most = typeof asked === 'number' ? Math.min(asked, value) : value
        apply(within === undefined ? { field, value: most } : { field, value: most, within })
      }
    }
    return [...edits.values()]
  }

  // What the answer needs of the request.

  /** For answers that echo fields of it. */
  readonly request = (): JsonObject => this.#rest ?? this.#readDocument()

  /** Everything of it that a model reads as text. */
  async promptText(): Promise<string> {
    const { wire, path } = this.#arrival
    if (this.#isLarge) return this.#deps.translator.promptText({ wire, path }, this.#pristine(noEdits))
    return promptOf(this.#codec, this.#readDocument(), path)
  }

  get vectorEncoding(): VectorEncoding {
    return this.#inspected.fields['encoding_format'] === 'base64' ? 'base64' : 'float'
  }

  /** undefined: they are many, or something that passed and only the provider understands. */
  get inputs(): readonly EmbeddingInput[] | undefined {
    if (this.#isLarge) return undefined
    try {
      return this.#readEmbeddings().inputs
    } catch {
      return undefined
    }
  }

  /** How many tokens the inputs are, when no provider says it. */
  async countInputs(): Promise<number> {
    const { inputs } = this
    if (inputs === undefined) return Math.ceil((this.#arrival.bodyEnd - this.#arrival.bodyStart) / bytesPerToken)
    const ids = inputs.reduce((sum, input) => sum + (typeof input === 'string' ? 0 : input.length), 0)
    return ids + (await this.#deps.countTokens(inputs.filter((input) => typeof input === 'string').join('\n')))
  }

  #readEmbeddings(): EmbeddingRequest {
    return (this.#embeddingRequest ??= embeddings.decodeRequest(this.#readDocument()))
  }

  /** Parsed once: what is read is never written to. */
  #readDocument(): JsonObject {
    return (this.#document ??= this.#inspected.body.document())
  }

  get #isLarge(): boolean {
    return this.#arrival.bodyEnd - this.#arrival.bodyStart >= largeBodyBytes
  }
}

const noEdits: readonly RequestEdit[] = []
const noParams: TargetParams = { defaults: [], edits: [], notes: [] }

/** The most tokens of output, and the fields (of the object `within`) that may say it; the first is written where none is there. */
export type OutputClamp = { readonly names: readonly string[]; readonly within?: string; readonly value: number }

/** And what a config says that the client's wire has no place for. */
function withNotes(notes: readonly Note[], { params }: PlannedTarget): readonly Note[] {
  return params === undefined || params.notes.length === 0 ? notes : [...params.notes, ...notes]
}

/** Where large ones are, memory that threads share. */
export function bytesOf({ buffer, bodyStart, bodyEnd, shared }: Arrival): Buffer {
  return shared ?? buffer.subarray(bodyStart, bodyEnd)
}
