// The thread that translates large requests.
import { Failure, type JsonObject } from '#kernel'
import { answerQuestions, handedOver } from '#threads'
import { codecOf } from '#wires'
import { createSealedCalls } from './seals.ts'
import { decodeFor, encodeFor } from './translation.ts'
import type { TranslatorAnswer, TranslatorQuestion } from './translator.ts'

answerQuestions<TranslatorQuestion>(() => ({ answer, close() {} }))

/** Whoever sent the seals has looked how old they are. */
const notNow = (): number => 0

function answer(question: TranslatorQuestion): unknown {
  try {
    const document = JSON.parse(Buffer.from(question.body).toString('utf8')) as JsonObject
    const decoded = decodeFor(question, document, createSealedCalls(notNow, undefined, question.seals))
    const { body, notes, toolNames } = encodeFor(question, decoded.request)
    const bytes = body.buffer.slice(body.byteOffset, body.byteOffset + body.length) as ArrayBuffer
    const { [codecOf(question.from).ingress.shape.turns]: _, ...rest } = document
    return handedOver({ ok: true, body: bytes, notes: [...decoded.notes, ...notes], toolNames, rest } satisfies TranslatorAnswer, [bytes])
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { kind, message, details } = error
    const { cause: _, ...told } = details
    return { ok: false, failure: { kind, message, details: told } } satisfies TranslatorAnswer
  }
}
