// Why the control plane refuses: its kind, one sentence for whoever asked, and the field at fault.
import type { RefusalKind } from './port.ts'

export class Refusal extends Error {
  readonly kind: RefusalKind
  /** Dotted, as it is in the body: `credentials[0].value`. */
  readonly field: string | undefined

  constructor(kind: RefusalKind, message: string, field?: string) {
    super(message)
    this.name = 'Refusal'
    this.kind = kind
    this.field = field
  }
}
