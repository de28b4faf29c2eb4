// Windows begin where the calendar of their time zone says, and every moment is in exactly one of each period.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCalendar, windowOfDays, type CalendarPeriod } from './windows.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const periods: readonly CalendarPeriod[] = ['day', 'week', 'month']
const at = (text: string) => Date.parse(text)

const clocks = new Map<string, Intl.DateTimeFormat>()

/** `2026-11-22 09:30:00` */
function shown(timeZone: string, atMs: number): string {
  const clock = clocks.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
  clocks.set(timeZone, clock)
  return clock.format(atMs)
}

const weekday = (timeZone: string, atMs: number) => new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'long' }).format(atMs)

/** Clocks go forward and back there; once by half an hour, once at midnight, once never. */
const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
  'UTC',
  'Pacific/Apia',
  'Africa/Cairo',
]
const moment = fc.integer({ min: at('2009-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') })

test('a day has 23 hours when the clocks go forward and 25 when they go back', () => {
  const berlin = createCalendar('Europe/Berlin')
  assert.deepEqual(berlin.windowAt('day', at('2027-03-28T12:00:00+02:00')), {
    fromMs: at('2027-03-28T00:00:00+01:00'),
    toMs: at('2027-03-29T00:00:00+02:00'),
  })
  const hours = (zone: string, text: string) => {
    const { fromMs, toMs } = createCalendar(zone).windowAt('day', at(text))
    return (toMs - fromMs) / hourMs
  }
  assert.equal(hours('Europe/Berlin', '2027-03-28T12:00:00Z'), 23)
  assert.equal(hours('Europe/Berlin', '2027-10-31T12:00:00Z'), 25)
  assert.equal(hours('America/New_York', '2027-03-14T12:00:00Z'), 23)
  assert.equal(hours('America/New_York', '2027-11-07T12:00:00Z'), 25)
  assert.equal(hours('Australia/Lord_Howe', '2027-10-03T02:00:00Z'), 23.5)
  assert.equal(hours('Asia/Kolkata', '2027-03-28T12:00:00Z'), 24)
})

test('where the clocks jump over midnight, the day begins after it', () => {
  // Santiago, 2026-09-06: 24:00 becomes 01:00.
  const { fromMs, toMs } = createCalendar('America/Santiago').windowAt('day', at('2026-09-06T12:00:00Z'))
  assert.equal(shown('America/Santiago', fromMs), '2026-09-06 01:00:00')
  assert.equal(toMs - fromMs, 23 * hourMs)
  assert.equal(shown('America/Santiago', fromMs - 1), '2026-09-05 23:59:59')
})

test('a week begins on Monday and a month on its first', () => {
  const calendar = createCalendar('America/New_York')
  const week = calendar.windowAt('week', at('2026-11-22T23:59:59-05:00'))
  assert.deepEqual(week, { fromMs: at('2026-11-16T00:00:00-05:00'), toMs: at('2026-11-23T00:00:00-05:00') })
  const month = calendar.windowAt('month', at('2026-11-01T00:30:00-04:00'))
  assert.deepEqual(month, { fromMs: at('2026-11-01T00:00:00-04:00'), toMs: at('2026-12-01T00:00:00-05:00') })
  assert.deepEqual(calendar.windowAt('month', month.toMs - 1), month)
  assert.equal(calendar.windowAt('month', month.toMs).fromMs, month.toMs)
})

test('a window has its moment in it, begins as the clocks show the beginning, and the next one follows at once', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.constantFrom(...periods), moment, (zone, period, atMs) => {
      const { fromMs, toMs } = createCalendar(zone).windowAt(period, atMs)
      assert.ok(fromMs <= atMs && atMs < toMs)
      const [date = '', time] = shown(zone, fromMs).split(' ')
      const previous = shown(zone, fromMs - 1).split(' ')[0]
      assert.notEqual(date, previous)
      if (time !== '00:00:00') assert.notEqual(shown(zone, fromMs - 1), `${previous} 00:00:00`)
      if (period === 'week') assert.equal(weekday(zone, fromMs), 'Monday')
      if (period === 'month') assert.equal(date.slice(-2), '01')
      const within = (other: number): string => (period === 'month' ? shown(zone, other).slice(0, 7) : shown(zone, other).slice(0, 10))
      if (period !== 'week') assert.equal(within(fromMs), within(atMs))
      assert.equal(createCalendar(zone).windowAt(period, toMs).fromMs, toMs)
      assert.equal(createCalendar(zone).windowAt(period, fromMs - 1).toMs, fromMs)
    }),
    { numRuns: 1000 },
  )
})

type Temporal = {
  Instant: {
    fromEpochMilliseconds(ms: number): {
      toZonedDateTimeISO(zone: string): {
        startOfDay(): { epochMilliseconds: number; add(of: { days: number }): { startOfDay(): { epochMilliseconds: number } } }
      }
    }
  }
}
const temporal = (globalThis as { Temporal?: Temporal }).Temporal

test('days are those of Temporal', { skip: temporal === undefined ? 'this Node has no Temporal' : false }, () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), moment, (zone, atMs) => {
      const start = temporal!.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone).startOfDay()
      assert.deepEqual(createCalendar(zone).windowAt('day', atMs), {
        fromMs: start.epochMilliseconds,
        toMs: start.add({ days: 1 }).startOfDay().epochMilliseconds,
      })
    }),
    { numRuns: 1000 },
  )
})

test('what a calendar remembers changes nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...zones), fc.array(fc.tuple(fc.constantFrom(...periods), moment), { maxLength: 20 }), (zone, asked) => {
      const calendar = createCalendar(zone)
      for (const [period, atMs] of asked) assert.deepEqual(calendar.windowAt(period, atMs), createCalendar(zone).windowAt(period, atMs))
    }),
    { numRuns: 100 },
  )
})

test('windows of N days follow each other from the first request on', () => {
  const firstMs = at('2026-11-22T10:00:00Z')
  assert.deepEqual(windowOfDays(30, firstMs, firstMs), { fromMs: firstMs, toMs: firstMs + 30 * dayMs })
  assert.deepEqual(windowOfDays(30, firstMs, firstMs + 30 * dayMs - 1).fromMs, firstMs)
  assert.deepEqual(windowOfDays(30, firstMs, firstMs + 30 * dayMs).fromMs, firstMs + 30 * dayMs)
  assert.deepEqual(windowOfDays(30, firstMs, firstMs + 100 * dayMs).fromMs, firstMs + 90 * dayMs)
  // The clock went back: it has begun all the same.
  assert.deepEqual(windowOfDays(30, firstMs, firstMs - dayMs).fromMs, firstMs)
})

test('a time zone that does not exist is refused', () => {
  assert.throws(() => createCalendar('Mars/Olympus'), RangeError)
})
