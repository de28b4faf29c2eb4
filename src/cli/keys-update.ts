// `turnpike keys update`: what a key may do and how it is called; the key stays.
import { Command } from 'commander'
import type { KeyView } from '#control'
import { typedFor, type CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { addKeyOptions, findKey, keyBody, printKey, type KeyOptions } from './key-fields.ts'
import { ownerBody } from './limit-fields.ts'

const examples = `
Examples:
  turnpike keys update laptop --models 'openai/*,claude-*'
  turnpike keys update laptop --all-models --expires never
  turnpike keys update laptop --name desktop
  turnpike keys update laptop --budget 10/day          in place of the budgets that it had
  turnpike keys update laptop --config chat --no-config-override
`

export function updateKeyCommand(context: CliContext): Command {
  const { terminal, connect, command, nowMs } = context
  const update = new Command('update')
    .description('change what a key may do; it applies to the next request')
    .argument('<key>', 'its id or name')
    .option('--name <name>', 'a new name')
    .option('--all-models', 'it may ask for every model again')
  return addInstanceOptions(addKeyOptions(update))
    .addHelpText('after', examples)
    .action(async (wanted: string, options: KeyOptions & InstanceOptions & { readonly allModels?: true }) => {
      if (options.allModels === true && options.models !== undefined) throw misused('--models and --all-models exclude each other.')
      const said = { ...keyBody(options, nowMs()), ...(options.allModels === true ? { models: null } : {}) }
      if (Object.keys(said).length === 0 && options.user === undefined && options.team === undefined)
        throw misused(`Say what to change: --name, --models, --expires, ... (see: ${command} keys update --help)`)
      const client = await connect(options)
      const body = { ...said, ...(await ownerBody(client, options)) }
      const { id } = await findKey(client, wanted, typedFor(context, options))
      const key = await client.send<KeyView>('PATCH', `keys/${encodeURIComponent(id)}`, body)
      if (options.json === true) terminal.line(JSON.stringify(key))
      else printKey(terminal, key)
    })
}
