// Probabilities of tokens: Google's `logprobsResult` and the neutral list.
import type { JsonObject, JsonValue } from '#kernel'
import type { Logprob, TokenLogprob } from '#ir'
import { listOf, objectOf } from './fields.ts'

/** The tokens of one chunk, in order. Google's have no bytes. */
export function decodeLogprobs(result: JsonValue | undefined): Logprob[] {
  const { chosenCandidates, topCandidates } = objectOf(result)
  const alternatives = listOf(topCandidates)
  return listOf(chosenCandidates).map((chosen, i) => ({ ...tokenOf(chosen), top: listOf(alternatives[i]?.['candidates']).map(tokenOf) }))
}

function tokenOf({ token, logProbability }: JsonObject): TokenLogprob {
  return { token: typeof token === 'string' ? token : '', logprob: typeof logProbability === 'number' ? logProbability : 0 }
}

export function encodeLogprobs(logprobs: readonly Logprob[]): JsonObject {
  const candidate = ({ token, logprob }: TokenLogprob): JsonObject => ({ token, logProbability: logprob })
  return {
    topCandidates: logprobs.map(({ top }) => ({ candidates: top.map(candidate) })),
    chosenCandidates: logprobs.map(candidate),
  }
}
