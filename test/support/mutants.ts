// A module with a defect put into it, in memory: to show that a test finds the defect.
import { registerHooks } from 'node:module'

export type Mutation = {
  /** What is wrong with it. */
  readonly name: string
  /** File name of the module that is changed: the imported one, or one that it reaches by './'. */
  readonly file: string
  readonly from: string
  readonly to: string
}

let count = 0

/** Imports a copy of the module and of its neighbours, in which `from` is `to`, wherever it stands in the file. */
export async function importMutant<Module>(entry: string, { name, file, from, to }: Mutation): Promise<Module> {
  const mark = `mutant=${++count}`
  const isMutant = (url: string | undefined): boolean => url?.endsWith(`?${mark}`) === true
  let changed = false
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      return isMutant(context.parentURL) && specifier.startsWith('./') ? { ...resolved, url: `${resolved.url}?${mark}` } : resolved
    },
    load(url, context, next) {
      const loaded = next(url, context)
      if (!isMutant(url) || !url.endsWith(`/${file}?${mark}`) || loaded.source == null) return loaded
      const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString('utf8')
      changed = source.includes(from)
      return { ...loaded, source: source.replaceAll(from, to) }
    },
  })
  try {
    const module = (await import(`${entry}?${mark}`)) as Module
    if (!changed) throw new Error(`${name}: ${JSON.stringify(from)} is not in ${file}`)
    return module
  } finally {
    hooks.deregister()
  }
}
