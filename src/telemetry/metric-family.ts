// Counters and histograms with labels, and their text for Prometheus. Counting costs a lookup for each label; text is made when it is asked for.

type Tree<Child> = Map<string, Tree<Child> | Child>

/** Bounded: from then on, every new combination of labels is counted as `other`. */
const usualMost = 1000

class Family<Child extends object> {
  readonly labels: readonly string[]
  readonly #make: () => Child
  readonly #most: number
  readonly #tree: Tree<Child> = new Map()
  #size = 0

  constructor(labels: readonly string[], make: () => Child, most = usualMost) {
    this.labels = labels
    this.#make = make
    this.#most = most
  }

  at(values: readonly string[]): Child {
    let tree = this.#tree
    const last = values.length - 1
    for (let i = 0; i < last; i++) {
      const found = tree.get(values[i]!)
      if (found === undefined) return this.#add(values)
      tree = found as Tree<Child>
    }
    return (tree.get(values[last] ?? '') as Child | undefined) ?? this.#add(values)
  }

  *all(): Generator<readonly [readonly string[], Child]> {
    yield* this.#below(this.#tree, [])
  }

  *#below(tree: Tree<Child>, before: readonly string[]): Generator<readonly [readonly string[], Child]> {
    for (const [value, found] of tree) {
      const values = [...before, value]
      if (found instanceof Map) yield* this.#below(found, values)
      else yield [values, found]
    }
  }

  #add(values: readonly string[]): Child {
    const others = values.map(() => 'other')
    if (this.#size >= this.#most && values.some((value) => value !== 'other')) return this.at(others)
    let tree = this.#tree
    for (const value of values.slice(0, -1)) {
      const found = (tree.get(value) as Tree<Child> | undefined) ?? new Map()
      tree.set(value, found)
      tree = found
    }
    const child = this.#make()
    tree.set(values.at(-1) ?? '', child)
    this.#size++
    return child
  }
}

export interface Metric {
  lines(): Iterable<string>
}

export class Counter implements Metric {
  readonly #name: string
  readonly #help: string
  readonly #family: Family<{ value: number }>

  constructor(name: string, help: string, labels: readonly string[] = [], most?: number) {
    this.#name = name
    this.#help = help
    this.#family = new Family(labels, () => ({ value: 0 }), most)
    // Without labels there is one, from the start.
    if (labels.length === 0) this.#family.at([])
  }

  add(labels: readonly string[], amount = 1): void {
    this.#family.at(labels).value += amount
  }

  /** The one of these labels, for those who count often. */
  of(labels: readonly string[]): Count {
    return this.#family.at(labels)
  }

  *lines(): Generator<string> {
    yield* headLines(this.#name, this.#help, 'counter')
    for (const [values, { value }] of this.#family.all()) yield sampleLine(this.#name, this.#family.labels, values, value)
  }
}

export type Count = { value: number }

/** What was observed under the same labels. */
export class Buckets {
  readonly counts: Float64Array
  sum = 0
  readonly #bounds: readonly number[]

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let index = 0
    while (index < this.#bounds.length && value > this.#bounds[index]!) index++
    this.counts[index]!++
    this.sum += value
  }
}

export class Histogram implements Metric {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #family: Family<Buckets>

  /** `bounds`: the upper ends of the buckets but the last, ascending. */
  constructor(name: string, help: string, bounds: readonly number[], labels: readonly string[] = [], most?: number) {
    this.#name = name
    this.#help = help
    this.#bounds = bounds
    this.#family = new Family(labels, () => new Buckets(bounds), most)
  }

  observe(labels: readonly string[], value: number): void {
    this.#family.at(labels).observe(value)
  }

  of(labels: readonly string[]): Buckets {
    return this.#family.at(labels)
  }

  *lines(): Generator<string> {
    yield* headLines(this.#name, this.#help, 'histogram')
    for (const [values, { counts, sum }] of this.#family.all()) {
      let below = 0
      for (const [index, count] of counts.entries()) {
        below += count
        const bound = this.#bounds[index]
        yield sampleLine(
          `${this.#name}_bucket`,
          [...this.#family.labels, 'le'],
          [...named(values, this.#family), bound === undefined ? '+Inf' : String(bound)],
          below,
        )
      }
      yield sampleLine(`${this.#name}_sum`, this.#family.labels, values, sum)
      yield sampleLine(`${this.#name}_count`, this.#family.labels, values, below)
    }
  }
}

/** What is read off when somebody asks. */
export type Reading = { readonly labels?: Readonly<Record<string, string>>; readonly value: number }

export function* gaugeLines(
  name: string,
  help: string,
  readings: Iterable<Reading>,
  type: 'gauge' | 'counter' = 'gauge',
): Generator<string> {
  yield* headLines(name, help, type)
  for (const { labels = {}, value } of readings) yield sampleLine(name, Object.keys(labels), Object.values(labels), value)
}

/** Without labels there is one path of length one in the tree, whose name is nothing. */
function named(values: readonly string[], { labels }: { readonly labels: readonly string[] }): readonly string[] {
  return values.slice(0, labels.length)
}

function headLines(name: string, help: string, type: 'counter' | 'gauge' | 'histogram'): string[] {
  return [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`]
}

function sampleLine(name: string, labels: readonly string[], values: readonly string[], value: number): string {
  const pairs = labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
