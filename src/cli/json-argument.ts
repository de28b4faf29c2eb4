// JSON as a command line gives it: written out, in a file, or on stdin.
import { readFileSync } from 'node:fs'
import type { CliContext } from './context.ts'
import { CliFailure, misused, systemCode } from './failure.ts'
import { plain } from './words.ts'

/** `text`: the JSON itself, the name of a file, or `-` for stdin. `what`: for sentences, such as `a routing config`. */
export async function readJsonArgument(text: string, what: string, { readStdin }: Pick<CliContext, 'readStdin'>): Promise<object> {
  if (isInline(text)) return parsed(text, what, `The JSON of ${what}`)
  if (text === '-') return parsed(await readStdin(), what, `What came on stdin for ${what}`)
  let bytes: Buffer
  try {
    bytes = readFileSync(text)
  } catch (error) {
    throw new CliFailure(
      `The file ${plain(text)} cannot be read (${systemCode(error) ?? 'no file'}). Give ${what} as a file, as JSON in quotes, or - for stdin.`,
    )
  }
  return parsed(bytes.toString('utf8'), what, `The file ${plain(text)}`)
}

/** Begins as JSON does. */
export function isInline(text: string): boolean {
  return /^\s*[{[]/.test(text)
}

/** What it holds is not repeated: it may be a secret. */
function parsed(text: string, what: string, from: string): object {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\u{feff}/u, ''))
  } catch (error) {
    const { position } = /at position (?<position>\d+)/.exec((error as Error).message)?.groups ?? {}
    const at = position === undefined ? '' : ` (line ${text.slice(0, Number(position)).split('\n').length})`
    throw misused(`${from} is ${text.trim() === '' ? 'empty' : 'not JSON'}${at}; ${what} is one JSON object.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw misused(`${from} is not an object; ${what} is one JSON object.`)
  return value
}
