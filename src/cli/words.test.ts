// Amounts, times and foreign text in a terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCount, formatMs, dollars, parseDuration, parseMoment, plain, plainLines, shorten } from './words.ts'

test('money shows cents, and three digits where cents would show nothing', () => {
  const cases = [
    ['0.031234', '$0.0312'], ['0.000075', '$0.0000750'], ['12.345', '$12.35'], ['0.5', '$0.50'], ['0', '$0'], ['0.000000', '$0'],
    ['0.09999', '$0.1000'], ['0.999', '$1.00'], ['9007199254740993.019', '$9007199254740993.02'], ['0.000000001', '$0.00000000100'],
  ] as const // prettier-ignore
  for (const [usd, shown] of cases) assert.equal(dollars(usd), shown)
  assert.equal(dollars(null), '-')
})

test('times grow from milliseconds to minutes', () => {
  const cases = [[0, '0 ms'], [0.31, '0.3 ms'], [3, '3 ms'], [340.4, '340 ms'], [999.6, '1.0 s'], [4800, '4.8 s'], [125_000, '2 min 5 s'], [119_999, '2 min 0 s']] as const // prettier-ignore
  for (const [ms, shown] of cases) assert.equal(formatMs(ms), shown)
  assert.equal(formatMs(null), '-')
})

test('counts have separators', () => {
  assert.equal(formatCount(1234567), '1,234,567')
  assert.equal(formatCount(null), '-')
})

test('durations are a number and a unit, and nothing else is', () => {
  const cases = [
    ['90s', 90_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['250ms', 250],
  ] as const
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms)
  for (const text of ['', 'h', '1', '1y', '-1h', '1h30m', '1e3s']) assert.equal(parseDuration(text), undefined, text)
})

test('a moment is so long ago, or a date', () => {
  const now = Date.UTC(2026, 10, 21, 12)
  assert.equal(parseMoment('1h', now), '2026-11-21T11:00:00.000Z')
  assert.equal(parseMoment('2026-11-20', now), '2026-11-20T00:00:00.000Z')
  assert.equal(parseMoment('2026-11-20T10:00:00+02:00', now), '2026-11-20T08:00:00.000Z')
  for (const text of ['yesterday', '11/20/2026', '2026-13-01', '']) assert.equal(parseMoment(text, now), undefined, text)
})

test('what a stranger wrote cannot move the cursor, change colours or reverse the text', () => {
  assert.equal(plain('gpt\u001b[2J\u0007-4o\r\n\u202e'), 'gpt\ufffd[2J\ufffd-4o\ufffd\ufffd\ufffd')
  assert.equal(plainLines('a\tb\r\nc\u001b]0;x\u0007\u009b'), 'a\tb\nc\ufffd]0;x\ufffd\ufffd')
  assert.equal(plain('größer 模型 🙂'), 'größer 模型 🙂')
})

test('long text is cut with an ellipsis', () => {
  assert.equal(shorten('abcdef', 6), 'abcdef')
  assert.equal(shorten('abcdefg', 6), 'abcde…')
})
