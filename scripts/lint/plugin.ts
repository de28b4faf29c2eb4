// The project's own lint rules: rooms, layers, owners, purity. The table they read is scripts/rooms.ts.
import path from 'node:path'
import { againstImport, environmentRoom, owners, placeOf, pureModules, purePlaces } from '#scripts/rooms.ts'

// The part of ESLint's plugin interface that is used here.
type Node = { readonly type: string; readonly [property: string]: unknown }
type Context = { readonly filename: string; readonly cwd: string; report(problem: { readonly node: Node; readonly message: string }): void }
type Visitors = Record<string, (node: Node) => void>
type Place = ReturnType<typeof placeOf> & { readonly file: string; readonly folder: string }
type Rule = { create(context: Context): Visitors }

/** A rule from a function that gets the place of the file and a way to say what is wrong. */
function rule(visit: (place: Place, say: (node: Node, message: string) => void) => Visitors): Rule {
  return {
    create(context) {
      const file = path.relative(context.cwd, context.filename).split(path.sep).join('/')
      return visit({ ...placeOf(file), file, folder: path.posix.dirname(file) }, (node, message) => context.report({ node, message }))
    },
  }
}

/** Calls back for each module a file names: import, export from, dynamic import, import type. */
function eachImport(visit: (specifier: string, node: Node) => void): Visitors {
  const check = (node: Node) => {
    const source = (node['source'] ?? node['argument']) as Node | null | undefined
    const value = source?.type === 'TSLiteralType' ? (source['literal'] as Node)['value'] : source?.['value']
    if (typeof value === 'string') visit(value, node)
  }
  return {
    ImportDeclaration: check,
    ExportNamedDeclaration: check,
    ExportAllDeclaration: check,
    ImportExpression: check,
    TSImportType: check,
  }
}

const isCall = (node: Node, object: string, property: string) =>
  (node['object'] as Node)['name'] === object && (node['property'] as Node)['name'] === property

const impureCalls = [
  ['Date', 'now', 'a clock'],
  ['performance', 'now', 'a clock'],
  ['process', 'hrtime', 'a clock'],
  ['Math', 'random', 'randomness'],
  ['crypto', 'randomUUID', 'randomness'],
  ['crypto', 'getRandomValues', 'randomness'],
] as const
const impureGlobals = new Set(['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'])

const rules: Record<string, Rule> = {
  /** Only downward, only through a room's door. */
  layers: rule(({ room, isTest, folder }, say) =>
    eachImport((specifier, node) => {
      if (specifier.startsWith('.')) {
        if (room !== undefined && /^\.\.?\/(?:.*\/)?\.\.\/|^\.\.\//.test(specifier)) {
          say(node, `No '../': inside a room write './', across rooms '#room', so that an import says which room it reaches.`)
        } else if (room === undefined && path.posix.join(folder, specifier).startsWith('src/')) {
          say(node, `Reach rooms by '#room', not by a path into src/: what a room doesn't export is its own business.`)
        }
      } else if (specifier.startsWith('#test/')) {
        if (room !== undefined && !isTest) say(node, `'#test/' is for tests: the package is built without it.`)
      } else if (specifier.startsWith('#scripts/')) {
        if (room !== undefined) say(node, `'#scripts/' is for scripts and tests of the repository: the package is built without it.`)
      } else if (specifier.startsWith('#') && room !== undefined) {
        const against = againstImport(room, specifier.slice(1))
        if (against !== undefined) say(node, against)
      }
    }),
  ),

  /** Some packages have one room that may import them. */
  owners: rule(({ room }, say) =>
    eachImport((specifier, node) => {
      const [first = '', second = ''] = specifier.split('/')
      const owner = owners.get(first.startsWith('@') ? `${first}/${second}` : first)
      if (room !== undefined && owner !== undefined && owner.room !== room) {
        say(node, `Only '${owner.room}' imports '${specifier}': ${owner.why}. Use what '#${owner.room}' exports, or a port it implements.`)
      }
    }),
  ),

  /** Settings come from one place, where they are checked and documented. */
  environment: rule(({ room, isTest }, say) => {
    if (room === undefined || room === environmentRoom || isTest) return {}
    const message = `Only '${environmentRoom}' reads process.env: a setting is decoded, checked and documented there, and passed on as a value.`
    return {
      MemberExpression: (node) => {
        if (
          isCall(node, 'process', 'env') ||
          ((node['object'] as Node)['name'] === 'process' && (node['property'] as Node)['value'] === 'env')
        ) {
          say(node, message)
        }
      },
      ImportSpecifier: (node) => {
        const source = ((node['parent'] as Node | undefined)?.['source'] as Node | undefined)?.['value']
        if ((source === 'node:process' || source === 'process') && (node['imported'] as Node)['name'] === 'env') say(node, message)
      },
      VariableDeclarator: (node) => {
        const pattern = node['id'] as Node
        if (pattern.type !== 'ObjectPattern' || (node['init'] as Node | null)?.['name'] !== 'process') return
        for (const property of pattern['properties'] as Node[]) {
          if ((property['key'] as Node | undefined)?.['name'] === 'env') say(property, message)
        }
      },
    }
  }),

  /** ir, wires and the steps of plans compute: what they need from the world is passed in. */
  pure: rule(({ isTest, file }, say) => {
    if (isTest || !purePlaces.some((place) => file.startsWith(place))) return {}
    const because = (what: string) =>
      `${file} is pure and may not use ${what}: pass the value in, so that the same input always gives the same output.`
    return {
      ...eachImport((specifier, node) => {
        if (specifier.startsWith('node:') && !pureModules.has(specifier)) say(node, because(`'${specifier}'`))
      }),
      MemberExpression: (node) => {
        for (const [object, property, what] of impureCalls) {
          if (isCall(node, object, property)) say(node, because(`${what} (${object}.${property})`))
        }
      },
      ImportSpecifier: (node) => {
        const name = (node['imported'] as Node)['name']
        if (typeof name === 'string' && /^random|^getRandom/.test(name)) say(node, because(`randomness (${name})`))
      },
      NewExpression: (node) => {
        if ((node['callee'] as Node)['name'] === 'Date' && (node['arguments'] as unknown[]).length === 0)
          say(node, because('a clock (new Date)'))
      },
      CallExpression: (node) => {
        const name = (node['callee'] as Node)['name']
        if (typeof name === 'string' && impureGlobals.has(name)) say(node, because(`${name}()`))
      },
    }
  }),

  /** A room's door lists what goes through it. */
  'no-export-star': rule((_place, say) => ({
    ExportAllDeclaration: (node) => {
      if (node['exportKind'] !== 'type')
        say(node, `No 'export *': name what is exported, so that a room's index can be read as its table of contents.`)
    },
  })),

  'no-enum': rule((_place, say) => ({
    TSEnumDeclaration: (node) =>
      say(node, `No enum: write a union of strings; Node runs the sources by erasing types, and an enum cannot be erased.`),
  })),
}

const plugin = { meta: { name: 'turnpike' }, rules }

// oxlint takes a plugin from the default export.
export default plugin
