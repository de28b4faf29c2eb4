// `turnpike requests tail`: requests as they end, until interrupted; survives a restart of the gateway.
import { setTimeout as wait } from 'node:timers/promises'
import { Command } from 'commander'
import type { RequestRow } from '#store'
import { NotRunning } from './admin-client.ts'
import type { CliContext, ConnectionOptions } from './context.ts'
import { createFollower } from './follow.ts'
import { addFilterOptions, countOption, queryOf, type FilterOptions } from './request-filters.ts'
import { requestColumns } from './request-rows.ts'
import { tableLine, tableLines } from './table.ts'

type TailOptions = FilterOptions & ConnectionOptions & { readonly lines: string; readonly json?: true }

const retryMs = 1000
const examples = `
Examples:
  turnpike requests tail
  turnpike requests tail --outcome upstream_error
  turnpike requests tail --json | jq --unbuffered .cost_usd
`

export function tailCommand({ terminal, connect, nowMs }: CliContext): Command {
  return addFilterOptions(new Command('tail').description('requests as they end, until you press Ctrl-C'))
    .option('-n, --lines <n>', 'begin with so many past ones, 0 to 1000', '10')
    .option('--json', 'one JSON object a line')
    .option('--home <folder>', 'home of the instance (TURNPIKE_HOME)')
    .addHelpText('after', examples)
    .action(async (options: TailOptions) => {
      const query = queryOf(options, nowMs())
      const backlog = countOption('--lines', options.lines, 0, 1000)
      const columns = requestColumns(terminal)
      const show = (row: RequestRow): void => terminal.line(options.json === true ? JSON.stringify(row) : tableLine(columns, row))

      let client = await connect(options)
      const follower = createFollower({
        open: (lastEventId) =>
          client.open('requests/stream', query, lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } }),
        past: (count) => client.listRequests({ ...query, limit: String(count) }),
        backlog,
      })
      if (options.json !== true) terminal.line(tableLines(columns, [])[0]!)

      let isAway = false
      const back = (): void => {
        if (isAway) terminal.remark('turnpike is back.')
        isAway = false
      }
      for (let isFirst = true; ; isFirst = false) {
        try {
          if (!isFirst) client = await connect(options)
          for await (const row of follower.rows(back)) show(row)
        } catch (error) {
          if (!(error instanceof NotRunning) || isFirst) throw error
        }
        if (!isAway) terminal.remark('turnpike has stopped; waiting for it to come back (Ctrl-C ends this).')
        isAway = true
        await wait(retryMs)
      }
    })
}
