// `turnpike keys revoke`: the key stops within a second.
import { Command } from 'commander'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { endsOf, findKey } from './key-fields.ts'
import { plain } from './words.ts'

const examples = `
Examples:
  turnpike keys revoke laptop
  turnpike keys revoke key_Jszq-hjRtAV- --yes      without being asked
`

export function revokeKeyCommand(context: CliContext): Command {
  const { terminal, prompts, connect } = context
  const revoke = new Command('revoke')
    .description('stop a key for good; its records keep its name')
    .argument('<key>', 'its id or name')
    .option('-y, --yes', "don't ask")
  return addInstanceOptions(revoke, 'what was revoked, as JSON')
    .addHelpText('after', examples)
    .action(async (wanted: string, options: InstanceOptions & { readonly yes?: true }) => {
      const client = await connect(options)
      const key = await findKey(client, wanted, typedFor(context, options))
      if (key.state === 'revoked') return terminal.remark(`The key '${plain(key.name)}' (${key.id}) was revoked before.`)
      const question = `Revoke the key '${plain(key.name)}' (${endsOf(key)})? Clients that use it are refused at once.`
      if (prompts !== undefined && options.yes !== true && !(await prompts.confirm(question, false))) {
        return terminal.remark('Nothing was revoked.')
      }
      await client.send('DELETE', `keys/${encodeURIComponent(key.id)}`)
      if (options.json === true) terminal.line(JSON.stringify({ id: key.id, name: key.name, state: 'revoked' }))
      else terminal.line(`Revoked: ${plain(key.name)} (${key.id}). Requests with it are refused from now on.`)
    })
}
