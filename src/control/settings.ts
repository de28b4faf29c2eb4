// Settings: all of them with where each comes from, and those that can change while it runs.
import {
  bodySchemas,
  ConfigError,
  listSettings,
  parseRunningSetting,
  type ListedSetting,
  type RunningSettings,
  type Settings,
} from '#config'
import { isObject } from '#kernel'
import type { ControlChange, StoredSetting } from '#store'
import { alertsName, alertsView, storableAlerts, toldAlerts } from './alert-webhook.ts'
import { instanceBudgets } from './assembly.ts'
import { checked } from './bodies.ts'
import { limitViews } from './limit-views.ts'
import type { Plane } from './plane.ts'
import type { Control, SettingView } from './port.ts'
import { Refusal } from './refusal.ts'
import type { Stored } from './state.ts'

const simName = 'sim'
const budgetsName = 'budgets'
const documentNames = [simName, budgetsName, alertsName] as const
type DocumentName = (typeof documentNames)[number]

/** What counts: a stored value where neither the environment nor the file says anything. */
export function runningSettings(settings: Settings, stored: Stored): RunningSettings {
  const { logLevel, logging, retentionDays, logMaxBytes, timeZone } = settings
  const own = listSettings(settings).flatMap(({ name, key, origin }) => {
    const value = stored.settings.get(name)?.value
    return key === undefined || origin !== 'default' || value === undefined ? [] : [[key, value] as const]
  })
  return { logLevel, logging, retentionDays, logMaxBytes, timeZone, ...(Object.fromEntries(own) as Partial<RunningSettings>) }
}

export function createSettings(plane: Plane): Control['settings'] {
  function list(): SettingView[] {
    const running = plane.running()
    const rows = listSettings(plane.settings).map(({ name, key, origin, value, default: preset }): SettingView => {
      const isStored = origin === 'default' && plane.stored().settings.has(name)
      return {
        name,
        value: key === undefined ? value : running[key],
        default: preset,
        origin: isStored ? 'stored' : origin,
        writable: key !== undefined && origin === 'default',
      }
    })
    const { snapshot } = plane.configured()
    return [
      ...rows,
      ofDocuments(simName, snapshot.providers.has(simName)),
      ofDocuments(budgetsName, limitViews({ budgets: instanceBudgets(plane.declared, plane.stored()) }).budgets ?? []),
      ofDocuments(alertsName, alertsView(plane)),
    ]
  }

  /** One that the file has beside its settings. */
  function ofDocuments(name: DocumentName, value: SettingView['value']): SettingView {
    const isDeclared = plane.declared[name] !== undefined
    const origin = isDeclared ? 'file' : plane.stored().settings.has(name) ? 'stored' : 'default'
    return { name, value, default: null, origin, writable: !isDeclared }
  }

  /** Throws for a setting that only a start can change. */
  function refuseFixed(body: unknown): void {
    if (!isObject(body)) return
    for (const row of listSettings(plane.settings)) {
      if (!(row.name in body)) continue
      if (row.key === undefined) {
        const way =
          row.name === 'home' || row.name === 'config' || row.name === 'master_key' ? '' : ` or settings.${row.name} in turnpike.yaml`
        throw new Refusal(
          'read_only',
          `${row.name} cannot change while Turnpike runs; set ${row.variable}${way}, and start it again.`,
          row.name,
        )
      }
      if (row.origin !== 'default')
        throw new Refusal(
          'read_only',
          `${row.name} is set by ${sourceOf(row, plane.fileName)}; change it there, and ${row.origin === 'file' ? 'have it read again (SIGHUP)' : 'start Turnpike again'}.`,
          row.name,
        )
    }
    for (const name of documentNames)
      if (name in body && plane.declared[name] !== undefined)
        throw new Refusal('read_only', `${name} is declared in ${plane.fileName}; change it there, and have it read again (SIGHUP).`, name)
  }

  function parse({ name, key }: ListedSetting, value: string | number): string | number {
    try {
      return parseRunningSetting(key!, value)
    } catch (error) {
      if (error instanceof ConfigError) throw new Refusal('invalid_request', error.message, name)
      throw error
    }
  }

  return {
    list,
    async update(body, actor) {
      refuseFixed(body)
      const sent = checked(bodySchemas.settings, body)
      const rows = new Map(listSettings(plane.settings).map((row) => [row.name, row]))
      const values = Object.entries(sent).flatMap(([name, value]): [string, StoredSetting['value']][] => {
        const row = rows.get(name)
        if (value === undefined) return []
        return [[name, row !== undefined && (typeof value === 'string' || typeof value === 'number') ? parse(row, value) : value]]
      })
      if (values.length === 0) return list()
      return plane.write(actor, (nowMs) => {
        const { alerts } = sent
        const stored = new Map(values)
        if (alerts !== undefined && alerts !== null) stored.set(alertsName, storableAlerts(plane, alerts))
        const told = values.map(([name, value]) => [name, name === alertsName && alerts != null ? toldAlerts(alerts) : value])
        return {
          changes: [...stored].map(([name, value]): ControlChange =>
            value === null ? { remove: 'setting', name } : { put: 'setting', setting: { name, value, updatedAtMs: nowMs } },
          ),
          action: 'settings.update',
          target: values.map(([name]) => name).join(', '),
          detail: Object.fromEntries(told) as Readonly<Record<string, unknown>>,
          result: list,
        }
      })
    },
  }
}

function sourceOf({ name, variable, origin }: ListedSetting, fileName: string): string {
  return origin === 'file' ? `settings.${name} in ${fileName}` : `${variable} or an option of the command line`
}
