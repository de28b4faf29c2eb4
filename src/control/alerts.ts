// Alerts of budgets: each is told once, in the log and to the webhook, also when it is given again after a start.
import { randomBytes } from 'node:crypto'
import type { BudgetAlert } from '#ledger'
import type { ControlStore } from '#store'
import { alertEvent } from './alert-words.ts'
import { createDeliveries, keptForMs, tryOnce, type Webhook } from './alert-deliveries.ts'
import type { AlertTest } from './port.ts'
import { Refusal } from './refusal.ts'

/** Known for longer than any window but `total`. */
const rememberedMs = 4000 * 86_400_000

export type AlertsDeps = {
  readonly store: ControlStore
  readonly webhook: () => Webhook | undefined
  readonly log: { warn(fields: object, message: string): void }
  /** Default: from a second to an hour. */
  readonly waitsMs?: readonly number[] | undefined
}

export interface Alerts {
  /** What an earlier process could not send. */
  resume(): void
  tell(alert: BudgetAlert): void
  test(): Promise<AlertTest>
  close(): Promise<void>
}

export function createAlerts({ store, webhook, log, waitsMs }: AlertsDeps): Alerts {
  const deliveries = createDeliveries({
    webhook,
    waitsMs,
    sent: (id) => store.alertSent(id, Date.now()).catch(untold),
    gaveUp: ({ id }, trouble) => log.warn({ alert: id }, `an alert was not delivered, and is not tried again: ${trouble}`),
  })
  let last: Promise<void> = Promise.resolve()
  let isClosed = false

  const inTurn = (work: () => Promise<void>): void => {
    if (!isClosed) last = last.then(work).catch(untold)
  }

  function untold(error: unknown): void {
    log.warn({ err: error }, 'alerts cannot be kept; one may be told twice, or not at all')
  }

  return {
    resume() {
      inTurn(async () => {
        const nowMs = Date.now()
        await store.forgetAlerts(nowMs - rememberedMs)
        for (const alert of await store.unsentAlerts()) if (alert.atMs > nowMs - keptForMs) deliveries.add(alert)
      })
    },
    tell(alert) {
      const { atMs } = alert
      const { id, body, sentence } = alertEvent(alert)
      inTurn(async () => {
        const isSent = webhook() !== undefined
        const isNew = await store
          .keepAlert({ id, body: isSent ? body : '', atMs, sentAtMs: isSent ? null : atMs })
          .catch((error: unknown) => {
            untold(error)
            return true
          })
        if (!isNew) return
        log.warn({ alert: id, budget: alert.budget.id, share: alert.share }, sentence)
        if (isSent) deliveries.add({ id, body, atMs })
      })
    },
    async test() {
      const to = webhook()
      if (to === undefined)
        throw new Refusal(
          'conflict',
          'There is no webhook to test, or its secret cannot be read: set alerts with PATCH /settings, or in turnpike.yaml.',
        )
      const id = `test_${randomBytes(9).toString('base64url')}`
      const body = JSON.stringify({ id, type: 'test', at: new Date().toISOString() })
      const { status, ms, trouble } = await tryOnce(to, { id, body })
      return { id, ok: trouble === undefined, status, ms, trouble: trouble ?? null }
    },
    async close() {
      isClosed = true
      await last
      await deliveries.close()
    },
  }
}
