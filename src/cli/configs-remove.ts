// `turnpike configs remove`: a routing config and all its versions.
import { Command } from 'commander'
import type { CliContext } from './context.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { plain } from './words.ts'

const examples = `
Examples:
  turnpike configs remove chat
  turnpike configs remove chat --yes               without being asked
`

export function removeConfigCommand({ terminal, prompts, connect }: CliContext): Command {
  const remove = new Command('remove')
    .description('forget a routing config with all its versions; not while it is attached to a key')
    .argument('<slug>', 'its name in the list')
    .option('-y, --yes', "don't ask")
  return addInstanceOptions(remove, 'what was removed, as JSON')
    .addHelpText('after', examples)
    .action(async (slug: string, options: InstanceOptions & { readonly yes?: true }) => {
      const client = await connect(options)
      const question = `Remove the routing config ${plain(slug)} with all its versions? Requests that name it are refused at once.`
      if (prompts !== undefined && options.yes !== true && !(await prompts.confirm(question, false))) {
        return terminal.remark('Nothing was removed.')
      }
      await client.send('DELETE', `configs/${encodeURIComponent(slug)}`)
      if (options.json === true) terminal.line(JSON.stringify({ removed: slug }))
      else terminal.line(`Removed: ${plain(slug)}`)
    })
}
