// Health of every target that has been planned: found by name, bounded, and one look away while all are well.
import type { BreakerRule } from '#config'
import { Bans } from './ban.ts'
import { defaultRule } from './breaker.ts'
import type { Health, HealthRow, Vitals } from './health.ts'
import { CredentialState, ProviderState, Target, type Targets } from './vitals.ts'

/** Model names come from clients. A target takes about a kilobyte. */
const mostTargets = 4096
/** What nobody has asked for so long is no longer shown, nor kept. */
const idleMs = 3_600_000

export type HealthOptions = {
  /** Of everybody's breakers. */
  readonly rule?: Partial<BreakerRule>
  readonly mostTargets?: number
}

export function createHealth(options: HealthOptions = {}): Health {
  return new KnownTargets({ ...defaultRule, ...options.rule }, options.mostTargets ?? mostTargets)
}

class KnownTargets implements Health, Targets {
  readonly bans = new Bans()
  readonly rule: BreakerRule
  readonly #most: number
  readonly #credentials = new Map<string, CredentialState>()
  readonly #targets = new Map<string, Target>()
  readonly #providers = new Map<string, ProviderState>()
  nowMs = 0

  constructor(rule: BreakerRule, most: number) {
    this.rule = rule
    this.#most = most
  }

  of(provider: string, credential: string, model: string, own?: { readonly scope: string; readonly rule: BreakerRule }): Vitals {
    const target = this.targetOf(provider, credential, model)
    return own === undefined ? target.shared : target.own(own.scope, own.rule)
  }

  get allWell(): boolean {
    return this.bans.none
  }

  provider(slug: string, nowMs: number): { readonly available: boolean; readonly latencyMs: number | undefined } {
    const known = this.#providers.get(slug)
    if (known === undefined) return { available: true, latencyMs: undefined }
    return { available: this.bans.none || known.isAvailable(nowMs), latencyMs: known.latency.medianMs(nowMs) }
  }

  rows(nowMs: number): readonly HealthRow[] {
    this.nowMs = nowMs
    this.bans.pass(nowMs)
    this.#forget((target) => target.isIdle && nowMs - target.usedMs > idleMs)
    return [...this.#targets.values()].flatMap((target) => [...target.vitals()].map((vitals) => vitals.row(nowMs)))
  }

  reset(provider: string): void {
    for (const target of this.#providers.get(provider)?.targets ?? []) target.reset()
  }

  targetOf(provider: string, credential: string, model: string): Target {
    const name = nameOf(provider, credential, model)
    const known = this.#targets.get(name)
    if (known !== undefined) return known
    if (this.#targets.size >= this.#most) this.#makeRoom()
    const target = new Target(this, this.#credentialOf(provider, credential), model, this.nowMs)
    target.account.provider.targets.add(target)
    this.#targets.set(name, target)
    return target
  }

  #credentialOf(slug: string, credential: string): CredentialState {
    const name = nameOf(slug, credential)
    const known = this.#credentials.get(name)
    if (known !== undefined) return known
    const provider = this.#providers.get(slug) ?? new ProviderState(slug)
    this.#providers.set(slug, provider)
    const made = new CredentialState(this.bans, provider, credential)
    this.#credentials.set(name, made)
    return made
  }

  /** A quarter goes at once, so that it is seldom: what has not been used for longest, and what is in trouble only if that must be. */
  #makeRoom(): void {
    const byAge = [...this.#targets.values()].filter(({ running }) => running === 0).toSorted((a, b) => a.usedMs - b.usedMs)
    const [idle, inTrouble] = [byAge.filter(({ isIdle }) => isIdle), byAge.filter(({ isIdle }) => !isIdle)]
    const leaving = new Set([...idle, ...inTrouble].slice(0, Math.max(1, this.#most >> 2)))
    this.#forget((target) => leaving.has(target))
  }

  #forget(isLeaving: (target: Target) => boolean): void {
    const left: Target[] = []
    for (const [name, target] of this.#targets) {
      if (!isLeaving(target)) continue
      this.#targets.delete(name)
      target.leave()
      left.push(target)
    }
    for (const { provider, credential, refused } of new Set(left.map(({ account }) => account))) {
      if ([...provider.targets].some(({ account }) => account.credential === credential)) continue
      refused.reset()
      this.#credentials.delete(nameOf(provider.slug, credential))
      if (provider.targets.size === 0) this.#providers.delete(provider.slug)
    }
  }
}

/** Slugs and names of credentials have no line breaks. */
function nameOf(...parts: readonly string[]): string {
  return parts.join('\n')
}
