// Asks a gateway as OpenClaw does: with its address and its key.

export type GatewayAnswer =
  | { readonly kind: 'ok'; readonly body: unknown }
  /** It is a gateway and says no, in its own words. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string }
  /** Nobody answers, or somebody else does. */
  | { readonly kind: 'down' | 'other'; readonly message: string }

const answerMs = 5_000

export async function askGateway(origin: string, path: string, key: string | undefined): Promise<GatewayAnswer> {
  let answer: Response
  try {
    answer = await fetch(origin + path, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = (cause as NodeJS.ErrnoException).code
    return {
      kind: 'down',
      message: code ?? (error instanceof Error && error.name === 'TimeoutError' ? 'no answer in 5 seconds' : 'no connection'),
    }
  }
  const body = (await answer.json().catch(() => undefined)) as { error?: { message?: unknown; code?: unknown } } | null | undefined
  if (answer.ok) return body === undefined ? { kind: 'other', message: 'the answer is not JSON' } : { kind: 'ok', body }
  const { message, code } = body?.error ?? {}
  if (typeof message !== 'string') return { kind: 'other', message: `status ${answer.status} without an error of a gateway` }
  return { kind: 'refused', status: answer.status, code: typeof code === 'string' ? code : '', message }
}
