// What is read of a provider's whole answer where it lies: the fields that its wire wants, and where a cost goes.
import { createPeek, isObject, readValue, type ByteCollector, type JsonObject, type JsonValue } from '#kernel'
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
  /** The usage has a cost already. */
  readonly ownCost: boolean
}

const ownCostPeek = createPeek({ fields: ['cost'] })

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
  const usage = wanted.costField === undefined ? undefined : fields[wanted.costField]
  return {
    fields,
    usageText,
    costAt: usageText === '' ? -1 : peeked.members[wanted.costField!]!.start + 1,
    ownCost: isObject(usage) && usage['cost'] !== undefined,
  }
}

/** Writes a cost into the usage of the answer's bytes. One that the provider wrote there, and that is none, is blanked. */
export function writeCost(answer: ByteCollector, { costAt, ownCost, usageText }: PeekedAnswer, costUsd: number): void {
  if (costAt < 0) return
  if (ownCost) blankCost(answer.bytes().subarray(costAt - 1, costAt - 1 + Buffer.byteLength(usageText)))
  // A usage without members has no place for a comma; it also counts nothing, so it has no cost.
  answer.insert(costAt, Buffer.from(`"cost":${costUsd},`, 'latin1'))
}

function blankCost(usage: Buffer): void {
  const found = ownCostPeek.peek(usage, 0, usage.length)
  if (found === 'doubtful') return
  const { start, end } = found.members.cost
  const behind = skipped(usage, end, 1)
  const from = usage.lastIndexOf('"cost"', start)
  // With the comma that follows, or the one before the last member.
  if (usage[behind] === comma) usage.fill(space, from, behind + 1)
  else usage.fill(space, skipped(usage, from - 1, -1), end)
}

const comma = 0x2c
const space = 0x20

/** The first byte from there on that is no white space. */
function skipped(bytes: Buffer, at: number, step: 1 | -1): number {
  while (bytes[at] === space || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += step
  return at
}
