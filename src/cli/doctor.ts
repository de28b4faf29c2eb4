// `turnpike doctor`: looks for what is wrong and says how to put it right.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { ConfigError, readSettings, type Settings } from '#config'
import { typedFor, type CliContext } from './context.ts'
import type { Check } from './doctor-check.ts'
import { instanceChecks, machineChecks } from './doctor-machine.ts'
import { providerChecks } from './doctor-providers.ts'
import { useChecks } from './doctor-use.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import type { Terminal } from './terminal.ts'
import { plain } from './words.ts'

const examples = `
Examples:
  turnpike doctor
  turnpike doctor --json | jq '.checks[] | select(.state != "ok")'

Looks at this machine, the home, the instance, each provider and its keys, and what recent requests tell. Nothing is
changed, generated or charged. Ends with 1 when something is broken, with 0 when there are only warnings.
`

export function doctorCommand(context: CliContext): Command {
  const { terminal } = context
  return addInstanceOptions(new Command('doctor').description('find what is wrong, and how to put it right'), 'every check, as JSON')
    .addHelpText('after', examples)
    .action(async (options: InstanceOptions) => {
      const checks: Check[] = []
      for await (const check of checksOf(context, options)) {
        checks.push(check)
        if (options.json !== true) print(terminal, check)
      }
      const count = (state: Check['state']) => checks.filter((check) => check.state === state).length
      if (options.json === true) terminal.line(JSON.stringify({ ok: count('fail') === 0, checks }))
      if (count('fail') > 0) {
        throw new CliFailure(
          `${count('fail')} of ${checks.length} checks failed${count('warn') > 0 ? `, ${count('warn')} with a warning` : ''}.`,
        )
      }
      if (options.json !== true) {
        terminal.line(
          count('warn') === 0 ? 'Nothing is wrong.' : `Nothing is broken; ${count('warn')} warning${count('warn') === 1 ? '' : 's'}.`,
        )
      }
    })
}

/** Each part relies on what the earlier ones found: the first that cannot go on is the last. */
async function* checksOf(context: CliContext, options: InstanceOptions): AsyncGenerator<Check> {
  const found = settingsOf(options.home)
  const typed = typedFor(context, options)
  if (found instanceof ConfigError) return yield { state: 'fail', name: 'settings', message: found.message }
  const { home, configPath } = found
  const declared = configPath === undefined ? 'no turnpike.yaml' : `declared in ${configPath}`
  yield { state: 'ok', name: 'settings', message: `Home ${home}, ${declared}.` }
  yield* await machineChecks(found)
  yield* await instanceChecks(found, context.version, typed)
  const isStarted = existsSync(path.join(home, 'control.db'))
  const keyFile = path.join(home, 'master-key')
  if (isStarted && found.masterKey === undefined && !existsSync(keyFile)) {
    // Opened in this process the home might get a new one, and nothing is changed here.
    return yield {
      state: 'fail',
      name: 'master key',
      message: `It is missing: ${keyFile} is gone and TURNPIKE_MASTER_KEY is not set. Stored keys of providers cannot be read without it.`,
      fix: `Put it back into ${keyFile} (mode 0600); if it is lost: ${typed('providers add --replace')}`,
    }
  }
  if (!isStarted && found.adminToken === undefined && !existsSync(path.join(home, 'admin-token'))) {
    return yield { state: 'warn', name: 'providers', message: 'Nothing is configured yet.', fix: typed('init') }
  }
  let asked = 'admin API'
  try {
    const client = await context.connect(options)
    asked = 'providers'
    yield* await providerChecks(client, context.nowMs, typed)
    asked = 'use'
    yield* await useChecks(client, context.nowMs(), typed)
  } catch (error) {
    if (!(error instanceof CliFailure || error instanceof ConfigError)) throw error
    yield { state: 'fail', name: asked, message: error.message }
  }
}

function settingsOf(home: string | undefined): Settings | ConfigError {
  try {
    return readSettings({ overrides: { home } })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const

function print(terminal: Terminal, { state, name, message, fix }: Check): void {
  terminal.line(`${terminal.paint(colours[state], state.padEnd(4))}  ${name}: ${plain(message)}`)
  if (fix !== undefined) terminal.line(`      ${terminal.paint('bold', plain(fix))}`)
}
