// `turnpike accounts`: wallets and the other accounts of the ledger, and the writes that people make to them.
import { Command } from 'commander'
import type { AccountView, OwnerView, StatementView, TransferMadeView } from '#control'
import { allPages, type AdminClient, type List } from './admin-client.ts'
import type { CliContext } from './context.ts'
import { misused } from './failure.ts'
import { addInstanceOptions, printFields, printList, type InstanceOptions } from './instance-options.ts'
import { exactUsd, momentOption, transferWords } from './ledger-words.ts'
import { tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatTime, plain, shorten } from './words.ts'

const listExamples = `
Examples:
  turnpike accounts list
  turnpike accounts list --json | jq '.data[] | select(.prepaid)'
`
const showExamples = `
Examples:
  turnpike accounts show ada                          a user or a team, by name or id
  turnpike accounts show wallet:instance
`
const creditExamples = `
Examples:
  turnpike accounts credit ada 25 --note 'invoice 7'
  turnpike accounts credit research 5.50 --pot promo  given, and spent before what was paid for
`
const refundExamples = `
Examples:
  turnpike accounts refund ada 01kaw9dq2e8h1rj3k6m5n7p9s4
  turnpike accounts refund ada 01kaw9dq2e8h1rj3k6m5n7p9s4 --amount 0.02
`
const adjustExamples = `
Examples:
  turnpike accounts adjust ada --take 2.50 --note 'credited twice'
  turnpike accounts adjust ada --add 1 --note 'charged for an outage'
`
const statementExamples = `
Examples:
  turnpike accounts statement ada --from 30d
  turnpike accounts statement ada --from 2026-11-01 --to 2026-12-01 --json
`

export function accountsCommand(context: CliContext): Command {
  return new Command('accounts')
    .description('wallets: list, show, credit, refund, adjust, statement')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(creditCommand(context))
    .addCommand(refundCommand(context))
    .addCommand(adjustCommand(context))
    .addCommand(statementCommand(context))
}

function listCommand({ terminal, connect }: CliContext): Command {
  return addInstanceOptions(new Command('list').description('every account of the ledger with its balance'))
    .addHelpText('after', listExamples)
    .action(async (options: InstanceOptions) => {
      const client = await connect(options)
      const list = { data: await allPages<AccountView>(client, 'accounts'), next_cursor: null }
      printList(terminal, options, list, [
        { title: 'ACCOUNT', of: ({ id }) => plain(id) },
        { title: 'OF', of: ({ owner }) => (owner === null ? '' : `${owner.kind} ${shorten(plain(owner.name), 32)}`) },
        { title: 'BALANCE', of: ({ balance_usd: usd }) => exactUsd(usd), align: 'right' },
        { title: 'PROMO', of: ({ promo_usd: usd }) => (usd === null || usd === '0' ? '' : exactUsd(usd)), align: 'right' },
        { title: 'HELD', of: ({ held_usd: usd }) => (usd === null || usd === '0' ? '' : exactUsd(usd)), align: 'right' },
        { title: 'PREPAID', of: ({ prepaid }) => (prepaid ? 'yes' : '') },
      ], 'There is no account.') // prettier-ignore
    })
}

function showCommand({ terminal, connect }: CliContext): Command {
  return addInstanceOptions(new Command('show').description('one account').argument('<account>', accountWords))
    .addHelpText('after', showExamples)
    .action(async (wanted: string, options: InstanceOptions) => {
      const client = await connect(options)
      const account = await client.get<AccountView>(`accounts/${await pathOf(client, wanted)}`)
      if (options.json === true) terminal.line(JSON.stringify(account))
      else printAccount(terminal, account)
    })
}

type WriteOptions = InstanceOptions & { readonly note?: string; readonly pot?: string }

function creditCommand({ terminal, connect }: CliContext): Command {
  const credit = new Command('credit')
    .description('put money into the wallet of a user or a team')
    .argument('<account>', accountWords)
    .argument('<usd>', 'how much, in USD: 25 or 0.50')
    .option('--pot <pot>', 'paid, or promo: given, and spent first', 'paid')
    .option('--note <text>', 'why; kept with the transfer')
  return addInstanceOptions(credit)
    .addHelpText('after', creditExamples)
    .action(async (wanted: string, amount: string, { note, pot, ...options }: WriteOptions) => {
      const client = await connect(options)
      const body = { amount_usd: usdOption('The amount', amount), pot, ...(note === undefined ? {} : { note }) }
      printMade(terminal, options, await client.send('POST', `accounts/${await pathOf(client, wanted)}/credits`, body))
    })
}

function refundCommand({ terminal, connect }: CliContext): Command {
  const refund = new Command('refund')
    .description('give back what a request cost, or a part of it')
    .argument('<account>', accountWords)
    .argument('<request>', 'id of the request')
    .option('--amount <usd>', 'a part of it; by default all that has not been refunded')
    .option('--note <text>', 'why; kept with the transfer')
  return addInstanceOptions(refund)
    .addHelpText('after', refundExamples)
    .action(async (wanted: string, request: string, { note, amount, ...options }: WriteOptions & { readonly amount?: string }) => {
      const client = await connect(options)
      const body = {
        request_id: request,
        ...(amount === undefined ? {} : { amount_usd: usdOption('--amount', amount) }),
        ...(note === undefined ? {} : { note }),
      }
      printMade(terminal, options, await client.send('POST', `accounts/${await pathOf(client, wanted)}/refunds`, body))
    })
}

function adjustCommand({ terminal, connect }: CliContext): Command {
  const adjust = new Command('adjust')
    .description('correct a balance; nothing that is booked is ever changed')
    .argument('<account>', accountWords)
    .option('--add <usd>', 'put so much into it')
    .option('--take <usd>', 'take so much from it')
    .option('--pot <pot>', 'paid or promo', 'paid')
    .requiredOption('--note <text>', 'why; kept with the transfer')
  return addInstanceOptions(adjust)
    .addHelpText('after', adjustExamples)
    .action(
      async (wanted: string, { note, pot, add, take, ...options }: WriteOptions & { readonly add?: string; readonly take?: string }) => {
        if ((add === undefined) === (take === undefined)) throw misused('Say either --add or --take, and how much.')
        const amount = add === undefined ? `-${usdOption('--take', take!)}` : usdOption('--add', add)
        const client = await connect(options)
        const made = await client.send<TransferMadeView>('POST', `accounts/${await pathOf(client, wanted)}/adjustments`, {
          amount_usd: amount,
          pot,
          note,
        })
        printMade(terminal, options, made)
      },
    )
}

type StatementOptions = InstanceOptions & { readonly from?: string; readonly to?: string }

function statementCommand({ terminal, connect, nowMs }: CliContext): Command {
  const statement = new Command('statement')
    .description('what moved the balance of an account, in the order of time')
    .argument('<account>', accountWords)
    .option('--from <when>', 'a duration back from now (30d) or a date')
    .option('--to <when>', 'before this time')
  return addInstanceOptions(statement)
    .addHelpText('after', statementExamples)
    .action(async (wanted: string, { from, to, ...options }: StatementOptions) => {
      const window = { from: momentOption('--from', from, nowMs()), to: momentOption('--to', to, nowMs()) }
      const client = await connect(options)
      const path = `accounts/${await pathOf(client, wanted)}/statement`
      const first = await client.get<StatementView>(path, { ...window, limit: '1000' })
      const lines = [...first.data]
      for (let cursor = first.next_cursor; cursor !== null;) {
        const page = await client.get<StatementView>(path, { ...window, limit: '1000', cursor })
        lines.push(...page.data)
        cursor = page.next_cursor
      }
      if (options.json === true) return terminal.line(JSON.stringify({ ...first, data: lines, next_cursor: null }))
      terminal.remark(`${first.account} had ${exactUsd(first.opening_usd)}.`)
      if (lines.length === 0) return terminal.remark('Nothing has moved it in this time.')
      for (const line of tableLines(
        [
          { title: 'AT', of: ({ at }) => formatTime(at) },
          { title: 'WHAT', of: transferWords },
          { title: 'AMOUNT', of: ({ amount_usd: usd }) => exactUsd(usd), align: 'right' },
          { title: 'BALANCE', of: ({ balance_usd: usd }) => exactUsd(usd), align: 'right' },
          { title: 'NOTE', of: ({ note }) => (note === null ? '' : shorten(plain(note), 60)) },
        ],
        lines,
      ))
        terminal.line(line)
    })
}

const accountWords = 'its id, or the id or name of a user or a team'

/** Percent-encoded. A name stands for its user or team; what is none goes to the API as it is, which says what is wrong with it. */
async function pathOf(client: AdminClient, wanted: string): Promise<string> {
  const [users, teams] = await Promise.all([client.get<List<OwnerView>>('users'), client.get<List<OwnerView>>('teams')])
  const owners = [...users.data, ...teams.data]
  const named = owners.some(({ id }) => id === wanted) ? [] : owners.filter(({ name }) => name === wanted)
  if (named.length > 1) throw misused(`A user and a team are named '${plain(wanted)}': say ${named.map(({ id }) => id).join(' or ')}.`)
  return encodeURIComponent(named[0]?.id ?? wanted)
}

function usdOption(option: string, text: string): string {
  if (!/^\d+(\.\d+)?$/.test(text)) throw misused(`${option} is an amount of USD like 25 or 0.50, not '${text}'.`)
  return text
}

function printMade(terminal: Terminal, { json }: InstanceOptions, made: TransferMadeView): void {
  if (json === true) return terminal.line(JSON.stringify(made))
  const { account, transfer } = made
  const moved = transfer.entries.filter((entry) => entry.account === account.id)
  const what = moved.map(({ amount_usd: usd, pot }) => `${exactUsd(usd)}${pot === 'promo' ? ' (promo)' : ''}`).join(' and ')
  const name = account.owner === null ? account.id : plain(account.owner.name)
  terminal.line(`Booked as transfer ${transfer.id}: ${what} for ${name}, whose balance is ${exactUsd(account.balance_usd)} now.`)
  if (account.owner !== null && !account.prepaid)
    terminal.remark(`The ${account.owner.kind} ${name} is not prepaid: what it spends is not taken from this wallet.`)
}

function printAccount(terminal: Terminal, account: AccountView): void {
  const { owner } = account
  printFields(terminal, [
    ['account', plain(account.id)],
    ['of', owner && `${owner.kind} ${plain(owner.name)} (${owner.id})`],
    ['prepaid', owner && (account.prepaid ? 'yes' : 'no: what it spends is not taken from here')],
    ['balance', exactUsd(account.balance_usd)],
    ['paid', account.paid_usd && exactUsd(account.paid_usd)],
    ['promo', account.promo_usd && exactUsd(account.promo_usd)],
    ['held', account.held_usd && exactUsd(account.held_usd)],
    ['opened', account.opened_at && formatTime(account.opened_at)],
  ])
}
