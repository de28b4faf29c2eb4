// turnpike.yaml is read as the admin API would write it, and every mistake in it is found by its line.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from './config-error.ts'
import { readDeclared, type Declared } from './declared.ts'

function read(context: TestContext, text: string | Buffer, env: Record<string, string> = {}): Declared {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'turnpike-declared-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(path.join(folder, 'turnpike.yaml'), text)
  return readDeclared(path.join(folder, 'turnpike.yaml'), env)
}

function refusal(context: TestContext, text: string | Buffer, env: Record<string, string> = {}): string {
  try {
    read(context, text, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.ok(!error.message.includes('\n'), error.message)
    return error.message
  }
  assert.fail('the file was accepted')
}

const whole = `
providers:
  work:
    vendor: openai
    base_url: https://proxy.example.com/v1
    credentials:
      - env: WORK_KEY
      - { name: second, value: "sk-\${PART}-tail" }
    headers: { x-team: core }
    models:
      allow: ["gpt-*"]
      deny: [gpt-3.5-turbo]
      custom:
        - { id: tuned, context_window: 8192, price: { input_per_million_usd: "0.15", output_per_million_usd: 0.6 } }
        - { id: local, price: free }
    priority: 5
    price_multiplier: 1.05
    timeouts: { connect_ms: 1000, idle_ms: 30000 }
  llama:
    base_url: http://127.0.0.1:8080/v1
    wires: [openai-chat]
    dialect: { max_tokens_field: max_tokens, strip: [store] }
keys:
  - { name: laptop, env: LAPTOP_KEY, stream_usage: on_request }
  - { name: bot, hash: "${'ab'.repeat(32)}", client: openclaw }
sim: true
`

test('a whole file is read, variables filled in', (context) => {
  const declared = read(context, whole, { WORK_KEY: 'sk-work', PART: 'middle', LAPTOP_KEY: 'tp-laptop-0123456789' })
  const work = declared.providers.get('work')!
  assert.deepEqual(work.credentials, [
    { name: 'WORK_KEY', value: 'sk-work' },
    { name: 'second', value: 'sk-middle-tail' },
  ])
  assert.deepEqual(work.models!.custom![0]!.price, { input_per_million_usd: '0.15', output_per_million_usd: '0.6' })
  assert.equal(work.models!.custom![1]!.price, 'free')
  assert.equal(work.price_multiplier, '1.05')
  assert.deepEqual([...declared.providers.keys()], ['work', 'llama'])
  assert.deepEqual(declared.keys[0], { name: 'laptop', value: 'tp-laptop-0123456789', stream_usage: 'on_request' })
  assert.equal(declared.sim, true)
  assert.deepEqual(declared.hints, [])
})

test('JSON is YAML, an empty file declares nothing, and $${ is a literal ${', (context) => {
  assert.equal(read(context, '{"sim": false}').sim, false)
  assert.equal(read(context, '# nothing\n').providers.size, 0)
  assert.equal(
    read(context, 'providers: {a: {base_url: "http://x/v1", headers: {h: "$${HOME}"}}}').providers.get('a')!.headers!['h'],
    '${HOME}',
  )
})

test('an unknown key is named with its line, its path and the nearest known one', (context) => {
  assert.equal(
    refusal(context, 'providers:\n  work:\n    base_ulr: https://x.example/v1\n'),
    'turnpike.yaml, line 3: providers.work.base_ulr is not known here. Did you mean base_url?',
  )
  assert.match(refusal(context, 'provider: {}'), /^turnpike\.yaml, line 1: provider is not known here\. Did you mean providers\?/)
  assert.match(refusal(context, 'zzz: 1'), /Known: providers, keys, aliases, configs, sim, budgets, alerts, settings\./)
  assert.match(
    refusal(
      context,
      'providers: {a: {models: {custom: [{id: m, price: {input_per_million_usd: 1, output_per_million_usd: 1, request: 2}}]}}}',
    ),
    /price\.request is not known here\. Did you mean request_usd\?/,
  )
  assert.match(
    refusal(context, 'keys: [{name: a, valeu: "0123456789abcdef"}]'),
    /keys\[0\]\.valeu is not known here\. Did you mean value\?/,
  )
  assert.match(refusal(context, 'settings: {prot: 1}'), /settings\.prot is not known here\. Did you mean port\?/)
})

test('a wrong value is named with what it is and what is expected', (context) => {
  assert.match(
    refusal(context, 'providers:\n  a:\n    base_url: localhost:8080\n'),
    /line 3: providers\.a\.base_url is set to something: it is not an http or https address/,
  )
  assert.match(refusal(context, 'providers: {a: {priority: high}}'), /providers\.a\.priority is "high", which is not/)
  assert.match(
    refusal(context, 'providers: {a: {wires: [openai]}}'),
    /providers\.a\.wires\[0\] is "openai", which is not one of openai-chat, openai-responses, anthropic-messages/,
  )
  assert.match(refusal(context, 'providers: [a]'), /providers is a list, which is not a mapping/)
  assert.match(refusal(context, 'providers: {Work Stuff: {}}'), /the key "Work Stuff" is not a slug/)
  assert.match(
    refusal(context, 'providers: {a: {models: {custom: [{id: m, price: cheap}]}}}'),
    /price is "cheap", which is not "free" or a mapping/,
  )
  assert.match(
    refusal(context, 'providers: {a: {models: {custom: [{id: m, price: {input_per_million_usd: "-1", output_per_million_usd: 1}}]}}}'),
    /input_per_million_usd.*"-1".*not a decimal/,
  )
  assert.match(
    refusal(context, 'providers: {a: {models: {custom: [{id: m, price: {input_per_million_usd: 0, output_per_million_usd: 0}}]}}}'),
    /write `price: free`/,
  )
  assert.match(
    refusal(context, 'providers: {a: {models: {custom: [{id: m, price: {input_per_million_usd: 1}}]}}}'),
    /output_per_million_usd is missing/,
  )
  assert.match(refusal(context, 'sim: "yes"'), /sim is "yes", which is not true or false/)
  assert.match(refusal(context, 'keys: [{name: a}]'), /needs exactly one of `value`, `env` and `hash`/)
  assert.match(refusal(context, 'providers: {a: {credentials: [{name: x}]}}'), /needs either `value` or `env`/)
})

test('a variable that is not set is named with its line', (context) => {
  assert.match(
    refusal(context, 'sim: true\nproviders:\n  a:\n    base_url: ${WHERE}\n'),
    /^turnpike\.yaml, line 4: the environment variable WHERE is not set/,
  )
  assert.match(
    refusal(context, 'providers:\n  a:\n    credentials:\n      - env: MISSING_KEY\n'),
    /line 4: providers\.a\.credentials\[0\]\.env names MISSING_KEY, which is not set/,
  )
  assert.match(refusal(context, 'keys: [{name: a, env: MISSING_KEY}]'), /keys\[0\]\.env names MISSING_KEY/)
  assert.match(refusal(context, 'sim: ${not a name}'), /must hold the name of an environment variable/)
})

test('two of the same are refused', (context) => {
  assert.match(refusal(context, 'providers:\n  a: {}\n  a: {}\n'), /^turnpike\.yaml, line 3, column 3: the key "a" is there twice/)
  assert.match(
    refusal(context, 'keys: [{name: a, value: "0123456789abcdef"}, {name: a, value: "0123456789abcdeg"}]'),
    /keys\[0\] and keys\[1\] have the same name "a"/,
  )
  assert.match(refusal(context, 'keys: [{name: a, value: "0123456789abcdef"}, {name: b, value: "0123456789abcdef"}]'), /hold the same key/)
  assert.match(refusal(context, 'providers: {a: {credentials: [{name: k, value: x}, {name: k, value: y}]}}'), /have the same name "k"/)
})

test('secrets never come back in a sentence, not even through a variable in the wrong place', (context) => {
  const secret = 'sk-very-secret-0123456789'
  const mistakes = [
    `keys: [{name: a, value: "${secret} "}]`,
    `keys: [{name: a, value: "${secret}"}, {name: b, value: "${secret}"}]`,
    `providers: {a: {credentials: [{value: "${secret} x"}]}}`,
    `providers: {a: {credentials: "${secret}"}}`,
    'providers: {a: {vendor: "${SECRET}!"}}',
    `providers: {a: {credentials: [{value: ${secret}`,
    `providers: {a: {base_url: "https://u:${secret}@x.example"}}`,
    'keys: [{name: a, env: SPACED}]',
  ]
  for (const text of mistakes) {
    const sentence = refusal(context, text, { SECRET: secret, SPACED: `${secret} ` })
    assert.ok(!sentence.includes('very-secret'), sentence)
  }
})

test('what is not one readable YAML document is refused', (context) => {
  assert.match(refusal(context, 'a: [1,\nb'), /^turnpike\.yaml, line \d+, column \d+: it is not valid YAML/)
  assert.match(refusal(context, 'a: 1\n---\nb: 2\n'), /several YAML documents/)
  assert.match(refusal(context, Buffer.from([0x61, 0x3a, 0xff, 0xfe])), /not UTF-8/)
  assert.match(refusal(context, 'just words'), /the file is "just words", which is not a mapping/)
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`
  assert.match(refusal(context, bomb), /aliases cannot be resolved|is not known here/)
  assert.throws(() => readDeclared(os.tmpdir(), {}), /cannot be read: it is a directory/)
})

test('an address that lacks its usual ending, or has one too many, is a hint and not an error', (context) => {
  const declared = read(
    context,
    'providers:\n  a:\n    base_url: http://127.0.0.1:11434\n  anthropic:\n    base_url: https://proxy.example.com/v1\n',
  )
  assert.equal(declared.hints.length, 2)
  assert.match(declared.hints[0]!, /line 3: providers\.a\.base_url has no path/)
  assert.match(declared.hints[1]!, /line 5: providers\.anthropic\.base_url ends in \/v1/)
})

test('names of objects that JavaScript has by itself are just names', (context) => {
  assert.match(refusal(context, 'constructor: 1'), /constructor is not known here/)
  assert.equal(read(context, 'providers: {constructor: {base_url: "http://x/v1"}}').providers.has('constructor'), true)
})

test('aliases are read, and one that could not mean one model is refused by its line', (context) => {
  const declared = read(context, 'providers: {own: {base_url: "http://x/v1"}}\naliases: {fast: own/m, "team/best": gpt-4o}\n')
  assert.deepEqual(
    [...declared.aliases],
    [
      ['fast', 'own/m'],
      ['team/best', 'gpt-4o'],
    ],
  )
  const own = 'providers: {own: {base_url: "http://x/v1"}}\n'
  assert.match(refusal(context, 'aliases: {a: b, b: c}'), /line 1: aliases\.a stands for b, which is an alias itself; name its model, c\./)
  assert.match(refusal(context, 'aliases: {a: a}'), /aliases\.a stands for itself/)
  assert.match(refusal(context, 'aliases: {"@own/a": b}'), /begins with @/)
  assert.match(refusal(context, `${own}aliases: {own/a: b}`), /line 2: aliases\.own\/a begins with the provider own/)
})

test('everything has a bound', (context) => {
  assert.match(
    refusal(context, `providers: {a: {base_url: "http://x/${'x'.repeat(5000)}"}}`),
    /base_url is set to something: it has more than 4096/,
  )
  assert.match(
    refusal(context, `providers: {a: {models: {allow: [${'"x",'.repeat(1001)}]}}}`),
    /models\.allow is a list: it has more than 1000/,
  )
  assert.match(refusal(context, `keys: [{name: ${'n'.repeat(129)}, hash: "${'ab'.repeat(32)}"}]`), /more than 128 characters/)
  assert.match(
    refusal(context, 'keys: [{name: a, value: "0123456789abcdef", type: service, user: ada}]'),
    /a service key belongs to nobody/,
  )
})
