// Members in no order, added and removed in constant time; each remembers its own place.

/**
 * Why not a Set: its table is old while its members are young, and what was removed from it stays reachable for V8's young-generation
 * collector until the table is rebuilt. With a member per request nearly everything survived every collection (found with --trace-gc;
 * it doubled the work of V8's helper threads).
 */
export class Crowd<Place extends string, Member extends { [P in Place]: number }> {
  readonly #place: Place
  readonly #members: Member[] = []

  /** `place` names the member's own field: -1 while it is not here. */
  constructor(place: Place) {
    this.#place = place
  }

  get size(): number {
    return this.#members.length
  }

  add(member: Member): void {
    if (member[this.#place] >= 0) return
    ;(member[this.#place] as number) = this.#members.push(member) - 1
  }

  remove(member: Member): void {
    const at = member[this.#place]
    if (at < 0) return
    const last = this.#members.pop()!
    if (last !== member) {
      this.#members[at] = last
      ;(last[this.#place] as number) = at
    }
    ;(member[this.#place] as number) = -1
  }

  /** Every member that is here throughout is visited, some perhaps twice; members may come and go meanwhile. */
  forEach(visit: (member: Member) => void): void {
    for (let at = this.#members.length - 1; at >= 0; at--) {
      const member = this.#members[at]
      if (member !== undefined) visit(member)
    }
  }
}
