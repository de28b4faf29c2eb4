// Patterns of conditions: JavaScript's meaning where RE2 has it, linear time, bounded size.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './config-error.ts'
import { linearPattern } from './routing-config-pattern.ts'

const read = (source: string, path = 'config') => linearPattern(source, path, { programs: 0 })
const spare = () => ({ steps: 1_000_000 })
const matches = (source: string, text: string) => read(source)(text, spare())

test('a pattern means what it means in JavaScript', () => {
  for (const [source, text] of [
    ['my_app', 'this is my_app, v2'],
    ['^gpt-4', 'gpt-4o'],
    ['^gpt-4$', 'gpt-4o'],
    ['/embeddings$', '/v1/embeddings'],
    ['\\/v1\\/(chat|messages)', '/v1/messages'],
    ['^[a-z0-9._%+-]+@corp\\.example$', 'jane.doe@corp.example'],
    ['^[a-z0-9._%+-]+@corp\\.example$', 'jane.doe@corpXexample'],
    ['\\bcron\\b', 'a cron job'],
    ['\\d{3,4}', 'room 12'],
    ['\\u00e9t\\u00e9', 'un été'],
    ['(?<year>\\d{4})-\\d{2}', '2026-11'],
    ['a.c', 'a\nc'],
    ['[^abc]', 'abc'],
    ['GPT', 'gpt'],
    ['', 'anything'],
  ] as const) {
    assert.equal(matches(source, text), new RegExp(source).test(text), `${source} in ${text}`)
  }
})

test('what backtracks without end elsewhere is answered at once', () => {
  const text = `${'a'.repeat(60_000)}!`
  for (const source of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(x+x+)+y', '(.*)*=', '(a*)*b', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const began = performance.now()
    matches(source, text)
    assert.ok(performance.now() - began < 2000, source)
  }
})

test('a text is looked at up to a bound, which is nearer for an expression of many states', () => {
  assert.ok(matches('end', `${'a'.repeat(65_533)}end`))
  assert.ok(!matches('end', `${'a'.repeat(65_534)}end`))
  const many = '[ab]*a[ab]{801}(?:x|y)'
  assert.ok(matches(many, `${'ab'.repeat(500)}x`))
  assert.ok(new RegExp(many).test(`${'ab'.repeat(700)}x`) && !matches(many, `${'ab'.repeat(700)}x`))
})

test('the worst text for the largest expression takes no longer than a moment', () => {
  let [text, seed] = ['', 1]
  while (text.length < 65_536) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    text += seed > 1_073_741_824 ? 'a' : 'b'
  }
  const pattern = read('(?:a|b)*a(?:a|b){400}(?:x|y)')
  const began = performance.now()
  assert.ok(!pattern(text, spare()))
  assert.ok(performance.now() - began < 1500)
})

test('patterns that are long, that grow, or that need what takes more than linear time are refused', () => {
  for (const [source, says] of [
    ['a'.repeat(1001), '1001 characters'],
    ['((a{100}){100}){100}', 'repeat count'],
    ['(?:[a-z0-9]{0,400})'.repeat(6), 'too large'],
    ['('.repeat(500) + 'a' + ')'.repeat(499), 'missing closing )'],
    ['(?!gpt)', 'Perl syntax'],
    ['(?<=a)b', 'linear time'],
    ['(a)\\1', 'escape'],
    ['a**', 'repetition'],
    ['[z-a]', 'range'],
  ] as const) {
    assert.throws(
      () => read(source, 'config.x'),
      (error) => error instanceof ConfigError && error.subject === 'config.x' && error.message.includes(says),
      source.slice(0, 40),
    )
  }
})

test('expressions share what they may look at, and how large they may be together', () => {
  const left = { steps: 100_000 }
  const [first, second] = [read('[ab]*a[ab]{50}[xy]'), read('end')]
  assert.ok(!first('ab'.repeat(30_000), left))
  assert.ok(left.steps >= 0 && left.steps < 1000, `${left.steps} left`)
  assert.ok(!second(`${'a'.repeat(1000)}end`, left), 'it is looked at no more')
  const all = { programs: 0 }
  assert.throws(
    () => {
      for (let i = 0; i < 100; i++) linearPattern(`[ab]*a[ab]{${400 + i}}[xy]`, `config.x[${i}]`, all)
    },
    (error) => error instanceof ConfigError && error.message.includes('together'),
  )
})
