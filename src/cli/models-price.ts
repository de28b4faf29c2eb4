// `turnpike models price`: a price of your own for one model of one provider, in place of the catalog's.
import { Command } from 'commander'
import type { PriceView } from '#control'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { readJsonArgument } from './json-argument.ts'
import { plain } from './words.ts'

/** Option -> the rate's name in the API. */
const rates = [
  ['--input <usd>', 'input', 'input_per_million_usd', 'a million input tokens'],
  ['--output <usd>', 'output', 'output_per_million_usd', 'a million output tokens'],
  ['--cache-read <usd>', 'cacheRead', 'cache_read_per_million_usd', 'a million tokens read from the cache'],
  ['--cache-write <usd>', 'cacheWrite', 'cache_write_5m_per_million_usd', 'a million tokens written to the cache for 5 minutes'],
  ['--cache-write-1h <usd>', 'cacheWrite1h', 'cache_write_1h_per_million_usd', 'a million tokens written for an hour'],
  ['--reasoning <usd>', 'reasoning', 'reasoning_per_million_usd', 'a million reasoning tokens, where they differ from output'],
  ['--input-audio <usd>', 'inputAudio', 'input_audio_per_million_usd', 'a million tokens of audio that is read'],
  ['--output-audio <usd>', 'outputAudio', 'output_audio_per_million_usd', 'a million tokens of audio that is spoken'],
  ['--input-image <usd>', 'inputImage', 'input_image_per_million_usd', 'a million tokens of images that are read'],
  ['--output-image <usd>', 'outputImage', 'output_image_per_million_usd', 'a million tokens of images that are drawn'],
  ['--request <usd>', 'request', 'request_usd', 'each request'],
  ['--search <usd>', 'search', 'search_usd', 'each web search that the provider runs'],
  ['--image <usd>', 'image', 'image_usd', "each image of the provider's own tool"],
] as const

type Rate = (typeof rates)[number][1]
type SetOptions = InstanceOptions & { readonly [Option in Rate]?: string } & { readonly free?: true }

const setExamples = `
Examples:
  turnpike models price set openai/gpt-5-mini --input 0.25 --output 2
  turnpike models price set basement/qwen3:8b --free
  turnpike models price set openai/gpt-5.4 --json-file price.json
  turnpike models price set own/big --json-file '{"input_per_million_usd":"1","output_per_million_usd":"4",
    "tiers":[{"above_input_tokens":200000,"input_per_million_usd":"2","output_per_million_usd":"6"}]}'

Tiers, service tiers, regions, time windows and periods are written as JSON; docs/prices.md has their fields. Amounts are USD. The price applies to the next request; what was recorded keeps its own.
`
const removeExamples = `
Examples:
  turnpike models price remove openai/gpt-5-mini
`

type Written = InstanceOptions & { readonly jsonFile?: string }

export function priceCommand(context: CliContext): Command {
  return new Command('price')
    .description("set a model's price, or go back to the catalog's")
    .addCommand(setCommand(context))
    .addCommand(removeCommand(context))
}

function setCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const setPrice = new Command('set').description('a price in place of the catalog\'s').argument('<provider/model>', 'as models list shows it') // prettier-ignore
  for (const [flags, , , what] of rates) setPrice.option(flags, what)
  return addInstanceOptions(
    setPrice
      .option('--free', 'it costs nothing')
      .option('--json-file <price>', 'the price as the API takes it: a file, JSON in quotes, or - for stdin'),
  )
    .addHelpText('after', setExamples)
    .action(async (model: string, options: SetOptions & Written) => {
      const said = rates.filter(([, option]) => options[option] !== undefined)
      if (options.free === true && said.length > 0) throw misused(`--free and ${said[0]![0]} exclude each other.`)
      if (options.jsonFile !== undefined && (options.free === true || said.length > 0))
        throw misused(`--json-file says all that it costs; leave ${options.free === true ? '--free' : said[0]![0]} out.`)
      if (options.jsonFile === undefined && options.free !== true && (options.input === undefined || options.output === undefined)) {
        throw misused(
          'Say what it costs: --input and --output in USD per million tokens, --free, or --json-file for all that a price can have.',
        )
      }
      const price = options.jsonFile !== undefined ? await readJsonArgument(options.jsonFile, 'a price', context) : options.free === true ? 'free' : Object.fromEntries(said.map(([, option, field]) => [field, amountOf(option, options[option]!)])) // prettier-ignore
      const set = await (await connect(options)).send<PriceView>('PUT', `${pathOf(model)}/price`, { price })
      if (options.json === true) return terminal.line(JSON.stringify(set))
      terminal.line(`${plain(`${set.provider}/${set.model}`)}: ${priceWords(set.price)}, from the next request on.`)
    })
}

function removeCommand({ terminal, connect }: CliContext): Command {
  const remove = new Command('remove').description("forget your price; the catalog's applies again").argument('<provider/model>', 'as models list shows it') // prettier-ignore
  return addInstanceOptions(remove, 'what was removed, as JSON')
    .addHelpText('after', removeExamples)
    .action(async (model: string, options: InstanceOptions) => {
      await (await connect(options)).send('DELETE', `${pathOf(model)}/price`)
      if (options.json === true) terminal.line(JSON.stringify({ removed: model }))
      else terminal.line(`Removed: your price of ${plain(model)}.`)
    })
}

/** A slug has no slash; a model's id may have several. */
function pathOf(name: string): string {
  const [, provider, model] = /^@?([^/]+)\/(.+)$/.exec(name) ?? []
  if (provider === undefined || model === undefined)
    throw misused(`A price belongs to a model of a provider: write provider/model, not '${name}'.`)
  return `models/${encodeURIComponent(provider)}/${encodeURIComponent(model)}`
}

function amountOf(option: string, text: string): string {
  const amount = text.replace(/^\$/, '')
  if (!/^\d+(\.\d+)?$/.test(amount)) {
    const flag = option.replaceAll(/[A-Z]|1h/g, (part) => `-${part.toLowerCase()}`)
    throw misused(`--${flag} takes an amount in USD such as 0.25, not '${text}'.`)
  }
  return amount
}

function priceWords(price: PriceView['price']): string {
  if (price === 'free') return 'free'
  const words = rates.flatMap(([, , field, what]) =>
    price[field] === undefined ? [] : [`$${price[field]} for ${what.replace(/,.*/, '')}`],
  )
  const conditions = (['tiers', 'service_tiers', 'regions', 'windows', 'periods'] as const).filter((name) => price[name] !== undefined)
  return [...words, ...conditions.map((name) => `${name.replace('_', ' ')} of its own`)].join(', ')
}
