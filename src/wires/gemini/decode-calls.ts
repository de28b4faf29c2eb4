// Ids of calls and their results: Gemini's may have none, and then belong together by name and order. Ours are made from the place of the
// call in the conversation, so they are the same in the next request.
import { wrong } from './fields.ts'

type Waiting = { readonly id: string; readonly name: string }

export class Calls {
  /** Calls without a result, in order. */
  #waiting: Waiting[] = []
  readonly #ids = new Set<string>()
  #content = 0
  #inContent = 0

  /** Another content of the model begins. */
  turn(content: number): void {
    this.#content = content
    this.#inContent = 0
  }

  /** The id of a call. */
  called(given: string | undefined, name: string, path: string): string {
    if (given !== undefined && this.#ids.has(given)) wrong(path, `another call has the id "${given}" too`)
    let id = given ?? `call_${this.#content}_${this.#inContent++}`
    // A client may have made up the same one.
    while (given === undefined && this.#ids.has(id)) id += '_'
    this.#ids.add(id)
    this.#waiting.push({ id, name })
    return id
  }

  /** The id of the call that a result answers: by its own id, else the first unanswered call of that name. */
  answered(given: string | undefined, name: string, path: string): string {
    const at = this.#waiting.findIndex((call) => (given === undefined ? call.name === name : call.id === given))
    if (at !== -1) return this.#waiting.splice(at, 1)[0]!.id
    if (given !== undefined && this.#ids.has(given)) wrong(`${path}.id`, `the call "${given}" has a result already`)
    // A client that leaves the call's id out gives it to the result: then the name decides.
    const named = given === undefined ? -1 : this.#waiting.findIndex((call) => call.name === name)
    if (named !== -1) return this.#waiting.splice(named, 1)[0]!.id
    return given ?? wrong(`${path}.name`, `no call of the function "${name}" waits for a result`)
  }
}
