// Which probabilities of a line are those of its words: thoughts have them too, the language has them for texts.
import type { Logprob } from '#ir'

/** Those of the words stand at the end. None, when they cannot be told from those of the thoughts. */
export function ofText(logprobs: Logprob[], text: string, hasThoughts: boolean): Logprob[] {
  if (!hasThoughts) return logprobs
  let from = logprobs.length
  let length = 0
  while (from > 0 && length < text.length) length += logprobs[--from]!.token.length
  const last = logprobs.slice(from)
  return last.map(({ token }) => token).join('') === text ? last : []
}
