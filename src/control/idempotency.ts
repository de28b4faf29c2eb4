// Idempotency-Key: a write that is sent again gets the answer of the first time, and is not done again.
import { createHash } from 'node:crypto'
import type { ControlStore } from '#store'
import type { Control } from './port.ts'
import { Refusal } from './refusal.ts'
import type { Vault } from './vault.ts'

const keptMs = 86_400_000
const maxKeyCharacters = 255

type Running = { readonly request: string; readonly answer: Promise<object> }

export function createOnce(store: ControlStore, vault: Vault, onTrouble: (error: Error) => void): Control['once'] {
  const running = new Map<string, Running>()
  let forgotAtMs = 0

  async function forgetOld(nowMs: number): Promise<void> {
    if (nowMs - forgotAtMs < 3_600_000) return
    forgotAtMs = nowMs
    await store.forgetAnswers(nowMs - keptMs)
  }

  return async function once<T extends object>(key: string, request: string, act: () => Promise<T>) {
    if (!/^[\x20-\x7e]+$/.test(key) || key.length > maxKeyCharacters)
      throw new Refusal(
        'invalid_request',
        `Idempotency-Key must be 1 to ${maxKeyCharacters} printable ASCII characters.`,
        'Idempotency-Key',
      )
    // Hashes alone are kept: a request may hold secrets.
    const name = digest(key)
    const requestHash = digest(request)
    const other = (): Refusal =>
      new Refusal('conflict', 'This Idempotency-Key was used for another request; send a new key with a new request.', 'Idempotency-Key')

    const twin = running.get(name)
    if (twin !== undefined) {
      if (twin.request !== requestHash) throw other()
      return { value: (await twin.answer) as T, replayed: true }
    }
    const answer = replayOrAct(name, requestHash, act, other)
    const entry = { request: requestHash, answer: answer.then(({ value }) => value) }
    // Whoever waits hears of it; without anybody waiting it must not count as unhandled.
    entry.answer.catch(() => undefined)
    running.set(name, entry)
    try {
      return await answer
    } finally {
      running.delete(name)
    }
  }

  async function replayOrAct<T extends object>(
    name: string,
    requestHash: string,
    act: () => Promise<T>,
    other: () => Refusal,
  ): Promise<{ readonly value: T; readonly replayed: boolean }> {
    const nowMs = Date.now()
    const place = ['answer', name, requestHash]
    const stored = await store.answer(name).catch(unavailable)
    if (stored !== undefined && stored.atMs > nowMs - keptMs) {
      if (stored.requestHash !== requestHash) throw other()
      const text = vault.open(stored.sealed, place)
      if (text !== undefined) return { value: JSON.parse(text) as T, replayed: true }
    }
    const value = await act()
    // Done is done: that its answer cannot be kept must not look as if it had failed.
    try {
      await store.keepAnswer({ key: name, requestHash, sealed: vault.seal(JSON.stringify(value), place), atMs: nowMs })
      await forgetOld(nowMs)
    } catch (error) {
      onTrouble(error as Error)
    }
    return { value, replayed: false }
  }
}

export function unavailable(error: unknown): never {
  throw new Refusal('unavailable', error instanceof Error ? error.message : String(error))
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url')
}
