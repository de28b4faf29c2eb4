// The instance itself: its settings, and who changed what.
import { z } from 'zod'
import { anyObject, instant, ms, pageOf, pageQuery, text } from './basics.ts'
import { instanceBudgets, instanceBudgetsBody } from './limits.ts'

const preset = z.union([z.string(), z.number(), z.boolean(), z.null()])
/** `alerts`, without the secret. */
const alerts = z.object({
  webhook_url: text,
  allow_private_network: z.boolean(),
  trouble: text.optional().describe('Why nothing can be sent'),
})
const value = z.union([...preset.options, instanceBudgets, alerts])

export const setting = z
  .object({
    name: text,
    value,
    default: preset,
    origin: z.enum(['environment', 'file', 'stored', 'default']).describe('What decides it'),
    writable: z.boolean().describe('Can be changed with PATCH'),
  })
  .meta({ id: 'Setting' })

export const settingList = pageOf(setting, 'SettingList')

const changed = z.union([z.string(), z.number()]).nullable().optional()

export const settingsPatch = z
  .strictObject({
    log_level: changed,
    logging: changed.describe('`full`, `metadata` or `off`'),
    retention_days: changed,
    log_max_bytes: changed,
    time_zone: changed.describe('IANA name of the time zone in which days, weeks and months of budgets begin'),
    budgets: instanceBudgetsBody.nullable().optional(),
    alerts: z
      .strictObject({
        webhook_url: z.string().describe('http or https; every alert of a budget is POSTed to it'),
        webhook_secret: z.string().min(16).optional().meta({
          description: 'What is sent is signed with it; without it, the one that is stored for the same address stays',
          writeOnly: true,
        }),
        allow_private_network: z.boolean().optional().describe('May be at a loopback, private or link-local address'),
      })
      .nullable()
      .optional()
      .describe('Where alerts of budgets go, besides the log'),
    sim: z.boolean().nullable().optional().describe('Whether the built-in simulator is a provider'),
  })
  .describe('Values by the name of the setting; null: back to the default')
  .meta({ id: 'SettingsPatch' })

export const auditEntry = z
  .object({
    seq: z.number().int(),
    at: instant,
    actor: z.enum(['admin', 'cli', 'start']).describe('The admin token, the command line on a stopped instance, or a start'),
    action: text.describe('`provider.put`, `key.rotate`, ...'),
    target: text,
    detail: anyObject.describe('What changed, without secrets'),
  })
  .meta({ id: 'AuditEntry' })

export const auditList = pageOf(auditEntry, 'AuditList')
export const auditQuery = z.object({
  ...pageQuery.shape,
  limit: pageQuery.shape.limit.unwrap().default(50).describe('How many at most'),
})

export const alertTest = z
  .object({
    id: text,
    ok: z.boolean().describe('The webhook took it'),
    status: z.number().int().nullable().describe('HTTP status; null: there was no answer'),
    ms,
    trouble: text.nullable(),
  })
  .meta({ id: 'AlertTest' })

export type Setting = z.output<typeof setting>
export type AuditEntry = z.output<typeof auditEntry>
