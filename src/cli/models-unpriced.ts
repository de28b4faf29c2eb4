// `turnpike models unpriced`: what was asked for or configured and has no price, with the command that gives it one.
import { Command } from 'commander'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { askedWithoutPrice, configuredWithoutPrice, pricedNow } from './unpriced-models.ts'
import { formatCount, plain } from './words.ts'

const weekMs = 7 * 86_400_000
const examples = `
Examples:
  turnpike models unpriced
  turnpike models unpriced --all          also those of the catalog that nobody asked for
  turnpike models unpriced --json | jq -r '.data[].model'

What has no price has no cost on record, and keys with a budget may not ask for it.
`

type Unpriced = {
  readonly model: string
  /** Of the last seven days. */
  readonly requests: number
  readonly configured: boolean
  readonly price_command: string
  readonly free_command: string
}

export function unpricedCommand(context: CliContext): Command {
  const { terminal, connect, nowMs } = context
  const unpriced = new Command('unpriced')
    .description('models that were asked for or configured and have no price, and how to give each one')
    .option('--all', 'also those that the catalog lists without a price')
  return addInstanceOptions(unpriced)
    .addHelpText('after', examples)
    .action(async (options: InstanceOptions & { readonly all?: true }) => {
      const typed = typedFor(context, options)
      const client = await connect(options)
      const asked = await askedWithoutPrice(client, new Date(nowMs() - weekMs).toISOString())
      const priced = await pricedNow(client, asked.map(({ name }) => name)) // prettier-ignore
      const configured = new Set(await configuredWithoutPrice(client, options.all === true))
      const open = new Map(asked.filter(({ name }) => !priced.has(name)).map(({ name, requests }) => [name, requests]))
      const data = [...new Set([...open.keys(), ...configured])].map((model): Unpriced => ({
        model,
        requests: open.get(model) ?? 0,
        configured: configured.has(model),
        price_command: typed(`models price set ${model} --input <usd> --output <usd>`),
        free_command: typed(`models price set ${model} --free`),
      }))
      printList(
        terminal,
        options,
        { data, next_cursor: null },
        [
          { title: 'MODEL', of: ({ model }) => plain(model) },
          { title: 'REQUESTS', of: ({ requests }) => formatCount(requests), align: 'right' },
          { title: 'TO PRICE IT (or --free)', of: ({ price_command: command }) => plain(command) },
        ],
        'Every model that was asked for in the last week or is configured has a price.',
      )
    })
}
