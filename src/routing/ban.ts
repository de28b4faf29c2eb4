// A time in which something is not asked in its place; where it ends with a probe, one request at a time then tries.

/** A probe that has said nothing for so long is taken for lost, or for a long answer: another request may try. */
export const probeLifeMs = 30_000
/** A ban whose time is over and that nobody has tried to end for so long is forgotten. */
export const forgottenMs = 600_000
/** Who says "try again in 6 ms" each time is believed so often in a row; after that, it is the first time at least. */
const trustedTurns = 4
/** How far the times of two callers may be apart: some read a clock that ticks every 50 ms. */
const slackMs = 100

export type BanRule = {
  /** Of the first one; each that follows without a success between is twice as long. */
  readonly firstMs: number
  readonly longestMs: number
  /** Of one whose length somebody else says. */
  readonly longestSaidMs: number
  /** Whether one request at a time tries when its time is over. Without, it ends by time alone. */
  readonly probed: boolean
}

/** All bans that are in force, so that nobody looks at any while there are none. */
export class Bans {
  readonly #inForce = new Set<Ban>()
  #nextEndMs = Infinity

  get none(): boolean {
    return this.#inForce.size === 0
  }

  add(ban: Ban): void {
    this.#inForce.add(ban)
    this.#nextEndMs = Math.min(this.#nextEndMs, ban.endMs)
  }

  delete(ban: Ban): void {
    this.#inForce.delete(ban)
    if (this.#inForce.size === 0) this.#nextEndMs = Infinity
  }

  /** Ends what time alone ends. */
  pass(nowMs: number): void {
    if (nowMs < this.#nextEndMs) return
    this.#nextEndMs = Infinity
    for (const ban of this.#inForce) {
      if (nowMs >= ban.endMs) ban.lapse()
      else this.#nextEndMs = Math.min(this.#nextEndMs, ban.endMs)
    }
  }
}

export class Ban {
  readonly #bans: Bans
  readonly #rule: BanRule
  /** 0: not in force. */
  untilMs = 0
  sinceMs = 0
  /** Without a success between. */
  #turns = 0
  /** When the running probe began; -1: none does. */
  #probeMs = -1
  /** Attempts since then that have not ended. */
  #probing = 0

  constructor(bans: Bans, rule: BanRule) {
    this.#bans = bans
    this.#rule = rule
  }

  get inForce(): boolean {
    return this.untilMs !== 0
  }

  /** When it ends if nobody tries. */
  get endMs(): number {
    return this.#rule.probed ? this.untilMs + forgottenMs : this.untilMs
  }

  /** Until when nobody is asked; undefined: now somebody may be. */
  heldUntilMs(nowMs: number): number | undefined {
    if (this.untilMs === 0) return undefined
    if (nowMs < this.untilMs) return this.untilMs
    return this.isProbed(nowMs) ? this.#probeMs + probeLifeMs : undefined
  }

  isProbed(nowMs: number): boolean {
    return this.#probeMs >= 0 && nowMs < this.#probeMs + probeLifeMs
  }

  began(nowMs: number): void {
    if (this.untilMs === 0 || nowMs < this.untilMs) return
    if (this.isProbed(nowMs)) this.#probing++
    else {
      this.#probeMs = nowMs
      this.#probing = 1
    }
  }

  /**
   * What an attempt that began at `startedMs` found gives cause for it. One that began before it came into force says nothing new.
   * `saidMs`: how long it is, when somebody said so.
   */
  impose(nowMs: number, startedMs: number, saidMs?: number): void {
    const said = saidMs !== undefined && saidMs > 0 ? Math.min(saidMs, this.#rule.longestSaidMs) : undefined
    if (this.untilMs !== 0) {
      if (startedMs < this.sinceMs - slackMs) return
      if (nowMs < this.untilMs) {
        // Another attempt of the same time; the longest word counts.
        if (said !== undefined) this.#hold(Math.max(this.untilMs, nowMs + said))
        return
      }
    } else this.sinceMs = nowMs
    const { firstMs, longestMs } = this.#rule
    const ownMs = Math.min(firstMs * 2 ** this.#turns, longestMs)
    this.#turns++
    this.#probeMs = -1
    this.#hold(nowMs + (said === undefined ? ownMs : this.#turns > trustedTurns ? Math.max(said, firstMs) : said))
  }

  /** An attempt that began at `startedMs` was answered. True when that ended it. */
  lift(startedMs: number): boolean {
    if (this.untilMs !== 0 && startedMs < this.sinceMs) return false
    this.#turns = 0
    if (this.untilMs === 0) return false
    this.#end()
    return true
  }

  /** An attempt ended and nothing can be said: if it was the probe, the next one may try. */
  nothingLearned(startedMs: number): void {
    if (this.#probeMs < 0 || startedMs < this.#probeMs - slackMs) return
    this.#probing--
    if (this.#probing <= 0) this.#probeMs = -1
  }

  /** Its time has passed. */
  lapse(): void {
    if (this.#rule.probed) this.#turns = 0
    this.#end()
  }

  reset(): void {
    this.#turns = 0
    this.#end()
  }

  #end(): void {
    this.untilMs = 0
    this.#probeMs = -1
    this.#probing = 0
    this.#bans.delete(this)
  }

  #hold(untilMs: number): void {
    this.untilMs = untilMs
    this.#bans.add(this)
  }
}
