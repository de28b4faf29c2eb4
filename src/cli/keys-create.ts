// `turnpike keys create`: a new gateway key, shown once.
import { Command } from 'commander'
import type { KeyCreated } from '#control'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, type InstanceOptions } from './instance-options.ts'
import { addKeyOptions, keyBody, printNewKey, type KeyOptions } from './key-fields.ts'
import { ownerBody } from './limit-fields.ts'
import { formatTime, plain } from './words.ts'

const examples = `
Examples:
  turnpike keys create --name laptop
  turnpike keys create --name ci --type service --models 'openai/*' --expires 30d
  turnpike keys create --name assistant --client openclaw
  turnpike keys create --name ada --user ada --budget 5/day --budget 50/month --rate 60/minute --concurrent 4
  GATEWAY_KEY=$(turnpike keys create --name script)     the key alone goes to stdout
`

export function createKeyCommand({ terminal, prompts, connect, nowMs }: CliContext): Command {
  const command = new Command('create')
    .description('a new key, shown this once')
    .option('--name <name>', 'what it is called in lists and records')
  return addInstanceOptions(addKeyOptions(command))
    .addHelpText('after', examples)
    .action(async (options: KeyOptions & InstanceOptions) => {
      const name = options.name ?? (await prompts?.text('What is the key for? (its name in lists and records)', { check: required }))
      if (name === undefined) throw misused('A key needs a name: --name laptop.')
      const said = keyBody({ ...options, name }, nowMs())
      const client = await connect({ ...options, needs: 'create' })
      // null takes away, and a new key has nothing yet.
      const body = Object.fromEntries(
        Object.entries({ ...said, ...(await ownerBody(client, options)) }).filter(([, value]) => value !== null),
      )
      const created = await client.send<KeyCreated>('POST', 'keys', body)
      if (options.json === true) return terminal.line(JSON.stringify(created))
      const until = created.expires_at === null ? '' : `, until ${formatTime(created.expires_at)}`
      const models = created.models === undefined ? 'every model' : plain(created.models.join(', '))
      printNewKey(terminal, created, `The key '${plain(created.name)}' (${created.id}) works at once, for ${models}${until}.`)
    })
}

function required(text: string): string | undefined {
  return text === '' ? 'A name is needed.' : undefined
}
