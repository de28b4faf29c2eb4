// What clients get that treat a content filter's word as a broken answer: another target before content, a notice and a plain end after it.
import { Failure } from '#kernel'
import type { Finish, Response } from '#ir'
import type { GatewayKey } from '#config'

/** OpenClaw shows an answer that ends in `content_filter`, or in a word it doesn't know, as an error. */
export function wantsPlainFinish({ client }: Pick<GatewayKey, 'client'>): boolean {
  return client === 'openclaw'
}

export const filterNotice = "\n\n[The answer ends here: the provider's content filter stopped it.]"

/** With a raw word of its own: a tool call that was stopped half-way must not be taken for one to run. */
export const plainFinish: Finish = { reason: 'stop', raw: 'end_turn' }

export function isFiltered({ reason }: Finish): boolean {
  return reason === 'filtered' || reason === 'refused'
}

export function filteredBeforeContent(): Failure {
  return new Failure('request_refused', "The provider's content filter refused the request; reword it, or ask another model.")
}

/** Throws `Failure` when it was filtered and says nothing. */
export function withPlainFinish(response: Response): Response {
  if (!isFiltered(response.finish)) return response
  if (!response.parts.some((part) => !('text' in part) || part.text !== '')) throw filteredBeforeContent()
  return { ...response, parts: [...response.parts, { type: 'text', text: filterNotice }], finish: plainFinish }
}
