// The instance itself: its settings, and who changed what.
import { z } from 'zod'
import { anyObject, instant, pageOf, pageQuery, text } from './basics.ts'
import { instanceBudgets, instanceBudgetsBody } from './limits.ts'

const preset = z.union([z.string(), z.number(), z.boolean(), z.null()])
const value = z.union([...preset.options, instanceBudgets])

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

export type Setting = z.output<typeof setting>
export type AuditEntry = z.output<typeof auditEntry>
