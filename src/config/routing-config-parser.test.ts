// What a published config cannot be: cycles, nesting without end, numbers that JSON lacks, broken text; and what callers rely on besides.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { ConfigError } from './config-error.ts'
import { accountKeys, guardrailKeys, honouredKeys, ignoredKeys, knownKeys, silentKeys, strategyKeys } from './routing-config-keys.ts'
import { parseRoutingConfig, parseRoutingConfigText } from './routing-config-parser.ts'
import type { RoutingNode } from './routing-config.ts'

function refusal(parseIt: () => unknown): ConfigError {
  try {
    parseIt()
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error
  }
  return assert.fail('it was accepted')
}

const refused = (value: unknown) => refusal(() => parseRoutingConfig(value))
const refusedText = (text: string) => refusal(() => parseRoutingConfigText(text))
const nested = (levels: number) => `${'{"targets":['.repeat(levels)}{"provider":"a"}${']}'.repeat(levels)}`

describe('the shape of a value', () => {
  test('an anchor that is used within itself is refused with its path', () => {
    const inYaml: unknown = parse('strategy: { mode: fallback }\ntargets:\n  - &group\n    targets: [{ provider: a }, *group]\n')
    const { subject, message } = refused(inYaml)
    assert.equal(subject, 'config.targets[0].targets[1]')
    assert.match(message, /contains itself/)
    const config: { targets: unknown[] } = { targets: [] }
    config.targets.push(config)
    assert.equal(refused(config).subject, 'config.targets[0]')
    const params: Record<string, unknown> = {}
    params['x'] = params
    assert.equal(refused({ override_params: params }).subject, 'config.override_params.x')
  })

  test('an anchor that is used twice beside itself is not a cycle', () => {
    const config = parseRoutingConfig(parse('targets:\n  - &a { provider: a }\n  - *a\n'))
    assert.equal(config.root.kind === 'group' && config.root.targets.length, 2)
  })

  test('anchors that multiply are refused before they are walked', () => {
    const lists = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++) {
      const [name, of] = ['abcdefghi'[i], 'abcdefghi'[i - 1]]
      lists.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(', ')}]`)
    }
    const bomb: unknown = parse(`override_params:\n${lists.map((line) => `  ${line}`).join('\n')}\n`, { maxAliasCount: -1 })
    assert.match(refused(bomb).message, /more than 200000 values/)
  })

  test('targets nest 255 levels deep, and a level more is said, not a stack', () => {
    let { root }: { root: RoutingNode } = parseRoutingConfigText(nested(255))
    let levels = 0
    while (root.kind === 'group') {
      root = root.targets[0]!
      levels++
    }
    assert.deepEqual([levels, root.provider], [255, 'a'])
    assert.match(refused(JSON.parse(nested(256))).message, /nested more than 512 levels/)
  })

  test('a megabyte of nesting is refused at once, as text and as a value, in lists, conditions and parameters', () => {
    const deep = nested(80_000)
    assert.ok(deep.length > 1_000_000)
    const began = performance.now()
    for (const text of [
      deep,
      `${'['.repeat(500_000)}${']'.repeat(500_000)}`,
      `{"override_params":{"x":${'['.repeat(400_000)}${']'.repeat(400_000)}}}`,
      `{"strategy":{"conditions":[{"query":${'{"$not":'.repeat(100_000)}{}${'}'.repeat(100_000)}}]}}`,
    ]) {
      assert.match(refusedText(text).message, /bytes, and at most 262144/)
      const { subject, message } = refused(JSON.parse(text))
      assert.match(message, /512 levels deep/)
      assert.ok(subject.length < 300 && message.length < 400, 'the path is cut')
    }
    assert.match(refusedText(nested(15_000)).message, /512 levels deep/)
    assert.ok(performance.now() - began < 5000)
  })

  test('more than a thousand targets are refused', () => {
    const targets = (length: number) => ({ targets: Array.from({ length }, () => ({ provider: 'a' })) })
    assert.equal(parseRoutingConfig(targets(1000)).warnings.length, 0)
    assert.equal(refused(targets(1001)).subject, 'config.targets[1000]')
  })

  test('more than a hundred expressions are refused', () => {
    const query = (length: number) => ({ $or: Array.from({ length }, (_, index) => ({ 'metadata.a': { $regex: `^${index}$` } })) })
    const config = (length: number): unknown =>
      JSON.parse(
        `{"strategy":{"mode":"conditional","conditions":[{"query":${JSON.stringify(query(length))},"then":"a"}]},"targets":[{"name":"a"}]}`,
      )
    parseRoutingConfig(config(100))
    assert.equal(refused(config(101)).subject, 'config.strategy.conditions[0].query.$or[100]["metadata.a"].$regex')
  })

  for (const [name, value, says] of [
    ['not a number', Number.NaN, 'NaN'],
    ['infinite', Infinity, 'Infinity'],
    ['a big integer', 5n, 'a bigint'],
    ['a function', () => 1, 'a function'],
    ['a date', new Date(0), 'an object of a kind'],
    ['a map', new Map(), 'an object of a kind'],
  ] as const) {
    test(`a weight that is ${name} is refused by its path`, () => {
      const { subject, message } = refused({ strategy: { mode: 'loadbalance' }, targets: [{ weight: 1 }, { weight: value }] })
      assert.equal(subject, 'config.targets[1].weight')
      assert.ok(message.includes(says), message)
    })
  }

  test('what is undefined is not there', () => {
    const { root } = parseRoutingConfig({ provider: 'a', retry: undefined, override_params: { seed: undefined, n: 1 } })
    assert.ok(root.kind === 'leaf' && root.retry === undefined)
    assert.deepEqual(root.overrideParams, { n: 1 })
  })

  test('names of the prototype are names like others', () => {
    assert.equal(refusedText('{"__proto__": {"provider": "a"}}').subject, 'config.__proto__')
    assert.equal(refusedText('{"constructor": 1}').subject, 'config.constructor')
    const { root } = parseRoutingConfigText('{"override_params": {"__proto__": {"polluted": true}, "n": 1}}')
    assert.ok(root.kind === 'leaf')
    assert.deepEqual(Object.keys(root.overrideParams), ['__proto__', 'n'])
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })
})

describe('text', () => {
  for (const [name, text, says] of [
    ['nothing', '', 'empty'],
    ['a slug', 'pc-abc-123', 'byte 1'],
    ['half of one', '{"retry":', 'not complete JSON'],
    ['a comma too many', '{"retry": {"attempts": 1},}', 'byte 27'],
    ['two', '{} {}', 'byte 4'],
    ['a list', '[{}]', 'not an array'],
    ['a comment', '{ // Optional\n "retry": 1 }', 'line 1, byte 3'],
    ['one key twice', '{"targets": [{}], "targets": [{}]}', 'more than once'],
  ] as const) {
    test(`${name} is refused with the place`, () => {
      const { subject, message } = refusedText(text)
      assert.equal(subject, 'config')
      assert.ok(message.includes(says), message)
      assert.doesNotMatch(message, /body/)
    })
  }

  test('broken text is not repeated, since it may hold a key', () => {
    assert.doesNotMatch(refusedText('{"api_key":"sk-secret-1" "provider":"a"}').message, /secret/)
    assert.doesNotMatch(refusedText('sk-secret-2').message, /secret/)
  })

  test('a mark of byte order and white space around it are no trouble', () => {
    assert.equal(parseRoutingConfigText('\ufeff {"provider":"a"}\n').root.kind, 'leaf')
  })
})

test('a sentence never repeats what may be a secret, wherever it slipped to', () => {
  const secret = 'sk-live-0123456789abcdef0123456789abcdef'
  for (const value of [
    secret,
    { targets: secret },
    { targets: [secret] },
    { retry: secret },
    { cache: secret },
    { cache: { mode: secret } },
    { strategy: secret },
    { strategy: { mode: secret }, targets: [{}] },
    { strategy: { mode: 'loadbalance', by: secret }, targets: [{}] },
    { weight: secret },
    { custom_host: secret, api_key: secret },
    { custom_host: `https://user:${secret}@example.com` },
    { api_key: { secret } },
    { timeouts: { idle_ms: secret } },
    { drop_params: secret },
    { request_timeout: secret },
    { strategy: { mode: 'fallback', on_status_codes: [secret] }, targets: [{}] },
  ]) {
    assert.ok(!refused(value).message.includes(secret), refused(value).message)
  }
})

test('what comes out is frozen throughout and shares nothing with what went in', () => {
  const params = { stop: ['a'] }
  const config = parseRoutingConfig({ override_params: params, targets: [{ provider: 'a' }] })
  params.stop.push('b')
  const { root } = config
  const target = root.kind === 'group' ? root.targets[0] : undefined
  assert.ok(target?.kind === 'leaf')
  assert.deepEqual(target.overrideParams, { stop: ['a'] })
  const open: string[] = []
  const walk = (value: unknown, where: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) open.push(where)
    for (const [key, member] of Object.entries(value)) walk(member, `${where}.${key}`)
  }
  walk(config, 'config')
  assert.deepEqual(open, [])
})

test('what it is known by is on it, and no part of what it says', () => {
  const value = { retry: { attempts: 1 } }
  const [inline, stored] = [parseRoutingConfig(value), parseRoutingConfig(value, { slug: 'main', version: 7 })]
  assert.deepEqual([stored.slug, stored.version, inline.slug], ['main', 7, undefined])
  assert.equal(inline.fingerprint, stored.fingerprint)
})

test('the fingerprint is of what it says: not of order, spelling or defaults', () => {
  const print = (value: unknown) => parseRoutingConfig(value).fingerprint
  const same = print({ provider: 'a', retry: { attempts: 2, on_status_codes: [500, 429] } })
  assert.equal(print({ retry: { on_status_codes: [429, 500], attempts: 2 }, provider: '@a' }), same)
  assert.equal(print({ virtualKey: 'a', retry: { attempts: 2, onStatusCodes: [429, 500] }, weight: 1 }), same)
  const others = [
    { provider: 'b', retry: { attempts: 2, on_status_codes: [429, 500] } },
    { provider: 'a', retry: { attempts: 3, on_status_codes: [429, 500] } },
    { provider: 'a', retry: { attempts: 2, on_status_codes: [429, 501] } },
    { provider: 'a', retry: { attempts: 2, on_status_codes: [429, 500] }, api_key: 'x' },
    { provider: 'a', retry: { attempts: 2, on_status_codes: [429, 500] }, input_guardrails: ['x'] },
    { targets: [{ provider: 'a', retry: { attempts: 2, on_status_codes: [429, 500] } }] },
  ].map(print)
  assert.equal(new Set([same, ...others]).size, others.length + 1)
  const pattern = (source: string) =>
    parseRoutingConfigText(
      `{"strategy":{"mode":"conditional","conditions":[{"query":{"metadata.a":{"$regex":"${source}"}},"then":"x"}]},"targets":[{"name":"x"}]}`,
    ).fingerprint
  assert.notEqual(pattern('a'), pattern('b'))
})

test('whatever is sent is parsed, or refused with a path: nothing else is ever thrown', () => {
  const words = fc.constantFrom('fallback', 'loadbalance', 'conditional', 'single', 'simple', 'a', '@a/b', '$eq', '', '5')
  const keys = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...knownKeys, ...strategyKeys) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('attempts', 'max_age', 'query', 'then', 'metadata.a', '$and', '$regex', '$length', 'idle_ms', 'ttl'),
    },
    { weight: 1, arbitrary: fc.string() },
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      words,
      fc.integer({ min: -1, max: 700 }),
      fc.boolean(),
      fc.constant(null),
      fc.double(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
    ),
  }))
  let accepted = 0
  fc.assert(
    fc.property(fc.oneof(value, fc.anything()), (config) => {
      try {
        assert.match(parseRoutingConfig(config).root.path, /^config/)
        accepted++
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error))
        assert.match(error.subject, /^config/)
        assert.match(error.message, /^config.*[.?]$/s)
      }
    }),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 0)
})

test('every key is in the reference', () => {
  const reference = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'configs.md'), 'utf8')
  const named = new Set([...reference.matchAll(/^\| `(\$?[\w$]+)`/gm)].map(([, key = '']) => key))
  const known = [...honouredKeys, ...guardrailKeys, ...ignoredKeys.keys(), ...silentKeys, ...strategyKeys]
  assert.deepEqual(
    known.filter((key) => !named.has(key)),
    [],
  )
  assert.deepEqual(
    [...knownKeys].filter((key) => accountKeys.test(key)),
    [],
    'an account is no key of ours',
  )
})
