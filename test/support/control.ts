// A control plane for a test: a home of its own, without a gateway; it can be closed and opened again on the same home.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { nothingDeclared, openHome, readDeclared, readSettings, type Environment, type SettingOverrides } from '#config'
import { createControl, Refusal, type Actor, type OpenControl, type RefusalKind } from '#control'

export const admin: Actor = { kind: 'admin' }
export const controlToken = 'an-admin-token-that-looks-like-nothing-special'

export type TestControlOptions = {
  /** Of an earlier one. */
  readonly home?: string
  /** turnpike.yaml. */
  readonly declared?: string
  readonly env?: Environment
  readonly overrides?: SettingOverrides
  readonly toleratesMisfits?: boolean
  readonly alertWaitsMs?: readonly number[]
}

export type TestControl = OpenControl & {
  readonly home: string
  readonly warnings: readonly string[]
  readonly logged: readonly string[]
  close(): Promise<void>
}

/** Closed with the test, if it isn't by then. */
export async function openTestControl(context: TestContext, options: TestControlOptions = {}): Promise<TestControl> {
  const home = options.home ?? mkdtempSync(path.join(os.tmpdir(), 'turnpike-control-'))
  if (options.home === undefined) context.after(() => rmSync(home, { recursive: true, force: true }))
  const config = path.join(home, 'turnpike.yaml')
  if (options.declared !== undefined) writeFileSync(config, options.declared)
  const env = options.env ?? {}
  const settings = readSettings({ overrides: { home, ...options.overrides }, env })
  openHome(settings)
  const warnings: string[] = []
  const logged: string[] = []
  const opened = await createControl({
    settings,
    declared: settings.configPath === undefined ? nothingDeclared : readDeclared(settings.configPath, env),
    env,
    adminToken: controlToken,
    makesFirstKey: true,
    toleratesMisfits: options.toleratesMisfits ?? false,
    ...(options.alertWaitsMs === undefined ? {} : { alertWaitsMs: options.alertWaitsMs }),
    log: {
      warn(fields, message) {
        warnings.push(message)
        logged.push(JSON.stringify({ ...fields, message }))
      },
    },
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => (closed ??= opened.control.close())
  context.after(close)
  return { ...opened, home, warnings, logged, close }
}

/** The refusal of a write: its kind, its field, its sentence. */
export async function refusalOf(write: () => unknown): Promise<{ kind: RefusalKind; field: string | undefined; message: string }> {
  try {
    await write()
  } catch (error) {
    assert.ok(error instanceof Refusal, String((error as Error).stack))
    assert.ok(!error.message.includes('\n'), error.message)
    return { kind: error.kind, field: error.field, message: error.message }
  }
  assert.fail('it was accepted')
}
