// What a run says: a table, a markdown snippet and JSON. Ratios are taken within a round, then their median and range.
import os from 'node:os'
import type { ContenderName } from './contenders/contender.ts'
import type { Figures } from './measure.ts'
import type { Round, ScenarioResult } from './rounds.ts'
import type { Bounds } from './scenarios.ts'
import { spread, type Spread } from './statistics.ts'

type Row = { readonly contender: ContenderName; readonly cells: readonly string[] }
export type Verdict = {
  readonly what: string
  readonly value: number
  readonly bounds: Bounds
  readonly met: 'target' | 'ceiling' | 'missed'
}

export type Table = {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  readonly verdicts: readonly Verdict[]
  readonly threads?: string
}

/** A figure of every round in which the contender has it. */
function values(rounds: readonly Round[], contender: ContenderName, of: (figures: Figures) => number | undefined): number[] {
  return rounds.map((round) => round.get(contender)).flatMap((figures) => (figures === undefined ? [] : (of(figures) ?? [])))
}

/** Ratios of one contender to another, each within its round. */
export function ratios(
  rounds: readonly Round[],
  above: ContenderName,
  below: ContenderName,
  of: (figures: Figures) => number | undefined,
): number[] {
  return rounds.flatMap((round) => {
    const a = round.get(above)
    const b = round.get(below)
    const x = a === undefined ? undefined : of(a)
    const y = b === undefined ? undefined : of(b)
    return x === undefined || y === undefined || y === 0 ? [] : [x / y]
  })
}

export function tableOf({ scenario, rounds, idleRssBytes }: ScenarioResult): Table {
  const names = [...(rounds[0]?.keys() ?? [])].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  const title = `${scenario.name}: ${scenario.title} (${rounds.length} rounds)`
  const all = (figures: Figures) => figures.allUs
  const main = (figures: Figures) => figures.mainUs
  const cell = (numbers: readonly number[], digits: number) => (numbers.length === 0 ? '-' : show(spread(numbers), digits))
  if (scenario.name === 'L') {
    return {
      title,
      columns: ['p50 ms', 'p99 ms', 'p50 beside naive', 'p99 beside naive', 'CPU us'],
      rows: names.map((contender) => ({
        contender,
        cells: [
          cell(
            values(rounds, contender, (f) => f.p50Ms),
            2,
          ),
          cell(
            values(rounds, contender, (f) => f.p99Ms),
            2,
          ),
          cell(
            added(rounds, contender, (f) => f.p50Ms),
            2,
          ),
          cell(
            added(rounds, contender, (f) => f.p99Ms),
            2,
          ),
          cell(values(rounds, contender, all), 0),
        ],
      })),
      verdicts: [
        ...verdict(
          'p50 beside the naive proxy, ms',
          added(rounds, 'turnpike', (f) => f.p50Ms),
          { target: 0.15, ceiling: 0.4 },
        ),
        ...verdict(
          'p99 beside the naive proxy, ms',
          added(rounds, 'turnpike', (f) => f.p99Ms),
          { target: 0.5, ceiling: 2 },
        ),
      ],
    }
  }
  if (scenario.name === 'S5') {
    const beside = (f: Figures) => f.longestGapMs
    return {
      title,
      columns: ['longest pause of any stream, ms', 'beside the direct run, ms', 'an image, ms', 'RSS MB'],
      rows: names.map((contender) => ({
        contender,
        cells: [
          cell(values(rounds, contender, beside), 0),
          cell(added(rounds, contender, beside, 'direct'), 0),
          cell(
            values(rounds, contender, (f) => f.imageMs),
            0,
          ),
          cell(
            values(rounds, contender, (f) => f.rssBytes).map((bytes) => bytes / 2 ** 20),
            0,
          ),
        ],
      })),
      verdicts: verdict('longest pause of any stream beside the direct run, ms', added(rounds, 'turnpike', beside, 'direct'), {
        target: 25,
        ceiling: 50,
      }),
    }
  }
  if (scenario.name === 'S6') {
    return {
      title,
      columns: ['RSS KB a stream', '% of a core', 'idle RSS MB'],
      rows: names
        .filter((name) => name !== 'direct')
        .map((contender) => ({
          contender,
          cells: [
            cell(values(rounds, contender, (f) => f.rssPerStreamBytes).map(kilo), 1),
            cell(
              values(rounds, contender, (f) => f.coreShare).map((share) => share * 100),
              1,
            ),
            ((idleRssBytes.get(contender) ?? 0) / 2 ** 20).toFixed(0),
          ],
        })),
      verdicts: [
        ...verdict('RSS a stream, KB', values(rounds, 'turnpike', (f) => f.rssPerStreamBytes).map(kilo), { target: 60, ceiling: 60 }),
        ...verdict(
          'share of a core',
          values(rounds, 'turnpike', (f) => f.coreShare),
          { target: 0.25, ceiling: 0.25 },
        ),
      ],
    }
  }
  const chunk = scenario.unit === 'chunk'
  const digits = chunk ? 1 : 0
  return {
    title,
    columns: [
      `CPU us a ${scenario.unit}`,
      'event loop us',
      'x naive',
      'event loop x naive',
      chunk ? 'first content p50 ms' : `${scenario.unit}s/s`,
      'RSS MB',
    ],
    rows: names.map((contender) => ({
      contender,
      cells: [
        cell(values(rounds, contender, all), digits),
        cell(values(rounds, contender, main), digits),
        cell(ratios(rounds, contender, 'naive', all), 2),
        cell(ratios(rounds, contender, 'naive', main), 2),
        chunk
          ? cell(
              values(rounds, contender, (f) => f.p50Ms),
              1,
            )
          : cell(
              values(rounds, contender, (f) => f.unitsPerSecond),
              0,
            ),
        cell(
          values(rounds, contender, (f) => f.rssBytes).map((bytes) => bytes / 2 ** 20),
          0,
        ),
      ],
    })),
    verdicts: [
      ...(scenario.all === undefined ? [] : verdict('CPU of all threads, x naive', ratios(rounds, 'turnpike', 'naive', all), scenario.all)),
      ...(scenario.extra === undefined
        ? []
        : verdict(
            `CPU of all threads, x without ${without[scenario.extra.kind]}`,
            ratios(rounds, 'turnpike', 'plain', all),
            scenario.extra.beside,
          )),
      ...(scenario.main === undefined
        ? []
        : verdict('event-loop thread, x naive', ratios(rounds, 'turnpike', 'naive', main), scenario.main)),
      ...(scenario.portkey === undefined
        ? []
        : verdict("Portkey's CPU, x Turnpike's", ratios(rounds, 'portkey', 'turnpike', all), scenario.portkey)),
    ],
    threads: threadsOf(rounds, digits),
  }
}

export function renderText(table: Table): string {
  const rows = [['', ...table.columns], ...table.rows.map(({ contender, cells }) => [contender, ...cells])]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('   '),
  )
  return [
    table.title,
    ...lines.map((line) => `  ${line}`),
    ...table.verdicts.map((one) => `  ${sentence(one)}`),
    ...(table.threads ? [`  ${table.threads}`] : []),
  ].join('\n')
}

export function renderMarkdown(table: Table): string {
  const rows = table.rows.map(({ contender, cells }) => `| ${contender} | ${cells.join(' | ')} |`)
  const verdicts = table.verdicts.map((one) => `- ${sentence(one)}`)
  return [
    `**${table.title}**`,
    '',
    `| | ${table.columns.join(' | ')} |`,
    `|---|${table.columns.map(() => '---:|').join('')}`,
    ...rows,
    ...(verdicts.length > 0 ? ['', ...verdicts] : []),
    '',
  ].join('\n')
}

export function machine(): Record<string, string | number> {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    arch: os.arch(),
  }
}

/** Plain data of one scenario, every accepted round as measured. */
export function jsonOf(result: ScenarioResult, table: Table): object {
  return {
    name: result.scenario.name,
    title: result.scenario.title,
    unit: result.scenario.unit,
    load: result.scenario.load,
    rounds: result.rounds.map((round) => Object.fromEntries(round)),
    refused: result.refused,
    idleRssBytes: Object.fromEntries(result.idleRssBytes),
    verdicts: table.verdicts,
  }
}

/** Where Turnpike's CPU goes, thread by thread, medians. */
function threadsOf(rounds: readonly Round[], digits: number): string {
  const names = new Set(rounds.flatMap((round) => Object.keys(round.get('turnpike')?.byThreadUs ?? {})))
  const shares = [...names].map((name) => ({
    name,
    us: spread(values(rounds, 'turnpike', (figures) => figures.byThreadUs?.[name] ?? 0)).median,
  }))
  if (shares.length === 0) return ''
  return `turnpike, us by thread: ${shares
    .sort((a, b) => b.us - a.us)
    .map(({ name, us }) => `${name} ${us.toFixed(digits)}`)
    .join(', ')}`
}

const order: readonly ContenderName[] = ['direct', 'nginx', 'naive', 'plain', 'turnpike', 'portkey']
const without = { routing: 'a config', limits: 'limits' } as const
const kilo = (bytes: number) => bytes / 1024

function added(
  rounds: readonly Round[],
  contender: ContenderName,
  of: (figures: Figures) => number | undefined,
  beside: ContenderName = 'naive',
): number[] {
  return rounds.flatMap((round) => {
    const own = of(round.get(contender) ?? noFigures)
    const other = of(round.get(beside) ?? noFigures)
    return own === undefined || other === undefined ? [] : [own - other]
  })
}

const noFigures: Figures = { units: 0, unitsPerSecond: 0, problems: [] }

function verdict(what: string, numbers: readonly number[], bounds: Bounds): Verdict[] {
  if (numbers.length === 0) return []
  const value = spread(numbers).median
  // Of Portkey's CPU there may be more, of ours less.
  const holds = (bound: number) => (what.startsWith('Portkey') ? value >= bound : value <= bound)
  return [
    {
      what,
      value,
      bounds,
      met: holds(bounds.target) ? 'target' : bounds.ceiling === undefined || holds(bounds.ceiling) ? 'ceiling' : 'missed',
    },
  ]
}

function sentence({ what, value, bounds, met }: Verdict): string {
  const verdicts = { target: 'target met', ceiling: 'between target and ceiling', missed: 'CEILING MISSED' } as const
  const { target, ceiling } = bounds
  const said = met === 'ceiling' && ceiling === undefined ? 'target missed' : verdicts[met]
  return `turnpike, ${what}: ${value.toFixed(2)} (target ${target}${ceiling === undefined ? '' : `, ceiling ${ceiling}`}): ${said}`
}

function show({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
}
