// `turnpike users` and `turnpike teams`: whom keys belong to, with what they may spend between them.
import { Command } from 'commander'
import type { OwnerView } from '#control'
import type { AdminClient, List } from './admin-client.ts'
import { typedFor, type CliContext } from './context.ts'
import { CliFailure, misused } from './failure.ts'
import { addInstanceOptions, printFields, printList, type InstanceOptions } from './instance-options.ts'
import { addLimitOptions, budgetWords, findOwner, limitBody, ownerBody, rateWords, type LimitOptions } from './limit-fields.ts'
import type { Column } from './table.ts'
import type { Terminal } from './terminal.ts'
import { plain, shorten } from './words.ts'

type Kind = 'users' | 'teams'
type OwnerOptions = LimitOptions & InstanceOptions & { readonly name?: string; readonly team?: string; readonly prepaid?: boolean }

export function ownersCommand(context: CliContext, kind: Kind): Command {
  const description =
    kind === 'users' ? 'people whom keys belong to: list, add, update or remove' : 'teams of users and keys: list, add, update or remove'
  return new Command(kind)
    .description(description)
    .addCommand(listCommand(context, kind))
    .addCommand(addCommand(context, kind))
    .addCommand(updateCommand(context, kind))
    .addCommand(removeCommand(context, kind))
}

function examplesOf(kind: Kind, ...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  turnpike ${kind} ${line}`).join('\n')}\n`
}

/** `user`, `team` */
function oneOf(kind: Kind): string {
  return kind.slice(0, -1)
}

function addOwnerOptions(command: Command, kind: Kind): Command {
  if (kind === 'users') command.option('--team <team>', 'id or name of the team it belongs to; none: of no team')
  return addLimitOptions(command)
    .option('--prepaid', 'what it spends comes from its wallet, and stops when that is empty')
    .option('--no-prepaid', 'it has no wallet')
}

async function bodyOf(client: AdminClient, options: OwnerOptions): Promise<object> {
  const { name, prepaid, team } = options
  return {
    ...(name === undefined ? {} : { name }),
    ...(await ownerBody(client, team === undefined ? {} : { team })),
    ...limitBody(options),
    ...(prepaid === undefined ? {} : { prepaid }),
  }
}

function listCommand(context: CliContext, kind: Kind): Command {
  const { terminal, connect } = context
  return addInstanceOptions(new Command('list').description(`every ${oneOf(kind)}`))
    .addHelpText('after', examplesOf(kind, 'list', "list --json | jq '.data[].id'"))
    .action(async (options: InstanceOptions) => {
      const list = await (await connect(options)).get<List<OwnerView>>(kind)
      const columns: Column<OwnerView>[] = [
        { title: 'NAME', of: ({ name }) => shorten(plain(name), 32) },
        { title: 'ID', of: ({ id }) => id },
        ...(kind === 'users' ? [{ title: 'TEAM', of: ({ team }: OwnerView) => team ?? '' }] : []),
        { title: 'PREPAID', of: ({ prepaid }) => (prepaid ? 'yes' : '') },
        { title: 'BUDGETS', of: ({ budgets }) => shorten(budgetWords(budgets) ?? '', 40) },
        { title: 'RATES', of: ({ rate_limits: rates }) => shorten(rateWords(rates) ?? '', 40) },
      ]
      printList(
        terminal,
        options,
        list,
        columns,
        `There is no ${oneOf(kind)}. Make one: ${typedFor(context, options)(`${kind} add --name NAME`)}`,
      )
    })
}

function addCommand({ terminal, connect }: CliContext, kind: Kind): Command {
  const add = new Command('add').description(`a new ${oneOf(kind)}`).option('--name <name>', 'what it is called')
  return addInstanceOptions(addOwnerOptions(add, kind))
    .addHelpText(
      'after',
      examplesOf(kind, 'add --name core --budget 200/month', 'add --name ada --budget 5/day --rate 60/minute --concurrent 4'),
    )
    .action(async (options: OwnerOptions) => {
      if (options.name === undefined) throw misused(`A ${oneOf(kind)} needs a name: --name ada.`)
      const client = await connect({ ...options, needs: 'create' })
      // null takes away, and what is new has nothing yet.
      const body = Object.fromEntries(Object.entries(await bodyOf(client, options)).filter(([, value]) => value !== null))
      const owner = await client.send<OwnerView>('POST', kind, body)
      if (options.json === true) terminal.line(JSON.stringify(owner))
      else printOwner(terminal, owner)
    })
}

function updateCommand(context: CliContext, kind: Kind): Command {
  const { terminal, connect, command } = context
  const update = new Command('update')
    .description(`change what a ${oneOf(kind)} may spend; it applies to the next request`)
    .argument(`<${oneOf(kind)}>`, 'its id or name')
    .option('--name <name>', 'a new name')
  return addInstanceOptions(addOwnerOptions(update, kind))
    .addHelpText('after', examplesOf(kind, 'update ada --budget 10/day --budget 100/month', 'update ada --no-budget'))
    .action(async (wanted: string, options: OwnerOptions) => {
      const client = await connect(options)
      const body = await bodyOf(client, options)
      if (Object.keys(body).length === 0)
        throw misused(`Say what to change: --name, --budget, --rate, ... (see: ${command} ${kind} update --help)`)
      const { id } = await existing(client, kind, wanted, context, options)
      const owner = await client.send<OwnerView>('PATCH', `${kind}/${encodeURIComponent(id)}`, body)
      if (options.json === true) terminal.line(JSON.stringify(owner))
      else printOwner(terminal, owner)
    })
}

function removeCommand(context: CliContext, kind: Kind): Command {
  const { terminal, connect } = context
  const remove = new Command('remove')
    .description(`remove a ${oneOf(kind)} that nothing belongs to`)
    .argument(`<${oneOf(kind)}>`, 'its id or name')
  return addInstanceOptions(remove, 'what was removed, as JSON')
    .addHelpText('after', examplesOf(kind, 'remove ada'))
    .action(async (wanted: string, options: InstanceOptions) => {
      const client = await connect(options)
      const { id, name } = await existing(client, kind, wanted, context, options)
      await client.send('DELETE', `${kind}/${encodeURIComponent(id)}`)
      if (options.json === true) terminal.line(JSON.stringify({ removed: id }))
      else terminal.line(`Removed: ${plain(name)} (${id})`)
    })
}

async function existing(
  client: AdminClient,
  kind: Kind,
  wanted: string,
  context: CliContext,
  options: InstanceOptions,
): Promise<OwnerView> {
  const found = await findOwner(client, kind, wanted)
  if (found !== undefined) return found
  throw new CliFailure(
    `There is no ${oneOf(kind)} whose id or name is '${plain(wanted)}'. See: ${typedFor(context, options)(`${kind} list`)}`,
  )
}

function printOwner(terminal: Terminal, { id, name, team, budgets, rate_limits: rates, prepaid }: OwnerView): void {
  printFields(terminal, [
    ['id', id],
    ['name', plain(name)],
    ['team', team],
    ['budgets', budgetWords(budgets)],
    ['rates', rateWords(rates)],
    ['prepaid', prepaid ? 'yes' : undefined],
  ])
}
