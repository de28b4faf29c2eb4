// Errors of Cohere: `{message}` and a status; two statuses are its own.
import type { Failure } from '#kernel'
import { decodeError as decodeCommonError } from '#wires/provider-errors'

/** 498: the input or output was blocked, so the request is at fault. 499: a request that was cancelled on Cohere's side. */
const statuses: ReadonlyMap<number, number> = new Map([
  [498, 400],
  [499, 500],
])

export function decodeError(status: number, headers: Readonly<Record<string, string>>, bodyText: string): Failure {
  return decodeCommonError(statuses.get(status) ?? status, headers, bodyText)
}
