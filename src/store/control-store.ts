// The control store as its owner sees it: asks the thread that has the file, one transaction a question.
import { createAskedThread, siblingModule } from '#threads'
import type { AuditNote, ControlChange, ControlStore, StoredAlert, StoredAnswer } from './control-state.ts'

export type ControlQuestion =
  | { readonly op: 'load' }
  | { readonly op: 'write'; readonly changes: readonly ControlChange[]; readonly audit: AuditNote }
  | { readonly op: 'audit'; readonly limit: number; readonly beforeSeq: number | undefined }
  | { readonly op: 'configVersions'; readonly slug: string; readonly limit: number; readonly beforeVersion: number | undefined }
  | { readonly op: 'answer'; readonly key: string }
  | { readonly op: 'keepAnswer'; readonly answer: StoredAnswer }
  | { readonly op: 'forgetAnswers'; readonly beforeMs: number }
  | { readonly op: 'keepAlert'; readonly alert: StoredAlert }
  | { readonly op: 'alertSent'; readonly id: string; readonly atMs: number }
  | { readonly op: 'unsentAlerts' }
  | { readonly op: 'forgetAlerts'; readonly beforeMs: number }

/** Limits, not reservations: a store of thousands of providers and keys is a few megabytes. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 8 }

/**
 * Opens the file, making it when it is missing. Rejects with one sentence when that cannot be done. It is closed after `idleMs` without a
 * question and opened again by the next: whoever has the store holds the home's lock meanwhile.
 */
export async function createControlStore(file: string, { idleMs = 10_000 } = {}): Promise<ControlStore> {
  const thread = createAskedThread<ControlQuestion>({
    module: siblingModule(import.meta.url, 'control-thread'),
    data: { file },
    idleMs,
    resourceLimits,
    closed: 'The control store is closed.',
    died: ({ message }) => `The control store's thread has stopped (${message}); nothing can be changed until Turnpike is started again.`,
  })
  await thread.open()
  return {
    load: () => thread.ask({ op: 'load' }),
    write: (changes, audit) => thread.ask({ op: 'write', changes, audit }),
    audit: (limit, beforeSeq) => thread.ask({ op: 'audit', limit, beforeSeq }),
    configVersions: (slug, limit, beforeVersion) => thread.ask({ op: 'configVersions', slug, limit, beforeVersion }),
    keepAnswer: (answer) => thread.ask({ op: 'keepAnswer', answer }),
    answer: (key) => thread.ask({ op: 'answer', key }),
    forgetAnswers: (beforeMs) => thread.ask({ op: 'forgetAnswers', beforeMs }),
    keepAlert: (alert) => thread.ask({ op: 'keepAlert', alert }),
    alertSent: (id, atMs) => thread.ask({ op: 'alertSent', id, atMs }),
    unsentAlerts: () => thread.ask({ op: 'unsentAlerts' }),
    forgetAlerts: (beforeMs) => thread.ask({ op: 'forgetAlerts', beforeMs }),
    close: () => thread.close(),
  }
}
