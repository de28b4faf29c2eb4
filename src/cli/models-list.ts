// `turnpike models list`: what the providers of this instance serve.
import { Command } from 'commander'
import type { ModelView } from '#control'
import { allPages } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { countOption } from './request-filters.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { dollars, formatCount, plain, shorten } from './words.ts'

type ListOptions = InstanceOptions & { readonly provider?: string; readonly unpriced?: true; readonly all?: true; readonly limit: string }

const examples = `
Examples:
  turnpike models list
  turnpike models list sonnet                            names that contain a word
  turnpike models list --provider openai --limit 500
  turnpike models list --unpriced                        what has no price
  turnpike models list --json | jq -r '.data[].id'
`

export function listModelsCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const list = new Command('list')
    .description('models with their limits and prices')
    .argument('[word]', 'only names that contain it')
    .option('--provider <slug>', 'only of this provider')
    .option('--unpriced', 'only those without a price')
    .option('--all', "also those that a provider's lists forbid")
    .option('--limit <n>', 'show at most so many', '50')
  return addInstanceOptions(list)
    .addHelpText('after', examples)
    .action(async (word: string | undefined, options: ListOptions) => {
      const limit = countOption('--limit', options.limit, 1, 999_999)
      const answer = await allPages<ModelView>(await connect(options), 'models', { provider: options.provider, q: word })
      const data = answer.filter(({ allowed, price }) => (allowed || options.all === true) && (price === null || options.unpriced !== true))
      if (options.json === true) return terminal.line(JSON.stringify({ data, next_cursor: null }))
      const shown = data.slice(0, limit)
      const empty = `No model matches. Providers are added with: ${typedFor(context, options)('providers add')}`
      printList(terminal, options, { data: shown, next_cursor: null }, modelColumns(terminal), empty)
      if (shown.length < data.length) {
        terminal.remark(
          `${shown.length} of ${formatCount(data.length)}: name a part of the model, or --limit ${Math.min(data.length, 999_999)}`,
        )
      }
    })
}

function modelColumns(terminal: Terminal): Column<ModelView>[] {
  return [
    { title: 'MODEL', of: ({ provider, id }) => shorten(plain(`${provider}/${id}`), 60), paint: (text, { allowed }) => terminal.paint(allowed ? 'none' : 'dim', text) }, // prettier-ignore
    { title: 'CONTEXT', of: ({ context_window: window }) => formatCount(window), align: 'right' },
    { title: 'OUTPUT', of: ({ max_output_tokens: most }) => formatCount(most), align: 'right' },
    { title: 'IN / MILLION', of: (model) => rateOf(model, 'input_per_million_usd'), align: 'right' },
    { title: 'OUT / MILLION', of: (model) => rateOf(model, 'output_per_million_usd'), align: 'right' },
    {
      title: 'PRICE FROM',
      of: ({ price_source: source, allowed }) => (source ?? 'unpriced') + (allowed ? '' : ', not allowed'),
      paint: (text, { price_source: source }) => terminal.paint(source === null ? 'yellow' : 'none', text),
    },
  ]
}

function rateOf({ price }: ModelView, rate: 'input_per_million_usd' | 'output_per_million_usd'): string {
  if (price === null) return '-'
  return price === 'free' ? 'free' : dollars(price[rate])
}
