// `turnpike drill`: proves a fallback chain by letting each target fail in turn, and prints what a client would have seen.
import { Command } from 'commander'
import type { Drill, DrillFault, DrillRun } from '#drill'
import type { CliContext } from './context.ts'
import { CliFailure, misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { addSampleOptions, configOf, sampleOf, type SampleOptions } from './sample-request.ts'
import { tableLines, type Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatMs, plain, shorten } from './words.ts'

const examples = `
Examples:
  turnpike drill chat                              each target of the config chat fails in turn
  turnpike drill chat.json --model gpt-5-mini      before it is stored
  turnpike drill --model gpt-5-mini                whoever serves this model
  turnpike drill chat --request body.json --json   with a request of your own

Nothing is sent: the simulator stands in for every target. Timeouts are those of the config, and nobody waits for them.
Exit code 1: when the first target fails in one of these ways, nobody else answers.
`

const words: Readonly<Record<DrillFault, string>> = {
  '429': 'answers 429',
  '500': 'answers 500',
  stall: 'says nothing',
  cut: 'is cut off',
  error: 'sends an error as 200',
}

const faults = Object.keys(words) as DrillFault[]

export function drillCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const drill = new Command('drill')
    .description('let each target of a config fail in turn, and show what a client would have seen; nothing is sent')
    .argument('[config]', 'a slug, a file, or JSON; without it, what the request itself chooses')
  return addInstanceOptions(addSampleOptions(drill))
    .addHelpText('after', examples)
    .action(async (config: string | undefined, options: InstanceOptions & SampleOptions) => {
      if (config === undefined && options.model === undefined && options.request === undefined)
        throw misused('Say what to drill: a config (a slug, a file, JSON), --model or --request.')
      const asked = { ...(await configOf(config, context)), request: await sampleOf(options, context, { stream: true }) }
      const client = await connect(options)
      const parts: Drill[] = []
      for (const [index, fault] of faults.entries()) {
        terminal.remark(`${index + 1}/${faults.length}  a target ${words[fault]} ...`)
        parts.push(await client.send<Drill>('POST', 'configs/drill', { ...asked, faults: [fault] }))
      }
      const done: Drill = {
        ...parts[0]!,
        runs: parts.flatMap(({ runs }) => runs),
        covered: parts.every(({ covered }) => covered),
      }
      if (options.json === true) terminal.line(JSON.stringify(done))
      else printDrill(terminal, done)
      if (!done.covered) throw new CliFailure(gap(done))
    })
}

function printDrill(terminal: Terminal, { config, model, stream, targets, skipped, runs }: Drill): void {
  const which =
    config === null
      ? 'no routing config'
      : config.slug === null
        ? 'the config that was given'
        : `the config ${plain(config.slug)}${config.version === null ? '' : `, version ${config.version}`}`
  terminal.line(`A ${stream ? 'streamed ' : ''}request for ${plain(model)} with ${which}:`)
  const targetColumns: Column<readonly [number, Drill['targets'][number]]>[] = [
    { title: '#', of: ([number]) => String(number), align: 'right' },
    { title: 'TARGET', of: ([, { target }]) => target || '-' },
    { title: 'MODEL', of: ([, { provider, model: id }]) => plain(`${provider}/${id}`) },
    { title: 'KEYS', of: ([, { credentials }]) => plain(credentials.join(', ')) },
  ]
  const numbered = targets.map((target, index) => [index + 1, target] as const)
  for (const line of tableLines(targetColumns, numbered)) terminal.line(line)
  for (const { target, reason } of skipped) terminal.line(terminal.paint('dim', `   ${target || '-'} is left out: ${plain(reason)}`))
  terminal.line('')
  const isDark = ({ answered_by: answered }: DrillRun): boolean => answered === null
  const columns: Column<DrillRun>[] = [
    { title: 'FAILS', of: ({ failing }) => (failing === 1 ? '1' : failing === targets.length ? 'all' : `1-${failing}`) },
    { title: 'HOW', of: ({ fault }) => words[fault] },
    { title: 'ASKED', of: ({ attempts }) => shorten(attempts.map(({ target }) => target).join(' '), 24) },
    {
      title: 'ANSWERS',
      of: ({ answered_by: answered }) => (answered === null ? 'nobody' : String(answered)),
      paint: (text, run) => (isDark(run) ? terminal.paint(run.failing === 1 ? 'red' : 'yellow', text) : terminal.paint('green', text)),
    },
    { title: 'AFTER', of: ({ after_ms: after }) => (after === 0 ? 'at once' : formatMs(after)), align: 'right' },
    { title: 'THE CLIENT SEES', of: seen },
  ]
  for (const line of tableLines(columns, runs)) terminal.line(line)
}

function seen({ client: { status, provider, model, text, error, retry_after: retryAfter } }: DrillRun): string {
  if (error !== null) {
    const again = retryAfter === null ? '' : `, Retry-After ${retryAfter} s`
    return `${status} ${error.code}${again}: ${shorten(plain(error.message), 100)}`
  }
  return `${status} ${plain(`${provider ?? '-'}/${model ?? '-'}`)} "${shorten(plain(text), 40)}"`
}

/** What is missing, in one sentence. */
function gap({ runs, targets }: Drill): string {
  const open = runs.filter(({ failing, answered_by: answered }) => failing === 1 && answered === null).map(({ fault }) => words[fault])
  const first = targets[0]!
  const name = plain([first.target, `${first.provider}/${first.model}`].filter((part) => part !== '').join(', '))
  const why = targets.length === 1 ? 'There is no other target' : 'The chain does not go on then'
  return `When the first target (${name}) fails, nobody answers: ${open.join(', ')}. ${why}.`
}
