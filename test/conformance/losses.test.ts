// The ledger of losses: everything that any translation loses is in it, with a reason, and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skipWithoutCorpus } from '#test/corpus.ts'
import { clientWires, wires } from '#wires'
import { keyOf, readLedger, rowsOf, seenLosses } from './losses.ts'
import { allRequests, corpusRequests, translations, type Refusal } from './translations.ts'

test('a request is refused only where the provider that it was meant for keeps something of its own', { skip: skipWithoutCorpus }, () => {
  const refusals: Refusal[] = []
  for (const _ of translations(corpusRequests(), refusals)) continue
  assert.deepEqual([...new Set(refusals.map(({ from, param }) => `${from} ${param}`))], ['openai-responses previous_response_id'])
  assert.equal(new Set(refusals.map(({ what }) => what)).size, 3)
})

test('every loss of a translated request is in the ledger, and the ledger holds nothing else', { skip: skipWithoutCorpus }, () => {
  const ledger = readLedger()
  const listed = [...rowsOf(ledger)].map(keyOf)
  assert.equal(new Set(listed).size, listed.length, 'an entry is there twice')
  const seen = seenLosses(translations(allRequests()))
  const known = new Set(listed)
  assert.deepEqual(
    [...seen].filter(([key]) => !known.has(key)).map(([key, { why, what }]) => `${key}: ${why} (${what})`),
    [],
    'losses that are not in losses.json; `node test/conformance/losses.ts` adds them, and each needs a reason',
  )
  assert.deepEqual(
    listed.filter((key) => !seen.has(key)),
    [],
    'entries of losses.json that nothing needs',
  )
  for (const { path, reason, from, to } of ledger) {
    assert.match(reason, /^[A-Z].{20,}[.]$/s, `the reason of ${path}`)
    for (const wire of from) assert.ok(clientWires.has(wire as never), `${path}: no client speaks ${wire}`)
    for (const wire of to) assert.ok(wires.has(wire), `${path}: no provider speaks ${wire}`)
  }
})
