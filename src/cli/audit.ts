// `turnpike audit`: who changed what.
import { Command } from 'commander'
import type { AuditEntry } from '#control'
import type { List } from './admin-client.ts'
import type { CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { countOption } from './request-filters.ts'
import { formatTime, plain, shorten } from './words.ts'

const examples = `
Examples:
  turnpike audit list
  turnpike audit list --limit 500 --json | jq '.data[] | select(.action == "key.revoke")'
`

export function auditCommand(context: CliContext): Command {
  return new Command('audit').description('who changed what').addCommand(listCommand(context))
}

function listCommand({ terminal, connect }: CliContext): Command {
  const list = new Command('list')
    .description('changes, newest first')
    .option('--limit <n>', 'at most so many, 1 to 1000', '50')
    .option('--cursor <cursor>', 'where the previous page ended')
  return addInstanceOptions(list)
    .addHelpText('after', examples)
    .action(async (options: InstanceOptions & { readonly limit: string; readonly cursor?: string }) => {
      const limit = String(countOption('--limit', options.limit, 1, 1000))
      const page = await (await connect(options)).get<List<AuditEntry>>('audit', { limit, cursor: options.cursor })
      printList(terminal, options, page, [
        { title: 'AT', of: ({ at }) => formatTime(at) },
        { title: 'WHO', of: ({ actor }) => actor },
        { title: 'ACTION', of: ({ action }) => action },
        { title: 'TARGET', of: ({ target }) => shorten(plain(target), 48) },
        { title: 'DETAIL', of: ({ detail }) => (Object.keys(detail).length === 0 ? '' : shorten(plain(JSON.stringify(detail)), 100)) },
      ], 'Nothing has been changed yet.') // prettier-ignore
      if (page.next_cursor !== null && terminal.isTty && options.json !== true)
        terminal.remark(`There are older ones: --cursor ${page.next_cursor}`)
    })
}
