// `turnpike keys rotate`: a new secret for a key; the old one is accepted for a while, so that clients can be changed one by one.
import { Command } from 'commander'
import type { KeyCreated } from '#control'
import { typedFor, type CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { findKey, printNewKey } from './key-fields.ts'
import { formatTime, parseDuration, plain } from './words.ts'

const examples = `
Examples:
  turnpike keys rotate laptop                      the old one is accepted for another day
  turnpike keys rotate laptop --overlap 7d
  turnpike keys rotate laptop --overlap 0s         the old one stops at once
`

export function rotateKeyCommand(context: CliContext): Command {
  const { terminal, connect } = context
  const rotate = new Command('rotate')
    .description('replace a key by a new one, with an overlap')
    .argument('<key>', 'its id or name')
    .option('--overlap <duration>', 'how long the old one is still accepted: 1d, 2h, 0s', '1d')
  return addInstanceOptions(rotate)
    .addHelpText('after', examples)
    .action(async (wanted: string, options: InstanceOptions & { readonly overlap: string }) => {
      const overlapMs = parseDuration(options.overlap)
      if (overlapMs === undefined) throw misused(`--overlap takes a duration (1d, 2h, 0s), not '${options.overlap}'.`)
      const client = await connect(options)
      const { id } = await findKey(client, wanted, typedFor(context, options))
      const body = { overlap_seconds: Math.round(overlapMs / 1000) }
      const created = await client.send<KeyCreated>('POST', `keys/${encodeURIComponent(id)}/rotate`, body)
      if (options.json === true) return terminal.line(JSON.stringify(created))
      const until = created.previous
        .map(({ accepted_until: at }) => formatTime(at))
        .toSorted()
        .at(-1)
      const old = until === undefined ? 'the old one has stopped' : `the old one is accepted until ${until}`
      printNewKey(terminal, created, `The key '${plain(created.name)}' has a new secret; ${old}.`)
    })
}
