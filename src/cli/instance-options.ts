// The options of every command that asks the admin API, and how a listed answer is printed.
import type { Command } from 'commander'
import type { List } from './admin-client.ts'
import { misused } from './failure.ts'
import { tableLines, type Column } from './table.ts'
import type { Terminal } from './terminal.ts'

export type InstanceOptions = { readonly home?: string; readonly verbose?: true; readonly json?: true }

/** `json` says what is printed with it. */
export function addInstanceOptions(command: Command, json = 'the answer of the admin API'): Command {
  return command
    .option('--json', json)
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .option('--verbose', 'say on stderr who was asked')
}

/** As JSON, or a table; `empty` is a remark, so that a script reads nothing. */
export function printList<Row>(
  terminal: Terminal,
  { json }: InstanceOptions,
  list: List<Row>,
  columns: readonly Column<Row>[],
  empty: string,
): void {
  if (json === true) return terminal.line(JSON.stringify(list))
  if (list.data.length === 0) return terminal.remark(empty)
  for (const line of tableLines(columns, list.data)) terminal.line(line)
}

/** Lines of `name  value`, aligned; without those that have none. */
export function printFields(terminal: Terminal, fields: readonly (readonly [name: string, value: string | null | undefined])[]): void {
  const told = fields.filter((field): field is readonly [string, string] => field[1] !== undefined && field[1] !== null && field[1] !== '')
  const width = Math.max(0, ...told.map(([name]) => name.length))
  for (const [name, value] of told) terminal.line(`${name.padEnd(width)}  ${value}`)
}

/** For options that may be given several times, or with commas: `--models a,b --models c`. */
export function several(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').map((part) => part.trim()).filter((part) => part !== '')] // prettier-ignore
}

/** For `--metadata key=value`, several times. */
export function pairs(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw misused(`--metadata takes key=value, not '${text}'.`)
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}
