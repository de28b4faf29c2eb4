// `turnpike configs dry-run`: where a request would go, why, and what would happen when that fails. Nothing is sent.
import { Command } from 'commander'
import type { DryRun, DryRunStep } from '#planning'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { addSampleOptions, configOf, sampleOf, type SampleOptions } from './sample-request.ts'
import { tableLines, type Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { dollars, plain } from './words.ts'

const examples = `
Examples:
  turnpike configs dry-run chat --model gpt-5-mini
  turnpike configs dry-run chat.json --model gpt-5-mini --metadata tier=paid
  turnpike configs dry-run chat --request-id 01ab...       a request that was recorded, with its body
  turnpike configs dry-run --request body.json --key laptop    what its key would do with it
  turnpike configs dry-run '{"retry":{"attempts":3}}' --model claude-sonnet-4-5 --json
`

type DryRunOptions = InstanceOptions & SampleOptions & { readonly requestId?: string }

export function dryRunConfigCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const dryRun = new Command('dry-run')
    .description('the plan for a request: targets in order, why, what fails over where, prices; nothing is sent')
    .argument('[config]', 'a slug, a file, or JSON; without it, what the request itself chooses')
    .option('--request-id <id>', 'a recorded request')
  return addInstanceOptions(addSampleOptions(dryRun))
    .addHelpText('after', examples)
    .action(async (config: string | undefined, options: DryRunOptions) => {
      const body = { ...(await configOf(config, context)), ...(await requestOf(options, context)) }
      const run = await (await connect(options)).send<DryRun>('POST', 'configs/dry-run', body)
      if (options.json === true) terminal.line(JSON.stringify(run))
      else printRun(terminal, run)
    })
}

async function requestOf(options: DryRunOptions, context: CliContext): Promise<object> {
  const { model, request, requestId, endpoint, key, metadata, header } = options
  const ways = [model, request, requestId].filter((one) => one !== undefined)
  if (ways.length !== 1) throw misused('Say which request: one of --model, --request and --request-id.')
  if (requestId === undefined) return { request: await sampleOf(options, context) }
  const more = Object.entries({ endpoint, key, metadata, header }).find(([, value]) => value !== undefined)
  if (more !== undefined) throw misused(`--request-id and --${more[0]} exclude each other: what was recorded says it.`)
  return { request_id: requestId }
}

function printRun(terminal: Terminal, run: DryRun): void {
  const { config, model, steps, skipped, cache } = run
  const version = config?.version == null ? '' : `, version ${config.version}`
  const which =
    config === null
      ? 'no routing config'
      : config.slug === null
        ? 'the config that was given'
        : `the config ${plain(config.slug)}${version}`
  terminal.line(`A request for ${plain(model)} with ${which}:`)
  if (steps.length === 0) terminal.line(terminal.paint('red', 'No target can answer it.'))
  else printSteps(terminal, steps)
  if (skipped.length > 0) {
    terminal.line('')
    const columns: Column<DryRun['skipped'][number]>[] = [
      { title: 'SKIPPED', of: ({ target }) => target || '-' },
      { title: 'PROVIDER', of: ({ provider }) => plain(provider) },
      { title: 'WHY', of: ({ reason }) => plain(reason) },
    ]
    for (const line of tableLines(columns, skipped)) terminal.line(line)
  }
  if (cache !== null) {
    const namespace = cache.namespace === null ? '' : `, shared as ${plain(cache.namespace)}`
    terminal.line('')
    terminal.line(`An answer is kept for ${cache.max_age} s${namespace}${cache.tools ? ', requests with tools included' : ''}.`)
  }
}

function printSteps(terminal: Terminal, steps: readonly DryRunStep[]): void {
  const columns: Column<readonly [number, DryRunStep]>[] = [
    { title: '#', of: ([number]) => String(number), align: 'right' },
    { title: 'TARGET', of: ([, { target }]) => target || '-' },
    { title: 'MODEL', of: ([, { provider, model }]) => plain(`${provider}/${model}`) },
    { title: 'KEY', of: ([, { credential }]) => plain(credential) },
    { title: 'IN / MILLION', of: ([, { price }]) => rateOf(price, 'input_per_million_usd'), align: 'right' },
    { title: 'OUT / MILLION', of: ([, { price }]) => rateOf(price, 'output_per_million_usd'), align: 'right' },
    { title: 'WHY', of: ([, { reason }]) => plain(reason) },
  ]
  const rows = steps.map((step, index) => [index + 1, step] as const)
  const [titles = '', ...lines] = tableLines(columns, rows)
  terminal.line(titles)
  for (const [index, line] of lines.entries()) {
    terminal.line(line)
    for (const more of detailsOf(steps[index]!)) terminal.line(terminal.paint('dim', `     ${plain(more)}`))
  }
}

/** What a step says beside its row. */
function detailsOf({ lane, wire, retry, timeouts, exits, notes }: DryRunStep): string[] {
  const waits = [
    `connect ${timeouts.connect_ms} ms`,
    ...(timeouts.first_token_ms === null ? [] : [`first token ${timeouts.first_token_ms} ms`]),
    `idle ${timeouts.idle_ms} ms`,
    `whole ${timeouts.request_timeout} ms`,
    ...(timeouts.floor === null ? [] : [`at least ${timeouts.floor} bytes/s`]),
  ]
  return [
    ...(lane === 'translate' ? [`translated to ${wire}`] : []),
    ...(retry === null
      ? []
      : [`tried ${retry.attempts} more ${retry.attempts === 1 ? 'time' : 'times'} after ${retry.on_status_codes.join(', ')}`]),
    `timeouts: ${waits.join(', ')}`,
    ...exits.map((exit) => `then: ${exit}`),
    ...notes.map((note) => `note: ${note}`),
  ]
}

function rateOf(price: DryRunStep['price'], rate: 'input_per_million_usd' | 'output_per_million_usd'): string {
  if (price === null) return '-'
  return price === 'free' ? 'free' : dollars(price[rate])
}
