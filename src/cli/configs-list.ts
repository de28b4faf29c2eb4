// `turnpike configs list` and `show`: what is stored or declared, without its secrets.
import { Command } from 'commander'
import type { ConfigVersionView, ConfigView } from '#control'
import type { List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { countOption } from './request-filters.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatTime, plain, plainLines, shorten } from './words.ts'

const listExamples = `
Examples:
  turnpike configs list
  turnpike configs list --json | jq -r '.data[] | select(.warnings != []) | .slug'
`
const showExamples = `
Examples:
  turnpike configs show chat
  turnpike configs show chat > chat.json                 the config alone goes to stdout
  turnpike configs show chat --at 3                      as it was in version 3
`

export function listConfigsCommand(context: CliContext): Command {
  const { terminal, connect } = context
  return addInstanceOptions(new Command('list').description('every routing config and the keys that it is attached to'))
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions) => {
      const list = await (await connect(options)).get<List<ConfigView>>('configs')
      const empty = `There is no routing config. Make one: ${typedFor(context, options)('configs set chat chat.json')}`
      printList(terminal, options, list, configColumns(terminal), empty)
    })
}

export function showConfigCommand({ terminal, connect }: CliContext): Command {
  const show = new Command('show')
    .description('one routing config: its JSON to stdout, what is to be known about it to stderr')
    .argument('<slug>', 'its name in the list')
    .option('--at <version>', 'as it was in that version')
  return addInstanceOptions(show)
    .addHelpText('after', showExamples)
    .action(async (slug: string, options: InstanceOptions & { readonly at?: string }) => {
      const client = await connect(options)
      const path = `configs/${encodeURIComponent(slug)}`
      if (options.at !== undefined) {
        const version = countOption('--at', options.at, 1, Number.MAX_SAFE_INTEGER - 1)
        const [found] = (await client.get<List<ConfigVersionView>>(`${path}/versions`, { limit: '1', cursor: String(version + 1) })).data
        if (found?.version !== version) throw new CliFailure(`The routing config ${plain(slug)} has no version ${version}.`)
        if (options.json === true) return terminal.line(JSON.stringify(found))
        terminal.remark(versionWords(found))
        return printConfig(terminal, found.config)
      }
      const view = await client.get<ConfigView>(path)
      if (options.json === true) return terminal.line(JSON.stringify(view))
      remarkConfig(terminal, view)
      printConfig(terminal, view.config)
    })
}

function configColumns(terminal: Terminal): Column<ConfigView>[] {
  return [
    { title: 'CONFIG', of: ({ slug }) => slug },
    { title: 'VERSION', of: ({ version }) => (version === null ? '-' : String(version)), align: 'right' },
    { title: 'KEYS', of: ({ keys }) => (keys.length === 0 ? '-' : shorten(plain(keys.map(({ name }) => name).join(', ')), 40)) },
    { title: 'CHANGED', of: ({ updated_at: at }) => (at === null ? '-' : formatTime(at)) },
    { title: 'FROM', of: ({ origin }) => (origin === 'file' ? 'turnpike.yaml' : '') },
    {
      title: 'STATE',
      of: ({ trouble, warnings }) =>
        trouble !== undefined
          ? 'not usable'
          : warnings.length === 0
            ? 'ok'
            : `${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`,
      paint: (text, { trouble, warnings }) =>
        terminal.paint(trouble !== undefined ? 'red' : warnings.length > 0 ? 'yellow' : 'green', text),
    },
    { title: 'COMMENT', of: ({ comment }) => shorten(plain(comment ?? ''), 60) },
  ]
}

/** What is to be known about a config beside what it says. */
export function remarkConfig(
  terminal: Terminal,
  { slug, version, keys, comment, warnings, trouble, origin, updated_at: at }: ConfigView,
): void {
  const which = version === null ? `${plain(slug)}, declared in turnpike.yaml` : `${plain(slug)}, version ${version}`
  terminal.remark(`${which}${at === null ? '' : `, of ${formatTime(at)}`}${comment === null ? '' : `: ${plain(comment)}`}`)
  if (keys.length > 0) terminal.remark(`attached to: ${keys.map(({ name }) => plain(name)).join(', ')}`)
  if (origin === 'file') terminal.remark('It is changed in the file.')
  remarkWarnings(terminal, warnings)
  if (trouble !== undefined) terminal.remark(`NOT USABLE: ${plain(trouble)}`)
}

export function remarkWarnings(terminal: Terminal, warnings: readonly string[]): void {
  for (const warning of warnings) terminal.remark(`warning: ${plain(warning)}`)
}

export function versionWords({ version, comment, created_at: at, created_by: by }: ConfigVersionView): string {
  return `version ${version}, of ${formatTime(at)} by ${by}${comment === null ? '' : `: ${plain(comment)}`}`
}

function printConfig(terminal: Terminal, config: object): void {
  terminal.line(plainLines(JSON.stringify(config, undefined, 2)))
}
