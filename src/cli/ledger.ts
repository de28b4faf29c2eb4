// `turnpike ledger`: every transfer, whether all of it adds up, and all of it as CSV.
import { closeSync, openSync, writeSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { LedgerCheckView, TransferView } from '#control'
import type { AdminClient, List, Query } from './admin-client.ts'
import type { CliContext } from './context.ts'
import { CliFailure } from './failure.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { exactUsd, momentOption, transferWords } from './ledger-words.ts'
import { countOption } from './request-filters.ts'
import { formatCount, formatTime, plain, shorten } from './words.ts'

const listExamples = `
Examples:
  turnpike ledger list
  turnpike ledger list --account wallet:instance --kind charge --from 1d
`
const checkExamples = `
Examples:
  turnpike ledger check                               exit code 1 when something does not add up
  turnpike ledger check --json | jq -r '.violations[]'
`
const exportExamples = `
Examples:
  turnpike ledger export > ledger.csv
  turnpike ledger export --from 2026-11-01 --to 2026-12-01 --output november.csv
  turnpike ledger export --account revenue --json     one transfer a line

Columns: transfer, at (UTC), kind, account, pot, amount_usd, requests, request_id, actor, note. One row for each entry; the
entries of a transfer sum to 0.
`

export function ledgerCommand(context: CliContext): Command {
  return new Command('ledger')
    .description('what was charged and credited: list it, check it, export it')
    .addCommand(listCommand(context))
    .addCommand(checkCommand(context))
    .addCommand(exportCommand(context))
}

type Filters = { readonly account?: string; readonly kind?: string; readonly from?: string; readonly to?: string }

function addFilters(command: Command): Command {
  return command
    .option('--account <id>', 'transfers of this account, user or team alone')
    .addOption(new Option('--kind <kind>', 'of this kind alone').choices(['charge', 'credit', 'refund', 'adjustment']))
    .option('--from <when>', 'a duration back from now (30d) or a date')
    .option('--to <when>', 'before this time')
}

function queryOf({ account, kind, from, to }: Filters, nowMs: number): Query {
  return { account, kind, from: momentOption('--from', from, nowMs), to: momentOption('--to', to, nowMs) }
}

function listCommand({ terminal, connect, nowMs }: CliContext): Command {
  const list = addFilters(new Command('list').description('transfers, newest first'))
    .option('--limit <n>', 'at most so many, 1 to 1000', '50')
    .option('--cursor <cursor>', 'where the previous page ended')
  return addInstanceOptions(list)
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions & Filters & { readonly limit: string; readonly cursor?: string }) => {
      const query = { ...queryOf(options, nowMs()), limit: String(countOption('--limit', options.limit, 1, 1000)), cursor: options.cursor }
      const page = await (await connect(options)).get<List<TransferView>>('ledger', query)
      printList(terminal, options, page, [
        { title: 'TRANSFER', of: ({ id }) => String(id), align: 'right' },
        { title: 'AT', of: ({ at }) => formatTime(at) },
        { title: 'WHAT', of: transferWords },
        { title: 'ENTRIES', of: ({ entries }) => entries.map((entry) => `${plain(entry.account)} ${exactUsd(entry.amount_usd)}`).join(', ') },
        { title: 'NOTE', of: ({ note }) => (note === null ? '' : shorten(plain(note), 60)) },
      ], 'No transfer matches.') // prettier-ignore
      if (page.next_cursor !== null && terminal.isTty && options.json !== true)
        terminal.remark(`There are older ones: --cursor ${page.next_cursor}`)
    })
}

function checkCommand({ terminal, connect }: CliContext): Command {
  return addInstanceOptions(
    new Command('check').description('whether all of it adds up; exit code 1 when it does not'),
    'the verdict as JSON',
  )
    .addHelpText('after', checkExamples)
    .action(async (options: InstanceOptions) => {
      const verdict = await (await connect(options)).get<LedgerCheckView>('ledger/check')
      const { ok, violations, transfers, charges, records, began_at: beganAt } = verdict
      if (options.json === true) terminal.line(JSON.stringify(verdict))
      else if (ok)
        terminal.line(
          `The ledger adds up: ${counted(charges, 'request')} in ${counted(transfers, 'transfer')} since ${formatTime(beganAt)}; ${counted(records, 'record')} compared.`,
        )
      else for (const violation of violations) terminal.line(plain(violation))
      if (!ok) throw new CliFailure(`The ledger does not add up: ${counted(violations.length, 'violation')}.`)
    })
}

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`
}

type ExportOptions = InstanceOptions & Filters & { readonly format: string; readonly output?: string }

function exportCommand({ terminal, connect, nowMs }: CliContext): Command {
  const command = addFilters(new Command('export').description('transfers with their entries as CSV, oldest first'))
    .addOption(new Option('--format <format>', 'how it is written').choices(['csv']).default('csv'))
    .option('--output <file>', 'into this file instead of stdout')
  return addInstanceOptions(command, 'one transfer a line as JSON, instead of CSV')
    .addHelpText('after', exportExamples)
    .action(async (options: ExportOptions) => {
      const client = await connect(options)
      const query = queryOf(options, nowMs())
      const file = options.output === undefined ? undefined : opened(options.output)
      const write = (text: string): void => {
        const bytes = Buffer.from(text)
        if (file === undefined) terminal.bytes(bytes)
        else for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
      }
      try {
        if (options.json !== true) write(csvLine(columns))
        let count = 0
        for await (const transfer of transfersOf(client, query)) {
          count++
          write(options.json === true ? `${JSON.stringify(transfer)}\n` : csvOf(transfer))
        }
        if (options.output !== undefined) terminal.remark(`${formatCount(count)} transfers are in ${options.output}.`)
      } finally {
        if (file !== undefined) closeSync(file)
      }
    })
}

async function* transfersOf(client: AdminClient, query: Query): AsyncGenerator<TransferView> {
  for (let cursor: string | undefined; ;) {
    const page = await client.get<List<TransferView>>('ledger', { ...query, order: 'oldest', limit: '1000', cursor })
    yield* page.data
    if (page.next_cursor === null) return
    cursor = page.next_cursor
  }
}

/** Made for its owner alone, as everything about money. */
function opened(path: string): number {
  try {
    return openSync(path, 'w', 0o600)
  } catch (error) {
    throw new CliFailure(`${path} cannot be written (${(error as NodeJS.ErrnoException).code}); choose another file.`)
  }
}

const columns = ['transfer', 'at', 'kind', 'account', 'pot', 'amount_usd', 'requests', 'request_id', 'actor', 'note']

function csvOf({ id, at, kind, requests, request_id: request, actor, note, entries }: TransferView): string {
  return entries
    .map(({ account, pot, amount_usd: usd }) =>
      csvLine([String(id), at, kind, account, pot ?? '', usd, String(requests), request ?? '', actor ?? '', note ?? '']),
    )
    .join('')
}

/** RFC 4180. */
function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`
}
