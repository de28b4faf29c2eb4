// Answers that are well-formed, end as they should, and say nothing: while somebody else could answer, they are failures.
import { Failure } from '#kernel'
import type { Finish, Response, Usage } from '#ir'

/** A provider that counts more output than this has said something, be it to itself. Each answer below it is parsed, so it is no more than an empty one has. */
const nearlyNothing = 4

/** Whether an answer without content may be a broken one. Who stopped at a limit, or at a filter, has a reason to say nothing. */
export function endsAsIfDone({ reason, raw }: Finish): boolean {
  return reason === 'stop' || (reason === 'other' && raw === undefined)
}

/** Whether the parts of a whole answer are worth a look: most answers have counted words. */
export function mayBeEmpty(usage: Usage | undefined): boolean {
  return (usage?.output.total ?? 0) <= nearlyNothing
}

export function saysNothing({ parts }: Response): boolean {
  return parts.every((part) => part.type === 'text' && part.text === '')
}

export function emptyCompletion(): Failure {
  return new Failure('empty_response', 'The provider ended its answer without having said anything.')
}
