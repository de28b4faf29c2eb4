// `turnpike configs versions`: what a routing config was, and who changed it when.
import { Command } from 'commander'
import type { ConfigVersionView } from '#control'
import type { List } from './admin-client.ts'
import type { CliContext } from './context.ts'
import { addInstanceOptions, printList, type InstanceOptions } from './instance-options.ts'
import { countOption } from './request-filters.ts'
import { formatTime, plain, shorten } from './words.ts'

const examples = `
Examples:
  turnpike configs versions chat
  turnpike configs versions chat --json | jq '.data[0].config'
`

export function listConfigVersionsCommand({ terminal, connect }: CliContext): Command {
  const versions = new Command('versions')
    .description('the versions of a routing config, newest first')
    .argument('<slug>', 'its name in the list')
    .option('--limit <n>', 'at most so many, 1 to 1000', '50')
    .option('--cursor <cursor>', 'where the previous page ended')
  return addInstanceOptions(versions)
    .addHelpText('after', examples)
    .action(async (slug: string, options: InstanceOptions & { readonly limit: string; readonly cursor?: string }) => {
      const limit = String(countOption('--limit', options.limit, 1, 1000))
      const query = { limit, cursor: options.cursor }
      const page = await (await connect(options)).get<List<ConfigVersionView>>(`configs/${encodeURIComponent(slug)}/versions`, query)
      printList(terminal, options, page, [
        { title: 'VERSION', of: ({ version }) => String(version), align: 'right' },
        { title: 'AT', of: ({ created_at: at }) => formatTime(at) },
        { title: 'WHO', of: ({ created_by: by }) => by },
        { title: 'COMMENT', of: ({ comment }) => shorten(plain(comment ?? ''), 60) },
        { title: 'CONFIG', of: ({ config }) => shorten(plain(JSON.stringify(config)), 100) },
      ], 'It has no versions: it is declared in turnpike.yaml.') // prettier-ignore
      if (page.next_cursor !== null && terminal.isTty && options.json !== true)
        terminal.remark(`There are older ones: --cursor ${page.next_cursor}`)
    })
}
