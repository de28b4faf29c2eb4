// What a plan may ask about a request and the moment it came in; whoever plans brings it, so that planning itself is pure.
import type { JsonValue } from '#kernel'

/** What a model must be able to do to answer. Read from the body only when somebody asks. */
export interface Needs {
  readonly tools: boolean
  readonly images: boolean
  /** How many tokens it has at least, where that is surely more than a window takes; otherwise undefined. */
  tokensBeyond(window: number): number | undefined
}

/** Headers that conditions see: never one that holds a credential, or where a client is. */
export const visibleHeaders: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  'baggage',
  'content-type',
  'http-referer',
  'openai-beta',
  'origin',
  'referer',
  'session_id',
  'traceparent',
  'user-agent',
  'x-app',
  'x-claude-code-session-id',
  'x-request-id',
  'x-session-affinity',
  'x-stainless-lang',
  'x-stainless-package-version',
  'x-stainless-runtime',
  'x-title',
  ...['x-turnpike', 'x-portkey'].flatMap((vendor) =>
    [
      'cache-force-refresh',
      'cache-namespace',
      'debug',
      'parent-span-id',
      'provider',
      'session-id',
      'span-id',
      'span-name',
      'strict',
      'trace-id',
    ].map((name) => `${vendor}-${name}`),
  ),
])

export interface Facts {
  /** By the path that a condition names: `metadata.plan`, `params.tools[0].type`. undefined: it is missing. */
  value(path: string): JsonValue | undefined
  readonly needs: Needs
  /** Whose request it is: what is remembered of one is not known to another. */
  readonly tenant: string
  readonly session: string
  /** The client says itself which session it is. */
  readonly namesSession: boolean
}

export type Moment = {
  readonly nowMs: number
  /** From 0 to below 1, another one each time. */
  readonly random: () => number
  readonly facts: Facts
  /** The place of the target that a session was sent to the last time. */
  readonly pinned: (key: string) => string | undefined
}

/** To be remembered when the plan is followed: this session goes to that place again. */
export type Pin = { readonly key: string; readonly route: string; readonly ttlMs: number }
