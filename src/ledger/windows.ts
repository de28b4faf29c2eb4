// Days, weeks (from Monday) and months as a time zone's calendar has them, with days of 23 and 25 hours. Pure; no clock of its own.
import type { BudgetRule } from '#config'
import type { LimitWindow } from './limits-port.ts'

export type CalendarPeriod = 'day' | 'week' | 'month'

export interface Calendar {
  readonly timeZone: string
  /** The window that has this moment in it. */
  windowAt(period: CalendarPeriod, atMs: number): LimitWindow
}

const dayMs = 86_400_000

/** Throws a RangeError when there is no such time zone. */
export function createCalendar(timeZone: string): Calendar {
  const wall = wallClock(timeZone)
  // All limits of a period share its window, and few requests are at another time than the one before.
  const latest = new Map<CalendarPeriod, LimitWindow>()
  return {
    timeZone,
    windowAt(period, atMs) {
      const known = latest.get(period)
      if (known !== undefined && atMs >= known.fromMs && atMs < known.toMs) return known
      const { first, next } = daysOf(period, Math.floor(wall(atMs) / dayMs))
      const window = { fromMs: startOfDay(wall, first), toMs: startOfDay(wall, next) }
      latest.set(period, window)
      return window
    },
  }
}

/** Of N days of 24 hours each, again and again from the first request on: the one that has this moment in it. */
export function windowOfDays(days: number, firstMs: number, atMs: number): LimitWindow {
  const lengthMs = days * dayMs
  const fromMs = firstMs + Math.max(0, Math.floor((atMs - firstMs) / lengthMs)) * lengthMs
  return { fromMs, toMs: fromMs + lengthMs }
}

export function isCalendarPeriod(period: BudgetRule['period']): period is CalendarPeriod {
  return period === 'day' || period === 'week' || period === 'month'
}

/** A period's first day and the day after its last, as days since 1970-01-01. */
function daysOf(period: CalendarPeriod, day: number): { first: number; next: number } {
  switch (period) {
    case 'day':
      return { first: day, next: day + 1 }
    case 'week': {
      // 1970-01-01 was a Thursday.
      const first = day - ((((day + 3) % 7) + 7) % 7)
      return { first, next: first + 7 }
    }
    case 'month': {
      const date = new Date(day * dayMs)
      const year = date.getUTCFullYear()
      const month = date.getUTCMonth()
      return { first: Date.UTC(year, month, 1) / dayMs, next: Date.UTC(year, month + 1, 1) / dayMs }
    }
  }
}

/** From a moment to what the clocks there show, as if that were UTC. (Temporal has all of this, but Node 24 has no Temporal.) */
function wallClock(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (atMs) => {
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of format.formatToParts(atMs)) shown[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((atMs % 1000) + 1000) % 1000)
  }
}

/** The first moment at which the clocks show that day: midnight, the first of two, or what follows one that is left out. */
function startOfDay(wall: (atMs: number) => number, day: number): number {
  const midnight = day * dayMs
  const offsetAt = (atMs: number): number => wall(atMs) - atMs
  const moments = [offsetAt(midnight - dayMs), offsetAt(midnight + dayMs)].map((offset) => midnight - offset)
  const shown = moments.filter((atMs) => wall(atMs) === midnight)
  if (shown.length > 0) return Math.min(...shown)
  // The clocks jump over it, in some places over a whole day.
  let before = Math.min(...moments) - dayMs
  let from = Math.max(...moments) + dayMs
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (wall(middle) >= midnight) from = middle
    else before = middle
  }
  return from
}
