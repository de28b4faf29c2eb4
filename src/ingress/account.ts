// `GET /v1/key`, `/v1/credits` and `/v1/generation`: what a key may spend and has spent, in OpenRouter's shapes.
// https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key (2026-11)
import type { GatewayKey } from '#config'
import { parseNanoUsd, usdNumber } from '#ir'
import { Failure, type JsonObject } from '#kernel'
import { createCalendar, type BudgetView, type Limits, type LimitView } from '#ledger'
import { ownCredentialName } from '#planning'
import type { Ledger, RequestDetail, SpendingScope } from '#store'

export type AccountDeps = {
  readonly limits: Pick<Limits, 'view'>
  readonly ledger: Pick<Ledger, 'spentIn'>
  /** A request that has ended, with its details. */
  readonly request: (id: string) => Promise<RequestDetail | undefined>
  /** Where days, weeks and months begin. */
  readonly timeZone: () => string
}

/** Answers of the data plane, as JSON. Amounts are numbers, in USD. */
export interface Account {
  key(key: GatewayKey): Promise<JsonObject>
  credits(key: GatewayKey): Promise<JsonObject>
  /** Rejects with a `Failure` where the key has no such request. */
  generation(key: GatewayKey, id: string | undefined): Promise<JsonObject>
}

type Usage = Readonly<Record<'ever' | 'day' | 'week' | 'month', bigint>>

const endMs = Number.MAX_SAFE_INTEGER
const periodNames = { day: 'daily', week: 'weekly', month: 'monthly' } as const

export function createAccount({ limits, ledger, request, timeZone }: AccountDeps): Account {
  /** A key that asks again before it was answered hears the same: what it asks costs the ledger's thread time. */
  const asked = new Map<string, Promise<Usage>>()
  let calendar = createCalendar('UTC')

  async function spent(scope: SpendingScope, fromMs: number): Promise<bigint> {
    try {
      return (await ledger.spentIn(scope, fromMs, endMs)).nanoUsd
    } catch (cause) {
      throw new Failure('store_unavailable', 'What was spent cannot be read now. Try again; the log of the gateway says why.', { cause })
    }
  }

  async function usageOf({ id }: GatewayKey): Promise<Usage> {
    if (calendar.timeZone !== timeZone()) calendar = createCalendar(timeZone())
    const nowMs = Date.now()
    const since = (fromMs: number): Promise<bigint> => spent({ kind: 'key', id }, fromMs)
    const [ever, day, week, month] = await Promise.all([
      since(0),
      since(calendar.windowAt('day', nowMs).fromMs),
      since(calendar.windowAt('week', nowMs).fromMs),
      since(calendar.windowAt('month', nowMs).fromMs),
    ])
    return { ever, day, week, month }
  }

  return {
    async key(key) {
      let answer = asked.get(key.id)
      if (answer === undefined) {
        answer = usageOf(key).finally(() => asked.delete(key.id))
        asked.set(key.id, answer)
      }
      const usage = await answer
      const nowMs = Date.now()
      const views = limits.view(key, nowMs)
      return { data: { ...keyData(key, views), ...usageData(usage), limits: views.map((view) => limitData(view, nowMs)) } }
    },
    async credits(key) {
      const walletOf = () => limits.view(key, Date.now()).find((view) => view.kind === 'wallet')
      const owner = walletOf()?.owner
      if (owner === undefined || (owner.kind !== 'user' && owner.kind !== 'team'))
        return { data: { total_credits: null, total_usage: usdNumber(await spent({ kind: 'key', id: key.id }, 0)) } }
      const used = await spent({ kind: owner.kind, id: owner.id }, 0)
      const balance = walletOf()?.limit ?? 0n
      return { data: { total_credits: signedUsd(balance + used), total_usage: usdNumber(used) } }
    },
    async generation(key, id) {
      if (id === undefined || id === '')
        throw new Failure(
          'invalid_request',
          'The query has no id. Ask for /v1/generation?id=..., with the x-turnpike-request-id of an answer.',
          {
            param: 'id',
          },
        )
      const detail = id.length > maxIdCharacters ? undefined : await request(id)
      if (detail === undefined || detail.key.id !== key.id)
        throw new Failure(
          'generation_not_found',
          `There is no finished request ${JSON.stringify(id.slice(0, maxIdCharacters))} of this key. Its id is the x-turnpike-request-id of its answer; it may be older than what is kept.`,
          { param: 'id' },
        )
      return { data: generationData(detail) }
    },
  }
}

const maxIdCharacters = 64

function keyData(key: GatewayKey, views: readonly LimitView[]): JsonObject {
  const budget = tightest(views)
  const rate = views.find((view) => view.kind === 'rate' && view.rule.of === 'requests')
  return {
    label: key.name,
    limit: budget === undefined ? null : usdNumber(budget.limit),
    limit_remaining: budget === undefined ? null : usdNumber(budget.left > 0n ? budget.left : 0n),
    limit_reset: budget === undefined || !isCalendar(budget.rule.period) ? null : periodNames[budget.rule.period],
    is_free_tier: false,
    is_management_key: false,
    is_provisioning_key: false,
    include_byok_in_limit: true,
    creator_user_id: key.userId ?? null,
    expires_at: key.expiresAtMs === undefined ? null : timeText(key.expiresAtMs),
    rate_limit:
      rate?.kind === 'rate'
        ? { requests: rate.limit, interval: `${rate.rule.perMs / 1000}s`, note: 'All limits are in `limits`.' }
        : { requests: -1, interval: '10s', note: 'There is none.' },
  }
}

/** Of all that is asked for, whatever the model: the hard budget in USD with the least left. */
function tightest(views: readonly LimitView[]): BudgetView | undefined {
  let found: BudgetView | undefined
  for (const view of views) {
    if (view.kind !== 'budget' || view.unit !== 'usd' || view.rule.soft || view.rule.models !== undefined) continue
    if (found === undefined || view.left < found.left) found = view
  }
  return found
}

/** What was asked for with the client's own provider key is not told apart. */
function usageData({ ever, day, week, month }: Usage): JsonObject {
  return {
    usage: usdNumber(ever),
    usage_daily: usdNumber(day),
    usage_weekly: usdNumber(week),
    usage_monthly: usdNumber(month),
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
  }
}

function limitData(view: LimitView, nowMs: number): JsonObject {
  const owner = { kind: view.owner.kind, id: view.owner.id, name: view.owner.name }
  switch (view.kind) {
    case 'budget': {
      const { rule, unit, window, limit, spent, held, left } = view
      const amount = unit === 'usd' ? signedUsd : Number
      return {
        kind: 'budget',
        owner,
        unit,
        period: typeof rule.period === 'object' ? { days: rule.period.days } : rule.period,
        soft: rule.soft,
        ...(rule.models === undefined ? {} : { models: [...rule.models] }),
        limit: amount(limit),
        spent: amount(spent),
        held: amount(held),
        left: amount(left),
        resets_at: window === undefined || window.toMs === Infinity ? null : timeText(window.toMs),
      }
    }
    case 'wallet':
      return { kind: 'wallet', owner, unit: 'usd', limit: signedUsd(view.limit), held: signedUsd(view.held), left: signedUsd(view.left) }
    case 'rate': {
      const { rule, limit, left, resetMs } = view
      return {
        kind: 'rate',
        owner,
        unit: rule.of,
        ...(rule.of === 'concurrent' ? {} : { seconds: rule.perMs / 1000 }),
        limit,
        left: Math.max(0, Math.floor(left)),
        resets_at: rule.of === 'concurrent' ? null : timeText(nowMs + resetMs),
      }
    }
  }
}

/** https://openrouter.ai/docs/api/api-reference/generations/get-generation (2026-11); what is not known here is null. */
function generationData(detail: RequestDetail): JsonObject {
  const { tokens, ms } = detail
  const cost = usd(detail.cost_usd)
  const answered = detail.attempt_list.at(-1)
  return {
    id: detail.id,
    upstream_id: null,
    total_cost: cost,
    usage: cost,
    upstream_inference_cost: usd(detail.provider_cost_usd),
    cache_discount: null,
    created_at: detail.at,
    model: detail.model.served ?? detail.model.asked,
    provider_name: detail.provider,
    app_id: null,
    streamed: detail.stream,
    cancelled: detail.outcome === 'cancelled',
    latency: Math.round(ms.total),
    moderation_latency: null,
    generation_time: answered === undefined ? null : Math.round(answered.ms.total),
    finish_reason: detail.finish_reason,
    native_finish_reason: detail.finish_reason,
    tokens_prompt: tokens.input,
    tokens_completion: tokens.output,
    native_tokens_prompt: tokens.input,
    native_tokens_completion: tokens.output,
    native_tokens_completion_images: null,
    native_tokens_reasoning: tokens.reasoning,
    native_tokens_cached: tokens.cached,
    num_media_prompt: null,
    num_input_audio_prompt: null,
    num_media_completion: null,
    num_search_results: null,
    origin: '',
    is_byok: answered?.credential === ownCredentialName,
    external_user: null,
    api_type: detail.endpoint.endsWith('/embeddings') ? 'embeddings' : 'completions',
    router: null,
  }
}

function isCalendar(period: BudgetView['rule']['period']): period is keyof typeof periodNames {
  return typeof period === 'string' && period !== 'total'
}

/** Of decimal text; null where it is not known. */
function usd(text: string | null): number | null {
  const nanoUsd = text === null ? undefined : parseNanoUsd(text)
  return nanoUsd === undefined ? null : usdNumber(nanoUsd)
}

function signedUsd(nanoUsd: bigint): number {
  return nanoUsd < 0n ? -usdNumber(-nanoUsd) : usdNumber(nanoUsd)
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
