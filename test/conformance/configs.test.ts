// Routing configs in the shapes that are published for them: what each becomes, or which key of it is refused. The expectations are the
// documents' (reliability.md, Portkey's reference and guides); docs/configs.md names every key, and every key it names is in a config here.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError, parseRoutingConfig, parseRoutingConfigText } from '#config'
import { isObject } from '#kernel'

/** `root`: a part of what comes out; null: it must not be there. `warnings`: the paths that they are about. */
type Accepted = { title: string; config: unknown; root: unknown; notYet?: string[]; warnings?: string[] }
/** `query`: of a config with one condition, which `at` is then below. `says`: part of the sentence. */
type Refused = { title: string; config?: unknown; query?: unknown; at: string; says: string }
type Group = { about: string; accepted: Accepted[]; refused?: Refused[] }

const folder = path.join(import.meta.dirname, 'configs')
const groups = readdirSync(folder).map((file) => ({
  name: path.basename(file, '.json'),
  ...(JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Group),
}))

for (const { name, about, accepted, refused = [] } of groups) {
  describe(`${name}: ${about}`, () => {
    for (const { title, config, root, notYet = [], warnings = [] } of accepted) {
      test(title, () => {
        const parsed = parseRoutingConfig(config)
        holds(plain(parsed.root), root, 'root')
        assert.deepEqual(parsed.notYet, notYet)
        assert.deepEqual(
          parsed.warnings.map((sentence) => sentence.split(' ')[0]),
          warnings,
          parsed.warnings.join('\n'),
        )
      })
    }
    for (const one of refused) {
      test(`refused: ${one.title}`, () => {
        const { config, at } = one.query === undefined ? one : withCondition(one)
        const error = refusalOf(() => parseRoutingConfig(config))
        assert.equal(error.subject, at, error.message)
        assert.ok(error.message.includes(one.says), error.message)
        assert.ok(error.message.startsWith(at), error.message)
        assert.doesNotMatch(error.message, /sk-secret/)
      })
    }
  })
}

test('what is accepted as a value is accepted as text, and means the same', () => {
  for (const { config } of groups.flatMap(({ accepted }) => accepted)) {
    assert.equal(parseRoutingConfigText(JSON.stringify(config)).fingerprint, parseRoutingConfig(config).fingerprint)
  }
})

test('there are at least eighty of each kind of config, and no two of one title in a group', () => {
  assert.ok(groups.flatMap(({ accepted }) => accepted).length >= 80)
  assert.ok(groups.flatMap(({ refused = [] }) => refused).length >= 80)
  for (const { accepted, refused = [] } of groups) {
    const titles = [...accepted, ...refused].map(({ title }) => title)
    assert.equal(new Set(titles).size, titles.length)
  }
})

const reference = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'configs.md'), 'utf8')

test('every key that the reference names is in a config that is accepted', () => {
  const used = new Set(groups.flatMap(({ accepted }) => accepted).flatMap(({ config }) => [...keysOf(config)]))
  const named = [...reference.matchAll(/^\| `(\$?[\w$]+)`/gm)].map(([, key = '']) => key)
  assert.ok(named.length > 60, `${named.length} keys`)
  assert.deepEqual(
    named.filter((key) => !used.has(key)),
    [],
  )
})

test('every JSON example of the reference is accepted without a warning', () => {
  const examples = [...reference.matchAll(/^```json\n([^]*?)\n```$/gm)].map(([, text = '']) => text)
  assert.ok(examples.length >= 5)
  for (const example of examples) {
    // The contract's stand one on a line.
    const texts = example.split('\n').every((line) => line.startsWith('{') && line.endsWith('}')) ? example.split('\n') : [example]
    for (const text of texts) assert.deepEqual(parseRoutingConfigText(text).warnings, [], text)
  }
})

function withCondition({ query, at }: Refused): { config: unknown; at: string } {
  const text = `{"strategy":{"mode":"conditional","conditions":[{"query":${JSON.stringify(query)},"then":"a"}]},"targets":[{"name":"a"}]}`
  const config: unknown = JSON.parse(text)
  return { config, at: `config.strategy.conditions[0].${at}` }
}

function refusalOf(parse: () => unknown): ConfigError {
  try {
    parse()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  return assert.fail('it was accepted')
}

/** Sets as sorted lists; functions are left out. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (part instanceof Set ? [...(part as Set<number>)].toSorted((a, b) => a - b) : part)),
  )
}

/** Objects may have more members than expected, lists may not have more items. An empty object is an empty one. */
function holds(actual: unknown, expected: unknown, where: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), where)
    assert.equal(actual.length, expected.length, where)
    for (const [index, item] of expected.entries()) holds(actual[index], item, `${where}[${index}]`)
    return
  }
  if (!isObject(expected)) {
    if (expected === null) assert.equal(actual, undefined, where)
    else assert.equal(actual, expected, where)
    return
  }
  assert.ok(isObject(actual), `${where} is ${JSON.stringify(actual)}`)
  if (Object.keys(expected).length === 0) assert.deepEqual(actual, {}, where)
  for (const [key, member] of Object.entries(expected)) holds(actual[key], member, `${where}.${key}`)
}

function* keysOf(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* keysOf(item)
  else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      yield key.toLowerCase()
      yield* keysOf(member)
    }
  }
}
