// `turnpike requests list`: a page of requests, newest first.
import { Command } from 'commander'
import type { CliContext, ConnectionOptions } from './context.ts'
import { addFilterOptions, countOption, queryOf, type FilterOptions } from './request-filters.ts'
import { requestColumns } from './request-rows.ts'
import { tableLines } from './table.ts'

type ListOptions = FilterOptions & ConnectionOptions & { readonly limit: string; readonly cursor?: string; readonly json?: true }

const examples = `
Examples:
  turnpike requests list
  turnpike requests list --since 1h --outcome upstream_error
  turnpike requests list --provider openai --min-cost 0.05 --limit 100
  turnpike requests list --since 1d --json | jq '.data[].cost_usd'
`

export function listCommand({ terminal, connect, nowMs }: CliContext): Command {
  const command = new Command('list')
    .description('requests, newest first')
    .option('--since <when>', 'so long ago (1h, 7d), or a date')
    .option('--until <when>', 'the same')
  return addFilterOptions(command)
    .option('--limit <n>', 'at most so many, 1 to 1000', '20')
    .option('--cursor <cursor>', 'where the previous page ended')
    .option('--json', 'the answer of the admin API')
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .addHelpText('after', examples)
    .action(async (options: ListOptions) => {
      const query = { ...queryOf(options, nowMs()), limit: String(countOption('--limit', options.limit, 1, 1000)), cursor: options.cursor }
      const client = await connect(options)
      const page = await client.listRequests(query)
      if (options.json === true) return terminal.line(JSON.stringify(page))
      if (page.data.length === 0) return terminal.remark('No request matches.')
      for (const line of tableLines(requestColumns(terminal), page.data)) terminal.line(line)
      if (page.next_cursor !== null && terminal.isTty)
        terminal.remark(`There are older ones: --limit ${nextLimit(page.data.length)}, or --cursor ${page.next_cursor}`)
    })
}

function nextLimit(shown: number): number {
  return Math.min(1000, shown * 5)
}
