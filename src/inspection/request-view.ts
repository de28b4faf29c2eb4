// How requests of one wire are looked at: small fields are read by value, the conversation is only located.
import { createPeek, type BufferPool, type Peek, type Peeked } from '#kernel'
import type { RequestShape } from '#wires'
import { createHistories, minHistoryBytes, type Histories } from './histories.ts'

export class RequestView {
  readonly smallFields: readonly string[]
  readonly turns: string
  readonly instructions: string | undefined
  /** Every name that is looked for. */
  readonly names: readonly string[]
  readonly peek: Peek
  readonly histories: Histories
  /** Bodies from here on are compared with earlier ones of their conversation. */
  readonly historyBytes: number
  /** Inputs to be embedded are none. */
  readonly isConversation: boolean
  readonly sharedResult: Peeked
  /** How often the shared result has been written. */
  peeks = 0

  constructor({ turns, instructions, fields }: RequestShape, buffers: BufferPool, isConversation = true) {
    this.smallFields = fields
    this.turns = turns
    this.instructions = instructions
    this.names = [...fields, turns, ...(instructions === undefined ? [] : [instructions])]
    this.peek = createPeek({ fields: this.names, lastElementOf: turns })
    this.sharedResult = this.peek.createResult()
    this.histories = createHistories(this.peek, buffers)
    this.isConversation = isConversation
    this.historyBytes = isConversation ? minHistoryBytes : Infinity
  }
}
