// Whether a value can be a config at all: JSON, without cycles, not nested or spread beyond reason. What reads it afterwards may recurse.
import { below, fault, kindOf } from './routing-config-values.ts'

/** Two levels for each target within a target, and some for what a target says. */
const mostLevels = 512
/** An alias of YAML may stand for a list of aliases of lists; each value is counted wherever it is reached. */
const mostValues = 200_000
const mostPathCharacters = 200

type Frame = { readonly container: object; readonly entries: Iterator<readonly [string | number, unknown]> }

/** Throws ConfigError with the path of the first value that cannot be in a config. Iterative: the depth is the writer's choice. */
export function refuseUnreadable(root: unknown): void {
  const keys: (string | number)[] = []
  const open: Frame[] = []
  const ancestors = new Set<object>()
  let values = 0
  const look = (value: unknown) => {
    if (++values > mostValues) throw fault('config', `holds more than ${mostValues} values. Make it smaller.`)
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw fault(pathOf(keys), `is ${value}, which is not a number that JSON has.`)
      return
    }
    if (typeof value !== 'object')
      throw fault(pathOf(keys), `is ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON doesn't have.`)
    if (!Array.isArray(value) && !isPlain(value)) throw fault(pathOf(keys), `is ${kindOf(value)} of a kind that JSON doesn't have.`)
    if (ancestors.has(value)) throw fault(pathOf(keys), 'contains itself: an anchor that is used within itself. Write it out.')
    if (open.length >= mostLevels) throw fault(pathOf(keys), `is nested more than ${mostLevels} levels deep. Flatten it.`)
    ancestors.add(value)
    open.push({ container: value, entries: entriesOf(value) })
  }
  look(root)
  while (open.length > 0) {
    const { container, entries } = open.at(-1)!
    keys.length = open.length - 1
    const next = entries.next()
    if (next.done === true) {
      ancestors.delete(container)
      open.pop()
      continue
    }
    const [key, value] = next.value
    if (value === undefined && typeof key === 'string') continue
    keys.push(key)
    look(value)
  }
}

function* entriesOf(container: object): Generator<readonly [string | number, unknown]> {
  if (Array.isArray(container)) for (let index = 0; index < container.length; index++) yield [index, container[index]]
  else yield* Object.entries(container)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function pathOf(keys: readonly (string | number)[]): string {
  let path = 'config'
  for (const key of keys) {
    if (path.length > mostPathCharacters) return `${path}...`
    path = typeof key === 'number' ? `${path}[${key}]` : below(path, key)
  }
  return path
}
