// What finding the top-level fields of a body costs, in nanoseconds per byte, beside JSON.parse of the same body and beside other ways to scan.
import { isUtf8 } from 'node:buffer'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { createPeek, createSplicer, isObject } from '#kernel'
import { corpusPath } from '#test/corpus.ts'
import { promptTexts } from '../load/texts.ts'

const fields = [
  'model',
  'stream',
  'max_tokens',
  'max_completion_tokens',
  'stream_options',
  'metadata',
  'user',
  'prompt_cache_key',
  'messages',
  'tools',
] as const
const headroom = 1024
const rounds = 15

/** Nanoseconds of one call, the best of several rounds: noise only adds. */
function bestNs(run: () => unknown): number {
  for (let i = 0; i < 200; i++) run()
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const began = process.hrtime.bigint()
    for (let i = 0; i < 50; i++) run()
    best = Math.min(best, Number(process.hrtime.bigint() - began) / 50)
  }
  return best
}

/** The alternative that validates nothing: brackets are counted, strings skipped by a short byte loop and then by native indexOf. */
function skipStructure(bytes: Buffer, start: number, end: number): number {
  let depth = 0
  let i = start
  while (i < end) {
    const byte = bytes[i++]!
    if (byte === 0x22) i = skipString(bytes, i, end)
    else if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return i
  }
  return -1
}

function skipString(bytes: Buffer, start: number, end: number): number {
  let i = start
  while (i < start + 48) {
    const byte = bytes[i]
    if (byte === 0x22) return i + 1
    i += byte === 0x5c ? 2 : 1
  }
  for (;;) {
    const quote = bytes.indexOf(0x22, i)
    if (quote < 0 || quote >= end) return end
    let before = quote
    while (before > i && bytes[before - 1] === 0x5c) before--
    i = quote + 1
    if (((quote - before) & 1) === 0) return i
  }
}

/** The alternative that classifies every byte by a table: what a plain loop over the bytes costs at least. */
const special = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x20 || byte === 0x22 || byte === 0x5c ? 1 : 0))
function countSpecial(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) if (special[bytes[i]!] !== 0) count++
  return count
}

/** The alternative by regular expression over the text as latin1: finds every byte that matters in strings. */
function countByRegExp(bytes: Buffer, start: number, end: number): number {
  // oxlint-disable-next-line no-control-regex
  const mark = /["\\\x00-\x1f]/g
  const text = bytes.toString('latin1', start, end)
  let count = 0
  while (mark.test(text)) count++
  return count
}

function synthetic(): [string, string][] {
  const history: unknown[] = []
  for (let bytes = 0, n = 0; bytes < 96_000; n++) {
    const answer = {
      role: 'tool',
      tool_call_id: `call_${n}`,
      content: JSON.stringify({ ok: true, items: [{ id: n, tags: ['a', 'b', 'c'] }] }),
    }
    const call = {
      id: `call_${n}`,
      type: 'function',
      function: { name: 'read', arguments: JSON.stringify({ path: `/src/${n}.ts`, limit: n }) },
    }
    history.push({ role: 'assistant', content: null, tool_calls: [call] }, answer)
    bytes += JSON.stringify(answer).length + JSON.stringify(call).length + 60
  }
  const chat = (messages: unknown) => JSON.stringify({ model: 'some-model', messages, stream: true, max_tokens: 1024 })
  const talk = (text: string, times: number) => chat([{ role: 'user', content: text.repeat(times) }])
  return [
    ['short strings, 96 KB', chat(history)],
    ['the same, indented', JSON.stringify(JSON.parse(chat(history)), null, 2)],
    ['prose, many escapes', talk('It was the best of times, it was "the worst" of times,\n\tit was the age of wisdom.\n', 1120)],
    ['prose, no escape', talk('It was the best of times and it was the worst of times. ', 1720)],
    ['prose, three-byte UTF-8', talk('最良の時代であり、最悪の時代でもあった。', 1640)],
    [
      'numbers',
      chat([{ role: 'user', content: [], embedding: Array.from({ length: 9_000 }, (_, n) => Math.sin(n).toFixed(8)).map(Number) }]),
    ],
  ]
}

function recorded(): [string, string][] {
  const folder = corpusPath('openclaw')
  if (folder === undefined) {
    console.log('The corpus is not here: synthetic bodies only.')
    return []
  }
  return readdirSync(folder)
    .filter((file) => /^(?:0[1-7]|1[01])-.*\.json$/.test(file))
    .map((file): [string, string] => {
      const record: unknown = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
      const body = isObject(record) ? record['body'] : undefined
      return [`OpenClaw ${file.slice(0, 26)}`, typeof body === 'string' ? body : JSON.stringify(body)]
    })
}

const { peek, resume, createResult } = createPeek({ fields, lastElementOf: 'messages' })
const rows: Record<string, Record<string, number>> = {}
for (const [name, text] of [...recorded(), ...synthetic()]) {
  const bytes = Buffer.byteLength(text)
  const buffer = Buffer.alloc(headroom + bytes + 256)
  buffer.write(text, headroom)
  const end = headroom + bytes
  if (peek(buffer, headroom, end) === 'doubtful') throw new Error(`The body "${name}" is doubtful.`)
  const perByte = (run: () => unknown) => Number((bestNs(run) / bytes).toFixed(3))
  const found = perByte(() => peek(buffer, headroom, end))
  const parsed = perByte(() => JSON.parse(buffer.toString('utf8', headroom, end)))
  const peeked = peek(buffer, headroom, end)
  if (peeked === 'doubtful') throw new Error(`The body "${name}" is doubtful.`)
  const splicer = createSplicer(buffer, headroom, end, peeked)
  const edits = [
    { field: 'model', json: '"another-model-with-a-longer-name"' },
    { field: 'stream_options', json: '{"include_usage":true}' },
  ] as const
  rows[name] = {
    bytes,
    peek: found,
    'JSON.parse': parsed,
    ratio: Number((found / parsed).toFixed(2)),
    'peek, us': Number(((found * bytes) / 1000).toFixed(1)),
    'splice + restore, us': Number((bestNs(() => (splicer.splice(edits), splicer.restore())) / 1000).toFixed(2)),
    'structure only': perByte(() => skipStructure(buffer, headroom, end)),
    'byte table': perByte(() => countSpecial(buffer, headroom, end)),
    regexp: perByte(() => countByRegExp(buffer, headroom, end)),
    isUtf8: perByte(() => isUtf8(buffer.subarray(headroom, end))),
  }
}

/** An agent's next request: its history, one call and one result longer; what it costs with the request before at hand, or with another one. */
function growing(): Record<string, Record<string, number>> {
  const lines = promptTexts(400, 7).trimEnd().split('\n')
  const turn = (n: number) =>
    `{"role":"assistant","content":null,"tool_calls":[{"id":"c${n}","type":"function","function":{"name":"read","arguments":"{\\"n\\":${n}}"}}]},` +
    `{"role":"tool","tool_call_id":"c${n}","content":"${n} ${lines[n % lines.length]!}"}`
  const tools = lines.slice(0, 16).map((line, n) => `{"type":"function","function":{"name":"tool_${n}","description":"${line}"}}`)
  const place = (first: number, turns: number) => {
    const messages = Array.from({ length: turns }, (_, n) => turn(first + n))
    const text = `{"model":"m","messages":[${messages.join(',')}],"stream":true,"tools":[${tools.join(',')}]}`
    const buffer = Buffer.alloc(headroom + Buffer.byteLength(text) + 256)
    const end = headroom + buffer.write(text, headroom)
    return { buffer, start: headroom, end }
  }
  const table: Record<string, Record<string, number>> = {}
  for (const turns of [5, 45, 200]) {
    const previousBody = place(0, turns)
    const found = resume(previousBody.buffer, headroom, previousBody.end, undefined, createResult())
    if (found === 'doubtful') throw new Error('The history is doubtful.')
    const previous = { ...previousBody, found }
    const next = place(0, turns + 1)
    const other = place(1, turns + 1)
    const us = (run: () => unknown) => Number((bestNs(run) / 1000).toFixed(1))
    table[`${turns} turns`] = {
      bytes: next.end - headroom,
      'peek, us': us(() => peek(next.buffer, headroom, next.end)),
      'resume, us': us(() => resume(next.buffer, headroom, next.end, previous)),
      'another history, same tools, us': us(() => resume(other.buffer, headroom, other.end, previous)),
    }
  }
  return table
}

console.log(`Nanoseconds per byte unless said otherwise, best of ${rounds} rounds; Node ${process.version}, ${process.arch}.`)
console.table(rows)
console.table(growing())
