// What a provider's error repeats of what it was sent: the operator's secrets go out of it, before anything is recorded or passed on.
import { secretTexts } from '#catalog'
import { Failure } from '#kernel'
import type { PlannedTarget } from '#routing'

const hidden = '[redacted]'
/** Shorter ones would blank out words. */
const minKeyCharacters = 8
const minHeaderCharacters = 16

const known = new WeakMap<PlannedTarget, readonly string[]>()

/** The key, and headers long enough to hold one; as they are, and as JSON writes them. */
function secretsOf(target: PlannedTarget): readonly string[] {
  let secrets = known.get(target)
  if (secrets === undefined) {
    const plain = Object.values(target.provider.headers).filter((value) => value.length >= minHeaderCharacters)
    for (const secret of secretTexts(target.credential)) if (secret.length >= minKeyCharacters) plain.push(secret)
    secrets = [...new Set(plain.flatMap((one) => [one, JSON.stringify(one).slice(1, -1)]))].sort((a, b) => b.length - a.length)
    known.set(target, secrets)
  }
  return secrets
}

/** The same bytes, unless they repeat a secret that was sent to the target. `sent`: those that were made for this call (`UpstreamCall.secrets`). */
export function bytesWithoutSecrets(bytes: Buffer, target: PlannedTarget, sent: readonly string[] = []): Buffer {
  const secrets = [...sent, ...secretsOf(target)]
  if (!secrets.some((secret) => bytes.includes(secret))) return bytes
  return Buffer.from(textWithoutSecrets(bytes.toString('utf8'), secrets))
}

/** The same failure, unless its message or the provider's words repeat a secret that was sent to the target. */
export function failureWithoutSecrets(failure: Failure, target: PlannedTarget, sent: readonly string[] = []): Failure {
  const { message, details } = failure
  const { upstream } = details
  const texts = [message, upstream?.message, upstream?.code, upstream?.type]
  const secrets = [...sent, ...secretsOf(target)]
  if (!secrets.some((secret) => texts.some((text) => text?.includes(secret)))) return failure
  const clean = (text: string): string => textWithoutSecrets(text, secrets)
  // The cause goes too: it may repeat the message.
  const { cause: _cause, upstream: _upstream, ...rest } = details
  return new Failure(failure.kind, clean(message), {
    ...rest,
    ...(upstream === undefined
      ? {}
      : {
          upstream: {
            ...upstream,
            ...(upstream.message === undefined ? {} : { message: clean(upstream.message) }),
            ...(upstream.code === undefined ? {} : { code: clean(upstream.code) }),
            ...(upstream.type === undefined ? {} : { type: clean(upstream.type) }),
          },
        }),
  })
}

function textWithoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, hidden)
  return clean
}
