// `turnpike aliases`: names of your own for models.
import { Command } from 'commander'
import type { AliasView } from '#control'
import type { List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { formatTime, plain } from './words.ts'

const listExamples = `
Examples:
  turnpike aliases list
  turnpike aliases list --json | jq '.data[].model'
`
const setExamples = `
Examples:
  turnpike aliases set fast openai/gpt-5-mini
  turnpike aliases set smart anthropic/claude-sonnet-4-5
`
const removeExamples = `
Examples:
  turnpike aliases remove fast
`

export function aliasesCommand(context: CliContext): Command {
  return new Command('aliases')
    .description('names of your own for models: list, set or remove')
    .addCommand(listCommand(context))
    .addCommand(setCommand(context))
    .addCommand(removeCommand(context))
}

function listCommand(context: CliContext): Command {
  const { terminal, connect } = context
  return addInstanceOptions(new Command('list').description('every alias and the model it stands for'))
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions) => {
      const list = await (await connect(options)).get<List<AliasView>>('aliases')
      const empty = `There is no alias. Make one: ${typedFor(context, options)('aliases set fast openai/gpt-5-mini')}`
      printList(terminal, options, list, [
        { title: 'NAME', of: ({ name }) => plain(name) },
        { title: 'MODEL', of: ({ model }) => plain(model) },
        { title: 'CHANGED', of: ({ updated_at: at }) => (at === null ? '-' : formatTime(at)) },
        { title: 'FROM', of: ({ origin }) => (origin === 'file' ? 'turnpike.yaml' : '') },
      ], empty) // prettier-ignore
    })
}

function setCommand({ terminal, connect }: CliContext): Command {
  const set = new Command('set')
    .description('let a name stand for a model; it applies to the next request')
    .argument('<name>', 'what clients ask for')
    .argument('<model>', 'what they get: provider/model, or a model that several providers serve')
  return addInstanceOptions(set)
    .addHelpText('after', setExamples)
    .action(async (name: string, model: string, options: InstanceOptions) => {
      const alias = await (await connect(options)).send<AliasView>('PUT', `aliases/${encodeURIComponent(name)}`, { model })
      if (options.json === true) terminal.line(JSON.stringify(alias))
      else terminal.line(`${plain(alias.name)} is ${plain(alias.model)} from the next request on.`)
    })
}

function removeCommand({ terminal, connect }: CliContext): Command {
  return addInstanceOptions(
    new Command('remove').description('forget an alias').argument('<name>', 'its name'),
    'what was removed, as JSON',
  )
    .addHelpText('after', removeExamples)
    .action(async (name: string, options: InstanceOptions) => {
      await (await connect(options)).send('DELETE', `aliases/${encodeURIComponent(name)}`)
      if (options.json === true) terminal.line(JSON.stringify({ removed: name }))
      else terminal.line(`Removed: ${plain(name)}`)
    })
}
