// The table of rooms: which exist, on which layer, what each alone may touch. The linter's rules and the tests of the repository read it.
import path from 'node:path'

/** A room may import the rooms of lower layers, and none of its own layer. */
export const layers: ReadonlyMap<string, number> = new Map([
  ['kernel', 0],
  ['threads', 0],
  ['ir', 1],
  ['wires', 2],
  ['config', 2],
  ['store', 2],
  ['telemetry', 2],
  ['catalog', 3],
  ['upstream', 3],
  ['routing', 3],
  ['policy', 3],
  ['ledger', 3],
  ['journal', 3],
  ['inspection', 4],
  ['control', 4],
  ['planning', 5],
  ['translation', 5],
  ['cache', 5],
  ['gateway', 6],
  ['drill', 7],
  ['ingress', 8],
  ['admin', 8],
  ['cli', 8],
])

/** `src/main.ts`, which joins the rooms, as if it were a room. Only the command line starts it, so only `cli` may import it. */
export const main = 'main'

/** Packages that one room alone may import, and why. */
export const owners: ReadonlyMap<string, { readonly room: string; readonly why: string }> = new Map([
  ['node:tls', { room: 'upstream', why: 'sockets to providers are opened, timed and cancelled in one place' }],
  ['aws4', { room: 'upstream', why: 'calls are signed where they are sent' }],
  ['google-auth-library', { room: 'upstream', why: 'tokens are fetched by the sockets that every call has' }],
  ['node:sqlite', { room: 'store', why: 'a database is changed in one place' }],
  ['better-sqlite3', { room: 'store', why: 'a database is changed in one place' }],
  ['kysely', { room: 'store', why: 'a database is changed in one place' }],
  ['pg', { room: 'store', why: 'a database is changed in one place' }],
  ['redis', { room: 'store', why: 'a database is changed in one place' }],
])

/** The one room that reads `process.env`. */
export const environmentRoom = 'config'

/** Rooms, and beginnings of file names in a room, without I/O, clock, randomness and environment. */
export const purePlaces: readonly string[] = ['src/ir/', 'src/wires/', 'src/routing/plan']

/** Modules of Node that are pure functions, for pure places. (`node:crypto` for hashing: its randomness is a name the linter knows.) */
export const pureModules: ReadonlySet<string> = new Set([
  'node:buffer',
  'node:crypto',
  // For a package that is loaded late.
  'node:module',
  'node:string_decoder',
  'node:util',
])

/**
 * What a file is, by its path in the project: a room's, `main` or a test's, a script's or a benchmark's (no room). A test beside the
 * code belongs to the room and imports as the room does, but may also use `#test/...`.
 */
export function placeOf(file: string): { readonly room: string | undefined; readonly isTest: boolean } {
  const segments = file.split(path.sep).join('/').split('/')
  const isTest = file.endsWith('.test.ts') || segments[0] === 'test'
  if (segments[0] !== 'src') return { room: undefined, isTest }
  return { room: segments.length === 2 ? main : segments[1], isTest }
}

/** The sentence against an import of `#to` by the room `from`; undefined when it is allowed. */
export function againstImport(from: string, to: string): string | undefined {
  const toLayer = layers.get(to)
  // A folder inside a room reaches a file above it that package.json names (`#wires/codec`): './' can't, and '../' hides the room.
  if (to.startsWith(`${from}/`)) return undefined
  if (from === to) return `A room reaches its own files with './', not through its own door '#${to}'.`
  if (to === main) {
    return from === 'cli'
      ? undefined
      : `'#main' joins the rooms and only 'cli' starts it; '${from}' must get what it needs from its caller.`
  }
  if (toLayer === undefined) return `There is no room '#${to}': scripts/rooms.ts and "imports" in package.json name the rooms.`
  if (from === main)
    return to === 'cli' ? `'main' may not import '#cli': the command line starts main, not the other way round.` : undefined
  const fromLayer = layers.get(from)
  if (fromLayer === undefined) return `'${from}' is not a room: add it to scripts/rooms.ts and to "imports" in package.json.`
  if (fromLayer > toLayer) return undefined
  const how = fromLayer === toLayer ? 'rooms of one layer never import each other' : 'imports go only downward'
  return `'${from}' (layer ${fromLayer}) may not import '#${to}' (layer ${toLayer}): ${how}. Move what is shared to a lower room, or join the two in gateway or main.`
}
