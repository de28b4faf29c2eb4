// Tokens that are good for a while: fetched once for all who wait, renewed before they end, forgotten when a provider refuses them.
import { Failure } from '#kernel'
import type { AuthorizedCall, Authorizer } from './authorizer.ts'

export type AccessToken = {
  readonly token: string
  readonly expiresInSeconds: number
  /** Header lines beside the token's. */
  readonly lines?: readonly string[]
}

/** Renewed from then on, while the old one still serves: clocks differ, and answers take a while. */
const renewBeforeMs = 5 * 60_000
/** Not sent any more. */
const uselessBeforeMs = 10_000
/** After a renewal that failed. */
const retryAfterMs = 10_000

type Held = { readonly lines: readonly string[]; readonly renewAtMs: number; readonly endsAtMs: number }

/** `fetch` rejects with a `Failure`. `nowMs`: a clock that only goes forward. */
export function createTokenAuthorizer(
  fetch: (call: AuthorizedCall) => Promise<AccessToken>,
  nowMs: () => number = () => performance.now(),
): Authorizer {
  let held: Held | undefined
  let pending: Promise<readonly string[]> | undefined
  let notBeforeMs = -Infinity

  function renew(call: AuthorizedCall): Promise<readonly string[]> {
    pending ??= fetch(call)
      .then(({ token, expiresInSeconds, lines = [] }) => {
        const lifeMs = expiresInSeconds * 1000
        const fetchedMs = nowMs()
        held = {
          lines: ['authorization', `Bearer ${token}`, ...lines],
          // Half of a short life is ahead enough.
          renewAtMs: fetchedMs + Math.max(lifeMs - renewBeforeMs, lifeMs / 2),
          endsAtMs: fetchedMs + lifeMs - uselessBeforeMs,
        }
        return held.lines
      })
      .catch((error: unknown) => {
        notBeforeMs = nowMs() + retryAfterMs
        throw error instanceof Failure ? error : new Failure('internal_error', 'The gateway could not fetch a token.', { cause: error })
      })
      .finally(() => (pending = undefined))
    return pending
  }

  return {
    authorize(call) {
      const now = nowMs()
      if (held === undefined || now >= held.endsAtMs) return renew(call)
      // Whoever comes now gets the old one; that the new one could not be fetched is said when the old one has ended.
      if (now >= held.renewAtMs && now >= notBeforeMs) renew(call).catch(() => undefined)
      return held.lines
    },
    refused(lines) {
      if (held?.lines === lines) held = undefined
    },
  }
}
