// `turnpike configs rollback`: what an earlier version says counts again.
import { Command } from 'commander'
import type { ConfigView } from '#control'
import { remarkWarnings } from './configs-list.ts'
import type { CliContext } from './context.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { countOption } from './request-filters.ts'
import { plain } from './words.ts'

const examples = `
Examples:
  turnpike configs rollback chat 3                       version 3 again, as a new version
`

export function rollbackConfigCommand({ terminal, connect }: CliContext): Command {
  const rollback = new Command('rollback')
    .description('let an earlier version count again; it applies to the next request')
    .argument('<slug>', 'its name in the list')
    .argument('<version>', 'as versions lists it')
    .option('--comment <text>', 'why, for the list of versions')
  return addInstanceOptions(rollback)
    .addHelpText('after', examples)
    .action(async (slug: string, wanted: string, options: InstanceOptions & { readonly comment?: string }) => {
      const version = countOption('<version>', wanted, 1, Number.MAX_SAFE_INTEGER)
      const { comment } = options
      const body = { version, ...(comment === undefined ? {} : { comment }) }
      const view = await (await connect(options)).send<ConfigView>('POST', `configs/${encodeURIComponent(slug)}/rollback`, body)
      if (options.json === true) return terminal.line(JSON.stringify(view))
      terminal.line(`${plain(view.slug)} says what version ${version} said, as version ${view.version ?? '-'}, from the next request on.`)
      remarkWarnings(terminal, view.warnings)
    })
}
