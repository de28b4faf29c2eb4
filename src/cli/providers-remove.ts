// `turnpike providers remove`: forgets a provider and its key.
import { Command } from 'commander'
import type { ProviderView } from '#control'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'

const examples = `
Examples:
  turnpike providers remove openai
  turnpike providers remove openai --yes      without being asked

One that a vendor key in the environment had made stays removed, until it is added again.
`

export function removeProviderCommand(context: CliContext): Command {
  const { terminal, prompts, connect } = context
  const remove = new Command('remove').description('forget a provider and its key').argument('<slug>', 'its name in the list').option('-y, --yes', "don't ask") // prettier-ignore
  return addInstanceOptions(remove, 'what was removed, as JSON')
    .addHelpText('after', examples)
    .action(async (slug: string, options: InstanceOptions & { readonly yes?: true }) => {
      const client = await connect(options)
      const path = `providers/${encodeURIComponent(slug)}`
      const provider = await client.get<ProviderView>(path)
      const question = `Remove ${provider.slug} (${provider.vendor})? Requests no longer go there, and its stored key is deleted.`
      if (prompts !== undefined && options.yes !== true && !(await prompts.confirm(question, false))) {
        return terminal.remark('Nothing was removed.')
      }
      await client.send('DELETE', path)
      if (options.json === true) terminal.line(JSON.stringify({ removed: provider.slug }))
      else terminal.line(`Removed: ${provider.slug}. To have it again: ${typedFor(context, options)(`providers add ${provider.vendor}`)}`)
    })
}
