// One request told to a person: a sentence first, then its facts.
import type { RequestDetail } from '#store'
import { formatUsdPerMillion, parsePicoUsd } from '#ir'
import { costOf, paintOutcome, targetOf } from './request-rows.ts'
import { tableLines } from './table.ts'
import type { Terminal } from './terminal.ts'
import { dollars, formatCount, formatMs, formatTime, plain } from './words.ts'

/** What happened, in one line: who served it or why not, what it cost and how long it took. */
export function headline(detail: RequestDetail): string {
  return `${eventOf(detail)} ${amountsOf(detail)}`
}

function eventOf(detail: RequestDetail): string {
  const target = targetOf(detail)
  const why = detail.error === undefined ? `status ${detail.status}` : plain(`${detail.error.code}, status ${detail.status}`)
  const tries = `${detail.attempts} ${detail.attempts === 1 ? 'attempt' : 'attempts'}`
  switch (detail.outcome) {
    case 'ok':
      if (detail.cache === 'HIT') return `Served from the cache: ${target}.`
      return detail.attempts === 0 ? `Served as ${target} without a provider.` : `Served by ${target} on attempt ${detail.attempts}.`
    case 'client_error':
      return `The request was at fault (${why}).`
    case 'denied':
      return `Denied (${why}).`
    case 'upstream_error':
      return `Failed after ${tries} (${why}${lastClassOf(detail)}).`
    case 'interrupted':
      return `Interrupted while ${target} answered (${why}${lastClassOf(detail)}).`
    case 'cancelled':
      return detail.attempts === 0 ? 'The client left before anything was sent.' : `The client left while ${target} answered.`
    default:
      return detail.outcome satisfies never
  }
}

function lastClassOf(detail: RequestDetail): string {
  const kind = detail.attempt_list.at(-1)?.error?.class
  return kind === undefined || kind === detail.error?.code ? '' : `, ${plain(kind)}`
}

function amountsOf(detail: RequestDetail): string {
  const amounts: string[] = []
  if (detail.cost_usd !== null) amounts.push(`${dollars(detail.cost_usd)}${detail.cost_source === 'estimated' ? ' (estimated)' : ''}`)
  else if (detail.tokens.output !== null) amounts.push('unpriced')
  amounts.push(formatMs(detail.ms.total))
  if (detail.ms.first_token !== null) amounts.push(`first token ${formatMs(detail.ms.first_token)}`)
  return `${amounts.join(', ')}.`
}

/** Everything but the bodies. */
export function storyLines(detail: RequestDetail, terminal: Terminal): string[] {
  const title = (text: string): string[] => ['', terminal.paint('bold', text)]
  const lines = [paintOutcome(terminal, detail.outcome, headline(detail)), '', ...factLines(detail)]
  if (detail.attempt_list.length > 0) lines.push(...title('Attempts'), ...indent(attemptLines(detail)))
  if (detail.cost_lines.length > 0)
    lines.push(
      ...title(`Cost ${costOf(detail)} (${detail.cost_source}${detail.price_version === null ? '' : `, ${plain(detail.price_version)}`})`),
      ...indent(costTable(detail)),
    )
  if (detail.provider_cost_usd !== null) lines.push(`  The provider says it billed ${dollars(detail.provider_cost_usd)}.`)
  const [seen, changed] = [detail.notes.filter(isSeen), detail.notes.filter((note) => !isSeen(note))]
  if (seen.length > 0) lines.push(...title('Noted'), ...seen.map(({ path, why }) => plain(`  ${path}: ${why}`)))
  if (changed.length > 0)
    lines.push(...title('Lost in translation'), ...changed.map(({ code, path, why }) => plain(`  ${code} ${path}: ${why}`)))
  return lines
}

/** What the gateway saw or decided, as of limits and loops: nothing of the request was changed. */
function isSeen({ code }: RequestDetail['notes'][number]): boolean {
  return code === 'observed'
}

function factLines(detail: RequestDetail): string[] {
  const { tokens } = detail
  const lane = { pass: 'passed through', translate: 'translated', none: 'nothing sent' }[detail.lane]
  const asked = `${detail.model.asked || '-'}  (${detail.endpoint}, ${detail.wire}, ${detail.stream ? 'streamed' : 'not streamed'}, ${lane})`
  const input = `${formatCount(tokens.input)} in${tokens.cached === null ? '' : ` (${formatCount(tokens.cached)} cached)`}`
  const output = `${formatCount(tokens.output)} out${tokens.reasoning === null ? '' : ` (${formatCount(tokens.reasoning)} reasoning)`}`
  const facts: [string, string][] = [
    ['id', detail.id],
    ['at', formatTime(detail.at)],
    ['asked', asked],
    ['key', detail.key.id === '' ? '' : `${detail.key.name} (${detail.key.id})`],
    ['config', detail.config === undefined ? '' : configOf(detail.config)],
    ['cache', detail.cache === 'DISABLED' ? '' : detail.cache],
    ['kind', detail.kind],
    ['session', detail.session],
    ['trace', detail.trace],
    ['client', detail.client],
    ['status', `${detail.status} ${detail.outcome}${detail.finish_reason === null ? '' : `, finish reason ${detail.finish_reason}`}`],
    ['tokens', tokens.input === null && tokens.output === null ? '' : `${input}, ${output}`],
    ['overhead', formatMs(detail.ms.overhead)],
    ['bodies', `${bodyOf(detail, 'request')}, ${bodyOf(detail, 'response')}`],
    ['metadata', Object.entries(detail.metadata).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' ')], // prettier-ignore
  ]
  return facts.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(9)} ${plain(value)}`)
}

function configOf({ slug, version }: { slug: string; version: number }): string {
  return version === 0 ? 'came with the request' : `${slug}, version ${version}`
}

function bodyOf(detail: RequestDetail, part: 'request' | 'response'): string {
  return `${part} ${formatCount(detail.bytes[part])} bytes ${detail.payloads[part] ? 'stored' : 'not stored'}`
}

function attemptLines(detail: RequestDetail): string[] {
  const rows = detail.attempt_list.map((attempt, index) => ({ ...attempt, number: index + 1 }))
  return tableLines(
    [
      { title: '#', of: (row) => String(row.number), align: 'right' },
      { title: 'TARGET', of: (row) => plain(`${row.provider}/${row.model}`) },
      { title: 'CREDENTIAL', of: (row) => plain(row.credential) },
      { title: 'STATUS', of: (row) => (row.status === null ? '-' : String(row.status)), align: 'right' },
      { title: 'HEAD', of: (row) => formatMs(row.ms.head), align: 'right' },
      { title: 'FIRST', of: (row) => formatMs(row.ms.first_token), align: 'right' },
      { title: 'TOTAL', of: (row) => formatMs(row.ms.total), align: 'right' },
      ...(rows.some(({ route }) => route !== null)
        ? [{ title: 'ROUTE', of: (row: { route: string | null }) => plain(row.route ?? '-') }]
        : []),
      {
        title: 'WHAT',
        of: (row) => plain([row.error === null ? 'ok' : `${row.error.class}: ${row.error.message}`, row.reason].filter(Boolean).join('; ')),
      },
    ],
    rows,
  )
}

type CostLine = RequestDetail['cost_lines'][number]

function costTable(detail: RequestDetail): string[] {
  return tableLines(
    [
      { title: 'ITEM', of: (line) => plain(line.item) },
      { title: 'UNITS', of: (line) => formatCount(line.units), align: 'right' },
      { title: 'PRICE', of: (line) => unitPrice(line.item, line.unit_usd), align: 'right' },
      { title: 'AMOUNT', of: (line) => `$${line.amount_usd}`, align: 'right' },
      ...(detail.cost_lines.some(({ rate }) => rate !== undefined)
        ? [{ title: 'RATE', of: (line: CostLine) => plain(line.rate ?? '') }]
        : []),
    ],
    detail.cost_lines,
  )
}

/** Tokens are written by the million, requests and calls each. */
const tokenItems = /^(input|output|cache_|reasoning)/

function unitPrice(item: string, unitUsd: string): string {
  const pico = parsePicoUsd(unitUsd)
  if (!tokenItems.test(item) || pico === undefined) return `$${unitUsd}`
  return `$${formatUsdPerMillion(pico)} / million`
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
