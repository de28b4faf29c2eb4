// What is measured: each scenario is one kind of load, with its unit and the targets that performance.md sets.

import type { BenchWire } from './load/wires.ts'

export const scenarioNames = ['S2', 'S2c', 'S2m', 'S3', 'S3u', 'S4', 'S4t', 'S4tr', 'S4tg', 'S5', 'S7', 'L', 'S6'] as const
export type ScenarioName = (typeof scenarioNames)[number]

export type Load =
  | {
      readonly kind: 'saturate'
      readonly body: 'small' | 'agent' | 'history' | 'unique'
      readonly connections: number
      readonly seconds: number
    }
  | {
      readonly kind: 'streams'
      readonly connections: number
      readonly streamsEach: number
      readonly events: number
      readonly intervalMs: number
    }
  | {
      /** Paced streams, and while they run large requests, one after the other. */
      readonly kind: 'beside-images'
      readonly connections: number
      readonly events: number
      readonly intervalMs: number
      readonly images: number
      readonly imageBytes: number
    }
  | { readonly kind: 'rate'; readonly connections: number; readonly perSecond: number; readonly seconds: number }
  | {
      readonly kind: 'open-streams'
      readonly connections: number
      readonly events: number
      readonly intervalMs: number
      readonly watchSeconds: number
    }

/** Turnpike as a ratio to the naive proxy: what is aimed at, and what is never passed, where the design says so. */
export type Bounds = { readonly target: number; readonly ceiling?: number }

export type Extra = {
  /** Turnpike's CPU as a ratio to its own without it. */
  readonly beside: Bounds
} & (
  | {
      /** A routing config: fallback over two providers, retries, a breaker of its own; and the key has the loop guard. */
      readonly kind: 'routing'
      /** Share of its requests, in percent, that the first provider answers with a 500. */
      readonly faultPercent: number
    }
  /** A prepaid wallet, three budgets, two rate limits: all of them far away. */
  | { readonly kind: 'limits' }
)

export type Scenario = {
  readonly name: ScenarioName
  readonly title: string
  readonly unit: 'request' | 'chunk' | 'stream'
  readonly provider: BenchWire
  /** A peer that only forwards gets clients of the provider's wire. */
  readonly client: BenchWire
  readonly load: Load
  readonly all?: Bounds
  readonly main?: Bounds
  /** What Turnpike has beyond the usual. It is then measured beside itself without it (`plain`), and no other peer but the naive proxy. */
  readonly extra?: Extra
  /** Portkey's CPU as a multiple of Turnpike's: at least this. */
  readonly portkey?: Bounds
}

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  S2: {
    name: 'S2',
    title: 'small request (154 B in, 0.7 KB out)',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'small', connections: 32, seconds: 5 },
    all: { target: 1.5, ceiling: 2 },
    main: { target: 1.2, ceiling: 1.4 },
    portkey: { target: 10, ceiling: 8 },
  },
  S2c: {
    name: 'S2c',
    title: 'small request of an agent (2 to 5 KB) under a routing config: fallback, retry, breaker, loop guard',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'agent', connections: 32, seconds: 5 },
    extra: { kind: 'routing', beside: { target: 1.1, ceiling: 1.15 }, faultPercent: 0 },
  },
  S2m: {
    name: 'S2m',
    title: 'small request of a prepaid user: a wallet, three budgets and two rate limits',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'small', connections: 32, seconds: 5 },
    extra: { kind: 'limits', beside: { target: 1.1, ceiling: 1.15 } },
  },
  S3: {
    name: 'S3',
    title: "96 KB, an agent's history resent and growing",
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'history', connections: 32, seconds: 5 },
    all: { target: 0.5, ceiling: 0.8 },
    portkey: { target: 8 },
  },
  S3u: {
    name: 'S3u',
    title: '96 KB, every body new, all stored',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'unique', connections: 32, seconds: 4 },
    all: { target: 1.3, ceiling: 1.6 },
  },
  S4: {
    name: 'S4',
    title: 'stream of 200 chunks, passed through',
    unit: 'chunk',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'streams', connections: 64, streamsEach: 6, events: 200, intervalMs: 5 },
    all: { target: 1.1, ceiling: 1.5 },
  },
  S4t: {
    name: 'S4t',
    title: 'stream of 200 chunks, translated from anthropic-messages to openai-chat (naive proxy: passed through)',
    unit: 'chunk',
    provider: 'anthropic-messages',
    client: 'openai-chat',
    load: { kind: 'streams', connections: 64, streamsEach: 6, events: 200, intervalMs: 5 },
    all: { target: 3, ceiling: 5 },
  },
  S4tr: {
    name: 'S4tr',
    title: 'the same from openai-chat to openai-responses',
    unit: 'chunk',
    provider: 'openai-chat',
    client: 'openai-responses',
    load: { kind: 'streams', connections: 64, streamsEach: 6, events: 200, intervalMs: 5 },
    all: { target: 3, ceiling: 5 },
  },
  S4tg: {
    name: 'S4tg',
    title: 'the same from gemini to anthropic-messages',
    unit: 'chunk',
    provider: 'gemini',
    client: 'anthropic-messages',
    load: { kind: 'streams', connections: 64, streamsEach: 6, events: 200, intervalMs: 5 },
    all: { target: 3, ceiling: 5 },
  },
  S5: {
    name: 'S5',
    title: 'requests with an image of 20 MB, translated from openai-chat to anthropic-messages, beside 200 small streams',
    unit: 'stream',
    provider: 'anthropic-messages',
    client: 'openai-chat',
    load: { kind: 'beside-images', connections: 200, events: 250, intervalMs: 20, images: 4, imageBytes: 20e6 },
  },
  S7: {
    name: 'S7',
    title: 'the same with a first provider that answers 500 to 10 % of its requests; without a config: no faults',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'saturate', body: 'agent', connections: 32, seconds: 5 },
    extra: { kind: 'routing', beside: { target: 1.3 }, faultPercent: 10 },
  },
  L: {
    name: 'L',
    title: 'latency at 200 requests a second, small request',
    unit: 'request',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'rate', connections: 8, perSecond: 200, seconds: 8 },
  },
  S6: {
    name: 'S6',
    title: '2,000 open streams, one chunk a second each',
    unit: 'stream',
    provider: 'openai-chat',
    client: 'openai-chat',
    load: { kind: 'open-streams', connections: 2000, events: 25, intervalMs: 1000, watchSeconds: 10 },
  },
}

/** The same load, as short as it can be and still say something. */
export function shortened(scenario: Scenario): Scenario {
  const { load } = scenario
  switch (load.kind) {
    case 'saturate':
      return { ...scenario, load: { ...load, seconds: 2 } }
    case 'streams':
      return { ...scenario, load: { ...load, connections: 32, streamsEach: 1 } }
    case 'beside-images':
      return { ...scenario, load: { ...load, connections: 32, events: 100, images: 1 } }
    case 'rate':
      return { ...scenario, load: { ...load, seconds: 2 } }
    case 'open-streams':
      return { ...scenario, load: { ...load, connections: 200, events: 6, watchSeconds: 2 } }
  }
}
