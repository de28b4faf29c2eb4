// Translates large request bodies in a thread of its own, so that nobody else's stream waits for a parser.
import { Failure, type FailureDetails, type FailureKind, type JsonObject } from '#kernel'
import type { Note } from '#ir'
import { createAskedThread, siblingModule } from '#threads'
import type { KeptSeal } from './seals.ts'
import type { ToolNames } from './tool-names.ts'
import type { Translation } from './translation.ts'

/** Smaller bodies are parsed sooner than a thread has heard of them. */
export const largeBodyBytes = 256 << 10

export type TranslatorQuestion = Translation & {
  readonly body: ArrayBuffer
  readonly seals: ReadonlyMap<string, KeptSeal>
}

/** Of a failure, what another thread can be told. */
export type ToldFailure = { readonly kind: FailureKind; readonly message: string; readonly details: Omit<FailureDetails, 'cause'> }

export type TranslatorAnswer =
  | {
      readonly ok: true
      readonly body: ArrayBuffer
      readonly notes: readonly Note[]
      readonly toolNames: ToolNames | undefined
      /** The client's request without its conversation. */
      readonly rest: JsonObject
    }
  | { readonly ok: false; readonly failure: ToldFailure }

export type TranslatedBody = {
  readonly body: Buffer
  readonly notes: readonly Note[]
  readonly toolNames: ToolNames | undefined
  readonly rest: JsonObject
}

export interface Translator {
  /** The bytes are copied before it returns. Rejects with the `Failure` of a codec. */
  translate(translation: Translation, bytes: Buffer, seals: ReadonlyMap<string, KeptSeal>): Promise<TranslatedBody>
  close(): Promise<void>
}

export function createTranslator(): Translator {
  const thread = createAskedThread<TranslatorQuestion>({
    module: siblingModule(import.meta.url, 'translator-thread'),
    data: undefined,
    idleMs: 60_000,
    closed: 'The gateway is stopping.',
    died: ({ message }) => `The thread that translates large requests has stopped: ${message}`,
    startsAnew: true,
  })
  return {
    async translate(translation, bytes, seals) {
      const body = new ArrayBuffer(bytes.length)
      bytes.copy(Buffer.from(body))
      const answer = await thread.ask<TranslatorAnswer>({ ...translation, body, seals }, [body])
      if (answer.ok) return { body: Buffer.from(answer.body), notes: answer.notes, toolNames: answer.toolNames, rest: answer.rest }
      throw new Failure(answer.failure.kind, answer.failure.message, answer.failure.details)
    },
    close: () => thread.close(),
  }
}
