// `turnpike configs`: routing configs, which say where requests go and what happens when that fails.
import { Command } from 'commander'
import { dryRunConfigCommand } from './configs-dry-run.ts'
import { listConfigsCommand, showConfigCommand } from './configs-list.ts'
import { removeConfigCommand } from './configs-remove.ts'
import { rollbackConfigCommand } from './configs-rollback.ts'
import { setConfigCommand } from './configs-set.ts'
import { listConfigVersionsCommand } from './configs-versions.ts'
import type { CliContext } from './context.ts'

export function configsCommand(context: CliContext): Command {
  return new Command('configs')
    .description('routing configs: list, show, set, remove, go back to an earlier version, or try on a request')
    .addCommand(listConfigsCommand(context))
    .addCommand(showConfigCommand(context))
    .addCommand(setConfigCommand(context))
    .addCommand(removeConfigCommand(context))
    .addCommand(listConfigVersionsCommand(context))
    .addCommand(rollbackConfigCommand(context))
    .addCommand(dryRunConfigCommand(context))
}
