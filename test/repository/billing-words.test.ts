// No sentence for clients reads as billing but the one about a balance: OpenClaw would disable the key, with every model, for ten minutes.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { failureTable } from '#kernel'

const root = path.resolve(import.meta.dirname, '..', '..')

/** What OpenClaw 2026.9.6 takes for billing in an error's words, and what it may any day. */
const words = /\b(?:credits?|balance|quota|billing|billed|payment|spend(?:ing)? limit|top up|out of budget)\b/i
/** The sentence about a balance; and "spending limit", which is a limit of a period in a 402 of a budget, and there alone. */
const allowed: Readonly<Record<string, RegExp>> = { insufficient_balance: words, budget_exceeded: /\bspending limit\b/i }

type Sentence = { readonly where: string; readonly kind: string; readonly text: string }

/** Text of every string and template in the arguments of `new Failure(...)` and `invalidRequest(...)`; `open` is behind the parenthesis. */
function stringsOf(source: string, open: number): string {
  let depth = 1
  let text = ''
  for (let at = open; depth > 0 && at < source.length; at++) {
    const char = source[at]!
    if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === "'" || char === '"' || char === '`') {
      const from = at + 1
      for (at++; source[at] !== char && at < source.length; at++) if (source[at] === '\\') at++
      text += ` ${source.slice(from, at)}`
    }
  }
  return text
}

function sentences(): Sentence[] {
  return globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => {
      const source = readFileSync(path.join(root, file), 'utf8')
      return [...source.matchAll(/\b(?:new Failure|invalidRequest)\(\s*(?:'(\w+)')?/g)].map((match) => {
        const open = source.indexOf('(', match.index) + 1
        const line = source.slice(0, match.index).split('\n').length
        return { where: `${file}:${line}`, kind: match[1] ?? '', text: stringsOf(source, open).replaceAll(/\$\{[^}]*\}/g, '…') }
      })
    })
}

test('what the gateway says has no word of billing', () => {
  const all = sentences()
  assert.ok(all.length > 100, `only ${all.length} sentences were found`)
  const wrong = all.filter(({ kind, text }) => words.test(text.replaceAll(new RegExp(allowed[kind]?.source ?? '$^', 'gi'), '')))
  assert.deepEqual(wrong, [])
})

test('the names and meanings of failures that clients can get have none either', () => {
  for (const [kind, { means }] of Object.entries(failureTable)) {
    if (kind in allowed) continue
    assert.doesNotMatch(kind.replaceAll('_', ' '), words)
    assert.doesNotMatch(means, words)
  }
})

test('the pattern finds what it is for', () => {
  for (const text of [
    'insufficient_quota'.replace('_', ' '),
    'Your credit balance is too low.',
    'plans & billing',
    'Daily spending limit reached',
  ])
    assert.match(text, words)
  for (const text of ['Every target failed: alpha (account_exhausted).', 'The daily budget is held by running requests.'])
    assert.doesNotMatch(text, words)
})
