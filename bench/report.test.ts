// How measurements become ratios, percentiles and verdicts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Figures } from './measure.ts'
import { cpuBetween, readCpu } from './proc.ts'
import { ratios, tableOf } from './report.ts'
import type { Round } from './rounds.ts'
import { scenarios } from './scenarios.ts'
import { median, percentile } from './statistics.ts'

const figures = (allUs: number): Figures => ({ units: 1, unitsPerSecond: 1, allUs, mainUs: allUs, problems: [] })
const round = (naive: number, turnpike: number, portkey: number): Round =>
  new Map([
    ['naive', figures(naive)],
    ['turnpike', figures(turnpike)],
    ['portkey', figures(portkey)],
  ])

test('ratios are taken within a round, so that a slow round slows both', () => {
  assert.deepEqual(
    ratios([round(10, 20, 0), round(100, 150, 0)], 'turnpike', 'naive', (one) => one.allUs),
    [2, 1.5],
  )
})

test('a verdict knows that less is better beside the naive proxy and more is better beside Portkey', () => {
  const verdicts = (one: Round) =>
    tableOf({ scenario: scenarios.S2, rounds: [one], refused: [], idleRssBytes: new Map() }).verdicts.map(({ met }) => met)
  // all threads, event loop, Portkey
  assert.deepEqual(verdicts(round(100, 115, 1200)), ['target', 'target', 'target'])
  assert.deepEqual(verdicts(round(100, 135, 1200)), ['target', 'ceiling', 'ceiling'])
  assert.deepEqual(verdicts(round(100, 250, 1200)), ['missed', 'missed', 'missed'])
})

test('medians and percentiles are values of the sample', () => {
  assert.equal(median([5, 1, 9]), 5)
  assert.equal(median([4, 1, 9, 2]), 3)
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0.99), 99)
})

test('CPU of a process is what the kernel says it used', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  const before = readCpu([process.pid])
  const own = process.threadCpuUsage()
  const until = performance.now() + 60
  while (performance.now() < until);
  const used = process.threadCpuUsage(own)
  const { mainUs, allUs } = cpuBetween(before, readCpu([process.pid]))
  const busyUs = used.user + used.system
  assert.ok(Math.abs(mainUs - busyUs) < busyUs * 0.1 + 2_000, `${mainUs} beside ${busyUs}`)
  assert.ok(allUs >= mainUs)
})
