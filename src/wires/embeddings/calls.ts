// Inputs -> calls: as many inputs in each as the provider takes.
import type { EmbeddingInput, EmbeddingRequest } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import type { EmbeddingCall } from './codec.ts'

/** `characters`: of all texts of a call together; a text that is longer alone is a call of its own. */
export type CallLimits = { readonly inputs: number; readonly characters?: number }

export function inCalls(
  texts: readonly string[],
  { inputs, characters = Infinity }: CallLimits,
  bodyOf: (texts: readonly string[]) => JsonObject,
): readonly EmbeddingCall[] {
  const calls: EmbeddingCall[] = []
  let from = 0
  let length = 0
  const close = (to: number): void => {
    calls.push({ body: bodyOf(texts.slice(from, to)), count: to - from })
    from = to
    length = 0
  }
  for (let at = 0; at < texts.length; at++) {
    if (at > from && (at - from >= inputs || length + texts[at]!.length > characters)) close(at)
    length += texts[at]!.length
  }
  close(texts.length)
  return calls
}

/** The inputs of a request to a provider that takes texts only. Another target may well take token ids. */
export function textsOf({ inputs }: EmbeddingRequest): readonly string[] {
  return inputs.map((input) => (isText(input) ? input : refuseTokens()))
}

function isText(input: EmbeddingInput): input is string {
  return typeof input === 'string'
}

function refuseTokens(): never {
  throw new Failure(
    'unsupported_feature',
    '`input` has token ids, and the provider of this model takes text only: send strings. (LangChain: check_embedding_ctx_length=False.)',
    { param: 'input' },
  )
}
