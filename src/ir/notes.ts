// Collects what a translation loses: small, so that no encoder forgets to say it.
import type { Ext, Note, Wire } from './request.ts'

/** The losses of one request on its way into the wire `own`. Paths are those of the IR request, like `tools[2].strict`. */
export class Notes {
  readonly list: Note[] = []
  readonly #own: Wire

  constructor(own: Wire) {
    this.#own = own
  }

  dropped(path: string, why: string): void {
    this.list.push({ code: 'dropped', path, why })
  }

  approximated(path: string, why: string): void {
    this.list.push({ code: 'approximated', path, why })
  }

  renamed(path: string, why: string): void {
    this.list.push({ code: 'renamed', path, why })
  }

  /** Fields of other wires stay behind; each is named. `path` is of the object that carries `ext`, '' for the request itself. */
  foreignExt(ext: Ext | undefined, path: string): void {
    if (ext === undefined) return
    for (const [wire, fields] of Object.entries(ext)) {
      if (wire === this.#own || fields === undefined) continue
      for (const key of Object.keys(fields)) {
        this.dropped(`${path === '' ? '' : `${path}.`}ext.${wire}.${key}`, `${this.#own} has no such field`)
      }
    }
  }
}
