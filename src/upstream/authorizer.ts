// What a call of an account needs on its way: lines that sign it, or a token that was fetched for it.
import type { Account } from '#config'
import type { UpstreamRequest } from './port.ts'

export type AuthorizedCall = Pick<UpstreamRequest, 'method' | 'origin' | 'path' | 'headers' | 'body' | 'allowPrivateNetwork'>

export interface Authorizer {
  /** Header lines to add; at once where nothing has to be awaited. Rejects with a `Failure` of the credential. */
  authorize(call: AuthorizedCall): readonly string[] | Promise<readonly string[]>
  /** The provider refused a call that had these lines (401): they are not given again. */
  refused(lines: readonly string[]): void
}

/** The authorizer of an account, the same one each time: it knows the account's token. */
export type Authorizers = (account: Account) => Authorizer
