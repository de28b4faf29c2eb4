// What a run was asked for.
import { parseArgs } from 'node:util'
import { scenarioNames, type ScenarioName } from './scenarios.ts'
import { contenderNames, type ContenderName } from './contenders/contender.ts'

export type Options = {
  readonly scenarios: readonly ScenarioName[]
  readonly contenders: readonly ContenderName[]
  readonly rounds: number
  readonly smoke: boolean
  /** Only JSON on stdout. */
  readonly json: boolean
  /** Turnpike writes CPU profiles; figures of such a run are not figures. */
  readonly profile: boolean
}

export const usage = `npm run bench -- [--smoke] [--scenario S2,S3] [--contender naive,turnpike] [--rounds N] [--profile] [--json]
  scenarios: ${scenarioNames.join(', ')} (all but S6 unless named)
  contenders: ${contenderNames.join(', ')} (direct, naive and, where Turnpike has something extra, plain always run)`

/** Throws one sentence on what it doesn't know. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      smoke: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      contender: { type: 'string' },
      rounds: { type: 'string' },
    },
  })
  const smoke = values.smoke
  const rounds = Number(values.rounds ?? (smoke ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50)
    throw new Error(`--rounds takes a number from 1 to 50, not '${values.rounds}'`)
  const wanted =
    list('--contender', values.contender, contenderNames) ?? (smoke ? (['direct', 'naive', 'plain', 'turnpike'] as const) : contenderNames)
  return {
    smoke,
    rounds,
    json: values.json,
    profile: values.profile,
    scenarios:
      list('--scenario', values.scenario, scenarioNames) ??
      (smoke ? ['S2', 'S2c', 'S2m', 'S7', 'S3', 'S4'] : scenarioNames.filter((name) => name !== 'S6')),
    contenders: contenderNames.filter((name) => name === 'direct' || name === 'naive' || name === 'plain' || wanted.includes(name)),
  }
}

function list<T extends string>(flag: string, text: string | undefined, known: readonly T[]): readonly T[] | undefined {
  if (text === undefined) return undefined
  return text.split(',').map((name) => {
    const found = known.find((one) => one.toLowerCase() === name.trim().toLowerCase())
    if (found === undefined) throw new Error(`${flag} knows ${known.join(', ')}, not '${name}'`)
    return found
  })
}
