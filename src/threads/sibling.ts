// Finds the file beside a module, for `new Worker(...)`: `.ts` when run from source, `.js` when run from the compiled package.

/**
 * `siblingModule(import.meta.url, 'writer-thread')` is the URL of `writer-thread.ts` beside a module run from source and of
 * `writer-thread.js` beside a compiled one. The compiler rewrites the extensions of imports but not of strings, so a written-out
 * `new URL('./writer-thread.ts', import.meta.url)` would not exist in the package.
 */
export function siblingModule(importingModuleUrl: string, name: string): URL {
  if (!/^[a-z0-9-]+$/.test(name)) throw new TypeError(`siblingModule takes a file name without folder and extension, not '${name}'`)
  const extension = /\.[a-z]+$/.exec(new URL(importingModuleUrl).pathname)?.[0]
  if (extension === undefined) throw new TypeError(`The module ${importingModuleUrl} has no extension to copy`)
  return new URL(`./${name}${extension}`, importingModuleUrl)
}
