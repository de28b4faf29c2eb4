// What is read of a provider's whole answer where it lies: the fields that its wire wants, and where a cost goes.
import { createPeek, readValue, type JsonObject, type JsonValue } from '#kernel'
import type { PassThrough } from '#wires'

type AnswerPeek = { readonly names: readonly string[]; readonly peek: ReturnType<typeof createPeek<string>> }
/** What is read of a whole answer that passes. */
type AnswerFields = Pick<PassThrough, 'responseFields' | 'costField'>
const answerPeeks = new WeakMap<AnswerFields, AnswerPeek>()

type PeekedAnswer = {
  /** The top-level fields that the wire wants. */
  readonly fields: JsonObject
  /** The usage, as the provider wrote it, where a cost goes into it; '' when there is none. */
  readonly usageText: string
  /** Where a cost goes into the usage; -1 when there is none. */
  readonly costAt: number
}

/** Undefined when the bytes are doubtful. */
export function peekAnswer(wanted: AnswerFields, body: Buffer): PeekedAnswer | undefined {
  let known = answerPeeks.get(wanted)
  if (known === undefined) {
    const names = [...new Set([...wanted.responseFields, 'error'])]
    answerPeeks.set(wanted, (known = { names, peek: createPeek({ fields: names }) }))
  }
  const peeked = known.peek.peek(body, 0, body.length)
  if (peeked === 'doubtful') return undefined
  const fields: JsonObject = {}
  let usageText = ''
  for (const name of known.names) {
    const member = peeked.members[name]!
    const { start, end } = member
    if (start < 0) continue
    if (name === wanted.costField && body[start] === 0x7b) {
      usageText = body.toString('utf8', start, end)
      fields[name] = JSON.parse(usageText) as JsonValue
    } else {
      fields[name] = readValue(body, member)
    }
  }
  return { fields, usageText, costAt: usageText === '' ? -1 : peeked.members[wanted.costField!]!.start + 1 }
}
