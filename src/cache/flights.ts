// Concurrent requests for the same answer: one leads and asks, the others wait for what it brings.

/** What those who wait are told: the answer; that they ask themselves; or that one of them leads now. */
export type Landing<Answer> = { readonly answer: Answer } | 'ask' | 'lead'

/** Told once, unless it has left. */
export type Follower<Answer> = (landing: Landing<Answer>) => void

export interface Flights<Answer> {
  /** True: nobody asks for this yet, and the caller leads; it settles exactly once. False: `follower` will be told. */
  join(key: string, follower: Follower<Answer>): boolean
  /** It waits no longer. */
  leave(key: string, follower: Follower<Answer>): void
  /**
   * `answer`: everybody gets it. `ask`: it failed, or may not be shared: all ask at once, since waiting one after the other would multiply
   * what a failure takes. `lead`: the leader's client has left, or it was refused, which says nothing of the answer: the next one leads.
   */
  settle(key: string, landing: Landing<Answer>): void
  readonly waiting: number
}

export function createFlights<Answer>(): Flights<Answer> {
  /** Those who wait, in the order in which they came. */
  const flights = new Map<string, Set<Follower<Answer>>>()
  let waiting = 0

  return {
    join(key, follower) {
      const followers = flights.get(key)
      if (followers === undefined) {
        flights.set(key, new Set())
        return true
      }
      followers.add(follower)
      waiting++
      return false
    },
    leave(key, follower) {
      if (flights.get(key)?.delete(follower) === true) waiting--
    },
    settle(key, landing) {
      const followers = flights.get(key)
      if (followers === undefined) return
      if (landing === 'lead') {
        const [next] = followers
        if (next === undefined) {
          flights.delete(key)
          return
        }
        followers.delete(next)
        waiting--
        next('lead')
        return
      }
      // Before anybody is told: who asks again at once begins a flight of its own.
      flights.delete(key)
      waiting -= followers.size
      for (const follower of followers) follower(landing)
    },
    get waiting() {
      return waiting
    },
  }
}
