// What went wrong before anybody answered, and what the client hears of it.
import { Failure } from '#kernel'
import { blamesRequest, type PlannedTarget } from '#routing'
import { allFailed } from './heads.ts'

export type Verdict = {
  readonly failure: Failure
  /** The provider's own words, where they are about the request and already in the client's wire. */
  readonly body: Buffer | undefined
}

export class FailedTargets {
  readonly #failures: { readonly target: string; readonly failure: Failure }[] = []
  #first: Verdict | undefined

  /** `body`: the provider's own JSON error, which may be passed on. */
  add({ provider }: PlannedTarget, failure: Failure, body: Buffer | undefined): void {
    this.#first ??= { failure, body }
    this.#failures.push({ target: provider.slug, failure })
  }

  /** Called when at least one failed, and nobody is left. `ownKey`: the account is the client's. */
  verdict(ownKey: boolean): Verdict {
    const first = this.#first!
    if (this.#failures.every(({ failure }) => blamesRequest(failure))) return first
    const failure = allFailed(this.#failures, first.failure, ownKey)
    return failure === first.failure ? first : { failure, body: undefined }
  }
}

/** Of an answer that has begun. */
export function interrupted(failure: Failure): Failure {
  const kind = failure.kind === 'idle_timeout' || failure.kind === 'total_timeout' ? 'timeout' : 'interrupted'
  return new Failure(kind, `The answer is not complete: ${failure.message}`, { cause: failure })
}

/** Whatever was thrown. */
export function failureOf(error: unknown): Failure {
  return error instanceof Failure ? error : internalError(error)
}

export function internalError(error: unknown): Failure {
  return new Failure('internal_error', 'The gateway failed; the request id finds it in the log.', { cause: error })
}
