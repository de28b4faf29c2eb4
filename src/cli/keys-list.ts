// `turnpike keys list` and `show`: what there is of each key but the key itself.
import { Command } from 'commander'
import type { KeyView } from '#control'
import type { List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { endsOf, findKey, printKey } from './key-fields.ts'
import { budgetWords, rateWords } from './limit-fields.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatTime, plain, shorten } from './words.ts'

const listExamples = `
Examples:
  turnpike keys list
  turnpike keys list --all                               with those that were revoked
  turnpike keys list --json | jq '.data[].name'
`
const showExamples = `
Examples:
  turnpike keys show laptop
  turnpike keys show key_Jszq-hjRtAV- --json
`

export function listKeysCommand({ terminal, connect }: CliContext): Command {
  return addInstanceOptions(new Command('list').description('every key, without its secret').option('--all', 'with revoked ones'))
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions & { readonly all?: true }) => {
      const list = await (await connect(options)).get<List<KeyView>>('keys')
      const data = list.data.filter(({ state }) => options.all === true || options.json === true || state !== 'revoked')
      printList(terminal, options, { ...list, data }, keyColumns(terminal), 'There is no key.')
    })
}

export function showKeyCommand(context: CliContext): Command {
  const { terminal, connect } = context
  return addInstanceOptions(new Command('show').description('one key in full').argument('<key>', 'its id or name'))
    .addHelpText('after', showExamples)
    .action(async (wanted: string, options: InstanceOptions) => {
      const key = await findKey(await connect(options), wanted, typedFor(context, options))
      if (options.json === true) terminal.line(JSON.stringify(key))
      else printKey(terminal, key)
    })
}

function keyColumns(terminal: Terminal): Column<KeyView>[] {
  return [
    { title: 'NAME', of: ({ name }) => shorten(plain(name), 32) },
    { title: 'ID', of: ({ id }) => id },
    { title: 'KEY', of: endsOf },
    {
      title: 'STATE',
      of: ({ state }) => state,
      paint: (text, { state }) => terminal.paint(state === 'active' ? 'green' : 'red', text),
    },
    { title: 'MODELS', of: ({ models }) => (models === undefined ? 'all' : shorten(plain(models.join(', ')), 40)) },
    {
      title: 'LIMITS',
      of: ({ budgets, rate_limits: rates }) => shorten([budgetWords(budgets), rateWords(rates)].filter(Boolean).join(', '), 40),
    },
    { title: 'CONFIG', of: ({ config }) => config ?? '' },
    { title: 'EXPIRES', of: ({ expires_at: at }) => (at === null ? 'never' : formatTime(at)) },
    { title: 'FROM', of: ({ origin }) => (origin === 'file' ? 'turnpike.yaml' : '') },
  ]
}
