// Requests whose end has not been read yet, by id, in the order of their reserve records.
import type { OpenRequest } from '#store'

type Known = Pick<OpenRequest, 'id'>

/**
 * Why not a Map of them: when many have come and gone, V8 gives a Map another table, and the one that is left points to it. The young
 * generation's collector then keeps alive what was in each table when it was left. Here that is ids and numbers (found with --trace-gc).
 */
export class RunningRequests<Running extends Known> {
  readonly #places = new Map<string, number>()
  readonly #requests: (Running | undefined)[] = []
  readonly #free: number[] = []

  get(id: string): Running | undefined {
    const place = this.#places.get(id)
    return place === undefined ? undefined : this.#requests[place]
  }

  set(request: Running): void {
    const known = this.#places.get(request.id)
    const place = known ?? this.#free.pop() ?? this.#requests.length
    this.#requests[place] = request
    if (known === undefined) this.#places.set(request.id, place)
  }

  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#places.delete(id)
    this.#requests[place] = undefined
    this.#free.push(place)
  }

  clear(): void {
    this.#places.clear()
    this.#requests.length = 0
    this.#free.length = 0
  }

  *values(): Generator<Running> {
    for (const place of this.#places.values()) yield this.#requests[place]!
  }
}
