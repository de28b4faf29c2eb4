// The note that a running instance leaves in its home, so that other commands find it whatever its port is.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

export type InstanceNote = { readonly url: string; readonly pid: number; readonly version: string }

const fileName = 'instance.json'

/** Written once it serves; whole or not at all. */
export async function writeInstanceNote(home: string, note: InstanceNote): Promise<void> {
  const file = path.join(home, fileName)
  const partial = `${file}.${note.pid}`
  await writeFile(partial, `${JSON.stringify(note)}\n`, { mode: 0o600 })
  await rename(partial, file)
}

/** undefined when there is none, or it is not readable as one. It outlives a killed process: what it says must be tried. */
export async function readInstanceNote(home: string): Promise<InstanceNote | undefined> {
  try {
    const note = JSON.parse(await readFile(path.join(home, fileName), 'utf8')) as Partial<InstanceNote> | null
    const { url, pid, version } = note ?? {}
    return typeof url === 'string' && typeof pid === 'number' && typeof version === 'string' ? { url, pid, version } : undefined
  } catch {
    return undefined
  }
}

/** Removes the note, unless another process has written its own meanwhile. */
export async function removeInstanceNote(home: string, pid: number): Promise<void> {
  if ((await readInstanceNote(home))?.pid === pid) await rm(path.join(home, fileName), { force: true })
}

export type Neighbour = { readonly kind: 'turnpike'; readonly version: string } | { readonly kind: 'other' } | undefined

/** Who answers at a URL: a turnpike, something else, or nobody within a second. */
export async function probeNeighbour(url: string): Promise<Neighbour> {
  try {
    const answer = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(1000), redirect: 'manual' })
    const body = (await answer.json().catch(() => undefined)) as { name?: unknown; version?: unknown } | null | undefined
    const isTurnpike = body?.name === 'turnpike'
    return isTurnpike ? { kind: 'turnpike', version: typeof body?.version === 'string' ? body.version : '' } : { kind: 'other' }
  } catch (error) {
    return error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError') ? undefined : { kind: 'other' }
  }
}
