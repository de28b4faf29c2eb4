// The thread that translates large bodies.
import { rewrite } from '#inspection'
import type { Response } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { answerQuestions, giveWay, handedOver } from '#threads'
import { codecOf, embeddings } from '#wires'
import { readAnswer, writeCalls } from './embedding.ts'
import { createSealedCalls } from './seals.ts'
import { cleanedOf, decodeAnswer, decodeFor, encodeFor, promptOf } from './translation.ts'
import type { AskedBytes, ToldBody, ToldCalls, ToldCleaned, ToldPiece, TranslatorAnswer, TranslatorQuestion } from './translator.ts'

giveWay()
answerQuestions<TranslatorQuestion>(() => ({ answer, close() {} }))

/** Whoever sent the seals has looked how old they are. */
const notNow = (): number => 0

function answer(question: TranslatorQuestion): unknown {
  try {
    switch (question.ask) {
      case 'request':
        return requestOf(question)
      case 'calls':
        return callsOf(question)
      case 'vectors':
        return vectorsOf(question)
      case 'rewrite':
        return rewritten(question)
      case 'clean':
        return cleaned(question)
      case 'prompt':
        return told<{ text: string }>({ text: promptOf(codecOf(question.wire), documentIn(question.body), question.path) }, [])
      case 'decode':
        return told<{ response: Response }>({ response: decodeAnswer(question, Buffer.from(question.body)) }, [])
      case 'encode':
        return encoded(question)
      default:
        return question satisfies never
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { kind, message, details } = error
    const { cause: _, ...known } = details
    return { ok: false, failure: { kind, message, details: known } } satisfies TranslatorAnswer<never>
  }
}

function requestOf(question: Extract<TranslatorQuestion, { ask: 'request' }>): unknown {
  const document = documentIn(question.body)
  const decoded = decodeFor(question, document, createSealedCalls(notNow, undefined, question.seals))
  const { body, notes, toolNames } = encodeFor(question, decoded.request)
  const bytes = ownBytes(body)
  const { [codecOf(question.from).ingress.shape.turns]: _, ...rest } = document
  return told<ToldBody>({ body: bytes, notes: [...decoded.notes, ...notes], toolNames, rest }, [bytes])
}

function callsOf(question: Extract<TranslatorQuestion, { ask: 'calls' }>): unknown {
  const { calls, notes } = writeCalls(question, embeddings.decodeRequest(documentIn(question.body)))
  const sent = calls.map(({ body, count }) => ({ body: ownBytes(body), count }))
  return told<ToldCalls>(
    { calls: sent, notes },
    sent.map(({ body }) => body),
  )
}

function vectorsOf(question: Extract<TranslatorQuestion, { ask: 'vectors' }>): unknown {
  const piece = readAnswer(question, Buffer.from(question.body))
  const text = ownBytes(piece.text)
  return told<ToldPiece>({ ...piece, text }, [text])
}

function rewritten({ body, names }: Extract<TranslatorQuestion, { ask: 'rewrite' }>): unknown {
  const text = ownBytes(rewrite(Buffer.from(body), names))
  return told<{ text: ArrayBuffer }>({ text }, [text])
}

function cleaned({ wire, edits, body }: Extract<TranslatorQuestion, { ask: 'clean' }>): unknown {
  const made = cleanedOf(codecOf(wire), edits, documentIn(body))
  if (made === undefined) return told<ToldCleaned>({ cleaned: undefined }, [])
  const bytes = ownBytes(made.body)
  return told<ToldCleaned>({ cleaned: { body: bytes, notes: made.notes } }, [bytes])
}

function encoded({ wire, response, context, costUsd }: Extract<TranslatorQuestion, { ask: 'encode' }>): unknown {
  const document = codecOf(wire).ingress.encodeResponse(response, { ...context, request: () => context.request }, costUsd)
  const text = ownBytes(Buffer.from(JSON.stringify(document)))
  return told<{ text: ArrayBuffer }>({ text }, [text])
}

function documentIn(body: AskedBytes): JsonObject {
  return JSON.parse(Buffer.from(body).toString('utf8')) as JsonObject
}

/** Small buffers share one: what is handed over must be alone in its own. */
function ownBytes(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
}

function told<Told>(value: Told, transfer: readonly ArrayBuffer[]): unknown {
  return handedOver({ ok: true, ...value } satisfies TranslatorAnswer<Told>, [...transfer])
}
