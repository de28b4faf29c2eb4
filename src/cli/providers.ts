// `turnpike providers`: the accounts behind this gateway.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { addProviderCommand } from './providers-add.ts'
import { listProvidersCommand, showProviderCommand } from './providers-list.ts'
import { removeProviderCommand } from './providers-remove.ts'
import { testProvidersCommand } from './providers-test.ts'
import { listVendorsCommand } from './providers-vendors.ts'

export function providersCommand(context: CliContext): Command {
  return new Command('providers')
    .description('accounts with model providers: add, list, show, test or remove')
    .addCommand(addProviderCommand(context))
    .addCommand(listProvidersCommand(context))
    .addCommand(showProviderCommand(context))
    .addCommand(testProvidersCommand(context))
    .addCommand(removeProviderCommand(context))
    .addCommand(listVendorsCommand(context))
}
