// `turnpike configs set`: a routing config, or a new version of it.
import { Command } from 'commander'
import type { ConfigView } from '#control'
import { remarkWarnings } from './configs-list.ts'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { readJsonArgument } from './json-argument.ts'
import { plain } from './words.ts'

const examples = `
Examples:
  turnpike configs set chat chat.json
  turnpike configs set chat chat.json --comment 'groq first'
  turnpike configs set cheap '{"strategy":{"mode":"fallback"},"targets":[{"provider":"@groq"},{"provider":"@openai"}]}'
  ./make-config | turnpike configs set chat -

Its keys are in docs/configs.md. Attach it to a key: turnpike keys update laptop --config chat
`

export function setConfigCommand(context: CliContext): Command {
  const { terminal, prompts, connect } = context
  const set = new Command('set')
    .description('store a routing config, or a new version of it; it applies to the next request')
    .argument('<slug>', 'what it is called')
    .argument('[config]', 'a file with its JSON, the JSON itself, or - for stdin (without it, too)')
    .option('--comment <text>', 'why, for the list of versions')
  return addInstanceOptions(set)
    .addHelpText('after', examples)
    .action(async (slug: string, written: string | undefined, options: InstanceOptions & { readonly comment?: string }) => {
      if (written === undefined && prompts !== undefined)
        throw misused("Say which config: a file (chat.json), JSON in quotes ('{...}'), or - for stdin.")
      const config = await readJsonArgument(written ?? '-', 'a routing config', context)
      const { comment } = options
      const body = { config, ...(comment === undefined ? {} : { comment }) }
      const client = await connect({ ...options, needs: 'create' })
      const view = await client.send<ConfigView>('PUT', `configs/${encodeURIComponent(slug)}`, body)
      if (options.json === true) return terminal.line(JSON.stringify(view))
      terminal.line(`${plain(view.slug)} is at version ${view.version ?? '-'} from the next request on.`)
      remarkWarnings(terminal, view.warnings)
    })
}
