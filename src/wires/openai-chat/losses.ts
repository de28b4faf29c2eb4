// Collects what an encoding loses, so that every loss is said.
import type { Ext, Note, Wire } from '#ir'
import { wire } from './fields.ts'

export class Losses {
  readonly notes: Note[] = []

  dropped(path: string, why: string): void {
    this.notes.push({ code: 'dropped', path, why })
  }

  approximated(path: string, why: string): void {
    this.notes.push({ code: 'approximated', path, why })
  }

  renamed(path: string, why: string): void {
    this.notes.push({ code: 'renamed', path, why })
  }

  /** Fields of other wires stay behind; each is named. `path` is that of their holder, '' for the request. */
  foreignExt(ext: Ext | undefined, path: string): void {
    if (ext === undefined) return
    for (const other of Object.keys(ext) as Wire[]) {
      if (other === wire) continue
      for (const field of Object.keys(ext[other] ?? {})) {
        this.dropped(`${path === '' ? '' : `${path}.`}ext.${other}.${field}`, `this wire has no such field`)
      }
    }
  }
}
