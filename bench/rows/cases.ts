// One question for each filter of the contract: with many hits, with a few far back, and with none.
import { needle } from './traffic.ts'

export type Case = { readonly filter: string; readonly hits: 'common' | 'rare' | 'none'; readonly query: string }

const dayMs = 86_400_000

export function filterCases(nowMs: number, oldId: string): readonly Case[] {
  const ago = (days: number): string => new Date(nowMs - days * dayMs).toISOString()
  const table: readonly (readonly [filter: string, common: string | undefined, rare: string | undefined, none: string | undefined])[] = [
    ['from', ago(1), undefined, ago(-1)],
    ['to', ago(1), ago(28.9999), ago(400)],
    ['id', undefined, oldId, '01zzzzzzzzzzzzzzzzzzzzzzzz'],
    ['key', 'key_0003', needle.key, 'nobody'],
    ['kind', 'probe', undefined, undefined],
    ['session', undefined, needle.session, 'no-such-session'],
    ['trace', undefined, needle.trace, 'no-such-trace'],
    ['client', 'client-2/1.2', needle.client, 'nothing/1'],
    ['wire', 'anthropic-messages', undefined, 'carrier-pigeon'],
    ['endpoint', '/v1/messages', needle.endpoint, '/v1/nothing'],
    ['model', 'vendor-3/model-3', needle.model, 'no-model'],
    ['model_asked', 'vendor-3/model-3', needle.model, 'no-model'],
    ['model_served', 'model-3-2026', 'model-retired', 'no-model'],
    ['provider', 'provider-3', needle.provider, 'nobody'],
    ['stream', 'false', undefined, undefined],
    ['status', '200', String(needle.status), '511'],
    ['status', '4xx', undefined, '1xx'],
    ['outcome', 'ok', 'denied', undefined],
    ['error', 'all_targets_failed', needle.error, 'nothing'],
    ['error_code', 'timeout', needle.error, 'nothing'],
    ['error_class', 'rate_limited', needle.error, 'nothing'],
    ['attempts', '2', String(needle.attempts), '77'],
    ['fallback', 'true', undefined, undefined],
    ['cache', 'DISABLED', undefined, 'HIT'],
    ['cost_source', 'unpriced', undefined, 'provider'],
    ['min_cost_usd', '0.001', '60', '900'],
    ['min_cost_usd', '0.05', '0.5', undefined],
    ['min_ms', '10000', '1800000', '9000000'],
    ['min_ms', '30000', '90000', undefined],
    ['min_tokens', '10000', '2900000', '99000000'],
    ['metadata.team', 'search', needle.team, 'nothing'],
    ['metadata.user', 'u17', undefined, 'nobody'],
    ['q', 'client-1', 'quarterly', 'zzzz-nothing'],
    ['q', 'agent:main', 'archaeo', undefined],
    ['q', 'a', needle.trace, undefined],
    ['q', undefined, 'retired', undefined],
  ]
  return table.flatMap(([filter, common, rare, none]) =>
    ([['common', common], ['rare', rare], ['none', none]] as const).flatMap(([hits, value]) =>
      value === undefined ? [] : [{ filter, hits, query: `${filter}=${encodeURIComponent(value)}` }],
    ),
  ) // prettier-ignore
}
