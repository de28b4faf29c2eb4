// How requests look as rows of a table.
import type { RequestRow } from '#store'
import type { Column } from './table.ts'
import type { Format, Terminal } from './terminal.ts'
import { dollars, formatCount, formatMs, formatTime, plain, shorten } from './words.ts'

const outcomeColours = {
  ok: 'green',
  client_error: 'yellow',
  denied: 'yellow',
  upstream_error: 'red',
  interrupted: 'red',
  cancelled: 'dim',
} as const satisfies Record<RequestRow['outcome'], Format>

/** Provider and model that answered, or the model that was asked for. */
export function targetOf(row: Pick<RequestRow, 'model' | 'provider'>): string {
  return plain(row.provider !== null && row.model.served !== null ? `${row.provider}/${row.model.served}` : row.model.asked || '-')
}

/** The amount, marked `~` where the usage was counted by us. */
export function costOf(row: Pick<RequestRow, 'cost_usd' | 'cost_source'>): string {
  return row.cost_usd === null ? '-' : `${row.cost_source === 'estimated' ? '~' : ''}${dollars(row.cost_usd)}`
}

export function paintOutcome(terminal: Terminal, outcome: RequestRow['outcome'], text: string): string {
  return terminal.paint(outcomeColours[outcome], text)
}

export function requestColumns(terminal: Terminal): readonly Column<RequestRow>[] {
  return [
    { title: 'AT', of: (row) => formatTime(row.at), width: 19, paint: (text) => terminal.paint('dim', text) },
    { title: 'ID', of: (row) => plain(row.id), width: 26 },
    { title: 'MODEL', of: (row) => shorten(targetOf(row), 40), width: 24 },
    { title: 'OUTCOME', of: (row) => row.outcome, width: 14, paint: (text, row) => paintOutcome(terminal, row.outcome, text) },
    { title: 'STATUS', of: (row) => String(row.status), align: 'right' },
    { title: 'IN', of: (row) => formatCount(row.tokens.input), align: 'right', width: 7 },
    { title: 'OUT', of: (row) => formatCount(row.tokens.output), align: 'right', width: 6 },
    { title: 'COST', of: costOf, align: 'right', width: 10 },
    { title: 'FIRST', of: (row) => formatMs(row.ms.first_token), align: 'right', width: 6 },
    { title: 'TOTAL', of: (row) => formatMs(row.ms.total), align: 'right', width: 6 },
    { title: 'KEY', of: (row) => shorten(plain(row.key.name), 20) || '-', width: 8 },
    { title: 'ERROR', of: (row) => plain(row.error?.code ?? ''), paint: (text, row) => paintOutcome(terminal, row.outcome, text) },
  ]
}
